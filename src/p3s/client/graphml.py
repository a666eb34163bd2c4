"""Templates as 2018 wrote them: GraphML, nodes are jobs, edges are files. Other tools' graphs are read as far as they
have its attributes; what our own export says more stands under the attribute `p3s`, as JSON."""

import json
import xml.parsers.expat
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from p3s.domain.workflows.dag import mistakes
from p3s.domain.workflows.fields import escaped
from p3s.protocol import codec
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import INPUTS, NOOP, Datum, Node, Parameter, TemplateSpec

from .descriptions import classic_environment
from .mistakes import Mistakes

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
    """The template of a text, checked; it is named after the file. Raises BadInput with all mistakes, with their
    lines."""
    graph, wrong = _Reading(path).graph(text), Mistakes()
    with wrong.noted(graph.own.line):
        try:
            template = replace(_Template(graph, path, wrong).whole(), source=text)
            if any(MORE in element.data for element in (graph.own, *graph.nodes, *graph.edges)):
                _check_types(template)
        except (TypeError, ValueError, AttributeError) as error:
            said = f"its data {MORE} cannot be: {' '.join(str(error).split())[:300]}"
            raise BadInput(f"{path}: {said}") from None
        for mistake in mistakes(template):
            line = _line(graph, mistake)
            place = f"{path}:{line}" if line else f"{path}"
            wrong.note(line, BadInput(f"{place}: {mistake}"))
    wrong.refuse()
    return template


def _check_types(template: TemplateSpec) -> None:
    """JSON may say anything. Raises ValueError."""
    from pydantic import TypeAdapter, ValidationError  # only for what our own export wrote

    try:
        TypeAdapter(TemplateSpec).validate_json(codec.encode(template))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _line(graph: Graph, said: str) -> int:
    """Of the node or edge that a mistake names; 0 if it names none."""
    where = said.partition(": ")[0]
    for node in graph.nodes:
        name = f"nodes.{node.attributes.get('id', '')}"
        if where == name or where.startswith(f"{name}."):
            return node.line
    for edge in graph.edges:
        name = f"data.{edge.attributes.get('source')}:{edge.attributes.get('target')}"
        if where == name or where.startswith((f"{name}.", f"{name}:")):
            return edge.line
    return 0


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


class _Template:
    """What a graph says, as far as it can be read."""

    def __init__(self, graph: Graph, path: Path, wrong: Mistakes) -> None:
        self.graph, self.path, self.wrong = graph, path, wrong
        self.nodes: dict[str, Node] = {}
        self.sinks: set[str] = set()
        self.data: dict[str, Datum] = {}

    def whole(self) -> TemplateSpec:
        more = self.graph.own.more(self.path)
        for element in self.graph.nodes:
            with self.wrong.noted(element.line):
                self._add_node(element)
        pairs = Counter(map(_ends, self.graph.edges))
        for edge in self.graph.edges:
            with self.wrong.noted(edge.line):
                self._add_edge(edge, pairs[_ends(edge)] > 1)
        return TemplateSpec(
            name=str(more.get("name", self.path.stem)),
            nodes=self.nodes,
            data=self.data,
            env=dict(more.get("env", {})),
            parameters={name: codec.from_object(Parameter, one) for name, one in more.get("parameters", {}).items()},
            comment=str(more.get("comment", "")),
            format="graphml",
        )

    def _add_node(self, element: Element) -> None:
        name = element.attributes["id"]
        if name in self.nodes or name in self.sinks:
            raise BadInput(f"{self.path}:{element.line}: there is a node {name!r} already")
        self.nodes[name] = Node("-")  # which its edges may name, whatever is wrong with it
        own = element.more(self.path)
        if own.get("sink"):
            self.sinks.add(name)
            del self.nodes[name]
        else:
            self.nodes[name] = _node(element, own, self.path)

    def _add_edge(self, edge: Element, parallel: bool) -> None:
        """An edge is a datum, or one more reader of it; without a tag its target only waits."""
        (source, target), line = _ends(edge), edge.line
        for name in (source, target):
            if name not in self.nodes and name not in self.sinks:
                raise BadInput(f"{self.path}:{line}: the edge {source}:{target}: there is no node {name!r}")
        more = edge.more(self.path)
        tag = edge.data.get("datatag", "").strip()
        reader = self.nodes.get(target)
        if not tag:
            if reader is not None and not more.get("for_each") and source not in reader.after:
                reader.after.append(source)
            return
        name = str(more.get("datum", name_of(source, target, tag, parallel)))
        if name in self.data and "datum" not in more:
            raise BadInput(f"{self.path}:{line}: two edges from {source} to {target} have the datatag {tag}")
        self.data[name] = plain_datum(edge, source, tag)
        if "own" in more:
            self.data[name] = codec.from_object(Datum, {**more["own"], "node": source, "variable": tag})
        if reader is not None:
            reader.inputs.setdefault(str(more.get("as", tag)), []).append(name)


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


def name_of(source: str, target: str, tag: str, parallel: bool) -> str:
    """2018 called a file by its edge; several between the same two are told apart by their tags."""
    return f"{source}:{target}:{tag}" if parallel else f"{source}:{target}"


def plain_datum(edge: Element, source: str, tag: str) -> Datum:
    """What an edge says in 2018's words."""
    said = {name: edge.data.get(name, "").strip() for name in EDGE_ATTRIBUTES}
    name, dirpath = escaped(said["name"]), escaped(said["dirpath"])
    return Datum(source, tag, said["datatype"], name, dirpath=dirpath, comment=said["comment"], sticky=False)
