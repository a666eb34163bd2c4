"""All mistakes of a file are told at once, by line; what only follows from another is not told."""

from pathlib import Path

import pytest

from p3s.client import descriptions
from p3s.client.templates import read_text
from p3s.protocol.errors import BadInput


def told(text: str, name: str = "calib.yaml") -> list[str]:
    """What is told, each with its line and without the file."""
    with pytest.raises(BadInput) as caught:
        read_text(text, Path(name))
    return [one.removeprefix(f"{name}:") for one in caught.value.mistakes]


MANY = """\
workflow: a b
parameters:
  n: {type: int, min: 5, default: many}
  odd: {type: number, min: low}
defaults: {priority: high, env: {A: [1], B: "{rum}"}, needs: {core: 2, memory: x}}
nodes:
  a: {payload: x, shell: 1, at_most: 0, time_limit: 20}
  b:
    payload: echo {n}
    in: {O: a.O, R: 3}
    out:
      T: {typ: ROOT}
      U: {path: ../../x}
      V: {keep: soon}
      W: [1]
    on_failure: no
    env: {C: "{n} {nn} {mm}"}
  c: {payload: x, after: [e, zz], for_each: b}
  d: {payload: x, out: {T: {name: same}}}
  e: {payload: x, after: c, out: {T: {name: same}}}
"""


def test_all_mistakes_of_a_template_are_told_by_line() -> None:
    assert [one[:80].rstrip() for one in told(MANY)] == [
        "1: name: 'a b' is no template's name; use letters, digits, _ . + and -",
        "3: parameters.n.default: must be a whole number like 10, not 'many'",
        "4: parameters.odd.type: must be string or int or float or bool or list, not 'num",
        "4: parameters.odd.min: must be a number, not 'low'",
        "5: defaults.priority: must be an integer from -1000 to 1,000, not 'high'",
        "5: defaults.needs.core: is not a known field; known are cores, gpus, memory, run",
        "5: defaults.needs.memory: 'x' is not a size; write 500MB, 4GB or 4GiB",
        "5: defaults.env.A: must be a text or a number, not [1]; write it in quotes",
        "5: env.B: there is no field {rum}; did you mean run?",
        "7: nodes.a.shell: must be true or false, not 1",
        "7: nodes.a.at_most: must be an integer from 1 to 10,000, not 0",
        "7: nodes.a.time_limit: must be a duration like 30s, 20m or 3h, not 20; write 20s",
        "9: nodes.b.payload: {n} is not filled in here: braces in payloads are the shell'",
        "10: nodes.b.in.R: must be what another node writes, like ped.PED, not 3",
        "10: nodes.b.in.O: nobody writes 'a.O'; a writes nothing",
        "12: nodes.b.out.T.typ: is not a known field; did you mean type?",
        "13: data.b.U.path: '../../x' leads out of the workflow's directory; write an abs",
        "14: nodes.b.out.V.keep: 'soon' is not a duration; write 30s, 20m, 3h or 2d",
        "15: nodes.b.out.W: must be a data type, like ROOT, or {type: ROOT, name: sum.roo",
        "16: nodes.b.on_failure: must be stop or skip or continue, not no",
        "17: nodes.b.env.C: there is no field {nn}; did you mean n?",
        "17: nodes.b.env.C: there is no field {mm}; known are index, input, n, node, odd,",
        "18: nodes.c.after: there is no node 'zz'",
        "18: nodes.c: c -> e -> c is a cycle; each would wait for the other",
        "18: nodes.c.for_each: b has one job; name one that fans out, or write inputs or",
        "20: data.e.T: 'same' is d's T already; write another name or path",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # A mistyped word is the one that is not there.
        ("nodes:\n  a: {paylod: x}", "nodes.a.paylod: is not a known field; did you mean payload?"),
        ("nodes:\n  a: {payload: x, outt: {O: T}}\n  b: {payload: x, in: a.O}", "nodes.a.outt: is not a known field"),
        ("nodes:\n  a: {payload: x, for_eahc: inputs}\n  b: {payload: x, for_each: a}", "nodes.a.for_eahc: is not"),
        ("node:\n  a: {payload: x}", "node: is not a known field; did you mean nodes?"),
        ("params: {n: 1}\nnodes:\n  a: {payload: x, env: {N: '{n}'}}", "params: is not a known field"),
        # What cannot be read may be anything.
        ("nodes:\n  a:\n  b: {payload: x, in: a.O, for_each: a}", "nodes.a: must be like {payload:"),
        ("nodes:\n  a: {payload: x, out: [O]}\n  b: {payload: x, in: {P: a.O}}", "nodes.a.out: must be like"),
        ("nodes:\n  a: {payload: x, for_each: 3}\n  b: {payload: x, for_each: a}", "nodes.a.for_each: must be inputs"),
        ("nodes:\n  a: {payload: x, out: {O: 3}}\n  b: {payload: x, in: a.O}", "nodes.a.out.O: must be a data type"),
        ("parameters: 3\nnodes:\n  a: {payload: x, env: {N: '{n}'}}", "parameters: must be like"),
        ("parameters: {n: {typ: int}}\nnodes:\n  a: {payload: x, env: {N: '{n}'}}", "parameters.n.typ: is not a known"),
        ("parameters: {n: {type: whole, min: 3}}\nnodes:\n  a: {payload: x}", "parameters.n.type: must be"),
        # One mistake of what many nodes have.
        ("defaults: {shell: 1}\nnodes:\n  a: {payload: x}\n  b: {payload: x}", "defaults.shell: must be true or false"),
        # What is named wrongly leads nowhere.
        (
            "nodes:\n  a: {payload: x, for_each: b}\n  c: {payload: x, for_each: a}",
            "nodes.a.for_each: there is no node",
        ),
        ("nodes:\n  a: {payload: x}\n  b: {payload: x, for_each: a}\n  c: {payload: x, for_each: b}", "a has one job"),
        ("nodes:\n  a: {payload: x, in: b.O}", "nodes.a.in.O: nobody writes 'b.O'"),
    ],
)
def test_what_only_follows_is_not_told(text: str, said: str) -> None:
    (only,) = told(f"workflow: x\n{text}")
    assert said in only


def test_a_mistake_in_one_word_hides_none_in_another() -> None:
    found = told("workflow: x\nnodes:\n  a: {payload: x, priority: 1.5, out: {O: T}}\n  b: {payload: x, in: a.P}")
    assert [one.partition(": must")[0] for one in found] == [
        "3: nodes.a.priority",
        "4: nodes.b.in.P: nobody writes 'a.P'; did you mean a.O?",
    ]


def test_every_cycle_is_told() -> None:
    found = told(
        "workflow: x\nnodes:\n  a: {payload: x, after: b}\n  b: {payload: x, after: a}\n"
        "  c: {payload: x, after: d}\n  d: {payload: x, after: c}"
    )
    assert [one.partition(" is a cycle")[0] for one in found] == [
        "3: nodes.a: a -> b -> a",
        "5: nodes.c: c -> d -> c",
    ]


def test_at_most_a_hundred_are_told() -> None:
    nodes = "\n".join(f"  n{number}: {{payload: x, shell: 1}}" for number in range(150))
    assert len(told(f"workflow: x\nnodes:\n{nodes}")) == 100


def test_all_mistakes_of_a_graph_are_told_by_line() -> None:
    text = """\
<graphml>
<key id="p" for="node" attr.name="payload"/>
<key id="o" for="node" attr.name="priority"/>
<key id="g" for="edge" attr.name="datatag"/>
<graph>
<edge source="a" target="nobody"><data key="g">T</data></edge>
<node id="a"><data key="p">x</data><data key="o">high</data></node>
<node id="b"/>
<edge source="a" target="b"><data key="g">T U</data></edge>
<node id="a"><data key="p">x</data></node>
</graph></graphml>"""
    assert told(text, "g.graphml") == [
        "6: the edge a:nobody: there is no node 'nobody'",
        "7: node a: priority: 'high' is not a whole number",
        "8: nodes.b.payload: is empty; write the command to run",
        "9: data.a:b: 'T U' is not a variable name; use letters, digits and _",
        "10: there is a node 'a' already",
    ]


JOBS = """\
jobs:
  - {payload: x, prio: 3, foo: 1}
  - {name: x}
  - 3
  - {payload: good}
jobtypes: {a: {capp: 3}, b: {cap: -1}}
"""


def test_all_mistakes_of_a_job_description_are_told(tmp_path: Path) -> None:
    ours, classic = tmp_path / "jobs.yaml", tmp_path / "jobs.json"
    ours.write_text(JOBS)
    classic.write_text('[{"payload": "x", "priority": "high"}, {"payload": "good"}, {"paylod": "x"}]')
    found = []
    for file in (ours, classic):
        with pytest.raises(BadInput) as caught:
            descriptions.read(file)
        found.append([one.partition(f"{file.name}:")[2].partition("; ")[0] for one in caught.value.mistakes])
    assert found == [
        [
            "2: jobs[0].prio: is not a known field",
            "2: jobs[0].foo: is not a known field",
            "3: jobs[1].payload: is required, as text",
            "4: jobs[2]: must be an object with a payload, not 3",
            "6: jobtypes.a.capp: is not a known field",
            "6: jobtypes.b.cap: must be from 0 to 1000000, not -1",
        ],
        [" [0].priority: must be a number, not 'high'", " [2].paylod: is not a known field"],
    ]
