"""A job run on this machine as a pilot would run it, without a server. Imported only where one is run: other commands
need none of the pilot's code."""

import os
import select
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from p3s.domain.acceptance import accept
from p3s.pilot.actions import Child, Ended, outcome
from p3s.pilot.agent import unpack_tools
from p3s.pilot.berth import Berth
from p3s.pilot.collect import collect
from p3s.pilot.machine import KILL_AFTER_S
from p3s.pilot.runner import NonStarter, Place, Running
from p3s.protocol.messages import JobSpec, JobTypeSpec, Order


@dataclass(frozen=True)
class Trial:
    """What came of a job. Times in seconds, memory in bytes; `results` and `problems` as the pilot would send them."""

    name: str
    jobtype: str
    payload: str
    state: str
    reason: str
    detail: str
    exit_code: int | None
    signal: int | None
    wall_s: float | None
    cpu_s: float | None
    peak_memory: int | None
    stdout: str
    stderr: str
    results: list[dict[str, Any]]
    problems: list[str]
    directory: str


def run_here(spec: JobSpec, kind: JobTypeSpec, data: dict[str, Any], keep: bool = False) -> Trial:
    """Run a job to its end in a directory of its own; its processes end with it, and with us. `data` is what is known
    of its input: run, subrun, keys."""
    job = str(uuid.uuid4())
    accepted = accept(1, job, spec, kind, time.time(), data).spec
    order = Order(1, job, 1, accepted.payload, "", accepted.env, accepted.time_limit)
    with _directory(keep) as directory:
        # The server's address and the user's token are not the payload's affair here.
        environment = {name: value for name, value in os.environ.items() if name != "P3S_TOKEN"}
        place = Place(unpack_tools(directory), "", "local", str(uuid.uuid4()), environment)
        running = Running(place, order, Berth(directory / "job"))
        child, ended = _run(running)
        state, reason, detail = outcome(child, ended)
        stdout, stderr = running.tails()
        found = collect(running.berth.results, running.berth.work)
        running.berth.close(keep=True)
        return Trial(
            spec.name,
            spec.jobtype,
            spec.payload,
            state,
            reason,
            detail,
            ended.exit_code,
            ended.signal,
            ended.wall_s,
            ended.cpu_s,
            ended.peak_memory,
            stdout,
            stderr,
            found.results,
            found.problems,
            str(directory / "job") if keep else "",
        )


@contextmanager
def _directory(keep: bool) -> Iterator[Path]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="p3s-test-")).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="p3s-test-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _signals_later() -> Iterator[Callable[[], None]]:
    """What ends us is acted on when what this yields is called, at the latest at the end: a process that is just being
    started is known by then, and can be ended with us."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda given, _: came.append(given)) for number in _ENDING}

    def act() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler or signal.SIG_DFL)
        while came:
            signal.raise_signal(came.pop())

    try:
        yield act
    finally:
        act()


def _run(running: Running) -> tuple[Child, Ended]:
    child = Child(running.order)
    with _signals_later() as act:
        try:
            running.start()
        except NonStarter as error:
            return child, Ended(reason="nonstarter", detail=str(error))
        child.started_at = time.monotonic()
        try:
            act()
            _wait(running, child)
        finally:  # also when the person has had enough
            running.signal(signal.SIGKILL)
            code, cpu_s, peak = running.reap()
    now = time.monotonic()
    return child, Ended(
        code if code >= 0 else None, -code if code < 0 else None, now, now - child.started_at, cpu_s, peak
    )


def _wait(running: Running, child: Child) -> None:
    """Until the process has ended, or was ended for its time limit as a pilot would."""
    limit = running.order.time_limit
    if _ended(running, limit or None):
        return
    child.ending, child.ending_at = "timelimit", time.monotonic()
    child.detail = f"ran longer than its limit of {limit:g} s"
    running.signal(signal.SIGTERM)
    if not _ended(running, KILL_AFTER_S):
        running.signal(signal.SIGKILL)
        _ended(running, None)


def _ended(running: Running, within_s: float | None) -> bool:
    return bool(select.select([running.pidfd], [], [], within_s)[0])
