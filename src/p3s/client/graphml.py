"""Templates as 2018 wrote them: GraphML, nodes are jobs, edges are files. Other tools' graphs are read as far as they
have its attributes; what our own export says more stands under the attribute `p3s`, as JSON."""

import json
import xml.parsers.expat
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from p3s.domain.workflows.dag import check
from p3s.domain.workflows.fields import escaped
from p3s.protocol import codec
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import INPUTS, NOOP, Datum, Node, Parameter, TemplateSpec

from .descriptions import classic_environment

NODE_ATTRIBUTES = ("payload", "env", "jobtype", "timelimit", "priority")
EDGE_ATTRIBUTES = ("name", "dirpath", "datatype", "datatag", "comment")
"""2018's."""

MORE = "p3s"
"""What a plain graph has no words for."""

DEEPEST = 30


@dataclass
class Element:
    """A node, an edge or the graph: where it stands, its XML attributes, and its data by name."""

    line: int
    attributes: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)

    def more(self, path: Path) -> dict[str, Any]:
        """What our export says more."""
        try:
            found = json.loads(self.data.get(MORE) or "{}")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise BadInput(f"{path}:{self.line}: its data {MORE} is not a JSON object")
        return found


@dataclass
class Graph:
    """What a file says, not yet judged."""

    own: Element
    nodes: list[Element]
    edges: list[Element]


def read(text: str, path: Path) -> TemplateSpec:
    """The template of a text, checked; it is named after the file. Raises BadInput with the line."""
    graph = _Reading(path).graph(text)
    try:
        template = replace(_template(graph, graph.own.more(path), path), source=text)
        if any(MORE in element.data for element in (graph.own, *graph.nodes, *graph.edges)):
            _check_types(template)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path}: its data {MORE} cannot be: {' '.join(str(error).split())[:300]}") from None
    try:
        check(template)
    except BadInput as error:
        raise BadInput(f"{path}{_line(graph, str(error))}: {error}") from None
    return template


def _check_types(template: TemplateSpec) -> None:
    """JSON may say anything. Raises ValueError."""
    from pydantic import TypeAdapter, ValidationError  # only for what our own export wrote

    try:
        TypeAdapter(TemplateSpec).validate_json(codec.encode(template))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _line(graph: Graph, said: str) -> str:
    """Of the node or edge that an error names."""
    where = said.partition(": ")[0]
    for node in graph.nodes:
        name = f"nodes.{node.attributes.get('id', '')}"
        if where == name or where.startswith(f"{name}."):
            return f":{node.line}"
    for edge in graph.edges:
        name = f"data.{edge.attributes.get('source')}:{edge.attributes.get('target')}"
        if where == name or where.startswith((f"{name}.", f"{name}:")):
            return f":{edge.line}"
    return ""


class _Reading:
    """The elements of GraphML that matter here, with their lines. What could blow up (document types, entities) is
    refused; nothing is fetched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: dict[str, tuple[str, str]] = {}
        self.defaults: list[tuple[str, str, str]] = []
        self.found = Graph(Element(0, {}), [], [])
        self.open: list[str] = []
        self.within: list[Element] = []
        self.key = ""
        self.text: list[str] = []
        self.parser = xml.parsers.expat.ParserCreate("utf-8", " ")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.text.append

    def graph(self, text: str) -> Graph:
        try:
            self.parser.Parse(text.encode(), True)
        except xml.parsers.expat.ExpatError as error:
            what = xml.parsers.expat.errors.messages[error.code]
            raise BadInput(f"{self.path}:{error.lineno}: is not XML: {what}") from None
        if not self.found.nodes:
            raise BadInput(f"{self.path}: has no <node>; a template is GraphML with nodes and edges")
        for of, name, value in self.defaults:
            for kind, elements in (("node", self.found.nodes), ("edge", self.found.edges)):
                for element in elements if of in (kind, "all") else ():
                    element.data.setdefault(name, value)
        return self.found

    def wrong(self, said: str) -> BadInput:
        return BadInput(f"{self.path}:{self.parser.CurrentLineNumber}: {said}")

    def _doctype(self, *_: object) -> None:
        raise self.wrong("has a DOCTYPE; GraphML needs none, take it out")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(" ")[2]
        if not self.open and tag != "graphml":
            raise self.wrong(f"begins with <{tag[:40]}>; GraphML begins with <graphml>")
        self.open.append(tag)
        if len(self.open) > DEEPEST:
            raise self.wrong("is nested too deeply")
        element = Element(self.parser.CurrentLineNumber, attributes)
        if tag == "graph":
            self._graph(element)
        elif tag in ("node", "edge"):
            self._part(tag, element)
        elif tag == "hyperedge":
            raise self.wrong("a hyperedge cannot be a file; write an edge from the node that writes it to each reader")
        elif tag == "key":
            self.keys[attributes.get("id", "")] = (attributes.get("for", "all"), attributes.get("attr.name", ""))
            self.key = attributes.get("id", "")
        if tag in ("data", "default"):
            self.key = attributes.get("key", self.key) if tag == "data" else self.key
            self.text.clear()

    def _graph(self, element: Element) -> None:
        if self.within:
            raise self.wrong("a graph within a graph cannot be run; write one graph")
        if self.found.own.line:
            raise self.wrong("a second graph cannot be run with the first; write one graph a file")
        if element.attributes.get("edgedefault", "directed") != "directed":
            raise self.wrong('edges have a direction here; write edgedefault="directed"')
        self.found.own = element
        self.within.append(element)

    def _part(self, tag: str, element: Element) -> None:
        needed = ("id",) if tag == "node" else ("source", "target")
        if not all(element.attributes.get(name) for name in needed):
            raise self.wrong(f"<{tag}> needs {' and '.join(needed)}")
        if element.attributes.get("directed", "true") != "true":
            raise self.wrong("edges have a direction here; take directed out")
        (self.found.nodes if tag == "node" else self.found.edges).append(element)
        self.within.append(element)

    def _end(self, tag: str) -> None:
        tag = self.open.pop()
        if tag in ("graph", "node", "edge"):
            self.within.pop()
        of, name = self.keys.get(self.key, ("", ""))
        if tag == "default" and name:
            self.defaults.append((of, name, "".join(self.text)))
        elif tag == "data" and name and self.within:
            self.within[-1].data[name] = "".join(self.text)


# ---- from elements to a template


def _template(graph: Graph, more: dict[str, Any], path: Path) -> TemplateSpec:
    nodes: dict[str, Node] = {}
    sinks = set()
    for element in graph.nodes:
        name, own = element.attributes["id"], element.more(path)
        if name in nodes or name in sinks:
            raise BadInput(f"{path}:{element.line}: there is a node {name!r} already")
        if own.get("sink"):
            sinks.add(name)
        else:
            nodes[name] = _node(element, own, path)
    data: dict[str, Datum] = {}
    pairs = Counter(map(_ends, graph.edges))
    for edge in graph.edges:
        for name in _ends(edge):
            if name not in nodes and name not in sinks:
                raise BadInput(f"{path}:{edge.line}: the edge {':'.join(_ends(edge))}: there is no node {name!r}")
        _add_edge(edge, pairs[_ends(edge)] > 1, nodes, data, path)
    return TemplateSpec(
        name=str(more.get("name", path.stem)),
        nodes=nodes,
        data=data,
        env=dict(more.get("env", {})),
        parameters={name: codec.from_object(Parameter, one) for name, one in more.get("parameters", {}).items()},
        comment=str(more.get("comment", "")),
        format="graphml",
    )


def _ends(edge: Element) -> tuple[str, str]:
    return edge.attributes["source"], edge.attributes["target"]


def _node(element: Element, more: dict[str, Any], path: Path) -> Node:
    node = plain_node(element, path)
    inputs = {str(name): [INPUTS] for name in more.pop(INPUTS, [])}
    said = {**{name: value for name, value in vars(node).items() if name != "needs"}, "inputs": inputs, **more}
    return codec.from_object(Node, said)


def plain_node(element: Element, path: Path) -> Node:
    """What a node says in 2018's words; its reads and what it waits for are edges."""
    where = f"{path}:{element.line}: node {element.attributes['id']}"
    data = element.data
    jobtype = data.get("jobtype", "").strip()
    env = {name: escaped(value) for name, value in classic_environment(data.get("env", "").strip(), where).items()}
    shell = env.get("P3S_EXECMODE") == "SHELL"
    if shell:
        del env["P3S_EXECMODE"]
    limit = _whole(data.get("timelimit", ""), f"{where}: timelimit")
    return Node(
        # What a noop had for a payload was never run.
        payload="" if jobtype == NOOP else data.get("payload", ""),
        jobtype=jobtype,
        env=env,
        priority=_whole(data.get("priority", ""), f"{where}: priority"),
        time_limit=None if limit is None else float(limit),
        shell=shell,
    )


def _whole(text: str, where: str) -> int | None:
    try:
        return int(text) if text.strip() else None
    except ValueError:
        raise BadInput(f"{where}: {text[:40]!r} is not a whole number") from None


def _add_edge(edge: Element, parallel: bool, nodes: dict[str, Node], data: dict[str, Datum], path: Path) -> None:
    """An edge is a datum, or one more reader of it; without a tag its target only waits."""
    source, target, more = edge.attributes["source"], edge.attributes["target"], edge.more(path)
    tag = edge.data.get("datatag", "").strip()
    reader = nodes.get(target)
    if not tag:
        if reader is not None and not more.get("for_each") and source not in reader.after:
            reader.after.append(source)
        return
    name = str(more.get("datum", name_of(source, target, tag, parallel)))
    if name in data and "datum" not in more:
        raise BadInput(f"{path}:{edge.line}: two edges from {source} to {target} have the datatag {tag}")
    data[name] = plain_datum(edge, source, tag)
    if "own" in more:
        data[name] = codec.from_object(Datum, {**more["own"], "node": source, "variable": tag})
    if reader is not None:
        reader.inputs.setdefault(str(more.get("as", tag)), []).append(name)


def name_of(source: str, target: str, tag: str, parallel: bool) -> str:
    """2018 called a file by its edge; several between the same two are told apart by their tags."""
    return f"{source}:{target}:{tag}" if parallel else f"{source}:{target}"


def plain_datum(edge: Element, source: str, tag: str) -> Datum:
    """What an edge says in 2018's words."""
    said = {name: edge.data.get(name, "").strip() for name in EDGE_ATTRIBUTES}
    name, dirpath = escaped(said["name"]), escaped(said["dirpath"])
    return Datum(source, tag, said["datatype"], name, dirpath=dirpath, comment=said["comment"], sticky=False)
