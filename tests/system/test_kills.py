"""Server, pilots and database killed by kill -9, over and over, while jobs are under way; the payloads' log judges.

Each payload appends a line when it starts and one when it ends to one file, so that the record of the server is held
against what really ran.
"""

import collections
import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from p3s.client.sdk import Client
from p3s.protocol.errors import TryLater

pytestmark = pytest.mark.system

Place = Any

KILLS = int(os.environ.get("P3S_KILLS", "6"))
JOBS = int(os.environ.get("P3S_KILL_JOBS", "500"))
"""`just kills` sets 30 kills and 5,000 jobs."""

BATCH = 10
AHEAD = 80
"""So many jobs are submitted ahead of those that have ended, so that submitting goes on throughout."""

SLOTS = 4
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Submitter(threading.Thread):
    """Submits in batches with idempotency keys, asking again until it is answered. `acknowledged`: job UUIDs."""

    def __init__(self, url: str, token: str, payload: str, ended: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self.client = Client(url, token, patience_s=5.0)
        self.payload, self.ended = payload, ended
        self.acknowledged: list[str] = []
        self.asked_again = 0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(JOBS // BATCH):
                while len(self.acknowledged) - self.ended() > AHEAD:
                    time.sleep(0.02)
                self.acknowledged += self._submit(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.trouble = error

    def _submit(self, number: int) -> list[str]:
        while True:
            try:
                return self.client.submit([self.payload] * BATCH, key=f"batch {number}")
            except TryLater:
                self.asked_again += 1


@dataclass
class Ground:
    """What is killed, and what is known of it."""

    place: Place
    log: Path
    words: tuple[str, ...]
    postgres: Any = None
    server: Any = None
    #: By name of the log.
    pilots: dict[str, Any] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)
    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    server_ends: int = 0

    def lines(self, kind: str) -> list[list[str]]:
        """[job, attempt, pilot] of each line of a kind."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split()[1:] for line in text.splitlines() if line.startswith(kind)]

    def ended(self) -> int:
        return len(self.lines("end"))

    def start_server(self) -> None:
        self.server = self.place.start_server(*self.words)

    def start_pilot(self) -> None:
        name = f"pilot{len(self.place.parts)}"
        self.pilots[name] = self.place.start_pilot(name=name, slots=SLOTS)

    def kill(self, kind: str) -> None:
        """When something has ended since the last kill and something runs."""
        before = self.ended()
        self.place.until(f"jobs go on after {dict(self.kills)}", lambda: self.ended() > before + 2 * SLOTS, 90)
        self.kills[kind] += 1
        getattr(self, f"kill_{kind}")()

    def kill_server(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait()
        self.start_server()

    def kill_pilot(self) -> None:
        name = sorted(self.pilots)[self.kills["pilot"] % len(self.pilots)]
        pilot = self.pilots.pop(name)
        self.killed |= set(UUID.findall(self.place.log(name)))
        os.kill(pilot.pid, signal.SIGKILL)
        pilot.wait()
        self.start_pilot()

    def kill_database(self) -> None:
        said = len(self.place.log("server"))  # before: an outage is told once, and then each minute
        self.postgres.kill()
        self.place.until("the server notices", lambda: len(self.place.log("server")) > said, 60)
        self.postgres.start()
        self.place.until("the server is ready again, or has ended", self._recovered, 60)

    def _recovered(self) -> bool:
        """It recovers by itself; one that ends instead is started again, as by a supervisor, and must have said why."""
        if self.server.poll() is not None:
            assert "the writer died" in self.place.log("server")
            self.server_ends += 1
            self.start_server()
        with contextlib.suppress(TryLater):
            return bool(Client(self.place.url, self.place.token, patience_s=0).summary())
        return False


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Iterator[Ground]:
    words: tuple[str, ...] = ("--lease", "40", "--grace", "3")
    found = Ground(place, tmp_path / "starts and ends", words)
    if request.param == "postgresql":
        found.postgres = request.getfixturevalue("own_postgres")
        found.words += ("--database", found.postgres.database())
    yield found
    place.end()  # before its database goes


def payload(ground: Ground) -> str:
    """Its token names job and attempt; what it appends is one write each."""
    return str(
        ground.place.script(
            "payload.sh",
            f"""#!/bin/sh
token=$P3S_TOKEN
IFS=. ; set -- $token ; unset IFS
echo "start $2 $3 $P3S_PILOT_UUID" >> '{ground.log}'
sleep 0.2
echo "end $2 $3 $P3S_PILOT_UUID" >> '{ground.log}'
""",
        )
    )


@pytest.mark.timeout(60 + 20 * KILLS + JOBS // 2)
def test_whatever_is_killed_no_job_is_lost_or_run_twice(ground: Ground) -> None:
    ground.start_server()
    for _ in range(2):
        ground.start_pilot()
    submitter = Submitter(ground.place.url, ground.place.token, payload(ground), ground.ended)
    submitter.start()
    kinds = ["server", "pilot"] + (["database"] if ground.postgres else [])
    for number in range(KILLS):
        ground.kill(kinds[number % len(kinds)])
    submitter.join(JOBS)
    assert submitter.trouble is None, submitter.trouble
    assert not submitter.is_alive(), f"only {len(submitter.acknowledged)} jobs were taken"
    client = Client(ground.place.url, ground.place.token, patience_s=30)
    ground.place.until("all jobs have ended", lambda: all_ended(client), 180)
    judge(ground, submitter.acknowledged, {job["uuid"]: job for job in client.jobs(10 * JOBS)})
    assert min(ground.kills.values()) >= KILLS // len(kinds)
    print(f"{dict(ground.kills)}, {ground.server_ends} ends of the server, asked again {submitter.asked_again} times")


def all_ended(client: Client) -> bool:
    return not client.jobs(1, state="defined,dispatched,running")


def judge(ground: Ground, acknowledged: list[str], jobs: dict[str, dict[str, Any]]) -> None:
    starts, ends = ground.lines("start"), ground.lines("end")
    assert set(acknowledged) == set(jobs), "every acknowledged job exists, and none that was not asked for"
    assert len(acknowledged) == JOBS // BATCH * BATCH
    twice = {job: n for job, n in collections.Counter(job for job, _, _ in starts).items() if n > 1}
    assert twice == {}, "no job started twice"
    ran_on = {job: pilot for job, _, pilot in starts}
    for job in jobs.values():
        said = (job["state"], job["reason"], job["pilot"])
        assert job["state"] in ("finished", "lost"), said
        if job["state"] == "lost":
            assert job["pilot"] in ground.killed, said
    for uuid, _, pilot in ends:
        assert jobs[uuid]["state"] == "finished" or pilot in ground.killed, jobs[uuid]
    ended = {uuid for uuid, _, _ in ends}
    for uuid, job in jobs.items():
        if job["state"] == "finished":
            assert uuid in ended, f"{uuid} is finished, and its payload never said so"
            assert ran_on[uuid] == job["pilot"]
