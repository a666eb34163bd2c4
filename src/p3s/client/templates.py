"""Workflow templates from files: our YAML, strictly and with the line of what is wrong, or 2018's GraphML."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from p3s.domain.workflows.dag import check
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import ANYWHERE
from p3s.protocol.workflows import INPUTS, NOOP, ON_FAILURE, TYPES, Datum, Node, Parameter, TemplateSpec

from . import graphml
from .descriptions import needs_of, resolved
from .document import Field, content, parse

TOP = ("workflow", "description", "parameters", "defaults", "nodes")
DEFAULTS = ("jobtype", "env", "priority", "time_limit", "needs", "shell", "at_most", "on_failure")
NODE = (*DEFAULTS, "payload", "in", "out", "for_each", "after")
DATUM = ("type", "name", "path", "dirpath", "keep", "comment")
PARAMETER = ("type", "default", "min", "max", "choices", "comment")
"""The words of the format."""

_LIKE = "like {ped: {payload: ./ped.sh, for_each: inputs, out: {PED: ROOT}}}"


def read(path: Path) -> TemplateSpec:
    """The template of a file, checked. Payloads written as ./x are those beside the file. Raises BadInput with the
    file, the line, and what to write instead."""
    return read_text(content(path), path)


def read_text(text: str, path: Path) -> TemplateSpec:
    """As `read`; `path` is where it comes from."""
    if path.suffix in (".graphml", ".xml") or text.lstrip().startswith("<"):
        return graphml.read(text, path)
    document = parse(text, path)
    template = replace(_template(document, path.parent), source=text)
    try:
        check(template)
    except BadInput as error:
        raise _placed(error, document, template) from None
    return template


def _placed(error: BadInput, document: Field, template: TemplateSpec) -> BadInput:
    """The rules name nodes and data; a person looks for a line."""
    where, _, _ = str(error).partition(": ")
    if where == "name":
        where = "workflow"
    elif where == "env" or where.startswith("env."):
        where = f"defaults.{where}"
    for name, datum in template.data.items():
        if where == f"data.{name}" or where.startswith(f"data.{name}."):
            rest = where.removeprefix(f"data.{name}")
            where = f"nodes.{datum.node}.out.{datum.variable}{rest}"
            break
    found = document.at(where)
    return BadInput(f"{found.file}:{found.line}: {error}")


def _template(document: Field, directory: Path) -> TemplateSpec:
    top = document.known(TOP, "a template: workflow: NAME and nodes: {...}; p3s workflow template new NAME writes one")
    for required in ("workflow", "nodes"):
        if required not in top:
            like = "a name" if required == "workflow" else _LIKE
            raise document.wrong(f"{required}: is required, {like}")
    defaults = (
        top["defaults"].known(DEFAULTS, "settings of all nodes, like {jobtype: calib}") if "defaults" in top else {}
    )
    parameters = top["parameters"].names("like {release: {default: v7}}") if "parameters" in top else {}
    nodes: dict[str, Node] = {}
    data: dict[str, Datum] = {}
    for name, entry in top["nodes"].names(_LIKE).items():
        fields = entry.known(NODE, "like {payload: ./ped.sh, out: {PED: ROOT}}")
        nodes[name] = _node(entry, fields, defaults, directory)
        for variable, out in fields["out"].names("like {PED: ROOT}").items() if "out" in fields else ():
            data[f"{name}.{variable}"] = _datum(name, variable, out)
    return TemplateSpec(
        name=top["workflow"].text("must be a name"),
        nodes=nodes,
        data=data,
        parameters={name: _parameter(entry) for name, entry in parameters.items()},
        comment=top["description"].text() if "description" in top else "",
        env=defaults["env"].environment() if "env" in defaults else {},
    )


def _node(entry: Field, own: dict[str, Field], defaults: dict[str, Field], directory: Path) -> Node:
    noop = "jobtype" in own and own["jobtype"].value == NOOP
    fields = own if noop else {**defaults, **own}
    if not noop and "payload" not in own:
        raise entry.wrong(f"payload: is required, the command to run; a node that only names files has jobtype: {NOOP}")
    values: dict[str, Any] = {"env": own["env"].environment() if "env" in own else {}}
    for name, field in fields.items():
        if name in _READ:
            values[name] = _READ[name](field)
    for_each = own.get("for_each")
    if for_each is not None:
        values |= _fan_out(for_each)
    return Node(
        payload=resolved(own["payload"].text("must be the command to run"), directory) if "payload" in own else "",
        inputs=_reads(own["in"]) if "in" in own else {},
        lists=_lists(own["in"]) if "in" in own else [],
        **values,
    )


def _needs(field: Field) -> Any:
    return needs_of(field.plain, field.where) if field.value else ANYWHERE


def _limit(field: Field) -> float:
    return 0.0 if field.value == 0 else field.seconds()


def _after(field: Field) -> list[str]:
    """One node, or several."""
    return [_written(one) for one in (field.value if isinstance(field.value, list) else [field])]


_READ = {
    "jobtype": lambda field: field.text("must be a job type"),
    "priority": lambda field: field.whole(-1_000, 1_000),
    "time_limit": _limit,
    "needs": _needs,
    "shell": lambda field: field.yes(),
    "at_most": lambda field: field.whole(1, 10_000),
    "on_failure": lambda field: field.word(ON_FAILURE),
    "after": _after,
}


def _fan_out(field: Field) -> dict[str, Any]:
    """`inputs`, a node or datum to follow, a parameter that is a list, or a list of texts."""
    if isinstance(field.value, list):
        if not field.value:
            raise field.wrong(f"the list is empty; name what jobs are made for, or write for_each: {INPUTS}")
        return {"values": [_written(one) for one in field.value]}
    text = field.text(f"must be {INPUTS}, a node that fans out, or a list like [1, 2, 3]")
    return {"values": [text]} if text.startswith("{") else {"for_each": text}


def _written(field: Field) -> str:
    """A plain value as it was written."""
    if field.value is None or isinstance(field.value, (dict, list)):
        raise field.wrong(f"must be a text or a number, not {field.shown}")
    return field.written


def _reads(field: Field) -> dict[str, list[str]]:
    """`ped.PED`, several of them, or by variable: under its own name a datum keeps its variable."""
    if isinstance(field.value, dict):
        return {variable: _data(one) for variable, one in field.names("like {PED: ped.PED}").items()}
    found: dict[str, list[str]] = {}
    for one in field.value if isinstance(field.value, list) else [field]:
        name = one.text("must be what another node writes, like ped.PED, or {PED: ped.PED}")
        node, dot, variable = name.rpartition(".")
        if not dot or not node:
            raise one.wrong(f"{name!r} lacks the variable; write NODE.VARIABLE, or {{VARIABLE: {name}}}")
        found.setdefault(variable, []).append(name)
    return found


def _lists(field: Field) -> list[str]:
    """Variables that hold a file with the paths, one a line: `{PED: {list: ped.PED}}`."""
    named = field.value.items() if isinstance(field.value, dict) else ()
    return [variable for variable, one in named if isinstance(one.value, dict)]


def _data(field: Field) -> list[str]:
    if isinstance(field.value, dict):
        own = field.known(("list",), "what another node writes, like ped.PED, or {list: ped.PED}")
        return _data(own["list"])
    return [
        one.text("must be what another node writes, like ped.PED")
        for one in (field.value if isinstance(field.value, list) else [field])
    ]


def _datum(node: str, variable: str, field: Field) -> Datum:
    """A data type, or more of it."""
    if not isinstance(field.value, dict):
        return Datum(node, variable, field.text("must be a data type, like ROOT, or {type: ROOT, name: sum.root}"))
    if not field.value:
        return Datum(node, variable)
    own = field.known(DATUM, "a data type, like ROOT, or {type: ROOT, name: sum.root}")
    values: dict[str, Any] = {name: _written(own[name]) for name in DATUM if name in own and name != "keep"}
    return Datum(node, variable, keep=own["keep"].seconds() if "keep" in own else None, **values)


def _parameter(field: Field) -> Parameter:
    """Declared, or its default alone."""
    if not isinstance(field.value, dict):
        kind = {bool: "bool", int: "int", float: "float", str: "string", list: "list"}.get(type(field.value))
        if kind is None:
            raise field.wrong(f"must be like {{type: int, default: 10}}, or a default, not {field.shown}")
        return Parameter(kind, _default(field, kind))
    own = field.known(PARAMETER, "like {type: int, default: 10}")
    kind = own["type"].word(TYPES) if "type" in own else "string"
    choices = own["choices"].items("[a, b]") if "choices" in own else []
    bounds = {name: _bound(own[name]) for name in ("min", "max") if name in own}
    return Parameter(
        kind,
        _default(own["default"], kind) if "default" in own else None,
        choices=[_default(one, kind) for one in choices],
        comment=own["comment"].text() if "comment" in own else "",
        **bounds,
    )


def _default(field: Field, kind: str) -> Any:
    """As it was written where it is a text: 1.10 is not 1.1."""
    if kind == "list" and isinstance(field.value, list):
        return [_written(one) for one in field.value]
    return field.written if kind == "string" and not isinstance(field.value, (dict, list)) else field.plain


def _bound(field: Field) -> float:
    if isinstance(field.value, bool) or not isinstance(field.value, (int, float)):
        raise field.wrong(f"must be a number, not {field.shown}")
    return float(field.value)
