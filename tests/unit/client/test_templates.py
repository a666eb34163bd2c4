"""Templates in YAML: what is written becomes a template; what is wrong is told with its line."""

from pathlib import Path

import pytest

from p3s.client.templates import read, read_text
from p3s.domain.workflows.expansion import expand
from p3s.domain.workflows.plan import InputFile
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import Needs
from p3s.protocol.workflows import Datum, Node, Parameter, StartRequest, TemplateSpec

MINIMAL = """\
workflow: pedestals
nodes:
  ped: {payload: ./ped.sh, for_each: inputs, out: {PED: ROOT}}
  merge: {payload: hadd -f $SUM $PED, shell: true, in: ped.PED, out: {SUM: ROOT}}
"""

WHOLE = """\
workflow: calib
parameters: {release: {type: string, default: v07_13_01}, events: {type: int, default: 10, min: 1}}
defaults: {jobtype: calib, time_limit: 20m, on_failure: skip, env: {DUNETPCVER: "{release}"}}
nodes:
  decode: {payload: ./decode.sh, for_each: inputs, at_most: 500, on_failure: continue, out: {RAW: {type: ROOT, name: "inherit:{input}"}}}
  purity: {payload: ./purity.sh, in: {RAW: decode.RAW}, priority: 8, env: {N: "{events}"}, out: {LIFE: {type: CSV, keep: 30d}}}
  sum: {payload: hadd -f $SUM $RAW, shell: true, in: {RAW: decode.RAW}, out: {SUM: {type: ROOT, path: "merged/run{run}.root"}}}
"""  # noqa: E501


EVERY_WORD = """\
workflow: all
description: |
  What it is for,
  in many words.
parameters:
  version: 1.10
  fast: no
  apas: [1, 2]
  gain: {type: float, min: 0.5, max: 2, default: 1, comment: of the amplifier}
  view: {choices: [u, v], default: u}
defaults: {env: {A: 1, B: 007}, needs: {memory: 4GB, tags: [cvmfs]}, shell: true}
nodes:
  there: {jobtype: noop, out: {GEO: {path: /geo.root, comment: the geometry}}}
  apa: {payload: ./apa.sh, for_each: "{apas}", env: {B: "yes", APA: "{value}"}, out: {MAP: {name: "{value}.txt"}}}
  list: {payload: x, for_each: [1.10, b], needs: {cores: 2}, time_limit: 0, shell: false}
  end: {payload: x, after: [list, apa], in: [there.GEO, apa.MAP], at_most: 5}
  last: {payload: x, after: end, in: {ALL: {list: [there.GEO, apa.MAP]}, RAW: inputs}, out: {D: {dirpath: d}, E: {}}}
"""


def parsed(text: str) -> TemplateSpec:
    return read_text(text, Path("/templates/calib.yaml"))


def refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parsed(text)
    return str(caught.value)


def test_the_shortest_template_is_read() -> None:
    spec = parsed(MINIMAL)
    assert spec.nodes == {
        "ped": Node("/templates/ped.sh", for_each="inputs"),
        "merge": Node("hadd -f $SUM $PED", shell=True, inputs={"PED": ["ped.PED"]}),
    }
    assert spec.data == {"ped.PED": Datum("ped", "PED", "ROOT"), "merge.SUM": Datum("merge", "SUM", "ROOT")}
    assert (spec.name, spec.format, spec.source) == ("pedestals", "yaml", MINIMAL)


def test_a_whole_template_is_read_and_can_be_run() -> None:
    spec = parsed(WHOLE)
    assert spec.parameters == {"release": Parameter(default="v07_13_01"), "events": Parameter("int", 10, min=1.0)}
    assert spec.nodes["purity"] == Node(
        "/templates/purity.sh",
        "calib",
        {"N": "{events}"},
        8,
        1200.0,
        inputs={"RAW": ["decode.RAW"]},
        on_failure="skip",
    )
    assert spec.env == {"DUNETPCVER": "{release}"}
    assert spec.nodes["decode"].on_failure == "continue"
    assert spec.nodes["decode"].at_most == 500
    assert spec.data["purity.LIFE"] == Datum("purity", "LIFE", "CSV", keep=30 * 86_400.0)
    files = [InputFile("/raw/np04_1.root", run=7), InputFile("/raw/np04_2.root", run=7)]
    types = {"ROOT": ".root", "CSV": ".csv"}
    made = expand(spec, StartRequest("calib"), workflow="0" * 36, directory="/w", inputs=files, extensions=types)
    assert [one.outputs[0].path for one in made.nodes] == [
        "/w/np04_1.root",
        "/w/np04_2.root",
        "/w/00000000-purity-LIFE.csv",
        "/w/merged/run7.root",
    ]


def test_all_words_are_read() -> None:
    spec = parsed(EVERY_WORD)
    assert spec.comment == "What it is for,\nin many words.\n"
    assert spec.parameters == {
        "version": Parameter("float", 1.1),
        "fast": Parameter("bool", False),
        "apas": Parameter("list", ["1", "2"]),
        "gain": Parameter("float", 1, 0.5, 2.0, comment="of the amplifier"),
        "view": Parameter("string", "u", choices=["u", "v"]),
    }
    assert spec.env == {"A": "1", "B": "007"}, "which a stream may have otherwise, unlike a node's own"
    cvmfs = Needs(memory=4 * 10**9, tags=("cvmfs",))
    assert spec.nodes == {
        "there": Node("", "noop"),
        "apa": Node(
            "/templates/apa.sh",
            "",
            {"B": "yes", "APA": "{value}"},
            needs=cvmfs,
            shell=True,
            values=["{apas}"],
        ),
        "list": Node("x", time_limit=0.0, needs=Needs(cores=2), values=["1.10", "b"]),
        "end": Node(
            "x",
            needs=cvmfs,
            shell=True,
            inputs={"GEO": ["there.GEO"], "MAP": ["apa.MAP"]},
            at_most=5,
            after=["list", "apa"],
        ),
        "last": Node(
            "x",
            needs=cvmfs,
            shell=True,
            inputs={"ALL": ["there.GEO", "apa.MAP"], "RAW": ["inputs"]},
            lists=["ALL"],
            after=["end"],
        ),
    }
    assert spec.data["there.GEO"] == Datum("there", "GEO", path="/geo.root", comment="the geometry")
    assert spec.data["last.E"] == Datum("last", "E")
    assert spec.data["last.D"] == Datum("last", "D", dirpath="d")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a template: workflow: NAME and nodes: {...}"),
        ("[1]", "must be a template"),
        ("nodes: {a: {payload: x}}", "workflow: is required, a name"),
        ("workflow: x", "nodes: is required, like {ped:"),
        ("workflow: x\nnode: {a: {payload: x}}", ":2: node: is not a known field; did you mean nodes?"),
        ("workflow: x\nnodes: {}", ":2: nodes: must be like {ped:"),
        ("workflow: [x]\nnodes: {a: {payload: x}}", ":1: workflow: must be a name"),
        ("workflow: a b\nnodes: {a: {payload: x}}", ":1: name: 'a b' is no template's name"),
        ("workflow: x\nnodes:\n  a: {payload: x}\n  a: {payload: y}", ":4: nodes.a: stands twice"),
        ("workflow: x\nnodes:\n  a: {payload: x\n", ":4"),
        ("workflow: x\nnodes:\n  a:\n    paylod: x", ":4: nodes.a.paylod: is not a known field; did you mean payload?"),
        ("workflow: x\nnodes:\n  a:\n    shell: true", ":3: nodes.a.payload: is required"),
        ("workflow: x\nnodes: {a: {payload: x, shell: 1}}", "nodes.a.shell: must be true or false, not 1"),
        ("workflow: x\nnodes: {a: {payload: x, time_limit: 20}}", "nodes.a.time_limit: must be a duration like 30s"),
        ("workflow: x\nnodes: {a: {payload: x, priority: high}}", "nodes.a.priority: must be an integer"),
        ("workflow: x\nnodes: {a: {payload: x, on_failure: ignore}}", "nodes.a.on_failure: must be stop or skip or"),
        ("workflow: x\nnodes: {a: {payload: x, for_each: []}}", "nodes.a.for_each: the list is empty"),
        (
            "workflow: x\nnodes: {a: {payload: x, for_each: 3}}",
            "nodes.a.for_each: must be inputs, a node that fans out",
        ),
        ("workflow: x\nnodes: {a: {payload: x, for_each: [[1]]}}", "nodes.a.for_each[0]: must be a text or a number"),
        ("workflow: x\nnodes: {a: {payload: x, in: inputs}}", "'inputs' lacks the variable; write NODE.VARIABLE"),
        ("workflow: x\nnodes: {a: {payload: x, in: {A: 3}}}", "nodes.a.in.A: must be what another node writes"),
        (
            "workflow: x\nnodes: {a: {payload: x, in: {A: {lst: b.C}}}}",
            "in.A.lst: is not a known field; did you mean list?",
        ),
        ("workflow: x\nnodes: {a: {payload: x, out: [A]}}", "nodes.a.out: must be like {PED: ROOT}"),
        ("workflow: x\nnodes: {a: {payload: x, out: {A: 3}}}", "nodes.a.out.A: must be a data type"),
        (
            "workflow: x\nnodes: {a: {payload: x, out: {A: {typ: T}}}}",
            "out.A.typ: is not a known field; did you mean type?",
        ),
        ("workflow: x\nnodes: {a: {payload: x, needs: {core: 2}}}", "nodes.a.needs.core: is not a known field"),
        ("workflow: x\nnodes: {a: {payload: x, env: {A: [1]}}}", "nodes.a.env.A: must be a text or a number"),
        ("workflow: x\ndefaults:\n  env: {A: '{b}'}\nnodes: {a: {payload: x}}", ":3: env.A: "),
        ("workflow: x\nparameters: {n: {type: number}}\nnodes: {a: {payload: x}}", ":2: parameters.n.type: must be"),
        (
            "workflow: x\nparameters: {n: {min: low}}\nnodes: {a: {payload: x}}",
            ":2: parameters.n.min: must be a number",
        ),
        ("workflow: x\nparameters: {n: {type: int, default: 0, min: 1}}\nnodes: {a: {payload: x}}", ":2: parameters.n"),
        # What the rules say, with the line of what they speak of.
        ("workflow: x\nnodes:\n  a:\n    payload: x\n    in: b.C", ":5: nodes.a.in.C: nobody writes 'b.C'"),
        (
            "workflow: x\nnodes:\n  a:\n    payload: x\n    out:\n      C: {path: '{rum}'}",
            ":6: data.a.C.path: there is no",
        ),
        ("workflow: x\nnodes:\n  a: {payload: x, after: b}\n  b: {payload: x, after: a}", "a -> b -> a is a cycle"),
        ("workflow: x\nnodes:\n\n  a:\n    payload: x\n    jobtype: noop", ":4: nodes.a: is a noop, so its payload"),
        (
            "workflow: x\nnodes:\n  a: {payload: x, out: {O: {name: x}}}\n  b: {payload: x, out: {O: {name: x}}}",
            ":4: data.b.O: 'x' is a's O",
        ),
        (
            "workflow: x\nnodes:\n  c: {payload: x}\n  a: {payload: x, after: b}\n  b: {payload: x, after: a}",
            ":4: nodes.a: a -> b",
        ),
        ("workflow: x\nnodes: {a: {payload: x, on_failure: no}}", "must be stop or skip or continue, not no"),
        (
            "workflow: x\nnodes:\n  a:\n  b: {payload: x}",
            ":3: nodes.a: must be like {payload: ./ped.sh, out: {PED: ROOT}}, not nothing",
        ),
        (
            "workflow: x\nnodes:\n\ta: {payload: x}",
            ":3: found character '\\t' that cannot start any token; indent with blanks",
        ),
        (
            "workflow: x\nnodes:\n  a: {payload: x, env: {A: {run}/x}}",
            "a text with a brace, bracket or comma in it in quotes",
        ),
        (
            "workflow: x\nnodes:\n  a: {payload: x}\n---\nworkflow: y",
            ":4: but found another document; write one a file",
        ),
        (
            "workflow: x\nnodes:\n  a:\n    payload: echo a: b",
            ":4: mapping values are not allowed here; write a text with a colon",
        ),
        ("workflow: " + "[" * 5_000, "it is nested too deeply"),
        ("workflow: &a {b: *a}", "workflow"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    found = refused(text)
    assert "/templates/calib.yaml" in found
    assert said in found


def test_days_are_texts() -> None:
    spec = parsed("workflow: x\nparameters: {day: 2024-01-31, other: {default: 2024-13-41}}\nnodes: {a: {payload: x}}")
    assert spec.parameters == {"day": Parameter(default="2024-01-31"), "other": Parameter(default="2024-13-41")}


def test_a_node_may_be_called_by_a_number() -> None:
    assert parsed("workflow: x\nnodes:\n  1: {payload: x}\n  2: {payload: x, after: [1]}").nodes["2"].after == ["1"]


def test_aliases_that_blow_up_are_refused() -> None:
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True):
        text += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    assert "too much of this" in refused(text)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read .*nothere\.yaml: No such file"):
        read(tmp_path / "nothere.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="it is not text in UTF-8"):
        read(tmp_path / "binary.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(BadInput, match="is larger than"):
        read(tmp_path / "large.yaml")


def test_a_file_that_is_too_large_is_refused_not_cut_off(tmp_path: Path) -> None:
    """Letters of two bytes: half as many letters as bytes."""
    for over in (0, 1):
        (tmp_path / "large.yaml").write_text(
            f"{MINIMAL}# {'é' * 600_000}{'x' * over}\n  late: {{payload: ./late.sh}}\n"
        )
        with pytest.raises(BadInput, match=r"large.yaml: is larger than 1,000,000 bytes"):
            read(tmp_path / "large.yaml")
