"""A template as our YAML: what 2018's graphs and the API's objects look like in it."""

from typing import Any

import yaml

from p3s.domain.workflows.dag import file_of
from p3s.protocol import codec, units
from p3s.protocol.workflows import NOOP, Datum, Node, Parameter, TemplateSpec


def write(template: TemplateSpec) -> str:
    """The text; read again it gives the same jobs and files. A name that counts only where a start asks for it
    (2018's) is left out."""
    names = _names(template)
    document: dict[str, Any] = {"workflow": template.name}
    if template.comment.strip():
        document["description"] = template.comment
    if template.parameters:
        document["parameters"] = {name: _parameter(one) for name, one in template.parameters.items()}
    if template.env:
        document["defaults"] = {"env": dict(template.env)}
    document["nodes"] = {name: _node(name, node, template, names) for name, node in template.nodes.items()}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as they are read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _names(template: TemplateSpec) -> dict[str, str]:
    """By datum the variable under which its node has it here. Edges of a graph that are one file become one; those of a
    noop that are several get variables of their own."""
    found: dict[str, str] = {}
    taken: dict[tuple[str, str], tuple[Any, ...]] = {}
    for name, datum in template.data.items():
        what, variable, number = file_of(datum), datum.variable, 1
        while taken.setdefault((datum.node, variable), what) != what:
            number += 1
            variable = f"{datum.variable}_{number}"
        found[name] = variable
    return found


def _node(name: str, node: Node, template: TemplateSpec, names: dict[str, str]) -> dict[str, Any]:
    said = codec.to_object(node)
    entry = {
        field: said[field] for field in ("jobtype", "payload", "env", "priority", "needs", "shell") if field in said
    }
    if node.time_limit is not None:
        entry["time_limit"] = units.written(node.time_limit)
    if node.for_each or node.values:
        # A list of one field is read as a list, whether its parameter is one or not.
        entry["for_each"] = node.for_each or node.values
    entry |= {field: said[field] for field in ("at_most", "after", "on_failure") if field in said}
    reads = {variable: [_name(template, names, one) for one in data] for variable, data in node.inputs.items()}
    if reads:
        said_so = {variable: data[0] if len(data) == 1 else data for variable, data in reads.items()}
        entry["in"] = {name: {"list": data} if name in node.lists else data for name, data in said_so.items()}
    writes = {names[one]: _datum(datum, node) for one, datum in template.data.items() if datum.node == name}
    return entry | ({"out": writes} if writes else {})


def _name(template: TemplateSpec, names: dict[str, str], datum: str) -> str:
    return f"{template.data[datum].node}.{names[datum]}" if datum in names else datum


def _datum(datum: Datum, node: Node) -> Any:
    said = codec.to_object(datum)
    counts = datum.sticky or node.jobtype == NOOP
    fields = ("type", "name", "path", "dirpath", "comment") if counts else ("type", "path", "dirpath", "comment")
    entry = {field: said[field] for field in fields if field in said}
    if datum.keep is not None:
        entry["keep"] = units.written(datum.keep)
    return datum.type if list(entry) == ["type"] else entry


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {"type": parameter.type, **codec.to_object(parameter)}
