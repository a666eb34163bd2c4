"""`backlog`: whether handing out a job costs more when more of them wait."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import uvloop

from p3s.protocol import routes
from p3s.protocol.messages import JobSpec, Order, SubmitRequest

from .counting import new_count, rows_read
from .cpu import cpu_s
from .fleet import LoadPilot, Wire, ask, done
from .rig import Numbers, Server, backend, scratch, server
from .tables import FINISHED, Tables

PILOTS, SLOTS = 4, 4
FINISHED_PER_QUEUED = 5
WARM = 1_000
DECISIONS = 20_000
"""So many that each class's head in the server's memory is used up and read again."""
TOP_UP = 16
"""Jobs that are submitted together in place of as many that were handed out."""

CLASSES: dict[tuple[str, int], int | None] = {
    ("braked", 9): 0,
    ("calib", 8): 4,
    ("evdisp", 7): 4,
    ("monitor", 7): 4,
    ("purity", 5): None,
    ("late", 1): None,
}
"""(job type, priority) -> cap. Of 16 slots three types share 12 and the next has the rest; the first never runs."""

BEHIND: dict[str, Any] = {"needs": {"gpus": 1}, "stale_after": 0.5}
"""Fields of a job and values with which no job of theirs runs: no pilot has a GPU, and all are stale at the start."""


@dataclass(frozen=True)
class Backlog:
    """A database with so many queued jobs."""

    label: str
    tables: Tables


@contextmanager
def backlog(database: str, most: int) -> Iterator[Callable[[], Numbers]]:
    """Queues of 100, 10,000 and `most` jobs beside five times `most` finished ones; filled once for all rounds."""
    with scratch() as directory, backend(database, directory) as (url, backends):
        backlogs = _filled(directory, url, most)
        decisions = min(DECISIONS, 20 * most)
        yield lambda: _compared([(one.label, _measured(one, decisions, backends)) for one in backlogs])


def _compared(found: list[tuple[str, Numbers]]) -> Numbers:
    """Side by side, with the worst against the best."""
    numbers: Numbers = {f"{key}_{label}": value for label, one in found for key, value in one.items()}
    rates = [value for _, one in found if (value := one["per_s"]) is not None]
    cost = [value for _, one in found if (value := one["cpu_ms"]) is not None]
    rows = [value for _, one in found if (value := one["rows"]) is not None]
    return {
        **numbers,
        "ratio": max(rates) / min(rates),
        "cpu_ratio": max(cost) / min(cost),
        "rows_per_decision": max(rows),
    }


# ---- filling


def _filled(directory: Path, url: str, most: int) -> list[Backlog]:
    base = Tables(directory / "base", url and urlsplit(url)._replace(path="/base").geturl())
    if url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE base")
    behind = [name for name in BEHIND if any(one.name == name for one in fields(JobSpec))]
    with server(base.directory, base.url) as running:
        models = _submitted(running, [_description(*key) for key in CLASSES])
        hopeless = _submitted(running, [{**_description(name, 9), name: BEHIND[name]} for name in behind])
    for (jobtype, _), cap in CLASSES.items():
        if cap is not None:
            base.cap(jobtype, cap)
    base.multiply(models[-1], FINISHED_PER_QUEUED * most, 1_000, 1, FINISHED)
    first = 1_000 + FINISHED_PER_QUEUED * most
    found = []
    for size in sorted({100, min(most, 10_000), most}):
        tables = base.copied(f"queue{size}")
        _queue(tables, models, size, first)
        found.append(Backlog(str(size), tables))
    if hopeless:
        tables = base.copied("behind")
        _queue(tables, models, most, first + len(hopeless) * most)
        for model in hopeless:
            _queue(tables, [model], most, first)
            first += most
        found.append(Backlog(f"{most}_behind", tables))
    for one in found:
        one.tables.settle()
    return found


def _queue(tables: Tables, models: list[str], size: int, first: int) -> None:
    """`size` queued jobs, the classes taking turns."""
    for place, model in enumerate(models):
        tables.multiply(model, size // len(models) - 1, first + place, len(models), {})


def _description(jobtype: str, priority: int) -> dict[str, Any]:
    return {"payload": f"/bin/true {jobtype} {priority}", "jobtype": jobtype, "priority": priority}


def _submitted(running: Server, jobs: list[dict[str, Any]]) -> list[str]:
    """UUIDs. Plain objects, so that a field may be named here before this protocol has it."""
    return running.client.submit([JobSpec(**job) for job in jobs]) if jobs else []


# ---- measuring


def _measured(backlog: Backlog, decisions: int, backends: list[psutil.Process]) -> Numbers:
    """Dispatches per second, CPU of server and database a dispatch in ms, rows that the server reads a dispatch."""
    tables = backlog.tables
    count = new_count(tables.directory / "rows")
    with server(tables.directory, tables.url, "benchmarks.counting", P3S_BENCH_ROWS=str(count)) as running:
        processes = [running.process, *backends]

        queued = _queued(running)
        assert rows_read(count), "a server reads at its start, and none of it was counted"

        async def measure() -> Numbers:
            flow = await Flow.begin(running)
            await flow.hand_out(WARM)
            began, spent, rows = time.perf_counter(), cpu_s(processes), rows_read(count)
            handed = await flow.hand_out(decisions)
            seconds = time.perf_counter() - began
            spent, rows = cpu_s(processes) - spent, rows_read(count) - rows
            await flow.end()
            left = _queued(running)
            assert left == queued, f"{queued} jobs waited at the start, {left} do at the end"
            return {"per_s": handed / seconds, "cpu_ms": 1000 * spent / handed, "rows": rows / handed}

        return uvloop.run(measure())


def _queued(running: Server) -> int:
    """Jobs that wait, with those that waited until they were dropped."""
    states = running.client.summary()["jobs"]
    return int(states.get("defined", 0) + states.get("dropped", 0))


@dataclass
class Flow:
    """Pilots that end each job as soon as they have it, and a client that submits one like it: the queue stays."""

    pilots: list[LoadPilot]
    submitter: Wire
    token: str
    held: dict[str, list[Order]] = field(default_factory=dict)
    gone: deque[Order] = field(default_factory=deque)
    left: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def begin(cls, running: Server) -> "Flow":
        """Registers the pilots."""
        url = running.client.server
        wire = await Wire.to(url)
        return cls(
            [await LoadPilot.register(wire, url, running.token, SLOTS) for _ in range(PILOTS)], wire, running.token
        )

    async def hand_out(self, count: int) -> int:
        """Have at least `count` jobs handed out and replaced; returns how many were."""
        self.left = count
        await asyncio.gather(*(self._work(pilot) for pilot in self.pilots))
        return count - self.left

    async def end(self) -> None:
        """The last jobs end and are replaced, and the pilots leave."""
        for pilot in self.pilots:
            await pilot.exchange(done(self.held.pop(pilot.pilot, [])), goodbye="the benchmark is over")
        await self._top_up()

    async def _work(self, pilot: LoadPilot) -> None:
        while self.left > 0:
            orders = await pilot.exchange(done(self.held.get(pilot.pilot, [])), wait_s=1.0)
            self.held[pilot.pilot] = orders
            self.left -= len(orders)
            self.gone += orders
            if len(self.gone) >= TOP_UP:
                await self._top_up()

    async def _top_up(self) -> None:
        if not self.gone:
            return
        jobs = []
        while self.gone:
            _, jobtype, priority = self.gone.popleft().payload.split()
            jobs.append(JobSpec(**_description(jobtype, int(priority))))
        async with self._lock:
            await ask(self.submitter, routes.SUBMIT, self.token, SubmitRequest(jobs))
