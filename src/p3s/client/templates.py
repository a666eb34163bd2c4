"""Workflow templates from files: our YAML, strictly and with the line of what is wrong, or 2018's GraphML."""

from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from p3s.domain.workflows.dag import mistakes
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import ANYWHERE
from p3s.protocol.mistakes import refuse, said
from p3s.protocol.workflows import INPUTS, NOOP, ON_FAILURE, TYPES, Datum, Node, Parameter, TemplateSpec

from . import graphml
from .descriptions import needs_of, resolved
from .document import Field, content, parse
from .mistakes import Mistakes

TOP = ("workflow", "description", "parameters", "defaults", "nodes")
DEFAULTS = ("jobtype", "env", "priority", "time_limit", "needs", "shell", "at_most", "on_failure")
NODE = (*DEFAULTS, "payload", "in", "out", "for_each", "after")
DATUM = ("type", "name", "path", "dirpath", "keep", "comment")
PARAMETER = ("type", "default", "min", "max", "choices", "comment")
"""The words of the format."""

_OUTLINE = "a template: workflow: NAME and nodes: {...}; p3s workflow template new NAME writes one"
_LIKE = "like {ped: {payload: ./ped.sh, for_each: inputs, out: {PED: ROOT}}}"


def read(path: Path) -> TemplateSpec:
    """The template of a file, checked. Payloads written as ./x are those beside the file. Raises BadInput with all
    mistakes, each with the file, the line, and what to write instead."""
    return read_text(content(path), path)


def read_text(text: str, path: Path) -> TemplateSpec:
    """As `read`; `path` is where it comes from."""
    if path.suffix in (".graphml", ".xml") or text.lstrip().startswith("<"):
        return graphml.read(text, path)
    document, wrong = parse(text, path), Mistakes()
    template = _template(document, path.parent, wrong)
    if template is not None:
        for mistake in mistakes(template):
            field = _place(mistake, document, template)
            wrong.note(field.line, BadInput(f"{field.file}:{field.line}: {mistake}"))
    wrong.refuse()
    assert template is not None, "or why it is none was told"
    return replace(template, source=text)


def _place(mistake: str, document: Field, template: TemplateSpec) -> Field:
    """The rules name nodes and data; a person looks for a line."""
    where, _, _ = mistake.partition(": ")
    if where == "name":
        where = "workflow"
    elif where == "env" or where.startswith("env."):
        where = f"defaults.{where}"
    for name, datum in template.data.items():
        if where == f"data.{name}" or where.startswith(f"data.{name}."):
            rest = where.removeprefix(f"data.{name}")
            where = f"nodes.{datum.node}.out.{datum.variable}{rest}"
            break
    return document.at(where)


def _template(document: Field, directory: Path, wrong: Mistakes) -> TemplateSpec | None:
    """None if it has no nodes, or no telling which parameters: then the rules cannot be asked. What cannot be read is
    left out, or something stands for it that offends no rule."""
    top = wrong.known(document, TOP, _OUTLINE)
    parameters = wrong.names(top.get("parameters"), "like {release: {default: v7}}")
    declared = not wrong or bool(parameters)
    wrong.required(document, "workflow", TOP, "is required, a name")
    wrong.required(document, "nodes", TOP, f"is required, {_LIKE}")
    entries = wrong.names(top.get("nodes"), _LIKE)
    like = "settings of all nodes, like {jobtype: calib}"
    defaults = wrong.known(top["defaults"], DEFAULTS, like) if "defaults" in top else {}
    parts = _Parts(directory, defaults, wrong)
    for name, entry in entries.items():
        parts.add(name, entry)
    template = TemplateSpec(
        name=wrong.read(lambda field: field.text("must be a name"), top.get("workflow"), "unnamed"),
        nodes=parts.nodes,
        data=parts.all_data(),
        parameters={name: _parameter(entry, wrong) for name, entry in parameters.items()},
        comment=wrong.read(Field.text, top.get("description"), ""),
        env=wrong.environment(defaults.get("env")),
    )
    return template if declared and entries else None


class _Parts:
    """Nodes and what they write, as far as they can be read."""

    def __init__(self, directory: Path, defaults: dict[str, Field], wrong: Mistakes) -> None:
        self.directory, self.defaults, self.wrong = directory, defaults, wrong
        self.nodes: dict[str, Node] = {}
        self.data: dict[str, Datum] = {}
        self._unsure: set[str] = set()

    def add(self, name: str, entry: Field) -> None:
        """One node."""
        before = len(self.wrong)
        own = self.wrong.known(entry, NODE, "like {payload: ./ped.sh, out: {PED: ROOT}}")
        written = self.wrong.names(own.get("out"), "like {PED: ROOT}")
        unsure = len(self.wrong) > before
        self.nodes[name] = self._node(entry, own, unsure)
        for variable, field in written.items():
            datum = partial(_datum, name, variable, wrong=self.wrong)
            self.data[f"{name}.{variable}"] = self.wrong.read(datum, field, Datum(name, variable))
        if unsure:
            self._unsure.add(name)

    def all_data(self) -> dict[str, Datum]:
        """What is written; where that cannot be read, also what others read of it."""
        for node in [*self.nodes.values()] if self._unsure else ():
            for one in (node.for_each, *chain.from_iterable(node.inputs.values())):
                owner, _, variable = one.rpartition(".")
                if owner in self._unsure and variable:
                    self.data.setdefault(one, Datum(owner, variable))
        return self.data

    def _node(self, entry: Field, own: dict[str, Field], unsure: bool) -> Node:
        """`unsure`: a mistyped word may have been the one that is not there."""
        noop = "jobtype" in own and own["jobtype"].value == NOOP
        if not noop:
            no_command = f"is required, the command to run; a node that only names files has jobtype: {NOOP}"
            self.wrong.required(entry, "payload", NODE, no_command)
        values: dict[str, Any] = {"env": self.wrong.environment(own.get("env"))}
        for name, field in (own if noop else {**self.defaults, **own}).items():
            if name in _READ and (value := self.wrong.read(_READ[name], field, None)) is not None:
                values[name] = value
        follows = {"for_each": INPUTS if unsure or "for_each" in own else ""}
        values |= self.wrong.read(_fan_out, own.get("for_each"), follows)
        return Node(
            payload=self.wrong.read(self._payload, own.get("payload"), "" if noop else "-"),
            inputs=self._inputs(own.get("in")),
            lists=_lists(own["in"]) if "in" in own else [],
            **values,
        )

    def _payload(self, field: Field) -> str:
        return resolved(field.text("must be the command to run"), self.directory)

    def _inputs(self, field: Field | None) -> dict[str, list[str]]:
        """`ped.PED`, several of them, or by variable: under its own name a datum keeps its variable."""
        if field is None:
            return {}
        if isinstance(field.value, dict):
            return self.wrong.each(_data, self.wrong.names(field, "like {PED: ped.PED}"))
        found: dict[str, list[str]] = {}
        for one in field.value if isinstance(field.value, list) else [field]:
            with self.wrong.noted(one.line):
                name = _written_by(one)
                found.setdefault(name.rpartition(".")[2], []).append(name)
        return found


def _needs(field: Field) -> Any:
    if not field.value:
        return ANYWHERE
    named = field.plain.items() if isinstance(field.value, dict) else ()
    refuse(mistake for one in named for mistake in said(needs_of, dict([one]), field.where))
    return needs_of(field.plain, field.where)


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


def _written_by(field: Field) -> str:
    name = field.text("must be what another node writes, like ped.PED, or {PED: ped.PED}")
    node, dot, _ = name.rpartition(".")
    if not dot or not node:
        raise field.wrong(f"{name!r} lacks the variable; write NODE.VARIABLE, or {{VARIABLE: {name}}}")
    return name


def _lists(field: Field) -> list[str]:
    """Variables that hold a file with the paths, one a line: `{PED: {list: ped.PED}}`."""
    named = field.value.items() if isinstance(field.value, dict) else ()
    return [variable for variable, one in named if isinstance(one.value, dict) and "list" in one.value]


def _data(field: Field) -> list[str]:
    if isinstance(field.value, dict):
        own = field.known(("list",), "what another node writes, like ped.PED, or {list: ped.PED}")
        return _data(own["list"])
    return [
        one.text("must be what another node writes, like ped.PED")
        for one in (field.value if isinstance(field.value, list) else [field])
    ]


def _datum(node: str, variable: str, field: Field, wrong: Mistakes) -> Datum:
    """A data type, or more of it."""
    if not isinstance(field.value, dict):
        return Datum(node, variable, field.text("must be a data type, like ROOT, or {type: ROOT, name: sum.root}"))
    if not field.value:
        return Datum(node, variable)
    own = wrong.known(field, DATUM, "a data type, like ROOT, or {type: ROOT, name: sum.root}")
    values: dict[str, Any] = wrong.each(_written, {name: one for name, one in own.items() if name != "keep"})
    return Datum(node, variable, keep=wrong.read(Field.seconds, own.get("keep"), None), **values)


def _parameter(field: Field, wrong: Mistakes) -> Parameter:
    """Declared, or its default alone."""
    before = len(wrong)
    found = wrong.read(partial(_declared, wrong=wrong), field, Parameter())
    return found if len(wrong) == before else Parameter()


def _declared(field: Field, wrong: Mistakes) -> Parameter:
    if not isinstance(field.value, dict):
        kind = {bool: "bool", int: "int", float: "float", str: "string", list: "list"}.get(type(field.value))
        if kind is None:
            raise field.wrong(f"must be like {{type: int, default: 10}}, or a default, not {field.shown}")
        return Parameter(kind, _default(field, kind))
    own = wrong.known(field, PARAMETER, "like {type: int, default: 10}")
    kind = wrong.read(lambda one: one.word(TYPES), own.get("type"), "string")
    no_choices: list[Field] = []
    choices = wrong.read(lambda one: one.items("[a, b]"), own.get("choices"), no_choices)
    bounds = wrong.each(_bound, {name: own[name] for name in ("min", "max") if name in own})
    return Parameter(
        kind,
        wrong.read(lambda one: _default(one, kind), own.get("default"), None),
        choices=[wrong.read(lambda one: _default(one, kind), choice, None) for choice in choices],
        comment=wrong.read(Field.text, own.get("comment"), ""),
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
