"""When a pilot dies or falls silent, what it ran ends with it, and the record says so."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from p3s.transport.http import Connection

pytestmark = pytest.mark.system

Place = Any


def alive(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start_family(place: Place, tmp_path: Path) -> tuple[str, list[int]]:
    """A job with a child in a session of its own and a grandchild; the ids of all three."""
    mine = tmp_path / "family"
    payload = place.script(
        "family.sh",
        f"""#!/bin/bash
echo $$ >> {mine}
setsid bash -c 'trap "" TERM HUP; echo $$ >> {mine}; while :; do sleep 0.2; done' &
bash -c 'bash -c "echo \\$\\$ >> {mine}; while :; do sleep 0.2; done" & wait' &
wait
""",
    )
    [job] = place.client.submit([payload])
    place.until("the family runs", lambda: mine.exists() and len(mine.read_text().split()) == 3)
    place.job_is(job, "running")
    return job, [int(word) for word in mine.read_text().split()]


def test_kill_of_a_pilot_ends_its_payloads_and_the_guardian_says_so_within_seconds(
    place: Place, tmp_path: Path
) -> None:
    place.start_server()
    pilot = place.start_pilot(slots=2)
    job, family = start_family(place, tmp_path)
    [second] = place.client.submit(["/bin/sleep 300"])
    place.job_is(second, "running")
    began = time.time()
    os.kill(pilot.pid, signal.SIGKILL)
    pilot.wait()
    for one in (job, second):
        lost = place.job_is(one, "lost")
        assert "guardian" in lost["reason"] + str(lost["events"]), lost
        assert lost["ended_at"] - began < 5
    assert not [process for process in family if alive(process)]
    [gone] = place.client.pilots(ended=True)
    assert gone["state"] == "lost"
    assert "guardian" in gone["reason"]
    assert place.client.pilots() == []


def test_a_lost_job_is_not_started_again_by_another_pilot(place: Place, tmp_path: Path) -> None:
    place.start_server()
    starts = tmp_path / "starts"
    payload = place.script("once.sh", f"#!/bin/sh\necho x >> {starts}\nsleep 300\n")
    pilot = place.start_pilot(name="pilot 1")
    [job] = place.client.submit([payload])
    place.job_is(job, "running")
    place.until("the payload has started", starts.exists)
    place.start_pilot(name="pilot 2")
    os.kill(pilot.pid, signal.SIGKILL)
    pilot.wait()
    place.job_is(job, "lost")
    [after] = place.client.submit(["/bin/true"])
    assert place.ended(after)["state"] == "finished"
    assert place.client.job(job)["state"] == "lost"
    assert starts.read_text() == "x\n"


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT] * 2], ids=["SIGTERM", "Ctrl-C twice"])
def test_a_pilot_told_to_end_at_once_ends_its_payloads_and_leaves_nothing_behind(
    place: Place, signals: list[signal.Signals]
) -> None:
    place.start_server()
    pilot = place.start_pilot()
    [job] = place.client.submit(["/bin/sleep 300"])
    place.job_is(job, "running")
    for number in signals:
        said = place.log("pilot").count("ending")
        os.kill(pilot.pid, number)
        place.until("the pilot heard", lambda said=said: place.log("pilot").count("ending") > said)
    assert pilot.wait(40) == 0
    ended = place.ended(job)
    assert (ended["state"], ended["reason"]) == ("lost", "pilot stopped")
    [gone] = place.client.pilots(ended=True)
    assert gone["state"] == "stopped"
    assert list(place.temporary.iterdir()) == []


def test_a_pilot_told_to_end_finishes_what_runs_and_takes_nothing_more(place: Place, tmp_path: Path) -> None:
    place.start_server()
    pilot = place.start_pilot()
    go = tmp_path / "go"
    payload = place.script("wait.sh", f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\n")
    [job] = place.client.submit([payload])
    place.job_is(job, "running")
    os.kill(pilot.pid, signal.SIGINT)
    place.until("the server knows", lambda: place.client.pilots()[0]["state"] == "draining")
    [waiting] = place.client.submit(["/bin/true"])
    go.touch()
    assert place.ended(job)["state"] == "finished"
    assert pilot.wait(40) == 0
    assert place.client.job(waiting)["state"] == "defined"


def test_an_idle_pilot_told_to_end_does_not_wait_for_a_server_that_is_gone(place: Place) -> None:
    """A batch system gives it some 30 s from TERM to KILL; a person at a terminal less."""
    server = place.start_server()
    pilot = place.start_pilot()
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    pilot.terminate()
    place.until("the pilot has ended", lambda: pilot.poll() is not None, 20)
    assert pilot.returncode == 0


TOLD_TO_END_AS_IT_SERVES = """
import os, signal
from p3s.pilot import __main__ as pilot
said = pilot.say
def say(text):
    said(text)
    if " serves " in text:
        os.kill(os.getpid(), signal.SIGTERM)
pilot.say = say
raise SystemExit(pilot.main())
"""


def test_a_pilot_told_to_end_as_it_begins_to_serve_says_goodbye(place: Place) -> None:
    """The guardian knew it already, and went on telling a server that was gone of its death, for a lease."""
    place.start_server()
    token = str(place.server_dir / "token")
    words = ("--server", place.url, "--token-file", token, "--slots", "1")
    pilot = place.spawn("pilot", sys.executable, "-c", TOLD_TO_END_AS_IT_SERVES, *words)
    place.until("the pilot has ended", lambda: pilot.poll() is not None, 30)
    assert pilot.returncode == 0, place.log("pilot")
    [gone] = place.client.pilots(ended=True)
    assert (gone["state"], gone["reason"]) == ("stopped", "SIGTERM")


def guardian_of(pilot: int) -> int:
    """The pilot's guardian: its child that runs none of the payloads."""
    [found] = [one.pid for one in psutil.Process(pilot).children() if "guardian" in one.cmdline()]
    return found


def test_a_frozen_pilot_is_lost_at_the_end_of_its_lease_and_comes_back_as_a_new_one(
    place: Place, tmp_path: Path
) -> None:
    place.start_server("--lease", "3", "--grace", "1")
    pilot = place.start_pilot()
    job, family = start_family(place, tmp_path)
    [before] = place.client.pilots()
    both = (pilot.pid, guardian_of(pilot.pid))
    for process in both:
        os.kill(process, signal.SIGSTOP)
    try:
        frozen_at = time.time()
        lost = place.job_is(job, "lost", within_s=60)
        [gone] = place.client.pilots(ended=True)
        assert gone["uuid"] == before["uuid"]
        assert gone["state"] == "lost"
        # Not before the lease and its grace, counted from when it was last heard.
        assert lost["ended_at"] - gone["last_seen_at"] >= 4
        assert gone["last_seen_at"] <= frozen_at + 1
        page = Connection(place.url).call("GET", "/pilots").decode()
        assert "lost" in page
    finally:
        for process in both:
            os.kill(process, signal.SIGCONT)
    place.until("the payloads are dead", lambda: not [one for one in family if alive(one)])
    place.until("it registers anew", lambda: [one["uuid"] for one in place.client.pilots()] not in ([], [gone["uuid"]]))
    [after] = place.client.submit(["/bin/true"])
    ended = place.ended(after)
    assert ended["state"] == "finished"
    assert ended["pilot"] not in (None, before["uuid"])
    assert place.client.job(job)["state"] == "lost"


def test_a_pilot_frozen_for_less_than_its_lease_is_seen_to_be_and_goes_on(place: Place, tmp_path: Path) -> None:
    place.start_server("--lease", "12", "--grace", "1")
    pilot = place.start_pilot()
    go = tmp_path / "go"
    payload = place.script("wait.sh", f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\n")
    [job] = place.client.submit([payload])
    place.job_is(job, "running")
    os.kill(pilot.pid, signal.SIGSTOP)
    try:

        def silent() -> bool:
            [shown] = place.client.pilots()
            return time.time() - shown["last_seen_at"] > 5

        place.until("the API shows that it was not heard for 5 s", silent)
    finally:
        os.kill(pilot.pid, signal.SIGCONT)
    place.until("it is heard again", lambda: not silent())
    go.touch()
    ended = place.ended(job)
    assert (ended["state"], ended["attempt"]) == ("finished", 1)
    assert len(place.client.pilots()) == 1


class Deaf:
    """Stands between pilots and the server; while `deaf`, requests arrive and answers do not."""

    def __init__(self, port: int) -> None:
        self.deaf = True
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._server))
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with source, target, contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if answers and self.deaf:
                    return
                target.sendall(data)


def test_a_pilot_whose_registration_was_answered_to_nobody_registers_anew(place: Place) -> None:
    place.start_server("--lease", "1", "--grace", "0.5")
    way = Deaf(int(place.url.rpartition(":")[2]))
    words = (sys.executable, "-m", "p3s", "pilot", "start", "--slots", "1")
    pilot = place.spawn("pilot", *words, P3S_SERVER=f"http://127.0.0.1:{way.port}", P3S_TOKEN=place.token)
    place.until("the server gave up the pilot that it never heard of again", lambda: place.client.pilots(ended=True))
    [gone] = place.client.pilots(ended=True)
    assert gone["state"] == "lost"
    way.deaf = False
    [job] = place.client.submit(["/bin/true"])
    assert place.ended(job)["state"] == "finished"
    assert pilot.poll() is None
    assert place.client.job(job)["pilot"] != gone["uuid"]


def test_a_cut_off_pilot_has_killed_its_payloads_by_the_end_of_its_lease(place: Place, tmp_path: Path) -> None:
    server = place.start_server("--lease", "4", "--grace", "1")
    place.start_pilot()
    _, family = start_family(place, tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    cut_off = time.monotonic()
    try:
        place.until("all of the payload is dead", lambda: not [one for one in family if alive(one)], 40)
        assert time.monotonic() - cut_off < 4 + 3  # the lease; and this busy machine's own slowness
    finally:
        os.kill(server.pid, signal.SIGCONT)
