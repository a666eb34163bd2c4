"""The disk under the database is full: nothing acknowledged is lost, nothing half-done; with room again it goes on.

A small file system in memory where the machine lets us mount one; and a limit to the size of files, which needs no
rights and meets the database as another error.
"""

import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

Server = Any
Until = Callable[..., Any]

SIZE = 24_000_000


class Disk:
    """Where the server's directory lies. `fill` leaves no room, `free` makes some again."""

    def __init__(self, top: Path, mount: bool) -> None:
        self.top = top
        self.top.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "p3s-test", str(top)]
        try:
            self.mounted = mount and subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            self.mounted = False

    def fill(self, server: Server) -> None:
        if self.mounted:
            with (self.top / "ballast").open("wb", buffering=0) as ballast:
                try:
                    while ballast.write(bytes(4096)):
                        pass
                except OSError:
                    return
        largest = max(path.stat().st_size for path in server.directory.iterdir())
        self._limit(server, largest)

    def free(self, server: Server) -> None:
        if self.mounted:
            (self.top / "ballast").unlink()
        else:
            self._limit(server, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(server: Server, size: int) -> None:
        psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.top)], check=True)


@pytest.fixture(params=[True, False], ids=["a full file system", "a limit to files"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    found = Disk(tmp_path / "disk", request.param)
    print("mounted" if found.mounted else "limited")
    yield found
    found.close()


@pytest.fixture
def server(disk: Disk, own_server: Callable[..., Server]) -> Server:
    made = own_server(database="")
    made.directory = disk.top / "server"
    return made.start()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_clearly_and_loses_nothing(disk: Disk, server: Server, until: Until) -> None:
    pilot = server.pilot(slots=2)
    (held,) = server.submit()
    pilot.take(held)
    acknowledged = [held, *server.submit({"payload": "true"}, key="first")]
    disk.fill(server)

    def refused() -> Any:
        """The write-ahead log may still have room for a few."""
        answer = server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "x" * 15_000}] * 50})
        acknowledged.extend(answer.json()["jobs"] if answer.status == 200 else [])
        return answer if answer.status != 200 else None

    answer = until("a submission is refused", refused)
    guarded = answer.status == 507  # the disk guard looked just now, and the database is not asked any more
    assert answer.status in (503, 507)
    assert guarded or answer.detail.startswith("the database did not take it: ")
    report = {"job": held, "attempt": 1, "state": "finished", "exit_code": 0, "stdout": "y" * 15_000}
    said = server.ask("POST", pilot.path, {"lane": "reports", "reports": [report]}, token=pilot.token)
    assert said.status in (200, 503), said.body
    assert server.good("GET", "/api/v1/jobs?limit=1")["jobs"], "what is there can still be read"
    assert server.process.poll() is None
    assert guarded or "a request failed" in server.said()

    disk.free(server)
    until("submissions are taken again", lambda: taken(server, acknowledged))
    assert pilot.report(held, 1, "finished", exit_code=0)["verdict"] in ("applied", "repeated")
    assert server.state(held) == "finished"
    check(server, acknowledged)
    server.kill()
    server.start()
    check(server, acknowledged)


def taken(server: Server, acknowledged: list[str]) -> bool:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "true"}], "key": "after"})
    if answer.status == 200:
        acknowledged += answer.json()["jobs"]
    return bool(answer.status == 200)


def check(server: Server, acknowledged: list[str]) -> None:
    """What was acknowledged is there; what was refused is not (the canary of the start is the test's own)."""
    listed = {job["uuid"] for job in server.good("GET", "/api/v1/jobs?limit=1000")["jobs"] if job["name"] != "canary"}
    assert listed == set(acknowledged)
