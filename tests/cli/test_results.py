"""`p3s result ...` as a person types it: what a payload published, looked at, judged, trended and fetched."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p3s.cli import trend

pytestmark = pytest.mark.system

Run = Callable[..., Any]

PAYLOAD = """#!/bin/sh
cd "$P3S_RESULT_DIR"
mkdir plots
echo U > plots/hits_U1.svg; echo V > plots/hits_V1.svg; echo level > lar.log
printf 'apa,dead [ch],noisy\\n1,12,128\\n2,%s,\\n' "$N" > t.csv
p3s-publish --category "TPC monitor" --run "$N" --subrun 2 --key dl=5 --comment "beam off" \\
  --number lifetime="$N" --error 0.5 --unit ms --good 0,101 --warn 0,200 --drift 0.005,0.5 --by tpc=1 \\
  --table Channels=t.csv --good dead=0,40 --group wires \\
  --images "Hits=plots/hits_{plane:a}{apa:d}.svg" --expect 3 --file log=lar.log \\
  --check FEMBs=bad --comment "119 of 120" \\
  --number odd=1 --good 2,1
"""


@pytest.fixture(scope="module")
def published() -> dict[int, int]:
    """Filled by `results`: the result of each run."""
    return {}


@pytest.fixture
def results(run: Run, server: Any, published: dict[int, int], tmp_path: Path) -> dict[int, int]:
    """The results of runs 100 and 102, by run; made once."""
    if not published:
        script = tmp_path / "pay.sh"
        script.write_text(PAYLOAD)
        script.chmod(0o755)
        for number in (100, 102):
            words = ("--wait", "--jobtype", "look", "-e", f"N={number}", "--", str(script))
            done = run("job", "submit", *words, at=server.directory)
            assert done.returncode == 0, done.stderr
            if number == 100:
                assert run("result", "reference", "100", at=server.directory).returncode == 0
        listed = json.loads(run("result", "list", "--jobtype", "look", "--json", at=server.directory).stdout)
        published.update((one["run"], one["id"]) for one in listed)
    return published


def told(run: Run, server: Any, *words: str) -> str:
    done = run("result", *words, at=server.directory)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_list_says_what_is_bad_and_can_be_narrowed(run: Run, server: Any, results: dict[int, int]) -> None:
    lines = told(run, server, "list", "--category", "TPC monitor").splitlines()
    assert lines[0].split() == ["id", "category", "run", "subrun", "keys", "status", "age", "job", "type", "file"]
    assert lines[1].split()[:9] == [str(results[102]), "TPC", "monitor", "102", "2", "dl", "5", "bad", "incomplete"]
    assert [line.split()[3] for line in lines[1:]] == ["102", "100"]
    assert len(told(run, server, "list", "--run", "100", "--status", "bad", "--since", "1h").splitlines()) == 2
    assert told(run, server, "list", "--run", "70001") == "no such results\n"


def test_all_of_a_result_is_shown_with_its_holes(run: Run, server: Any, results: dict[int, int]) -> None:
    shown = told(run, server, "show", str(results[102]))
    for line in (
        "TPC monitor, run 102, subrun 2, dl 5: bad, incomplete, 1 hole\n",
        "comment     beam off\n",
        "number      lifetime  tpc 1: 102 ± 0.5 ms  [warning], good 0 to 101, bad outside 0 to 200, drift 0.005,0.5, "
        "+2.0% of run 100\n",
        "table       wires > Channels  [warning]\n",
        "              apa  dead [ch]    noisy\n",
        "              1    12           128\n",
        "              2    102 warning  no value\n",
        "              dead: good 0 to 40\n",
        "images      Hits: 2 files, 1 of 3 expected are missing\n",
        "              plots/hits_U1.svg\n",
        "check       FEMBs  [bad]  (119 of 120)\n",
        "hole        odd: items[5].good: the low limit 2 is above the high limit 1; write [low, high]\n",
    ):
        assert line in shown, shown


def test_files_are_fetched_into_a_directory_of_their_own(
    run: Run, server: Any, results: dict[int, int], tmp_path: Path
) -> None:
    number, there = str(results[102]), tmp_path / "there"
    said = run("result", "get", number, at=server.directory)
    names = ["plots/hits_U1.svg", "plots/hits_V1.svg", "lar.log"]
    assert said.stdout.splitlines() == [f"result-{number}/{name}" for name in names], said.stderr
    assert (tmp_path / f"result-{number}/plots/hits_V1.svg").read_text() == "V\n"
    told(run, server, "get", number, "plots/*_{plane:a}1.svg", "-o", str(there))
    assert sorted(path.name for path in there.rglob("*") if path.is_file()) == ["hits_U1.svg", "hits_V1.svg"]


def test_nothing_is_overwritten_unless_one_says_so(
    run: Run, server: Any, results: dict[int, int], tmp_path: Path
) -> None:
    (tmp_path / "lar.log").write_text("mine")
    words = ("get", str(results[102]), "lar.log", "-o", str(tmp_path))
    done = run("result", *words, at=server.directory)
    assert (done.returncode, "is there already; --force replaces" in done.stderr) == (6, True)
    assert (tmp_path / "lar.log").read_text() == "mine"
    assert "lar.log" in told(run, server, *words, "--dry-run", "--force")
    assert (tmp_path / "lar.log").read_text() == "mine"
    told(run, server, *words, "--force")
    assert (tmp_path / "lar.log").read_text() == "level\n"


def test_no_link_leads_a_file_out_of_its_directory(
    run: Run, server: Any, results: dict[int, int], tmp_path: Path
) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "plots").symlink_to(outside)
    (inside / "lar.log").symlink_to(outside / "stolen")
    done = run("result", "get", str(results[102]), "-o", str(inside), "--force", at=server.directory)
    assert (done.returncode, "would leave" in done.stderr) == (6, True)
    told(run, server, "get", str(results[102]), "lar.log", "-o", str(inside), "--force")
    assert list(outside.iterdir()) == []
    assert (inside / "lar.log").read_text() == "level\n"


def test_a_number_is_drawn_over_runs(run: Run, server: Any, results: dict[int, int]) -> None:  # noqa: ARG001
    head, first, second = told(run, server, "trend", "TPC monitor/lifetime").splitlines()
    assert head == "TPC monitor/lifetime  tpc 1  [ms]"
    assert first.split()[:6] == ["100/2", "100", "±", "0.5", "good", "[o"]
    assert second.split()[:7] == ["102/2", "102", "±", "0.5", "+2%", "warning", "["]
    assert second.endswith("!]")
    assert second.index("|") == second.index("[") + 1 + trend.WIDTH // 2
    listed = told(run, server, "trend", "TPC monitor/")
    assert [line.split()[:4] for line in listed.splitlines()[1:]] == [
        ["TPC", "monitor/Channels/dead", "ch", "2"],
        ["TPC", "monitor/Channels/noisy", "2", "apa"],
        ["TPC", "monitor/lifetime", "ms", "1"],
    ]


def test_a_trend_is_there_for_programs(run: Run, server: Any, results: dict[int, int]) -> None:
    words = ("trend", "TPC monitor/Channels/dead", "--by", "apa=2")
    rows = list(csv.DictReader(told(run, server, *words, "--csv").splitlines()))
    assert [(row["run"], row["value"], row["status"], row["by"], row["good_high"]) for row in rows] == [
        ("100", "100.0", "warning", "apa=2", "40.0"),
        ("102", "102.0", "warning", "apa=2", "40.0"),
    ]
    (found,) = json.loads(told(run, server, *words, "--json", "--last", "1"))
    assert [point["result"] for point in found["points"]] == [results[102]]


def test_limits_are_set_listed_and_deleted(run: Run, server: Any, results: dict[int, int]) -> None:  # noqa: ARG001
    name, words = "TPC monitor/lifetime", ("--good", "0.3,", "--warn", "-5,", "--reason", "a test")
    assert told(run, server, "limits", "set", name, *words, "--dry-run") == f"{name}: would be set\n"
    assert name not in told(run, server, "limits", "list")
    assert told(run, server, "limits", "set", name, *words) == f"{name}: set\n"
    assert told(run, server, "limits", "set", name, *words, "--dry-run") == f"{name}: it was so already\n"
    line = told(run, server, "limits", "list", "--category", "TPC monitor").splitlines()[1]
    assert line.split()[:4] == ["TPC", "monitor/lifetime", "0.3,", "-5,"]
    assert "set on the server: good from 0.3, bad below -5" in told(run, server, "trend", name)
    assert told(run, server, "limits", "delete", name, "--reason", "over") == f"{name}: deleted\n"
    assert told(run, server, "limits", "delete", name) == f"{name}: no limits are set there\n"
    odd = run("result", "limits", "set", "lifetime", "--category", "a/b", "--good", "0,1", at=server.directory)
    assert (odd.stdout, "nothing of this name was published yet" in odd.stderr) == ("a/b/lifetime: set\n", True)
    told(run, server, "limits", "delete", "lifetime", "--category", "a/b")


def test_a_reference_run_is_made_told_and_taken_back(run: Run, server: Any, results: dict[int, int]) -> None:  # noqa: ARG001
    of_one = ("--category", "TPC monitor")
    assert "run 102" in told(run, server, "reference", "102", *of_one, "--dry-run")
    assert told(run, server, "reference", "102", *of_one, "--reason", "x") == "the reference of TPC monitor: run 102\n"
    assert "it was so already" in told(run, server, "reference", "102", *of_one)
    lines = told(run, server, "reference").splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["all", "others", "100"], ["TPC", "monitor", "102"]]
    assert told(run, server, "reference", "none", *of_one).endswith("none any more\n")
    assert told(run, server, "reference", "none", *of_one).endswith("there was none\n")
    odd = run("result", "reference", "7", "--category", "none such", at=server.directory)
    assert "note: run 7 has no results of none such yet" in odd.stderr
    told(run, server, "reference", "none", "--category", "none such")


def test_a_coordinate_gets_an_order_and_names(run: Run, server: Any, results: dict[int, int]) -> None:
    words = ("apa", "--order", "3,2,1", "--label", "3=APA3 RaS-US")
    assert told(run, server, "dimension", *words) == "apa: set\n"
    assert told(run, server, "dimension").splitlines()[1].split() == ["apa", "3,2,1", "3=APA3", "RaS-US"]
    shown = told(run, server, "show", str(results[102]))
    assert shown.index("\n              2    ") < shown.index("\n              1    ")
    assert told(run, server, "dimension", "apa", "--delete", "--dry-run") == "apa: would be shown as it is\n"
    assert told(run, server, "dimension", "apa", "--delete") == "apa: shown as it is\n"


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (2, ("show", "x"), "ID: must be a whole number"),
        (4, ("show", "999999"), "there is no result 999999; p3s result list shows"),
        (4, ("get", "{id}", "none*"), "fits none*; it has plots/hits_U1.svg"),
        (2, ("get", "{id}", "../x"), "'..'; it must stay inside"),
        (2, ("trend", "lifetime"), "'lifetime': write CATEGORY/ITEM"),
        (4, ("trend", "TPC monitor/lifetim"), "nothing of the name TPC monitor/lifetim is trended"),
        (2, ("trend", "TPC monitor/lifetime", "--by", "tpc"), "--by: 'tpc': write NAME=VALUE"),
        (2, ("limits", "set", "a/b"), "good: say good, warn or drift"),
        (2, ("limits", "set", "a/b", "--good", "3"), "--good: '3': write LOW,HIGH"),
        (2, ("limits", "set", "a/b", "--good", "3,x"), "--good: '3,x': write LOW,HIGH"),
        (2, ("limits", "set", "a/b", "--drift", "0.1,"), "--drift: write WARNING,BAD"),
        (2, ("reference", "run7"), "'run7': write a run's number, or none"),
        (2, ("dimension", "apa", "--label", "3"), "--label: '3': write VALUE=NAME"),
        (2, ("list", "--status", "fine"), "status: 'fine' is none; use none, good, warning, bad"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    run: Run, server: Any, results: dict[int, int], code: int, words: tuple[str, ...], says: str
) -> None:
    done = run("result", *(word.format(id=results[102]) for word in words), at=server.directory)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


# ---- the drawing


def point(value: float | None, **more: Any) -> Any:
    return {"value": value, "status": "good", "good": None, "warn": None, **more}


def test_a_drawing_spans_from_the_lowest_to_the_highest_value() -> None:
    lines = trend.drawing([point(-1.7e308), point(0.0, good=[0.0, 9e307]), point(1.7e308), point(None)])
    assert [line.index("o") for line in lines[:3]] == [1, 1 + trend.WIDTH // 2, trend.WIDTH]
    assert lines[1].count("|") == 1
    assert lines[3] == f"[{' ' * trend.WIDTH}]"
    assert {len(line) for line in lines} == {trend.WIDTH + 2}


def test_equal_values_are_drawn_in_the_middle_and_none_not_at_all() -> None:
    assert trend.drawing([point(3.0)])[0].index("o") == 1 + trend.WIDTH // 2
    assert trend.drawing([point(None)]) == [""]
