"""2018's graphs become templates; any template becomes a graph that comes back the same."""

import json
from dataclasses import replace
from pathlib import Path

import networkx
import pytest
from hypothesis import given, settings
from tests.unit.client.any_template import RICH, templates

from p3s.client import graphml_export
from p3s.client.graphml import read
from p3s.client.templates import read_text
from p3s.domain.workflows.dag import check
from p3s.domain.workflows.expansion import expand
from p3s.domain.workflows.plan import Plan
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import Datum, DatumChange, Node, StartRequest, TemplateSpec

FILE = Path("/graphs/g.graphml")
TYPES = {"TXT": ".txt"}

KEYS = """
  <key id="p" for="node" attr.name="payload" attr.type="string"/>
  <key id="v" for="node" attr.name="env" attr.type="string"/>
  <key id="j" for="node" attr.name="jobtype" attr.type="string"><default>filter</default></key>
  <key id="t" for="node" attr.name="timelimit" attr.type="int"/>
  <key id="o" for="node" attr.name="priority" attr.type="int"/>
  <key id="n" for="edge" attr.name="name" attr.type="string"/>
  <key id="d" for="edge" attr.name="dirpath" attr.type="string"/>
  <key id="y" for="edge" attr.name="datatype" attr.type="string"/>
  <key id="g" for="edge" attr.name="datatag" attr.type="string"/>
  <key id="x" for="all" attr.name="p3s" attr.type="string"/>
  <key id="u" for="node" yfiles.type="nodegraphics"/>
"""


def graph(body: str, head: str = '<graph edgedefault="directed">') -> str:
    return f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{KEYS}{head}{body}\n</graph></graphml>'


FILTER = graph("""
<node id="in"><data key="j">noop</data><data key="v">{}</data><data key="p">/bin/date</data></node>
<node id="f"><data key="p">grep {x} ${IN} &gt; $OUT</data><data key="v">{"P3S_EXECMODE":"SHELL","B":"{1}","N":3}</data>
  <data key="t">7777</data><data key="o">4</data><data key="u"><shape>box</shape></data></node>
<node id="out"><data key="j">noop</data></node>
<edge source="in" target="f"><data key="n">input.txt</data><data key="d">/afs/m/</data><data key="y">TXT</data>
  <data key="g">IN</data></edge>
<edge source="f" target="out"><data key="n">output.txt</data><data key="d">/afs/m/</data><data key="y">TXT</data>
  <data key="g">OUT</data></edge>
<edge source="in" target="out"/>""")


def planned(spec: TemplateSpec, request: StartRequest | None = None) -> Plan:
    asked = request or StartRequest(spec.name)
    return expand(spec, asked, workflow="0a1b2c3d" * 4, directory="/w", inputs=[], extensions=TYPES)


def env(made: Plan, node: str) -> dict[str, str]:
    (spec,) = [one.spec for one in made.nodes if one.node == node]
    assert spec is not None
    return spec.env


def test_a_graph_of_2018_is_read_as_it_was_meant() -> None:
    spec = read(FILTER, FILE)
    assert spec.name == "g"
    assert spec.nodes == {
        "in": Node("", "noop"),
        "f": Node(
            "grep {x} ${IN} > $OUT",
            "filter",
            {"B": "{{1}}", "N": "3"},
            4,
            7777.0,
            shell=True,
            inputs={"IN": ["in:f"]},
        ),
        "out": Node("", "noop", inputs={"OUT": ["f:out"]}, after=["in"]),
    }
    assert spec.data == {
        "in:f": Datum("in", "IN", "TXT", "input.txt", dirpath="/afs/m/", sticky=False),
        "f:out": Datum("f", "OUT", "TXT", "output.txt", dirpath="/afs/m/", sticky=False),
    }
    made = planned(spec)
    assert env(made, "f") == {
        "B": "{1}",
        "N": "3",
        "P3S_EXECMODE": "SHELL",
        "IN": "/afs/m/input.txt",
        "OUT": "/afs/m/0a1b2c3d-f-OUT.txt",
    }
    assert env(planned(spec, StartRequest("g", names="sticky")), "f")["OUT"] == "/afs/m/output.txt"


def test_parallel_edges_are_told_apart_by_their_tags() -> None:
    spec = read(
        graph("""
<node id="a"><data key="p">x</data></node><node id="b"><data key="p">y</data></node>
<edge source="a" target="b" id="1"><data key="g">ONE</data><data key="y">TXT</data></edge>
<edge source="a" target="b" id="2"><data key="g">TWO</data><data key="y">TXT</data></edge>"""),
        FILE,
    )
    assert list(spec.data) == ["a:b:ONE", "a:b:TWO"]
    assert spec.nodes["b"].inputs == {"ONE": ["a:b:ONE"], "TWO": ["a:b:TWO"]}
    made = planned(spec, StartRequest("g", data={"a:b": DatumChange(dirpath="/d")}))
    assert env(made, "b") == {"ONE": "/d/0a1b2c3d-a-ONE.txt", "TWO": "/d/0a1b2c3d-a-TWO.txt"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<a", ":1: is not XML: unclosed token"),
        ("<a/>", ":1: begins with <a>; GraphML begins with <graphml>"),
        (graph(""), "has no <node>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><graphml/>', ":1: has a DOCTYPE; GraphML needs none"),
        (graph('<node id="a"/>', '<graph edgedefault="undirected">'), "edges have a direction here"),
        (graph('<node id="a"><graph/></node>'), "a graph within a graph cannot be run"),
        (graph("<hyperedge/>"), "a hyperedge cannot be a file"),
        (graph("<node/>"), "<node> needs id"),
        (graph('<edge source="a"/>'), "<edge> needs source and target"),
        (graph('\n<node id="a"><data key="p">x</data></node>\n<node id="a"/>'), ":15: there is a node 'a' already"),
        (
            graph('<node id="a"><data key="p">x</data></node><edge source="a" target="b"/>'),
            "edge a:b: there is no node 'b'",
        ),
        (
            graph('<node id="a"><data key="p">x</data><data key="o">high</data></node>'),
            "priority: 'high' is not a whole",
        ),
        (graph('<node id="a"><data key="p">x</data><data key="v">{</data></node>'), "node a.env: '{' is not JSON"),
        (graph('<node id="a"/>'), ":13: nodes.a.payload: is empty"),
        (graph('<node id="a b"><data key="p">x</data></node>'), "'a b' is no node's name"),
        (
            graph(
                '<node id="a"><data key="p">x</data></node>'
                + '<edge source="a" target="a"><data key="g">T</data></edge>' * 2
            ),
            "two edges from a to a have the datatag T",
        ),
        (
            graph(
                '<node id="a"><data key="p">x</data></node>\n'
                '<edge source="a" target="a"><data key="g">T U</data></edge>'
            ),
            ":14: data.a:a: 'T U' is not a variable name",
        ),
        (
            graph('<node id="a"><data key="p">x</data><data key="x">[]</data></node>'),
            "its data p3s is not a JSON object",
        ),
        (
            graph('<node id="a"><data key="p">x</data><data key="x">{"at_most": "5"}</data></node>'),
            "its data p3s cannot be",
        ),
        (
            graph('<data key="x">{"parameters": 5}</data><node id="a"><data key="p">x</data></node>'),
            "its data p3s cannot be",
        ),
        (
            graph(
                '<node id="c"><data key="p">x</data></node>\n<node id="a"><data key="p">x</data></node>\n'
                '<node id="b"><data key="p">x</data></node>\n<edge source="a" target="b"/><edge source="b" target="a"/>'
            ),
            ":14: nodes.a: a -> b -> a is a cycle",
        ),
        (
            graph('\n<node id="my node"><data key="p">x</data></node>'),
            ":14: nodes.my node: 'my node' is no node's name",
        ),
        (
            graph('<node id="a"><data key="p">x</data></node></graph>\n<graph><node id="b"/>'),
            ":14: a second graph cannot be run with the first; write one graph a file",
        ),
        ("<graphml>" + "<a>" * 40, "is nested too deeply"),
    ],
)
def test_what_is_no_graph_to_run_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text, FILE)
    assert all(one.startswith("/graphs/g.graphml:") for one in caught.value.mistakes)
    assert any(said in one for one in caught.value.mistakes)


def test_entities_that_blow_up_are_not_expanded() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 100}">' for n in range(10))
    with pytest.raises(BadInput, match="has a DOCTYPE"):
        read(f"<!DOCTYPE g [{entities}]><graphml>&e9;</graphml>", FILE)


def test_what_a_text_says_of_its_encoding_does_not_matter() -> None:
    assert read(f"<?xml version='1.0' encoding='no-such'?>\n{FILTER}", FILE).nodes == read(FILTER, FILE).nodes


def test_a_graph_is_known_by_its_text_or_its_name() -> None:
    assert read_text(FILTER, FILE) == read_text(FILTER, Path("/graphs/g")) == read(FILTER, FILE)


# ---- export


def back(spec: TemplateSpec) -> TemplateSpec:
    return read(graphml_export.write(spec), Path("/other/name.graphml"))


def same(spec: TemplateSpec) -> TemplateSpec:
    """Without what tells where it came from."""
    return replace(spec, format="", source="")


def test_a_graph_of_2018_comes_back_in_plain_words() -> None:
    spec = read(FILTER, FILE)
    assert same(back(spec)) == same(spec)
    text = graphml_export.write(spec)
    assert text.count('key="p3s"') == 1, "but for its name"


def test_all_that_a_template_says_comes_back() -> None:
    check(RICH)
    assert same(back(RICH)) == same(RICH)


def test_graph_libraries_read_the_export() -> None:
    found = networkx.parse_graphml(graphml_export.write(RICH))
    assert set(found.nodes) == {*RICH.nodes, "end_"}, "a file that nobody reads leads to a node of its own"
    assert networkx.is_directed_acyclic_graph(found)
    edges = sorted((source, target, data.get("datatag")) for source, target, data in found.edges(data=True))
    assert edges == [
        ("a", "b", None),
        ("a", "c", "X"),
        ("a", "c", "X"),
        ("a", "c", "Y"),
        ("b", "c", None),
        ("c", "end_", "Z"),
        ("in", "a", "G"),
    ]
    assert json.loads(found.nodes["b"]["env"]) == {"LEVEL": "{n}", "R": "all", "P3S_EXECMODE": "SHELL"}, (
        "with all nodes'"
    )
    assert found.nodes["end"]["priority"] == 3


def test_what_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(BadInput, match="holds U\\+FFFE, which XML cannot; export it as YAML"):
        graphml_export.write(TemplateSpec("x", {"a": Node("echo \ufffe")}))


@settings(max_examples=40, deadline=None)
@given(templates())
def test_any_template_comes_back_from_its_graph(spec: TemplateSpec) -> None:
    check(spec)
    assert same(back(spec)) == same(spec)
