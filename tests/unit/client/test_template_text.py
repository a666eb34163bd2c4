"""Any template as YAML: read again it is the same; 2018's graphs become what they meant."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from tests.unit.client.any_template import RICH, templates
from tests.unit.client.test_graphml import FILE, FILTER, env, planned

from p3s.client.graphml import read
from p3s.client.template_text import write
from p3s.client.templates import read_text
from p3s.protocol.workflows import Datum, TemplateSpec


def back(spec: TemplateSpec) -> TemplateSpec:
    return read_text(write(spec), Path("/x.yaml"))


def same(spec: TemplateSpec) -> TemplateSpec:
    """As YAML has it: no source, and names count."""
    data = {name: replace(datum, sticky=True) for name, datum in spec.data.items()}
    return replace(spec, format="", source="", data=data, comment=spec.comment if spec.comment.strip() else "")


def test_all_that_a_template_says_comes_back() -> None:
    assert same(back(RICH)) == same(RICH)


@settings(max_examples=40, deadline=None)
@given(templates(sticky=True))
def test_any_template_comes_back(spec: TemplateSpec) -> None:
    assert same(back(spec)) == same(spec)


def test_a_graph_of_2018_is_written_as_it_would_be_now() -> None:
    assert (
        write(read(FILTER, FILE))
        == """\
workflow: g
nodes:
  in:
    jobtype: noop
    out:
      IN: {type: TXT, name: input.txt, dirpath: /afs/m/}
  f:
    jobtype: filter
    payload: grep {x} ${IN} > $OUT
    env: {B: '{{1}}', N: '3'}
    priority: 4
    shell: true
    time_limit: 7777s
    in: {IN: in.IN}
    out:
      OUT: {type: TXT, dirpath: /afs/m/}
  out:
    jobtype: noop
    after: [in]
    in: {OUT: f.OUT}
"""
    )


def test_it_plans_the_same_jobs() -> None:
    graph = read(FILTER, FILE)
    assert env(planned(back(graph)), "f") == env(planned(graph), "f")


def test_files_of_a_noop_under_one_variable_are_told_apart() -> None:
    graph = read(FILTER, FILE)
    more = Datum("in", "IN", name="other.txt", dirpath="/d", sticky=False)
    twin = replace(graph.data["in:f"], comment="the same file")
    data = {**graph.data, "in:out": more, "in:f:2": twin}
    nodes = {**graph.nodes, "out": replace(graph.nodes["out"], inputs={"A": ["in:out", "in:f:2"]})}
    spec = back(replace(graph, nodes=nodes, data=data))
    assert spec.nodes["out"].inputs == {"A": ["in.IN_2", "in.IN"]}
    assert spec.data["in.IN_2"].name == "other.txt"
