"""p3s-publish, the helper for shell payloads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "src/p3s/pilot/payload/p3s-publish"


def publish(
    directory: Path, *arguments: str, command: str = str(SCRIPT), **more: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("P3S_")}
    places = {"P3S_RESULT_DIR": str(directory), "P3S_PYTHON": sys.executable}
    return subprocess.run(
        [command, *arguments],
        env={**kept, **places, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def items(directory: Path) -> list[dict[str, Any]]:
    (path,) = directory.glob("p3s-result*.json")
    found: list[dict[str, Any]] = json.loads(path.read_text())["items"]
    return found


def test_options_belong_to_the_item_before_them(tmp_path: Path) -> None:
    line = ["--category", "TPC", "--comment", "of the result", "--number", "dead=12", "--good", "-5,40", "--unit", "ch"]
    line += ["--number", "gain", "--images", "Hits=*.png", "--expect", "3"]
    assert publish(tmp_path, *line).returncode == 2
    line[10:12] = ["--number", "gain=nan", "--warn=,2.5", "--by", "apa=3,plane=U"]
    line += ["--root", "ADC=hist.root", "--objects", "a", "--objects", "b", "--check", "FEMBs=bad", "--comment", "one"]
    done = publish(tmp_path, *line)
    assert (done.returncode, done.stderr) == (0, "")
    assert items(tmp_path) == [
        {"kind": "number", "name": "dead", "value": 12, "good": [-5, 40], "unit": "ch"},
        {"kind": "number", "name": "gain", "value": None, "warn": [None, 2.5], "by": {"apa": 3, "plane": "U"}},
        {"kind": "images", "name": "Hits", "files": "*.png", "expect": 3},
        {"kind": "root", "name": "ADC", "files": "hist.root", "objects": ["a", "b"]},
        {"kind": "check", "name": "FEMBs", "status": "bad", "comment": "one"},
    ]


def test_tables_and_graphs_come_from_csv_files(tmp_path: Path) -> None:
    data, results = tmp_path / "data", tmp_path / "results"
    data.mkdir()
    (data / "channels.csv").write_text("\ufeffapa,dead [ch], noisy\n3,12,128\n\n1,9,\nU,nan,1e3\n")
    (data / "hv.csv").write_text("time [s],HV [kV],error\n1,3.1,0.1\n2,,0.1\n")
    line = ["--category", "TPC", "--table", f"Channels={data}/channels.csv", "--good", "dead=0,40"]
    line += ["--drift", "noisy=0.2,0.5", "--comment", "by hand", "--graph", f"HV={data}/hv.csv", "--group", "slow"]
    line += ["--file", "log=*.log", "--number", "n=1", "--drift", "0.1,0.2"]
    done = publish(results, *line)
    assert (done.returncode, done.stderr) == (0, "")
    columns = {"dead": {"unit": "ch", "good": [0, 40]}, "noisy": {"drift": [0.2, 0.5]}}
    values = {"3": [12, 128], "1": [9, None], "U": [None, 1000.0]}
    table, graph, file, number = items(results)
    assert (list(table["columns"]), list(table["values"])) == (["dead", "noisy"], ["3", "1", "U"])
    assert table == {
        "kind": "table",
        "name": "Channels",
        "rows": "apa",
        "columns": columns,
        "values": values,
        "comment": "by hand",
    }
    points = {"x": [1, 2], "y": [3.1, None], "error": [0.1, 0.1]}
    assert graph == {"kind": "graph", "name": "HV", "x_unit": "s", "unit": "kV", "group": "slow", **points}
    assert file == {"kind": "file", "name": "log", "files": "*.log"}
    assert number["drift"] == [0.1, 0.2]


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (None, [], "cannot be read"),
        ("", [], "has no line of titles, separated by commas"),
        ("apa\n1\n", [], "has no line of titles"),
        ("apa,dead\n1\n", [], "line 2: 1 cells for 2 titles"),
        ("apa,dead\n1,many\n", [], "line 2: 'many' is not a number"),
        ("apa,dead\n1,2\n1,3\n", [], "line 3: a second row '1'"),
        ("apa,dead,dead [ch]\n1,2,3\n", [], "has two columns 'dead'"),
        (
            "apa,dead\n1,2\n",
            ["--good", "0,40"],
            "--good: of a table write COLUMN=..., its columns are dead; got '0,40'",
        ),
        ("apa,dead\n1,2\n", ["--drift", "dead=0.1"], "--drift: write WARNING,BAD"),
        ("apa,dead\n1,2\n", ["--graph", "HV={file}", "--files"], "expected one argument"),
        ("a,b,c,d\n1,2,3,4\n", ["--graph", "HV={file}"], "has 4 columns; write x, y and perhaps error"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_said(text: str | None, options: list[str], says: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    if text is not None:
        file.write_text(text)
    more = [option.format(file=file) for option in options]
    done = publish(tmp_path / "results", "--category", "x", "--table", f"t={file}", *more)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert not (tmp_path / "results").exists()


def test_the_payloads_loader_and_python_settings_do_not_reach_the_helper(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "json.py").write_text("raise SystemExit('the trap')")
    more = {"PYTHONPATH": str(trap), "PYTHONHOME": str(trap), "LD_LIBRARY_PATH": str(trap)}
    done = publish(tmp_path, "--category", "x", "--number", "a=1", **more)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_finds_the_helper_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "bin" / "publish"
    link.parent.mkdir()
    link.symlink_to(SCRIPT)
    assert publish(tmp_path, "--category", "x", "--number", "a=1", command=str(link)).returncode == 0
    assert items(tmp_path)[0]["name"] == "a"


def test_run_and_keys_may_be_given_or_come_from_the_environment(tmp_path: Path) -> None:
    publish(tmp_path, "--category", "x", "--number", "a=1", "--run", "7", "--key", "dl=5", P3S_RUN="1", P3S_SUBRUN="2")
    (path,) = tmp_path.glob("p3s-result*.json")
    document = json.loads(path.read_text())
    assert (document["run"], document["subrun"], document["keys"]) == (7, 2, {"dl": 5})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--category is needed"),
        (["--category", "x"], "nothing to publish"),
        (["--category", "x", "--good", "0,1"], "--good: put it behind the item it belongs to"),
        (["--category", "x", "--number", "a=b"], "--number: 'b' is not a number"),
        (["--category", "x", "--number", "3"], "--number: write NAME=VALUE, got '3'"),
        (["--category", "x", "--number", "a=1", "--good", "3"], "--good: write LOW,HIGH"),
        (["--category", "x", "--check", "a=fine"], "write one of good, warning, bad, none, not 'fine'"),
        (["--category", "x", "--numer", "a=1"], "unrecognized arguments: --numer"),
        (["--category", "x", "--run", "abc", "--number", "a=1"], "--run: 'abc' is not an integer"),
    ],
)
def test_wrong_arguments_are_said_and_publish_nothing(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = publish(tmp_path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_help_shows_examples(tmp_path: Path) -> None:
    done = publish(tmp_path, "--help")
    assert done.returncode == 0
    assert 'p3s-publish --category "TPC" --number dead=12 --good 0,40' in done.stdout


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    done = publish(tmp_path, "--category", "x", P3S_PYTHON="no-such-python")
    assert done.returncode == 127
    assert "no 'no-such-python' found; set P3S_PYTHON" in done.stderr


def test_a_directory_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = publish(tmp_path, "--category", "x", "--number", "a=1", "--directory", str(tmp_path / "file" / "sub"))
    assert done.returncode == 1
    assert done.stderr.startswith("p3s-publish: the result cannot be written: ")
