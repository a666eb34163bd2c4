"""Data at twice what the slots can do, on a virtual clock, by the very rules of streams, brokerage, staleness and
shedding: how fresh the results stay, and what is left out for whom.

    python -m p3s.simulation --overload
"""

import heapq
import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from p3s.domain.acceptance import accept
from p3s.domain.book import Book
from p3s.domain.data.streams import jobs_of, taking
from p3s.domain.desk import Desk
from p3s.domain.effects import JobAdded, JobEnded, LaneAnswered, Noted, PilotAdded, Queued, Spec, TypeDeclared
from p3s.protocol.data import DatasetRequest, StreamJob, StreamSpec
from p3s.protocol.messages import ExchangeRequest, JobTypeSpec, Order, Report
from p3s.protocol.states import JobState

from .clock import Clock

WAY_S = 0.002
"""One way between a pilot and the server."""

PUBLISH_S = 0.1
"""From the end of a process to its results on display."""

UPKEEP_S = 1.0
STALE_PORTION = 50
SLOTS_OF_A_PILOT = 4


@dataclass(frozen=True)
class Kind:
    """A stream of one job type. `load`: its data, as a share of what all slots can do; files come at random, or in
    spills of so many, fairly regularly. Runs take `mean_s`, log-normal with this `spread`."""

    jobtype: JobTypeSpec
    load: float
    mean_s: float = 20.0
    spread: float = 0.4
    spill: int = 1

    @property
    def stream(self) -> StreamSpec:
        return StreamSpec(self.jobtype.name, {self.jobtype.name: StreamJob(self.jobtype.name)})

    def length_s(self, chance: random.Random) -> float:
        """How long one run takes."""
        middle = math.log(self.mean_s) - self.spread**2 / 2
        return chance.lognormvariate(middle, self.spread)


@dataclass
class Tale:
    """What became of the data of one job type. `inside_s`: slot-seconds of runs whose results came within the ETA;
    `oldest_s`: how old the newest result was at its oldest."""

    arrived: int = 0
    results: int = 0
    inside: int = 0
    inside_s: float = 0.0
    oldest_s: float = 0.0
    newest_at: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass
class Figures:
    """What a run came to while data came. `busy`: share of the slots' time that ran payloads; `waiting`: jobs queued
    when the data ended; `beneficiaries`: the job for which each was shed, by the record."""

    seed: int
    slots: int
    lasted_s: float
    busy_s: float = 0.0
    waiting: int = 0
    tales: dict[str, Tale] = field(default_factory=dict)
    beneficiaries: list[str] = field(default_factory=list)

    @property
    def capacity_s(self) -> float:
        """Slot-seconds there were."""
        return self.slots * self.lasted_s

    @property
    def busy(self) -> float:
        return self.busy_s / self.capacity_s

    @property
    def inside(self) -> float:
        """Share of the capacity that became results within the ETA."""
        return sum(tale.inside_s for tale in self.tales.values()) / self.capacity_s


class Flood:
    """Build it with kinds of data and a seed, `run` it. Everything starts empty: slots, queues, and what is known of
    how long runs take."""

    def __init__(self, kinds: list[Kind], seed: int, slots: int = 40, lasts_s: float = 600.0) -> None:
        self.kinds = {kind.jobtype.name: kind for kind in kinds}
        self.chance = random.Random(f"flood {seed}")
        self.clock = Clock()
        self.book = Book(0.0, window=1_000_000)
        self.figures = Figures(seed, slots, lasts_s, tales={name: Tale() for name in self.kinds})
        self.specs: dict[str, tuple[str, Spec]] = {}
        self.seqs: Counter[str] = Counter()
        self.acked: Counter[str] = Counter()
        #: By when they become stale.
        self.stale: list[tuple[float, int, Queued]] = []
        self.desk.do(TypeDeclared(kind.jobtype, 0.0) for kind in kinds)

    @property
    def desk(self) -> Desk:
        return Desk(self.book, lambda *_: "", self.clock.now)

    def run(self) -> Figures:
        """The flood, and what is left of it."""
        for number in range(self.figures.slots // SLOTS_OF_A_PILOT):
            self._register(f"pilot{number}")
        for kind in self.kinds.values():
            for at in self._arrivals(kind):
                self.clock.at(at, partial(self._arrive, kind))
        self.clock.at(UPKEEP_S, self._upkeep)
        self.clock.run(self.figures.lasted_s)
        for tale in self.figures.tales.values():
            tale.oldest_s = max(tale.oldest_s, self.clock.now - tale.newest_at)
        self.figures.waiting = sum(head.waiting for head in self.book.queues.heads.values())
        self.clock.run(4 * self.figures.lasted_s)
        return self.figures

    def _arrivals(self, kind: Kind) -> Iterator[float]:
        every_s = kind.spill * kind.mean_s / (kind.load * self.figures.slots)
        at = self.chance.uniform(0, every_s)
        while at < self.figures.lasted_s:
            yield from [at] * kind.spill
            at += self.chance.expovariate(1 / every_s) if kind.spill == 1 else self.chance.uniform(0.8, 1.2) * every_s

    # ---- what happens

    def _act(self, desk: Desk) -> None:
        """Settle and let follow what was decided."""
        assert not desk.settle(), "no head is ever used up"
        for effect in desk.effects:
            if isinstance(effect, LaneAnswered):
                self.clock.after(WAY_S, partial(self._answered, effect))
            elif isinstance(effect, JobEnded) and effect.after is JobState.DROPPED:
                self.figures.tales[self.specs[effect.job][0]].dropped[str(effect.reason)] += 1
            elif isinstance(effect, Noted) and effect.why.startswith("shed for "):
                self.figures.beneficiaries.append(effect.why.partition("its job ")[2].split()[0])

    def _register(self, pilot: str) -> None:
        desk = self.desk
        desk.register(PilotAdded(pilot, pilot, "site", SLOTS_OF_A_PILOT, 300.0, pilot, "sim", self.clock.now))
        self._act(desk)
        self._open_lane(pilot)

    def _open_lane(self, pilot: str) -> None:
        self.seqs[pilot] += 1
        desk = self.desk
        desk.order_lane(pilot, ExchangeRequest("orders", self.seqs[pilot], self.acked[pilot], 25.0))
        self._act(desk)

    def _arrive(self, kind: Kind) -> None:
        name, tale, desk = kind.jobtype.name, self.figures.tales[kind.jobtype.name], self.desk
        tale.arrived += 1
        file = DatasetRequest(f"/data/{name}{tale.arrived}.root", name, f"{name}{tale.arrived}.root")
        for spec in jobs_of(kind.stream, file, taking(kind.stream, file.name).jobtypes):
            number = self.book.next_id
            added = accept(number, f"job{number}", spec, kind.jobtype, self.clock.now, {})
            self._remember(added)
            desk.submit([added])
        self._act(desk)

    def _remember(self, added: JobAdded) -> None:
        self.specs[added.job] = (added.jobtype, added.spec)
        if added.spec.stale_at is not None:
            queued = Queued(added.id, added.job, 0, added.jobtype, added.priority, added.spec)
            heapq.heappush(self.stale, (added.spec.stale_at, added.id, queued))

    def _upkeep(self) -> None:
        """As the server's rounds: a portion of what is stale, then what must give way."""
        desk = self.desk
        if desk.stale_due():
            found: list[Queued] = []
            while self.stale and self.stale[0][0] <= self.clock.now and len(found) < STALE_PORTION:
                job = heapq.heappop(self.stale)[2]
                found += [job] if job.job in self.book.queues.head(job.key).jobs else []
            desk.drop_stale(found, self.stale[0][0] if self.stale else math.inf)
        desk.tend()
        self._act(desk)
        self.clock.after(UPKEEP_S, self._upkeep)

    # ---- pilots

    def _answered(self, effect: LaneAnswered) -> None:
        for order in effect.orders:
            self.acked[effect.pilot] = max(self.acked[effect.pilot], order.number)
            length_s = self.kinds[self.specs[order.job][0]].length_s(self.chance)
            begun = self.clock.now
            within_s = max(0.0, min(begun + length_s, self.figures.lasted_s) - begun)
            self.figures.busy_s += within_s
            self.clock.after(length_s + PUBLISH_S, partial(self._ended, effect.pilot, order, length_s, within_s))
        self.clock.after(WAY_S, partial(self._open_lane, effect.pilot))

    def _ended(self, pilot: str, order: Order, length_s: float, within_s: float) -> None:
        jobtype, spec = self.specs[order.job]
        tale, now = self.figures.tales[jobtype], self.clock.now
        tale.results += 1
        if spec.eta_at is None or now <= spec.eta_at:
            tale.inside += 1
            tale.inside_s += within_s
        if now <= self.figures.lasted_s:
            tale.oldest_s = max(tale.oldest_s, now - tale.newest_at)
        tale.newest_at = max(tale.newest_at, spec.since)
        self.clock.after(WAY_S, partial(self._report, pilot, order, length_s))

    def _report(self, pilot: str, order: Order, length_s: float) -> None:
        desk = self.desk
        desk.report(pilot, [Report(order.job, order.attempt, "finished", exit_code=0, wall_s=length_s)])
        self._act(desk)


# ---- the cases

ETA_S = 60.0


def freshest() -> list[Kind]:
    """Twice the capacity; the newest first, stale after three times the ETA."""
    return [Kind(JobTypeSpec("monitor", pick="freshest", eta=ETA_S, stale_after=3 * ETA_S), load=2.0)]


def oldest() -> list[Kind]:
    """The same load, first come, first served, for ever."""
    return [Kind(JobTypeSpec("monitor", pick="fifo", eta=ETA_S), load=2.0)]


def late() -> list[Kind]:
    """First come, first served, stale as in the first case: dropping alone does not keep results fresh."""
    return [Kind(JobTypeSpec("monitor", pick="fifo", eta=ETA_S, stale_after=3 * ETA_S), load=2.0)]


def critical() -> list[Kind]:
    """Twice the capacity, of which the critical class has nine tenths, in spills of more than twice the slots."""
    vital = JobTypeSpec("vital", pick="deadline", eta=ETA_S, critical=True, priority=7)
    other = JobTypeSpec("other", pick="freshest", eta=ETA_S, stale_after=3 * ETA_S)
    return [Kind(vital, load=0.9, mean_s=12.0, spread=0.25, spill=90), Kind(other, load=1.1)]


CASES = {"freshest": freshest, "fifo": oldest, "fifo, stale": late, "critical": critical}


def told(case: str, figures: Figures) -> str:
    """Two lines for people."""
    head = f"{case}, seed {figures.seed}: busy {figures.busy:.1%}, within ETA {figures.inside:.1%} of capacity, "
    lines = [f"{head}{figures.waiting} waiting when the data ended"]
    for name, tale in figures.tales.items():
        dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(tale.dropped.items())) or "none"
        lines.append(
            f"  {name}: {tale.arrived} files, {tale.results} results, {tale.inside} within the ETA of {ETA_S:g} s, "
            f"newest result at most {tale.oldest_s:.0f} s old, dropped: {dropped}"
        )
    return "\n".join(lines)
