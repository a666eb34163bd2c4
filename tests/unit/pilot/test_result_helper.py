"""The helper for payloads, run by every Python a payload may have."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from p3s.pilot.collect import collect
from p3s.protocol.results import check

HELPER = Path(__file__).parents[3] / "src/p3s/pilot/payload"
VERSIONS = ("3.6", "3.9", "3.13", "here")


def interpreter(version: str) -> str:
    if version == "here":
        return sys.executable
    found = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    path = str(found[-1]) if found else shutil.which(f"python{version}")
    if path is None:
        pytest.skip(f"no Python {version} here")
    return path


def environment(directory: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "PYTHON"))}
    places = {"PYTHONPATH": str(HELPER), "P3S_RESULT_DIR": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **places, **more}


def run(script: str, directory: Path, python: str = sys.executable, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", script],
        env=environment(directory, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def published(directory: Path) -> dict[str, Any]:
    (path,) = directory.glob("p3s-result*.json")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


WHOLE = """
from p3s_result import Result
import pathlib
with Result("TPC monitor", comment="beam off") as r:
    r.images("Hits", pathlib.Path("hits_{plane:a}.png"), rows="plane", expect=2)
    r.number("dead", 12, error=float("nan"), good=(0, float("inf")), warn=(-1, None), unit="ch", by={"apa": 3})
    r.number("lifetime", float("nan"))
    r.root("ADC", "hist.root", objects=["adc/h{plane:a}"], draw="colz", log="z")
    r.check("FEMBs", False, comment="119 of 120")
    r.table("Channels", {3: [1, 2], 1: [3, float("nan")]}, {"noisy": {"good": (0, 9)}, "dead": {}}, rows="apa")
    r.table("By name", {"U": {"b": 1, "a": 2}, "V": {"c": 3}})
    r.graph("HV", range(2), (0.5, float("inf")), error=[0.1, 0.2], x_unit="s", unit="kV")
    r.file("log", "*.log")
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_what_it_writes_is_collected_without_a_hole(version: str, tmp_path: Path) -> None:
    for name in ("hits_U.png", "hits_V.png", "hist.root", "lar.log"):
        (tmp_path / name).write_bytes(b"x")
    more = {"P3S_RUN": "3611", "P3S_SUBRUN": "2", "P3S_KEY_DL": "5", "P3S_KEY_runType": "cosmic"}
    done = run(WHOLE, tmp_path, interpreter(version), **more)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.glob("*.json")] == ["p3s-result-tpc-monitor-1.json"]
    collected = collect(tmp_path)
    assert collected.problems == []
    result = check(collected.results[0], collected.files)
    assert not result.incomplete
    assert (result.run, result.subrun, result.keys) == (3611, 2, {"dl": 5, "runType": "cosmic"})
    hits, dead, lifetime, adc, fembs, channels, by_name, hv, log = result.items
    assert [entry.by for entry in hits.files] == [{"plane": "U"}, {"plane": "V"}]
    assert (dead.value, dead.error, dead.good, dead.by) == (12, None, (0, None), {"apa": 3})
    assert (lifetime.value, lifetime.status) == (None, "none")
    assert adc.objects == ("adc/h{plane:a}",)
    assert fembs.status == "bad"
    assert [(cell.column, cell.by["apa"], cell.value, cell.status) for cell in channels.cells()] == [
        ("noisy", 3, 1, "good"),
        ("dead", 3, 2, "none"),
        ("noisy", 1, 3, "good"),
        ("dead", 1, None, "none"),
    ]
    assert [column.name for column in by_name.table] == ["b", "a", "c"]
    assert by_name.values == {"U": (1, 2, None), "V": (None, None, 3)}
    assert (hv.x, hv.y, hv.errors, hv.unit) == ((0, 1), (0.5, None), (0.1, 0.2), "kV")
    assert [entry.path for entry in log.files] == ["lar.log"]


def test_numpy_scalars_and_arrays_are_written_as_numbers(tmp_path: Path) -> None:
    script = """
import numpy as np
from p3s_result import Result
with Result("n") as r:
    r.number("i", np.int64(3), good=np.array([0, 4]))
    r.number("f", np.float32(0.5), by={"apa": np.int32(2)})
    r.number("nan", np.float64("nan"))
    r.number("zero-d", np.array(7))
    r.check("ok", np.bool_(True))
    r.table("t", {1: np.array([1, np.nan])}, ["a", "b"])
    r.graph("g", np.arange(2), np.array([0.5, 1.5]))
"""
    assert run(script, tmp_path).stderr == ""
    items = published(tmp_path)["items"]
    assert [item.get("value") for item in items] == [3, 0.5, None, 7, None, None, None]
    assert (items[5]["values"], items[6]["x"], items[6]["y"]) == ({"1": [1, None]}, [0, 1], [0.5, 1.5])
    assert (items[0]["good"], items[1]["by"], items[4]["status"]) == ([0, 4], {"apa": 2}, "good")


def test_a_block_that_raises_publishes_nothing(tmp_path: Path) -> None:
    script = "from p3s_result import Result\nwith Result('n') as r:\n    r.number('a', 1)\n    1 / 0"
    done = run(script, tmp_path)
    assert "ZeroDivisionError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_given_wins_over_the_environment_and_nonsense_there_is_left_out(tmp_path: Path) -> None:
    script = "from p3s_result import Result\nwith Result('n', run=7, keys={'a': 1}): pass"
    assert run(script, tmp_path, P3S_RUN="3", P3S_SUBRUN="none", P3S_KEY_DL="5").stderr == ""
    document = published(tmp_path)
    assert (document["run"], document["keys"]) == (7, {"a": 1})
    assert "subrun" not in document


def test_several_results_of_one_category_get_names_of_their_own(tmp_path: Path) -> None:
    script = "from p3s_result import Result\nfor n in range(3):\n    with Result('TPC  (raw)') as r: r.number('n', n)"
    run(script, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"p3s-result-tpc-raw-{n}.json" for n in (1, 2, 3)]


def test_processes_that_publish_at_once_do_not_overwrite_each_other(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom p3s_result import Result\n"
        "for n in range(20):\n    with Result('n') as r: r.number(sys.argv[0] + str(n), n)"
    )
    command = [sys.executable, "-c", script]
    running = [subprocess.Popen(command, env=environment(tmp_path)) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    paths = list(tmp_path.iterdir())
    assert len(paths) == 60
    assert all(json.loads(path.read_text())["items"] for path in paths)


def test_publishing_again_replaces_the_first(tmp_path: Path) -> None:
    script = (
        "from p3s_result import Result\n"
        "r = Result('n'); r.number('a', 1); first = r.publish(); r.number('b', 2); assert r.publish() == first"
    )
    assert run(script, tmp_path).stderr == ""
    assert [item["name"] for item in published(tmp_path)["items"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("Result('')", "category: write a text of 1 to 80 characters"),
        ("Result('n').number('', 1)", "number: write a name"),
        ("Result('n').number('a', object())", "number 'a', value: cannot write a object"),
        (
            "Result('n').table('t', [[1]])",
            "table 't', values: write a dict {row: [numbers]} or {row: {column: number}}",
        ),
        ("Result('n').table('t', {1: [2]})", "write columns=[...], or each row as a dict"),
        ("Result('n').table('t', {1: {'a': 1}}, ['b'])", "table 't', row 1: there is no column 'a'"),
        ("Result('n').table('t', {1: [1], '1': [2]}, ['b'])", "two rows are written alike"),
        ("Result('n').check('a', 'fine')", "status: write one of good, warning, bad, none, not 'fine'"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(call: str, says: str, tmp_path: Path) -> None:
    done = run(f"from p3s_result import Result\n{call}", tmp_path)
    assert done.returncode == 1
    assert says in done.stderr.splitlines()[-1]


def test_without_a_result_directory_it_writes_where_it_stands(tmp_path: Path) -> None:
    script = "from p3s_result import Result\nwith Result('n') as r: r.number('a', 1)"
    settings = environment(tmp_path)
    del settings["P3S_RESULT_DIR"]
    subprocess.run([sys.executable, "-c", script], env=settings, cwd=tmp_path, check=True, timeout=60)
    assert published(tmp_path)["category"] == "n"


def test_a_file_that_was_written_elsewhere_is_told_at_once(tmp_path: Path) -> None:
    """Else the picture is a hole on the page, and the author finds out there."""
    script = (
        "import os; os.mkdir('work'); os.chdir('work'); open('hits.png', 'w').close()\n"
        "from p3s_result import Result\n"
        "with Result('n', directory='../results') as r:\n"
        "    r.images('Hits', ['hits.png', 'none.png']); r.file('late', 'late.log'); r.number('a', 1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    (said,) = done.stderr.splitlines()
    assert said.startswith(
        "p3s: images 'Hits': hits.png is in the current directory; results are taken from P3S_RESULT"
    )
