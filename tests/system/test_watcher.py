"""The watcher as people run it: killed, cut off from its files, with files that come and go as files do."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from .conftest import P3S, Place, free_port

pytestmark = pytest.mark.system

QUICK = "scan: {every: 500ms}"


class Watched:
    """A watcher over a directory of its own, on the module's server."""

    def __init__(self, place: Place, directory: Path, name: str) -> None:
        self.place, self.directory, self.name = place, directory, name
        self.data = directory / "data"
        self.data.mkdir()
        self.file = directory / f"{name}.yaml"
        self.process: Any = None

    def rules(self, *streams: str, more: str = "") -> None:
        lines = [f"  {self.name}{n or ''}: {{{stream}, {QUICK}}}" for n, stream in enumerate(streams)]
        self.file.write_text("\n".join(["streams:", *lines, more]) + "\n")

    def start(self, *words: str) -> None:
        before = self.log.count(f"stream {self.name} version")
        self.process = self.place.spawn(self.name, P3S, "watcher", "start", str(self.file), *words)
        self.place.until("it watches", lambda: self.log.count(f"stream {self.name} version") > before, 60)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log

    @property
    def log(self) -> str:
        path = self.place.directory / f"{self.name}.log"
        return path.read_text() if path.exists() else ""

    def put(self, name: str, content: str = "1") -> Path:
        """Rename a file into place."""
        (self.data / name).parent.mkdir(exist_ok=True)
        hidden = self.data / ".coming"
        hidden.write_text(content)
        return hidden.rename(self.data / name)

    def known(self, stream: str = "") -> list[dict[str, Any]]:
        return [dict(row) for row in self.place.client.datasets(None, stream=stream or self.name)]

    def until_known(self, count: int, stream: str = "", within_s: float = 60) -> list[dict[str, Any]]:
        self.place.until(f"{count} files are known", lambda: len(self.known(stream)) >= count, within_s)
        found = self.known(stream)
        assert len(found) == count
        return found

    def one(self, name: str) -> dict[str, Any]:
        """All that the server has of a file."""
        return dict(self.place.client.dataset(str(self.data / name)))

    def state_is(self, name: str, state: str) -> None:
        url = str(self.data / name)
        states = lambda: {row["url"]: row["state"] for row in self.known()}  # noqa: E731
        self.place.until(f"{name} is {state}", lambda: states().get(url) == state, 30)

    def readers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


@pytest.fixture
def watched(shared_place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    name = "s" + str(abs(hash(request.node.nodeid)) % 10**8)
    one = Watched(shared_place, tmp_path, name)
    yield one
    if one.process is not None and one.process.poll() is None:
        for reader in one.readers():
            reader.send_signal(signal.SIGCONT)
        one.stop()


HELD = "jobs: {%s: {payload: /bin/true}}"


def held(watched: Watched) -> tuple[str, str]:
    """Jobs of a type that never runs, so that a file is not processed; and the job types of the stream file."""
    return HELD % watched.name, f"jobtypes: {{{watched.name}: {{cap: 0}}}}"


def test_killed_again_and_again_it_registers_every_file_once(watched: Watched) -> None:
    jobs, types = held(watched)
    watched.rules(f'files: "data/x{{run:d}}.dat", {jobs}', more=types)
    count = 1200
    for number in range(count // 2):
        (watched.data / f"x{number}.dat").write_text("1")
    for part in range(3):
        watched.start()
        for number in range(count // 2 + part * 200, count // 2 + (part + 1) * 200):
            (watched.data / f"x{number}.dat").write_text("1")
        enough = 250 * (part + 1)
        watched.place.until(f"it has told some ({enough})", lambda enough=enough: len(watched.known()) >= enough, 60)
        watched.process.kill()
        watched.process.wait()
    watched.start()
    assert {row["run"] for row in watched.until_known(count)} == set(range(count))
    assert len(list(watched.place.client.each_job(stream=watched.name))) == count


def test_a_storage_that_hangs_is_an_alarm_and_the_others_go_on(watched: Watched) -> None:
    (watched.directory / "other").mkdir()
    jobs, types = held(watched)
    files = [f'files: "{where}/x{{run:d}}.dat", complete: {{renamed: true}}, {jobs}' for where in ("data", "other")]
    watched.rules(*files, more=types)
    watched.start("--silent", "1s", "--name", watched.name)
    watched.put("x1.dat")
    watched.until_known(1)
    [hung] = [reader for reader in watched.readers() if f"{watched.data}" in reader.cmdline()]
    hung.send_signal(signal.SIGSTOP)
    for run in (3, 2, 4):
        path = watched.put(f"x{run}.dat")
        os.utime(path, (run * 1000, run * 1000))
    (watched.directory / "other/x9.dat").write_text("1")
    watched.until_known(1, f"{watched.name}1")
    cause = f"service {watched.name}"

    def alarms(every: bool = False) -> list[dict[str, Any]]:
        return [dict(one) for one in watched.place.client.alarms(every) if one["cause"] == cause]

    [alarm] = watched.place.until("the alarm is raised", alarms)
    assert f"storage {watched.data} silent since 20" in alarm["message"]
    found = watched.until_known(4)
    order = [row["run"] for row in sorted(found, key=lambda row: (row["registered_at"], -row["run"]))]
    assert order == [1, 4, 3, 2]
    assert watched.log.count("registered") == 5
    told = [line.split()[0] for line in watched.log.splitlines() if "registered" in line]
    assert [name for name in told if name != "x9.dat"] == ["x1.dat", "x4.dat", "x3.dat", "x2.dat"]
    watched.place.until("the alarm is cleared", lambda: not alarms())
    assert f"{watched.data} is back" in watched.log


def test_files_that_vanish_are_missing_and_available_when_they_are_back(watched: Watched) -> None:
    jobs, types = held(watched)
    watched.rules(f'files: "data/x{{run:d}}.dat", complete: {{rested: 1s}}, {jobs}', more=types)
    watched.start()
    for name in ("x1.dat", "x2.dat"):
        watched.put(name)
    (watched.data / "x2.dat").unlink()  # before it has rested
    watched.until_known(1)
    (watched.data / "x1.dat").unlink()
    watched.state_is("x1.dat", "missing")
    watched.put("x1.dat")
    watched.state_is("x1.dat", "available")
    watched.process.kill()
    watched.process.wait()
    (watched.data / "x1.dat").unlink()  # while nobody watches
    watched.start()
    watched.place.until("an empty directory is doubted", lambda: "out of sight (1): not mounted?" in watched.log, 30)
    assert watched.one("x1.dat")["state"] == "available"
    watched.stop()
    watched.put("notes.txt")
    watched.start()
    watched.state_is("x1.dat", "missing")
    assert len(watched.known()) == 1


def test_markers_side_cars_checksums_and_reasons_reach_the_server(watched: Watched) -> None:
    jobs, types = held(watched)
    watched.rules(
        'files: "data/{day}/x{run:d}_dl{dl:d}.dat", complete: {marker: "{name}.done"}, sidecar: "{stem}.json",'
        f"checksum: true, datatype: DAT, ignore: {{below: 3B}}, {jobs}",
        more=types,
    )
    watched.start()
    watched.put("monday/x7_dl3.dat", "data of run 7")
    watched.put("monday/x7_dl3.json", json.dumps({"subrun": 4, "events": 100, "comment": "beam on"}))
    watched.put("monday/x8_dl3.dat", "1")
    watched.put("monday/x9_dl3.dat", "data of run 9")
    watched.put("monday/x9_dl3.json", json.dumps({"adler32": "00000001"}))
    watched.put("monday/notes.txt")
    os.utime(watched.data / "monday/x7_dl3.dat", (time.time() + 1e6,) * 2)  # from the future
    for run in (7, 8, 9):
        watched.put(f"monday/x{run}_dl3.dat.done", "")
    watched.until_known(3)
    found = watched.one("monday/x7_dl3.dat")
    assert (found["run"], found["subrun"], found["keys"]) == (7, 4, {"day": "monday", "dl": 3})
    assert (found["comment"], found["metadata"]["events"], found["datatype"]) == ("beam on", 100, "DAT")
    assert found["adler32"] == f"{zlib.adler32(b'data of run 7'):08x}"
    reasons = {run: watched.one(f"monday/x{run}_dl3.dat")["arrivals"][0]["reason"] for run in (8, 9)}
    assert reasons == {8: "smaller than 3B", 9: "adler32 differs"}
    said = watched.place.client.service(f"watcher-{os.uname().nodename.partition('.')[0]}-{watched.name}")["said"]
    assert said.startswith("inbox ")


def test_used_files_are_moved_and_those_whose_job_failed_stay(watched: Watched) -> None:
    script = watched.place.script(f"{watched.name}.sh", '#!/bin/sh\ngrep -q good "$P3S_INPUT_PATH"\n')
    rule = 'files: "data/x{run:d}.dat", complete: {renamed: true}'
    watched.rules(f"{rule}, payload: {script}, input_after: {{move_to: ../used}}")
    watched.start()
    watched.put("x1.dat", "good")
    watched.put("x2.dat", "bad")
    used = watched.directory / "used"
    watched.place.until("the file is moved", lambda: "x1.dat moved to" in watched.log, 60)
    assert (used / "x1.dat").read_text() == "good"
    dataset = watched.place.client.dataset(str(used / "x1.dat"))
    assert (dataset["state"], dataset["run"]) == ("available", 1)
    explained = watched.place.p3s("watcher", "explain", str(watched.data / "x1.dat"), "-c", str(watched.file)).stdout
    assert (
        f"server: knows it as dataset {dataset['uuid']}, available, moved to {used}/x1.dat after its use" in explained
    )
    asked = watched.place.p3s("dataset", "taken", str(watched.data / "x1.dat"))
    assert (asked.returncode, asked.stdout) == (0, f"taken: {watched.name}: taken; jobs: 1 finished\n")
    shown = watched.place.p3s("dataset", "show", str(watched.data / "x1.dat")).stdout
    assert f"came_from      {watched.data}/x1.dat\n" in shown
    watched.place.until("the other is left", lambda: "x2.dat is left where it is: " in watched.log, 30)
    assert (watched.data / "x2.dat").exists()
    watched.stop()
    (watched.data / "x2.dat").rename(used / "x2.dat")  # moved, and killed before it was told
    watched.put("notes.txt")
    watched.rules(f"{rule}, payload: {script}, input_after: {{move_to: ../used, failed_too: true}}")
    watched.start()
    watched.place.until("it is told", lambda: "x2.dat moved to" in watched.log, 30)
    assert {row["url"] for row in watched.known()} == {str(used / "x1.dat"), str(used / "x2.dat")}


def test_used_files_are_deleted(watched: Watched) -> None:
    watched.rules('files: "data/x{run:d}.dat", complete: {renamed: true}, payload: /bin/true, input_after: delete')
    path = watched.put("x1.dat")

    def once() -> None:
        done = watched.place.p3s("watcher", "start", str(watched.file), "--once")
        assert done.returncode == 0, done.stderr

    once()
    [job] = watched.place.client.jobs(stream=watched.name)
    watched.place.ended(job["uuid"])
    once()
    assert not path.exists()
    watched.state_is("x1.dat", "dropped")


def test_a_file_processed_by_hand_is_moved_too(watched: Watched) -> None:
    watched.rules(
        'files: "data/x{run:d}.dat", complete: {renamed: true}, payload: /bin/true, '
        "take: {one_in: 1000000, first_of_run: 0}, input_after: {move_to: ../used}"
    )
    watched.start()
    for number in (1, 2):
        watched.put(f"x{number}.dat")
    watched.until_known(2)
    done = watched.place.p3s("stream", "process", watched.name, "--file", "x2.dat")
    assert done.returncode == 0, done.stderr
    watched.place.until("the file is moved", lambda: "x2.dat moved to" in watched.log, 60)
    assert (watched.directory / "used/x2.dat").exists()
    assert (watched.data / "x1.dat").exists()


def test_what_the_server_refuses_of_one_file_keeps_no_other(watched: Watched) -> None:
    jobs, types = held(watched)
    watched.rules(f'files: "data/{{name}}.dat", complete: {{renamed: true}}, {jobs}', more=types)
    watched.start()
    watched.put(f"{'a' * 220}.dat")  # too long for a key
    watched.put("good.dat")
    watched.until_known(1)
    watched.place.until("the refusal is told", lambda: " refused: " in watched.log)


def test_a_stream_file_sets_job_types_dimensions_and_limits_and_says_what_changed(watched: Watched) -> None:
    more = f"""jobtypes: {{{watched.name}: {{priority: 5, cap: 2}}}}
dimensions: {{{watched.name}: {{order: [2, 1], labels: {{2: upper}}}}}}
limits: {{{watched.name}/lifetime: {{good: [0.3, null]}}}}"""
    watched.rules('files: "data/x{run:d}.dat", payload: /bin/true', more=more)
    watched.start()
    [kind] = [one for one in watched.place.client.job_types() if one["name"] == watched.name]
    assert (kind["priority"], kind["cap"]) == (5, 2)
    for said in (f"job type {watched.name} set", f"dimension {watched.name} set", f"limits of {watched.name}/lifetime"):
        assert said in watched.log
    watched.stop()
    watched.start()
    assert watched.log.count(" set as ") == 3


def test_what_would_be_is_said_without_telling_the_server(watched: Watched) -> None:
    watched.rules('files: "data/x{run:d}.dat", ignore: {below: 2B}, payload: /bin/true, take: {one_in: 2}')
    for run in range(8):
        watched.put(f"x{run}.dat", "12")
        os.utime(watched.data / f"x{run}.dat", (1e9, 1e9))
    os.utime(watched.put("x8.dat", "1"), (1e9, 1e9))
    watched.put("x9.dat", "12")
    os.utime(watched.data / "x9.dat", (time.time() + 100,) * 2)
    done = watched.place.p3s("watcher", "start", str(watched.file), "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    found = {row["name"]: row["what"] for row in json.loads(done.stdout)}
    assert (found["x8.dat"], found["x9.dat"]) == ("ignore", "wait")
    assert {found[f"x{run}.dat"] for run in range(8)} <= {"register", "sampled out"}
    assert watched.known() == []
    done = watched.place.p3s("watcher", "start", str(watched.file), "--once")
    assert done.returncode == 0, done.stderr
    known = {row["name"] for row in watched.known()}
    assert known == {f"x{run}.dat" for run in range(10)}
    explained = watched.place.p3s("watcher", "explain", str(watched.data / "x8.dat"), "-c", str(watched.file))
    assert "rules:    left out: smaller than 2B" in explained.stdout
    assert "ignored, smaller than 2B" in explained.stdout
    (watched.directory / "link").symlink_to("data")
    other = str(watched.directory / "link/x8.dat")
    assert watched.place.p3s("watcher", "explain", other, "-c", str(watched.file)).stdout == explained.stdout
    other = watched.place.p3s("watcher", "explain", str(watched.data / "y8.dat"), "-c", str(watched.file))
    assert other.returncode == 1
    assert "at its beginning stands no 'x'" in other.stdout


def test_the_first_of_a_run_is_the_same_beforehand_and_in_fact(watched: Watched) -> None:
    """At the start the newest are told first, and of a run that the server has, others were the first."""
    take = "take: {one_in: 1000000, first_of_run: 1}"
    watched.rules(f'files: "data/x{{run:d}}_{{subrun:d}}.dat", payload: /bin/true, complete: {{renamed: true}}, {take}')

    def would() -> dict[str, str]:
        done = watched.place.p3s("watcher", "start", str(watched.file), "--dry-run", "--json")
        assert done.returncode == 0, done.stderr
        return {row["name"]: row["what"] for row in json.loads(done.stdout)}

    for subrun in (1, 2, 3):
        os.utime(watched.put(f"x1_{subrun}.dat", "12"), (1e9 + subrun,) * 2)
    assert would() == {"x1_1.dat": "sampled out", "x1_2.dat": "sampled out", "x1_3.dat": "register"}
    done = watched.place.p3s("watcher", "start", str(watched.file), "--once")
    assert "x1_3.dat registered, 1 job" in done.stdout
    assert done.stdout.count("sampled out") == 2
    watched.put("x1_4.dat", "12")
    assert would()["x1_4.dat"] == "sampled out"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def xrootd(until: Callable[..., Any]) -> Iterator[tuple[str, Path]]:
    """A real XRootD server: its address, and the directory behind it."""
    for program in ("xrootd", "xrdfs"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program} (Debian: xrootd-server, xrootd-client)")
    top = Path("/var/tmp") / f"p3s-xrootd-{os.getpid()}"
    data = top / "data"
    (data / "in").mkdir(parents=True)
    port = free_port()
    lines = [f"xrd.port {port}", "xrd.network nodnr", f"all.adminpath {top}/admin", f"all.pidpath {top}/admin"]
    lines += [f"oss.localroot {data}", "all.export /", "xrootd.chksum max 2 adler32"]
    (top / "x.cfg").write_text("\n".join(lines) + "\n")
    words = ["xrootd", "-c", f"{top}/x.cfg", "-l", f"{top}/log"]
    if os.getuid() == 0:  # it refuses to run as root
        for path in (top, *top.rglob("*")):
            shutil.chown(path, "xrootd", "xrootd")
        words = ["runuser", "-u", "xrootd", "--", *words]
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    until("the XRootD server listens", lambda: listens(port))
    yield f"127.0.0.1:{port}", data
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(20)
    shutil.rmtree(top, ignore_errors=True)


def test_files_of_an_xrootd_server_are_watched_and_moved(watched: Watched, xrootd: tuple[str, Path]) -> None:
    host, data = xrootd
    watched.rules(
        f'files: "root://{host}//in/x{{run:d}}.dat", complete: {{rested: 1s}}, sidecar: "{{name}}.json",'
        " checksum: true, payload: /bin/true, input_after: {move_to: ../used}"
    )
    (data / "in/x7.dat.json").write_text('{"subrun": 3}')
    (data / "in/x7.dat").write_text("data of run 7")
    watched.start()
    watched.until_known(1)
    watched.place.until("the file is moved", lambda: "x7.dat moved to /used" in watched.log, 60)
    assert (data / "used/x7.dat").read_text() == "data of run 7"
    found = watched.place.client.dataset(f"root://{host}//used/x7.dat")
    assert (found["run"], found["subrun"], found["size"]) == (7, 3, 13)
    assert found["adler32"] == f"{zlib.adler32(b'data of run 7'):08x}"
    verified = watched.place.p3s("dataset", "verify", found["url"])
    assert (verified.returncode, "as registered: 13 bytes" in verified.stdout) == (0, True), verified.stdout
    (data / "used/x7.dat").write_text("data of run 8")
    verified = watched.place.p3s("dataset", "verify", found["url"])
    assert (verified.returncode, "differs: its adler32 is" in verified.stdout) == (1, True), verified.stdout
    (data / "used/x7.dat").unlink()
    assert "it is not there" in watched.place.p3s("dataset", "verify", found["url"]).stdout
