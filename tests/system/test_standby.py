"""A stand-by takes the place of a server that is killed, for real pilots with jobs under way."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from p3s.client.sdk import Client
from p3s.protocol.errors import P3sError

pytestmark = pytest.mark.system

Place = Any


class Pair:
    """An active server and its stand-by at one address, over one database."""

    def __init__(self, place: Place, database: str) -> None:
        self.place = place
        self.words = ["--database", database] if database else []
        self.active = place.start_server(*self.words)
        self.standby = self.stand_by("standby")

    def stand_by(self, name: str) -> Any:
        words = ["server", "start", "--port", str(self.place.port), "--standby", *self.words]
        part = self.place.spawn(name, sys.executable, "-m", "p3s", *words)
        self.place.until(f"{name} stands by", lambda: "standing by: the active server is" in self.place.log(name), 60)
        return part

    def serving(self) -> bool:
        try:
            Client(self.place.url, self.place.token, patience_s=0).whoami()
        except P3sError:
            return False
        return True


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, place: Place) -> Any:
    postgres = request.getfixturevalue("own_postgres") if request.param == "postgresql" else None
    found = Pair(place, postgres.database() if postgres else "")
    yield found
    place.end()  # before its database goes


def start_long_job(place: Place, tmp_path: Path) -> tuple[str, Path]:
    """A job that runs until a file is there."""
    go = tmp_path / "go"
    payload = place.script("long.sh", f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\n")
    (job,) = place.client.submit([payload])
    place.job_is(job, "running")
    return job, go


def test_the_stand_by_serves_the_same_pilots_and_jobs(pair: Pair, place: Place, tmp_path: Path) -> None:
    pilot = place.start_pilot(slots=2)
    long, go = start_long_job(place, tmp_path)
    queued = place.client.submit(["/bin/true"] * 5, key="before")
    os.kill(pair.active.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    pair.active.wait()
    place.until("the stand-by serves", pair.serving, 30)
    assert time.monotonic() - killed_at < 20
    assert pair.standby.poll() is None
    assert place.client.job(long)["state"] == "running"
    assert place.client.submit(["/bin/true"] * 5, key="before") == queued
    (during,) = place.client.submit(["/bin/true"])
    for job in [*queued, during]:
        assert place.ended(job)["state"] == "finished"
    go.touch()
    ended = place.ended(long)
    assert (ended["state"], ended["attempt"]) == ("finished", 1)
    assert pilot.poll() is None
    (registered,) = place.client.pilots()
    assert registered["uuid"] == ended["pilot"]


def test_a_stand_by_of_the_stand_by_is_next(pair: Pair, place: Place) -> None:
    os.kill(pair.active.pid, signal.SIGKILL)
    pair.active.wait()
    place.until("the stand-by serves", pair.serving, 30)
    third = pair.stand_by("third")
    os.kill(pair.standby.pid, signal.SIGKILL)
    pair.standby.wait()
    place.until("the third serves", pair.serving, 30)
    assert third.poll() is None


def outage(postgres: Any, place: Place) -> None:
    """The database is killed; the stand-by says that it is away."""
    before = place.log("standby").count("does not answer")
    postgres.kill()
    place.until("the stand-by notices", lambda: place.log("standby").count("does not answer") > before, 30)


def test_a_database_that_comes_back_finds_a_server(own_postgres: Any, place: Place, tmp_path: Path) -> None:
    """Which of the two it is, is theirs to find out."""
    pair = Pair(place, own_postgres.database())
    place.start_pilot(slots=2)
    long, go = start_long_job(place, tmp_path)
    outage(own_postgres, place)
    own_postgres.start()
    place.until("a server serves and writes", lambda: writes(place), 60)
    assert pair.standby.poll() is None, "a stand-by outlives an outage of its database"
    go.touch()
    ended = place.ended(long)
    assert (ended["state"], ended["attempt"]) == ("finished", 1)
    place.end()


def test_a_server_that_lost_the_database_to_its_stand_by_ends(own_postgres: Any, place: Place, tmp_path: Path) -> None:
    """It is frozen while the database comes back; the stand-by has the lock, and waits for the address."""
    pair = Pair(place, own_postgres.database())
    place.start_pilot(slots=2)
    long, go = start_long_job(place, tmp_path)
    os.kill(pair.active.pid, signal.SIGSTOP)
    outage(own_postgres, place)
    own_postgres.start()
    place.until("the stand-by has the lock", lambda: "taken over the database" in place.log("standby"), 60)
    os.kill(pair.active.pid, signal.SIGCONT)
    place.until("the first has ended", lambda: pair.active.poll() is not None, 30)
    assert "the database was taken over by process" in place.log("server")
    assert "Traceback" not in place.log("server")
    place.until("the stand-by serves and writes", lambda: writes(place), 60)
    assert pair.standby.poll() is None
    go.touch()
    ended = place.ended(long)
    assert (ended["state"], ended["attempt"]) == ("finished", 1)
    place.end()


def writes(place: Place) -> bool:
    try:
        return bool(Client(place.url, place.token, patience_s=0).submit(["/bin/true"]))
    except P3sError:
        return False
