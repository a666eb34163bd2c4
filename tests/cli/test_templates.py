"""Templates by commands: written, checked, stored, shown, exported and deleted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p3s.client.sdk import Client
from p3s.protocol.catalogue import DataTypeSpec

pytestmark = pytest.mark.system

Run = Callable[..., Any]

EXAMPLE = Path(__file__).parents[2] / "examples/workflow.yaml"

GRAPH = """\
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="p" for="node" attr.name="payload" attr.type="string"/>
  <key id="g" for="edge" attr.name="datatag" attr.type="string"/>
  <graph edgedefault="directed">
    <node id="a"><data key="p">touch $X</data></node><node id="b"><data key="p">cat $X</data></node>
    <edge source="a" target="b"><data key="g">X</data></edge>
  </graph>
</graphml>
"""


def test_a_template_to_begin_with_is_good(run: Run, tmp_path: Path) -> None:
    done = run("workflow", "template", "new", "femb")
    assert done.stdout.startswith("wrote femb.yaml\nnext:\n  p3s workflow template check femb.yaml\n")
    told = run("workflow", "template", "check", "femb.yaml")
    assert (told.returncode, told.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert lines[0] == "femb.yaml: template femb, 2 nodes"
    assert lines[1] == "-p word=beam string, what is counted"
    assert lines[3].startswith("count one for each input COUNT grep -c")
    assert lines[4].startswith("sum 1 COUNT: all of count.COUNT SUM cat $COUNT")
    again = run("workflow", "template", "new", "femb")
    assert (again.returncode, again.stderr) == (
        2,
        "p3s: femb.yaml is there already; name another, or remove it first\n",
    )
    assert "'../x' is no template's name" in run("workflow", "template", "new", "../x").stderr
    assert sorted(file.name for file in tmp_path.glob("*.yaml")) == ["femb.yaml"]


def test_all_that_is_wrong_is_told_with_lines_and_the_rest_is_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("workflow: bad\nnodes:\n  a:\n    payload: x\n    in: b.C\n")
    (tmp_path / "good.graphml").write_text(GRAPH)
    (tmp_path / "worse.yaml").write_text("workflow: [")
    done = run("workflow", "template", "check", "bad.yaml", "good.graphml", "worse.yaml")
    assert done.returncode == 2
    assert done.stdout.startswith("good.graphml: template good, 2 nodes\n")
    assert done.stderr.splitlines() == [
        "p3s: bad.yaml:5: nodes.a.in.C: nobody writes 'b.C'; write NODE.VARIABLE",
        "note: good.graphml: nodes.a: no shell fills in $X of its payload; write shell: true",
        "note: good.graphml: nodes.b: no shell fills in $X of its payload; write shell: true",
        "p3s: cannot read worse.yaml:1: expected the node content, but found '<stream end>'",
    ]
    told = json.loads(run("workflow", "template", "check", "bad.yaml", "good.graphml", "--json").stdout)
    assert [(one["good"], one["spec"] and list(one["spec"]["nodes"])) for one in told] == [
        (False, None),
        (True, ["a", "b"]),
    ]


def test_each_mistake_of_a_file_is_a_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "workflow: bad\nnodes:\n  a: {paylod: x}\n  b:\n    payload: x\n    in: a.C\n    shell: 1\n"
    )
    told = [
        "bad.yaml:3: nodes.a.paylod: is not a known field; did you mean payload?",
        "bad.yaml:7: nodes.b.shell: must be true or false, not 1",
    ]
    for act in ("check", "put"):
        done = run("workflow", "template", act, "bad.yaml")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [f"p3s: {one}" for one in told]
    said = json.loads(run("workflow", "template", "check", "bad.yaml", "--json").stdout)
    assert said == [{"file": "bad.yaml", "good": False, "says": told, "spec": None}]


def test_what_may_be_meant_otherwise_is_told(run: Run, tmp_path: Path) -> None:
    nodes = "  a: {payload: ./nothere.sh}\n  b: {payload: cat x > y}\n  c: {payload: cat $X, shell: true}\n"
    nodes += "  d: {payload: 'cat {OUT} {input}', for_each: inputs, out: {OUT: {name: out.txt}}}"
    (tmp_path / "x.yaml").write_text(f"workflow: x\nnodes:\n{nodes}")
    done = run("workflow", "template", "check", "x.yaml")
    assert done.returncode == 0
    assert [line.split(": ", 2)[2] for line in done.stderr.splitlines()] == [
        "data.d.OUT: two jobs of d would both write 'out.txt'; a {field} like {index}, {value} or {input} in its name "
        "tells them apart",
        f"nodes.a: {tmp_path}/nothere.sh is not on this machine; where the pilot runs, it must be",
        "nodes.b: no shell runs its payload, so > and | are handed to it; write shell: true",
        "nodes.d: {OUT} of its payload is not filled in; write shell: true and $OUT",
        'nodes.d: {input} of its payload is not filled in; write env: {INPUT: "{input}"}, shell: true and $INPUT',
    ]


def test_names_are_no_pictures(run: Run, tmp_path: Path) -> None:
    """`:b:` would be one to who prints in colours."""
    key = '<key id="g" for="edge" attr.name="datatag"/><key id="p" for="node" attr.name="payload"/>'
    nodes = "".join(f'<node id="{name}"><data key="p">x</data></node>' for name in "ab")
    edge = '<edge source="a" target="b"><data key="g">T U</data></edge>'
    (tmp_path / "x.graphml").write_text(f"<graphml>{key}<graph>{nodes}{edge}</graph></graphml>")
    assert "data.a:b: 'T U' is not a variable name" in run("workflow", "template", "check", "x.graphml").stderr


def test_a_template_is_stored_in_versions_shown_exported_and_deleted(run: Run, server: Any, tmp_path: Path) -> None:
    at = server.directory
    run("workflow", "template", "new", "stored")
    file = tmp_path / "stored.yaml"

    def template(*words: str, code: int = 0) -> str:
        done = run("workflow", "template", *words, at=at)
        assert done.returncode == code, done.stderr
        return str(done.stderr if code else done.stdout)

    assert template("put", "stored.yaml", "--dry-run") == "stored: would be stored as version 1\n"
    assert template("put", "stored.yaml", "--why", "first") == "stored: stored as version 1\n"
    assert template("put", "stored.yaml") == "stored: it was so already, as version 1\n"
    first = file.read_text()
    file.write_text(first.replace("default: beam", "default: cosmic"))
    assert template("put", "stored.yaml", "--dry-run") == "stored: would be stored as version 2\n"
    assert template("put", "stored.yaml", "--why", "cosmics") == "stored: stored as version 2\n"

    assert "stored    2        2" in template("list", "--name", "stored")
    shown = template("show", "stored")
    assert "stored, version 2 of 2, 2 nodes\n  -p word=cosmic" in shown
    assert [line.split()[:2] + line.split()[-1:] for line in shown.splitlines()[-2:]] == [
        ["version", "2", "cosmics"],
        ["version", "1", "first"],
    ]
    assert "version 1 of 2" in template("show", "stored", "--version", "1")
    assert "with version 7" in template("show", "stored", "--version", "7", code=4)
    assert template("export", "stored", "--version", "1") == first

    (tmp_path / "back.graphml").write_text(template("export", "stored", "--graphml"))
    assert template("put", "back.graphml") == "stored: stored as version 3\n"
    assert template("export", "stored").startswith("<?xml")
    (tmp_path / "again.yaml").write_text(template("export", "stored", "--yaml"))
    assert template("put", "again.yaml") == "stored: stored as version 4\n"
    assert "choose --graphml or --yaml" in template("export", "stored", "--graphml", "--yaml", code=2)

    assert template("delete", "stored", "--dry-run") == "stored: would be deleted, all 4 versions\n"
    assert template("delete", "stored", "--why", "done") == "stored: deleted\n"
    assert "was deleted already" in template("delete", "stored", code=6)
    assert "was deleted already" in template("delete", "stored", "--dry-run", code=6)
    assert "stored" not in template("list")
    assert "deleted" in template("list", "--deleted")
    assert "deleted: it can be started no more" in template("show", "stored")
    assert "there is no template 'never'" in template("show", "never", code=4)


def test_a_graph_is_named_by_its_file_or_by_the_command(run: Run, server: Any, tmp_path: Path) -> None:
    (tmp_path / "named.graphml").write_text(GRAPH)
    words = ("workflow", "template", "put", "named.graphml")
    assert run(*words, at=server.directory).stdout == "named: stored as version 1\n"
    done = run(*words, "--name", "other", "--description", "of 2018", at=server.directory)
    assert done.stdout == "other: stored as version 1\n"
    assert (
        "of 2018\nother, version 1 of 1, 2 nodes"
        in run("workflow", "template", "show", "other", at=server.directory).stdout
    )
    run("workflow", "template", "new", "own")
    said = run("workflow", "template", "put", "own.yaml", "--name", "x", at=server.directory)
    assert said.stderr == "p3s: --name: is for graphs; own.yaml says it itself: change workflow: there\n"


def test_several_are_stored_together_or_none(run: Run, server: Any, tmp_path: Path) -> None:
    def put(*words: str) -> Any:
        return run("workflow", "template", "put", *words, at=server.directory)

    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(f"workflow: {name}\nnodes: {{a: {{payload: x}}}}")
    (tmp_path / "bad.yaml").write_text("workflow: bad\nnodes: {}")
    (tmp_path / "worse.yaml").write_text("workflow: worse\nnodes: {a: {payload: x, shell: 1}}")
    done = put("one.yaml", "bad.yaml", "two.yaml", "worse.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == ["bad.yaml", "worse.yaml"]
    listed = run("workflow", "template", "list", at=server.directory).stdout
    assert not {"one", "two"} & set(listed.split()), "all are checked before the first is stored"
    done = put("one.yaml", "two.yaml")
    assert (done.returncode, done.stdout) == (0, "one: stored as version 1\ntwo: stored as version 1\n")
    told = json.loads(put("one.yaml", "two.yaml", "--json").stdout)
    assert [(one["name"], one["version"], one["changed"]) for one in told] == [("one", 1, False), ("two", 1, False)]
    (tmp_path / "again.yaml").write_text("workflow: one\nnodes: {a: {payload: y}}")
    assert "again.yaml: is the template 'one', and so is one.yaml; rename one" in put("one.yaml", "again.yaml").stderr
    assert "--name: is for one graph" in put("one.yaml", "two.yaml", "--name", "x").stderr


def test_data_types_that_must_be_added_are_noted(run: Run, server: Any, tmp_path: Path) -> None:
    (tmp_path / "typed.yaml").write_text("workflow: typed\nnodes: {a: {payload: 'true', out: {A: RAW, B: UNHEARD}}}")
    Client(server.url, server.token).set_data_type(DataTypeSpec("RAW", ".raw"))
    for more in ((), ("--dry-run",)):
        done = run("workflow", "template", "put", "typed.yaml", *more, at=server.directory)
        assert (done.returncode, done.stderr.count("note: ")) == (0, 1)
        assert "does not know the data type UNHEARD yet: p3s datatype add UNHEARD" in done.stderr


def test_without_a_server_a_dry_run_still_checks(run: Run) -> None:
    run("workflow", "template", "new", "alone")
    done = run("workflow", "template", "put", "alone.yaml", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "alone: would be stored as version 1\n")
    assert "checked without it" in done.stderr
    assert run("workflow", "template", "put", "alone.yaml").returncode == 3


def test_names_are_said_in_one_way(run: Run) -> None:
    done = run("workflow", "start", "x", "--names", "sticky", "--fileinfo", "inherit:a")
    assert (done.returncode, "give one of them" in done.stderr) == (2, True)


def test_the_example_runs(run: Run, server: Any, tmp_path: Path) -> None:
    assert run("workflow", "template", "put", str(EXAMPLE), at=server.directory).returncode == 0
    for name, text in (("a.txt", "1\n2\n11\n"), ("b.txt", "x\n1\n"), ("c.txt", "none\n")):
        (tmp_path / name).write_text(text)
    words = ("--input", "*.txt", "--directory", str(tmp_path / "out"), "--wait")
    done = run("workflow", "start", "lines", *words, at=server.directory, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "sum.txt").read_text() == "3\n"
    assert (tmp_path / "out" / "a.count").read_text() == "2\n"


def test_the_template_to_begin_with_runs_and_misses_what_is_not_there(run: Run, server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("beam\nbeam\n")
    (tmp_path / "b.txt").write_text("none\n")
    assert run("workflow", "template", "new", "femb").returncode == 0
    assert run("workflow", "template", "put", "femb.yaml", at=server.directory).returncode == 0
    words = ("start", "femb", "a.txt", "b.txt", "gone.txt", "--directory", "out", "--wait", "--json")
    done = run("workflow", *words, at=server.directory, timeout=60)
    assert json.loads(done.stdout)["counts"] == {"finished": 3, "failed": 1}
    assert (tmp_path / "out" / "sum of beam.txt").read_text() == "2\n"
    shown = run("workflow", "show", json.loads(done.stdout)["uuid"], at=server.directory).stdout
    assert "parameters     word=beam\n" in shown


def test_schemas_are_printed(run: Run) -> None:
    names = run("schema").stdout.split()
    assert {"jobs", "template"} <= set(names)
    for name in names:
        assert json.loads(run("schema", name).stdout)["$schema"]
    done = run("schema", "templates")
    assert (done.returncode, done.stderr) == (4, "p3s: there is no schema 'templates'; did you mean template?\n")
