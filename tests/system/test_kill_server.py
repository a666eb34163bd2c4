"""What the server acknowledged survives its kill -9: every file gets its results, none twice."""

import collections
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Place = Any

RUNS, SUBRUNS = 5, 4


def write_payload(place: Place, log: Path) -> str:
    """Says in a log of its own that it started, works a moment, publishes one result."""
    return place.script(
        "payload.sh",
        f"""#!/bin/sh
echo "$P3S_JOB_UUID" >> {log}
sleep 0.4
cat > "$P3S_RESULT_DIR/p3s-result.json" <<EOF
{{"p3s_result": 1, "category": "Kill", "items": [{{"kind": "number", "name": "one", "value": 1}}]}}
EOF
""",
    )


def start_fleet(place: Place, payload: str) -> Path:
    """Server, two pilots, watcher; the directory in which files arrive."""
    incoming = place.directory / "incoming"
    incoming.mkdir()
    place.start_server()
    place.start_pilot(name="pilot 1")
    place.start_pilot(name="pilot 2")
    streams = place.directory / "streams.yaml"
    streams.write_text(
        f"streams:\n  tpc: {{files: '{incoming}/tpc_run{{run:d}}_{{subrun:d}}.root', "
        f"complete: {{renamed: true}}, payload: '{payload}'}}\n"
    )
    place.spawn("watcher", sys.executable, "-m", "p3s", "watcher", "start", str(streams))
    place.until("the watcher watches", lambda: "stream tpc version 1" in place.log("watcher"), 60)
    return incoming


def start_daq(place: Place, incoming: Path) -> Any:
    words = ["--out", str(incoming), "--runs", str(RUNS), "--subruns", str(SUBRUNS), "--events", "1"]
    return place.spawn("daq", sys.executable, "-m", "p3s.demo.daq", *words, "--interval", "0.6")


def kill_now(place: Place, server: Any, incoming: Path, daq: Any) -> Any:
    """kill -9 while jobs run, another server in its place once a file has arrived meanwhile, if one still comes."""
    place.until("a job runs", lambda: place.client.jobs(100, state="running"), 60)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    before = len(list(incoming.glob("*.root")))
    place.until(
        "a file arrives meanwhile", lambda: len(list(incoming.glob("*.root"))) > before or daq.poll() is not None, 60
    )
    return place.start_server()


def test_killing_the_server_loses_no_file_and_starts_no_payload_twice(place: Place, tmp_path: Path) -> None:
    pytest.importorskip("uproot", reason="the simulated DAQ needs the ROOT libraries of p3s[demo]")
    starts = tmp_path / "starts"
    incoming = start_fleet(place, write_payload(place, starts))
    server = place.parts[0][1]
    daq = start_daq(place, incoming)
    place.until("the first result is there", lambda: place.client.results(10), 90)
    server = kill_now(place, server, incoming, daq)
    place.until("it goes on", lambda: len(place.client.results(100)) >= 5, 90)
    kill_now(place, server, incoming, daq)

    place.until("the DAQ has written all", lambda: daq.poll() is not None, 90)
    written = {str(path) for path in incoming.glob("*.root")}
    assert len(written) == RUNS * SUBRUNS
    place.until("every file is registered", lambda: len(place.client.datasets(100)) >= len(written), 60)
    place.until("every job has ended", lambda: all_ended(place), 90)
    # Whatever is registered or started twice shows within a scan of the watcher and a renewal of the pilots.
    check_each_once(place, written, starts)


def all_ended(place: Place) -> bool:
    jobs = place.client.jobs(100)
    return bool(jobs) and all(job["ended_at"] is not None for job in jobs)


def check_each_once(place: Place, written: set[str], starts: Path) -> None:
    datasets, jobs, results = place.client.datasets(100), place.client.jobs(100), place.client.results(100)
    assert {one["url"] for one in datasets} == written
    assert len(datasets) == len(written)
    by_dataset = collections.Counter(job["dataset"] for job in jobs)
    assert by_dataset == {one["uuid"]: 1 for one in datasets}
    assert {job["state"] for job in jobs} == {"finished"}, [
        (job["uuid"], job["state"], job["reason"]) for job in jobs if job["state"] != "finished"
    ]
    by_job = collections.Counter(result["job"] for result in results)
    assert by_job == {job["uuid"]: 1 for job in jobs}
    assert collections.Counter(starts.read_text().split()) == {job["uuid"]: 1 for job in jobs}


def test_what_was_submitted_before_a_kill_of_the_server_is_there_after_it(place: Place) -> None:
    server = place.start_server()
    jobs = place.client.submit(["/bin/true"] * 50, key="fifty")
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    place.start_server()
    assert {job["uuid"] for job in place.client.jobs(100)} == set(jobs)
    assert place.client.submit(["/bin/true"] * 50, key="fifty") == jobs
    place.start_pilot(slots=4)
    for job in jobs:
        assert place.ended(job)["state"] == "finished"
    assert len(place.client.jobs(100)) == 50


def test_a_payload_that_ends_while_the_server_is_away_is_reported_when_it_is_back(place: Place, tmp_path: Path) -> None:
    server = place.start_server()
    place.start_pilot()
    go, done = tmp_path / "go", tmp_path / "done"
    payload = place.script(
        "long.sh", f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\necho worked through it\ntouch {done}\n"
    )
    [job] = place.client.submit([payload])
    place.job_is(job, "running")
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    go.touch()
    place.until("the payload has ended", done.exists)
    place.start_server()
    ended = place.ended(job)
    assert (ended["state"], ended["exit_code"], ended["attempt"]) == ("finished", 0, 1)
    assert place.client.log(job) == "worked through it\n"
    # Its own clock measured it: the server's absence is not counted.
    assert ended["wall_s"] < ended["ended_at"] - ended["started_at"] + 1


def test_a_server_told_to_end_leaves_pilots_that_serve_its_successor(place: Place) -> None:
    server = place.start_server()
    place.start_pilot()
    [first] = place.client.submit(["/bin/true"])
    pilot = place.ended(first)["pilot"]
    server.terminate()
    assert server.wait(30) == 0, place.log("server")
    assert not (place.server_dir / "server.json").exists()
    place.start_server()
    [second] = place.client.submit(["/bin/true"])
    ended = place.ended(second)
    assert (ended["state"], ended["pilot"]) == ("finished", pilot)
