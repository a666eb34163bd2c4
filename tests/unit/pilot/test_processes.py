"""Finding and ending what carries a mark in its environment. Real processes."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p3s.pilot import processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc of Linux")

Until = Callable[..., Any]
Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def mark() -> str:
    return f"P3S_TEST_MARK={uuid.uuid4()}"


@pytest.fixture
def spawn(mark: str) -> Iterator[Spawn]:
    """spawn(shell text, marked=True): a process in a session of its own, gone after the test."""
    made: list[subprocess.Popen[bytes]] = []

    def start(text: str, marked: bool = True) -> "subprocess.Popen[bytes]":
        name, _, value = mark.partition("=")
        environment = {**os.environ, **({name: value} if marked else {})}
        made.append(
            subprocess.Popen(["/bin/sh", "-c", text], env=environment, start_new_session=True, stdout=subprocess.PIPE)
        )
        return made[-1]

    yield start
    processes.end_all(mark.encode())
    for process in made:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def said(process: "subprocess.Popen[bytes]") -> int:
    """The process number that a shell wrote as its first line."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def gone(process: int) -> bool:
    """Ended, reaped or not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def test_carriers_have_the_mark_and_others_do_not(spawn: Spawn, mark: str, until: Until) -> None:
    carrier, other = spawn("sleep 60"), spawn("sleep 60", marked=False)
    until("the carrier is found", lambda: carrier.pid in processes.carriers(mark.encode()))
    assert other.pid not in processes.carriers(mark.encode())


def test_a_child_that_left_its_session_is_found_by_the_mark(spawn: Spawn, mark: str) -> None:
    child = said(spawn("setsid sh -c 'echo $$; exec sleep 60' & wait"))
    assert child in processes.carriers(mark.encode())


def test_a_child_that_cleared_its_environment_is_found_by_its_session(spawn: Spawn, mark: str, until: Until) -> None:
    parent = spawn("env -i sh -c 'echo $$; exec sleep 60' & wait")
    child = said(parent)
    until("the parent is found", lambda: parent.pid in processes.carriers(mark.encode()))
    assert child in processes.carriers(mark.encode())


def test_the_mark_must_be_a_whole_variable(spawn: Spawn, mark: str, until: Until) -> None:
    carrier = spawn("sleep 60")
    until("the carrier is found", lambda: carrier.pid in processes.carriers(mark.encode()))
    assert processes.carriers(mark.encode()[:-1]) == set()


def test_a_process_does_not_find_itself(monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    name, _, value = mark.partition("=")
    text = (
        "import os, sys; from p3s.pilot import processes as p; print(os.getpid() in p.carriers(sys.argv[1].encode()))"
    )
    monkeypatch.setenv(name, value)
    found = subprocess.run([sys.executable, "-c", text, mark], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "False"


def test_end_all_ends_the_whole_family_and_counts_it(spawn: Spawn, mark: str, until: Until) -> None:
    parent = spawn("setsid sh -c 'echo $$; sleep 60 & sleep 60' & trap '' TERM; sleep 60")
    child = said(parent)
    until("the grandchildren are there", lambda: len(processes.carriers(mark.encode())) >= 4)
    assert processes.end_all(mark.encode()) >= 4
    assert processes.carriers(mark.encode()) == set()
    assert gone(child)
    assert parent.wait(timeout=10) == -signal.SIGKILL


def test_end_all_of_nobody_is_0(mark: str) -> None:
    assert processes.end_all(mark.encode()) == 0


def test_what_has_ended_and_was_not_reaped_is_no_carrier(spawn: Spawn, mark: str, until: Until) -> None:
    ended = spawn("exit 0")
    until("it has ended", lambda: gone(ended.pid))
    assert ended.pid not in processes.carriers(mark.encode())


def test_signals_to_the_gone_are_no_error(spawn: Spawn) -> None:
    ended = spawn("exit 0")
    ended.wait()
    processes.send({ended.pid}, signal.SIGTERM)


ADOPTS = """
import os, subprocess, sys, time
from p3s.pilot import orphans

orphans.adopt()
before = orphans.children()
subprocess.run(["/bin/sh", "-c", "setsid sleep 60 & setsid true &"], check=True)
found = orphans.children() - before
assert len(found) == 2, found
until = time.monotonic() + 20
while len(orphans.bury(found)) > 1 and time.monotonic() < until:
    time.sleep(0.01)
[alive] = orphans.children() - before
os.kill(alive, 9)
while orphans.bury({alive}) and time.monotonic() < until:
    time.sleep(0.01)
assert orphans.bury({alive}) == set(), "nobody's number is nobody's"
print("left:", orphans.children() - before)
"""


def test_orphans_become_children_and_are_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", ADOPTS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("left: set()\n", "")
