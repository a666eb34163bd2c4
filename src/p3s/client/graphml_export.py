"""A template as plain GraphML: 2018's tools and graph libraries read it, and so do we, whole."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from p3s.domain.workflows.dag import writer
from p3s.domain.workflows.fields import literal
from p3s.protocol import codec
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import INPUTS, NOOP, Node, TemplateSpec

from .graphml import EDGE_ATTRIBUTES, MORE, NODE_ATTRIBUTES, Element, name_of, plain_datum, plain_node

_HEAD = """\
<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""
_NUMBERS = ("timelimit", "priority")


def write(template: TemplateSpec) -> str:
    """The text. Files that no node reads lead to a noop of their own, as 2018 wrote it. Raises BadInput for a text
    that XML cannot hold."""
    edges, sink = _edges(template)
    more: dict[str, Any] = {"name": template.name, "comment": template.comment, "env": template.env}
    more["parameters"] = {name: codec.to_object(one) for name, one in template.parameters.items()}
    lines = [*_keys(), '  <graph edgedefault="directed">']
    lines += _data({MORE: _json({name: value for name, value in more.items() if value})}, "    ")
    for name, node in template.nodes.items():
        lines += _element("node", {"id": name}, _node_data(name, node, template.env))
    if sink:
        lines += _element("node", {"id": sink}, {"jobtype": NOOP, "env": "{}", MORE: _json({"sink": True})})
    pairs = Counter((edge.source, edge.target) for edge in edges)
    for edge in edges:
        ends = {"source": edge.source, "target": edge.target}
        lines += _element("edge", ends, _edge_data(template, edge, pairs[edge.source, edge.target] > 1))
    text = "\n".join([*lines, "  </graph>", "</graphml>", ""])
    wrong = next(
        (letter for letter in text if (ord(letter) < 32 and letter not in "\t\n") or letter in "\ufffe\uffff"), ""
    )
    if wrong:
        raise BadInput(f"the template holds U+{ord(wrong):04X}, which XML cannot; export it as YAML")
    return _HEAD + text


@dataclass(frozen=True)
class _Edge:
    """`datum` "": the target only waits; `follows`: because it fans out over what the source does."""

    source: str
    target: str
    datum: str = ""
    variable: str = ""
    follows: bool = False


def _edges(template: TemplateSpec) -> tuple[list[_Edge], str]:
    """All edges, and the name of the node to which files lead that none reads."""
    edges = []
    for target, node in template.nodes.items():
        for variable, names in node.inputs.items():
            edges += [_Edge(template.data[one].node, target, one, variable) for one in names if one != INPUTS]
        edges += [_Edge(source, target) for source in node.after]
        if node.for_each and node.for_each != INPUTS:
            source = writer(template, node.for_each)
            if all((edge.source, edge.target) != (source, target) for edge in edges):
                edges.append(_Edge(source, target, follows=True))
    read = {edge.datum for edge in edges}
    unread = [name for name in template.data if name not in read]
    sink = "end" if unread else ""
    while sink in template.nodes:
        sink += "_"
    edges += [_Edge(template.data[one].node, sink, one, template.data[one].variable) for one in unread]
    return edges, sink


def _keys() -> Iterator[str]:
    for of, names in (("node", NODE_ATTRIBUTES), ("edge", EDGE_ATTRIBUTES)):
        for name in names:
            kind = "int" if name in _NUMBERS else "string"
            yield f'  <key id="{of[0]}_{name}" for="{of}" attr.name="{name}" attr.type="{kind}"/>'
    yield f'  <key id="{MORE}" for="all" attr.name="{MORE}" attr.type="string"/>'


def _node_data(name: str, node: Node, defaults: Mapping[str, str]) -> dict[str, str]:
    """`defaults`: the template's environment, of which 2018's format knows none."""
    joined = node.env if node.jobtype == NOOP else {**defaults, **node.env}
    env = {variable: literal(text) for variable, text in joined.items()}
    env |= {"P3S_EXECMODE": "SHELL"} if node.shell else {}
    data = {"payload": node.payload, "env": _json(env), "jobtype": node.jobtype}
    # 2018 counted whole seconds, and knew no types from which a priority comes.
    data["timelimit"] = "" if node.time_limit is None else str(int(node.time_limit))
    data["priority"] = "" if node.priority is None else str(node.priority)
    plain = plain_node(Element(0, {"id": name}, data), Path(name))
    bare = replace(node, inputs={}, after=[])
    more = {
        field: value for field, value in codec.to_object(bare).items() if getattr(plain, field) != getattr(bare, field)
    }
    more |= {field: getattr(bare, field) for field in ("env", "shell") if getattr(plain, field) != getattr(bare, field)}
    own = [variable for variable, names in node.inputs.items() if INPUTS in names]
    more |= {INPUTS: own} if own else {}
    return {**data, MORE: _json(more) if more else ""}


def _edge_data(template: TemplateSpec, edge: _Edge, parallel: bool) -> dict[str, str]:
    if not edge.datum:
        return {MORE: _json({"for_each": True}) if edge.follows else ""}
    datum = template.data[edge.datum]
    name, dirpath = datum.name, datum.dirpath
    if datum.path:
        dirpath, _, name = datum.path.rpartition("/")
    data = {
        "name": literal(name),
        "dirpath": literal(dirpath),
        "datatype": datum.type,
        "datatag": datum.variable,
        "comment": datum.comment,
    }
    more: dict[str, Any] = {}
    if edge.datum != name_of(edge.source, edge.target, datum.variable, parallel):
        more["datum"] = edge.datum
    if edge.variable != datum.variable:
        more["as"] = edge.variable
    if plain_datum(Element(0, {}, data), edge.source, datum.variable) != datum:
        more["own"] = {field: value for field, value in codec.to_object(datum).items() if field not in _BY_EDGE}
    return {**data, MORE: _json(more) if more else ""}


_BY_EDGE = ("node", "variable")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _element(tag: str, attributes: dict[str, str], data: dict[str, str]) -> list[str]:
    named = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    held = _data(data, "      ", f"{tag[0]}_")
    return [f"    <{tag} {named}>", *held, f"    </{tag}>"] if held else [f"    <{tag} {named}/>"]


def _data(data: dict[str, str], indent: str, prefix: str = "") -> list[str]:
    return [
        f'{indent}<data key="{MORE if name == MORE else prefix + name}">{escape(value, {chr(13): "&#13;"})}</data>'
        for name, value in data.items()
        if value
    ]
