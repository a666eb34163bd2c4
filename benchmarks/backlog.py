"""`backlog`: whether handing out a job costs more when more of them wait."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import uvloop

from p3s.protocol import routes
from p3s.protocol.messages import ANYWHERE, JobSpec, Needs, Order, SubmitRequest

from .counting import new_count, rows_read
from .cpu import cpu_s
from .fleet import LoadPilot, Wire, ask, done
from .rig import Numbers, Server, backend, scratch, server
from .tables import FINISHED, Tables

PILOTS, SLOTS = 4, 4
FINISHED_PER_QUEUED = 5
WARM = 1_000
DECISIONS = 10_000
"""So many that a head in the server's memory is used up and read again."""
TOP_UP = 16
"""Jobs that are submitted together in place of as many that were handed out."""

GB = 10**9
HAS: dict[str, Any] = {"site": "load", "cores": 8, "memory": 64 * GB, "tags": ("cvmfs", "xrootd")}
"""What each pilot declares: all that waits fits into its slots together."""


@dataclass(frozen=True)
class Kind:
    """A job type with the priority of its jobs, what each needs, and how many may be out."""

    jobtype: str
    priority: int
    cap: int | None = None
    needs: Needs = ANYWHERE


KINDS = (
    Kind("braked", 9, 0),
    Kind("calib", 8, 4, Needs(cores=2)),
    Kind("evdisp", 7, 4, Needs(tags=("cvmfs",))),
    Kind("monitor", 7, 4, Needs(memory=2 * GB)),
    Kind("purity", 5, None, Needs(memory=4 * GB, tags=("cvmfs", "xrootd"))),
    Kind("late", 1, None, Needs(site="load")),
)
"""Of 16 slots three types share 12 and the next has the rest; the first never runs."""

BEHIND: dict[str, dict[str, Any]] = {
    "unmatched": {"needs": Needs(gpus=1)},
    "outdated": {"stale_after": 0.5},
}
"""Job types of the highest priority of which nothing runs, and why: no pilot has a GPU, and what is stale is dropped.
Each has as many jobs as wait behind them."""


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
    with server(base.directory, base.url) as running:
        models = running.client.submit([_job(kind) for kind in KINDS])
        hopeless = running.client.submit([_job(Kind(name, 10), **why) for name, why in BEHIND.items()])
    for kind in KINDS:
        if kind.cap is not None:
            base.cap(kind.jobtype, kind.cap)
    base.multiply(models[-1], FINISHED_PER_QUEUED * most, 1_000, 1, FINISHED)
    first = 1_000 + FINISHED_PER_QUEUED * most
    found = []
    for size in sorted({100, min(most, 10_000), most}):
        tables = base.copied(f"queue{size}")
        _queue(tables, models, size, first)
        found.append(Backlog(str(size), tables))
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


def _job(kind: Kind, **more: Any) -> JobSpec:
    """A job of a kind; its payload says which."""
    payload = f"/bin/true {kind.jobtype}"
    return JobSpec(payload, **{"jobtype": kind.jobtype, "priority": kind.priority, "needs": kind.needs, **more})


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
            [await LoadPilot.register(wire, url, running.token, SLOTS, **HAS) for _ in range(PILOTS)],
            wire,
            running.token,
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
        kinds = {kind.jobtype: kind for kind in KINDS}
        jobs = [_job(kinds[order.payload.split()[1]]) for order in self.gone]
        self.gone.clear()
        async with self._lock:
            await ask(self.submitter, routes.SUBMIT, self.token, SubmitRequest(jobs))
