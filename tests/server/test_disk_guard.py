"""Little room on the disk: a warning, then no more files, then no more work; what was taken comes to its end."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from p3s.domain.room import GB, Disk, Room
from p3s.protocol.errors import NoRoom
from p3s.server.upkeep.disk import Guard, probe

Server = Any
Until = Callable[..., Any]

SIZE = 60_000_000


class Small:
    """A small file system in memory, and a file that takes room away."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.ballast = top / "ballast"

    def leave(self, share: float) -> None:
        """So much of it is free afterwards."""
        self.ballast.unlink(missing_ok=True)
        disk = probe(self.top)
        with self.ballast.open("wb") as file:
            file.write(bytes(max(0, disk.free - int(share * disk.size))))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    top = tmp_path / "disk"
    top.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "p3s-test", str(top)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a file system")
    yield Small(top)
    subprocess.run(["umount", "-l", str(top)], check=True)


def alarm(server: Server) -> str:
    """What is said of the disk."""
    found = [one["message"] for one in server.good("GET", "/api/v1/alarms")["alarms"] if one["cause"] == "disk"]
    return str(found[0]) if found else ""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_disk_fills_up_step_by_step_and_is_emptied(
    small: Small, own_server: Callable[..., Server], until: Until
) -> None:
    server = own_server()
    server.directory = small.top / "server"
    server.start()
    pilot = server.pilot(slots=2)
    first, second = server.submit({"payload": "true"}, {"payload": "true"})
    tokens = {order["job"]: order["token"] for order in pilot.orders(5.0)}

    def look(share: float) -> None:
        small.leave(share)
        server.ran("disk")

    def upload(job: str) -> Any:
        return server.ask("PUT", f"/api/v1/jobs/{job}/attempts/1/files/a.png", b"x" * 1000, token=tokens[job])

    look(0.08)
    said = until("there is a warning", lambda: alarm(server))
    assert "soon no files of results will be kept" in said
    assert upload(first).status == 200

    look(0.04)
    until("the alarm says more", lambda: "no new images" in alarm(server))
    refused = upload(second)
    assert (refused.status, refused.json()["title"]) == (507, "no room")
    assert "no files are kept; numbers are" in refused.detail
    items = [{"kind": "number", "name": "n", "value": 1}, {"kind": "images", "name": "i", "files": ["a.png"]}]
    body = {"results": [{"p3s_result": 1, "category": "c", "items": items}], "problems": ["files were not kept"]}
    assert server.ask("POST", f"/api/v1/jobs/{second}/attempts/1/results", body, token=tokens[second]).status == 200
    assert pilot.report(first, 1, "finished", exit_code=0)["verdict"] == "applied"
    (third,) = server.submit()

    no_backup = server.ran("backup")["error"]
    assert "too little for a backup" in no_backup

    look(0.015)
    until("the alarm says still more", lambda: "no new jobs are taken" in alarm(server))
    no_job = server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "true"}]})
    assert (no_job.status, "no new jobs are taken" in no_job.detail) == (507, True)
    server.good("PUT", "/api/v1/streams/s", {"name": "s", "jobs": {"t": {"payload": "true"}}})
    # Who watches for files asks again later, so that none is forgotten.
    assert server.ask("POST", "/api/v1/datasets", {"url": "/d/1", "stream": "s"}).status == 503
    assert pilot.report(second, 1, "finished", exit_code=0)["verdict"] == "applied"
    assert pilot.take(third)["attempt"] == 1, "what was taken goes on"

    look(0.5)
    until("the alarm is cleared", lambda: not alarm(server))
    assert upload(second).status in (200, 409)
    assert server.submit()


def test_what_is_refused_follows_from_the_last_look(tmp_path: Path) -> None:
    seen: list[int] = []

    def look(path: Path) -> Disk:
        return Disk(str(path), seen[-1] * GB, 100 * GB)

    guard = Guard([tmp_path], look)
    guard.check_files()
    guard.check_work()
    for free, room, files, work in (
        (8, Room.LOW, True, True),
        (4, Room.TIGHT, False, True),
        (1, Room.NONE, False, False),
    ):
        seen.append(free)
        assert guard.look() == f"{free} GB ({free} %) free on {tmp_path}"
        assert guard.room is room
        assert (taken(guard.check_files), taken(guard.check_work)) == (files, work)
    seen.append(90)
    guard.look()
    assert guard.alarms() == {}
    guard.check_work()


def taken(check: Callable[[], None]) -> bool:
    try:
        check()
    except NoRoom:
        return False
    return True


def test_a_directory_that_is_not_there_yet_is_on_the_disk_of_the_one_above(tmp_path: Path) -> None:
    assert probe(tmp_path / "a" / "b").path == str(tmp_path)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_job_ends_as_ever_when_its_files_cannot_be_kept(
    small: Small, own_server: Callable[..., Server], until: Until, tmp_path: Path
) -> None:
    """A real pilot: the number is on display, the picture is missing and named, the end of the log is there."""
    server = own_server()
    server.directory = small.top / "server"
    server.start()
    small.leave(0.04)
    server.ran("disk")
    payload = tmp_path / "payload.sh"
    payload.write_text(PAYLOAD)
    payload.chmod(0o755)
    (job,) = server.submit({"payload": str(payload)})
    environment = {**server.environment(), "P3S_SERVER": f"http://127.0.0.1:{server.port}", "P3S_TOKEN": server.token}
    pilot = subprocess.Popen(
        [sys.executable, "-m", "p3s.pilot", "--slots", "1", "--dir", str(tmp_path)], env=environment
    )
    try:
        until("the job has ended", lambda: server.state(job) == "finished", 60)
    finally:
        pilot.terminate()
        pilot.wait(30)
    assert server.job(job)["exit_code"] == 0
    (result,) = server.good("GET", "/api/v1/results")["results"]
    assert (result["job"], result["status"]) == (job, "warning")
    events = [event for event in server.job(job)["events"] if event["what"] == "result problem"]
    assert any("files of results were not kept: the server's disk is nearly full" in event["why"] for event in events)
    assert server.ask("GET", f"/api/v1/jobs/{job}/logs/stdout").body.endswith(b"the end\n")


PAYLOAD = """#!/bin/sh
head -c 100000 /dev/zero | tr '\\\\0' 'x'
echo the end
echo picture > "$P3S_RESULT_DIR/a.png"
cat > "$P3S_RESULT_DIR/p3s-result.json" <<'END'
[{"p3s_result": 1, "category": "c", "items": [
  {"kind": "number", "name": "n", "value": 1}, {"kind": "images", "name": "i", "files": ["a.png"]}]}]
END
"""
