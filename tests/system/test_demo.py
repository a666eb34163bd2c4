"""`p3s demo` as a newcomer runs it: one command, two runs on display, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Place = Any

P3S = str(Path(sys.executable).with_name("p3s"))
ROOT_LIBRARIES = "the demo needs the ROOT libraries of p3s[demo]"


@pytest.fixture(autouse=True)
def root_libraries() -> None:
    pytest.importorskip("uproot", reason=ROOT_LIBRARIES)
    pytest.importorskip("matplotlib", reason=ROOT_LIBRARIES)


def numbers(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """The last line of stdout, which is for programs."""
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def start_demo(place: Place, *words: str) -> "subprocess.Popen[bytes]":
    demo: subprocess.Popen[bytes] = place.spawn("demo", P3S, "demo", *words)
    return demo


def end_by(place: Place, demo: "subprocess.Popen[bytes]", number: signal.Signals) -> int:
    os.kill(demo.pid, number)
    place.until("the demo has ended", lambda: demo.poll() is not None, 60)
    return int(demo.returncode)


def test_it_shows_two_runs_and_ends_within_90_seconds_leaving_nothing_behind(place: Place) -> None:
    kept = place.directory / "kept"
    done = place.p3s("demo", "--exit", "--json", "--dir", str(kept), timeout=90)
    assert done.returncode == 0, done.stderr
    told = numbers(done)
    assert set(told) == {"datasets", "jobs", "results", "runs", "arrival_to_result_s"}
    assert told["datasets"] >= 2
    [(state, jobs)] = told["jobs"].items()
    assert (state, told["results"]) == ("finished", jobs)
    # At least one more for each run, its files' spectra added up: on a slow machine also of the first files alone.
    assert told["datasets"] + 2 <= jobs <= told["datasets"] + 6
    assert told["runs"] == {"1": "good", "2": "bad"}
    times = told["arrival_to_result_s"]
    assert 0 < times["p50"] <= times["p95"] < 90
    assert "watch it at http://127.0.0.1:" in done.stderr
    place.until_nothing_runs(5)
    assert list(place.temporary.iterdir()) == [], "temporary files are left"

    place.server_dir = kept / "server"
    place.start_server()
    for run in (1, 2):
        the_merged_spectra_of_a_run_are_the_sum_over_its_files(place, run)


def the_merged_spectra_of_a_run_are_the_sum_over_its_files(place: Place, run: int) -> None:
    client = place.client
    [gathering] = client.gatherings(run=run)
    assert (gathering["stream"], gathering["pending"], gathering["gathered"]) == ("tpc", 0, 3)
    [merged] = client.results(run=run, category="TPC run")
    assert (merged["job"], merged["incomplete"]) == (gathering["job"], False)
    numbers = {item["name"]: item["value"] for item in merged["items"] if item["kind"] == "number"}
    assert numbers["files added up"] == 3
    read = client.inputs(merged["job"])
    assert [one["name"] for one in read] == [f"tpc_run{run:06}_{subrun:04}.root" for subrun in (1, 2, 3)]
    files = [client.input_file(merged["job"], one["job"], "hist.root") for one in read]
    [whole] = place.server_dir.glob(f"blobs/*/{merged['job']}/1/run.root")
    for plane in "UVZ":
        parts = [entries(place, file, f"adc/{plane}") for file in files]
        assert entries(place, whole.read_bytes(), f"adc/{plane}") == sum(parts) > 3 * 100_000
    assert place.client.job(merged["job"])["name"] == f"tpc tpc-run run {run}"
    with urllib.request.urlopen(f"{place.url}/runs/{run}", timeout=20) as answer:
        assert "TPC run" in answer.read().decode()


def entries(place: Place, data: bytes, key: str) -> float:
    """Of a histogram, by its own word and by its bins, which agree."""
    import uproot

    path = place.directory / "one.root"
    path.write_bytes(data)
    with uproot.open(path) as file:
        found = file[key]
        assert found.member("fEntries") == found.values(flow=True).sum()
        return float(found.member("fEntries"))


def test_real_files_are_taken_as_the_arriving_data(place: Place, root_files: Path) -> None:
    count = len(list(root_files.iterdir()))
    done = place.p3s("demo", "--exit", "--json", "--data", str(root_files), timeout=90)
    assert done.returncode == 0, done.stderr
    told = numbers(done)
    assert (told["datasets"], told["jobs"], told["results"]) == (count, {"finished": count}, count)
    assert sorted(path.name for path in root_files.iterdir()), "the data is left as it was"
    place.until_nothing_runs(5)


def test_a_truncated_file_among_the_data_fails_alone_and_says_so(place: Place, root_files: Path) -> None:
    source = sorted(root_files.iterdir())[-1]
    (root_files / "cut.root").write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    kept = place.directory / "kept"
    done = place.p3s("demo", "--exit", "--json", "--data", str(root_files), "--dir", str(kept), timeout=90)
    assert done.returncode == 1
    told = numbers(done)
    others = len(list(root_files.iterdir())) - 1
    assert told["jobs"] == {"failed": 1, "finished": others}
    assert told["results"] == others
    assert "not everything went well: 1 failed" in done.stderr
    place.until_nothing_runs(5)

    # What was kept can be looked at with an ordinary server.
    place.server_dir = kept / "server"
    place.start_server()
    [failed] = place.client.jobs(10, state="failed")
    assert (failed["dataset_name"], failed["reason"], failed["exit_code"]) == ("cut.root", "exit code", 1)
    assert "cut.root is truncated" in place.client.log(failed["uuid"], "stderr")


def test_it_ends_whatever_else_lies_in_the_data_directory(place: Place, root_files: Path) -> None:
    """`--exit` must not wait for a file that the watcher will never register: below, empty, hidden."""
    one, *others = sorted(root_files.iterdir())
    for path in others:
        path.unlink()
    (root_files / "below").mkdir()
    for odd in (root_files / "below" / one.name, root_files / ".hidden.root"):
        odd.write_bytes(one.read_bytes())
    (root_files / "empty.root").touch()
    demo = start_demo(place, "--exit", "--data", str(root_files))
    place.until("the real file is on display", lambda: "on display" in place.log("demo"), 60)
    place.until("the demo ends", lambda: demo.poll() is not None, 30)


def test_a_machine_too_slow_for_the_data_leaves_the_oldest_out_and_says_so(place: Place) -> None:
    demo = start_demo(place)
    place.until("data arrives", lambda: "arrived" in place.log("demo"), 60)
    pilots = [one for one in place.processes() if "p3s-pilot.pyz" in " ".join(one.cmdline())]
    assert len(pilots) >= 2
    for pilot in pilots:
        pilot.suspend()
    place.until("the oldest is left out", lambda: "dropped   tpc_run" in place.log("demo"), 60)
    for pilot in pilots:
        pilot.resume()
    [line, *_] = [line for line in place.log("demo").splitlines() if line.startswith("dropped")]
    assert "(overflow): p3s job show " in line
    assert end_by(place, demo, signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ending_it_in_the_middle_ends_everything(place: Place, number: signal.Signals) -> None:
    """Ctrl-C; kill; the closing of its terminal."""
    demo = start_demo(place)
    place.until("data arrives", lambda: "arrived" in place.log("demo"), 60)
    code = end_by(place, demo, number)
    place.until_nothing_runs(20)
    if number != signal.SIGHUP:
        assert code == 0
        assert place.log("demo").rstrip().endswith("ended")
    assert list(place.temporary.iterdir()) == [], "temporary files are left"


def test_an_impatient_second_ctrl_c_ends_everything_too(place: Place) -> None:
    demo = start_demo(place)
    place.until("data arrives", lambda: "arrived" in place.log("demo"), 60)
    os.kill(demo.pid, signal.SIGINT)
    place.until("the first one is obeyed", lambda: len(place.processes()) < 8 or demo.poll() is not None, 30)
    if demo.poll() is None:
        os.kill(demo.pid, signal.SIGINT)
    place.until("the demo has ended", lambda: demo.poll() is not None, 60)
    place.until_nothing_runs(30)
    assert "Traceback" not in place.log("demo")


@pytest.mark.parametrize(("data", "says"), [("empty", "holds no .root file"), ("missing", "is not a directory")])
def test_data_that_is_not_there_gives_one_line_and_exit_code_2(
    place: Place, tmp_path: Path, data: str, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    done = place.p3s("demo", "--exit", "--data", str(tmp_path / data))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"p3s: --data {tmp_path / data}: {says}")
    assert list(place.temporary.iterdir()) == []


def test_a_port_in_use_gives_one_line_and_leaves_nothing_behind(place: Place) -> None:
    place.start_server()
    running = len(place.processes())
    done = place.p3s("demo", "--exit", "--port", str(place.port))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "cannot listen on" in line
    place.until("only the first server runs", lambda: len(place.processes()) == running, 20)
