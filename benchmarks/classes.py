"""`classes`: what the rules take to hand out one job while jobs of few or of very many classes wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle

from p3s.domain.book import Book
from p3s.domain.desk import Desk
from p3s.domain.effects import JobAdded, LaneAnswered, PilotAdded, Spec
from p3s.domain.needs import Offer
from p3s.protocol.messages import ANYWHERE, ExchangeRequest, Needs, Report
from p3s.protocol.states import JobState

from .rig import Numbers

SIZES = (10, 1_000, 10_000)
PILOTS, SLOTS = 4, 4
GB = 10**9
MEMORY, TAKEN = 64 * GB, 50 * GB
"""Of each pilot, and of that what one long job has."""
LIFE_S = 3_600.0

Class = tuple[str, Needs, float]
"""(job type, needs, time limit)."""


@dataclass(frozen=True)
class Situation:
    """`one`: the class with a number. `goes`: its jobs are what is handed out; else they are in the way of others."""

    one: Callable[[int, int], Class]
    goes: bool


SITUATIONS = {
    "fit": Situation(lambda n, _: ("work", Needs(memory=n + 1), 0.0), True),
    "tags_had": Situation(lambda n, _: ("work", Needs(tags=(f"t{n}",)), 0.0), True),
    "types": Situation(lambda n, _: (f"work{n}", ANYWHERE, 0.0), True),
    "wide": Situation(lambda n, _: ("work", Needs(memory=MEMORY - TAKEN + n + 1), 0.0), False),
    "long": Situation(lambda n, _: ("work", ANYWHERE, LIFE_S + n), False),
    "mixed": Situation(lambda n, of: ("work", Needs(memory=1 + n * MEMORY // of), 60.0 + n % 97), True),
    "tags_lacked": Situation(lambda n, _: ("work", Needs(tags=(f"no{n}",)), 0.0), False),
}
"""Classes that all can go, by memory, by tag, by type; that cannot go now, for want of memory or of time; that can
partly; that can never go. Those that are in the way have the higher priority."""


def classes(decisions: int) -> Numbers:
    """Microseconds of one decision, with the message that leads to it and the job that takes the place of the last;
    the ratio is that of the most classes to the fewest."""
    numbers: Numbers = {}
    for name, situation in SITUATIONS.items():
        found = [_measured(situation, size, decisions) for size in SIZES]
        numbers |= {f"{name}_{size}_us": us for size, us in zip(SIZES, found, strict=True)}
        numbers[f"{name}_ratio"] = found[-1] / found[0]
    return numbers


def _measured(situation: Situation, size: int, decisions: int) -> float:
    floor = _Floor([situation.one(number, size) for number in range(size)], situation.goes)
    floor.hand_out(max(decisions // 10, SLOTS * PILOTS))
    began = time.perf_counter()
    handed = floor.hand_out(decisions)
    return 1e6 * (time.perf_counter() - began) / handed


@dataclass
class _Floor:
    """Full pilots, each with a long job; what waits stays as it is, for each job that went another one comes."""

    waiting: list[Class]
    goes: bool
    book: Book = field(default_factory=lambda: Book(0.0))
    now: float = 1.0
    seq: int = 0
    held: dict[str, list[str]] = field(default_factory=dict)
    acked: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, Class] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [f"pilot{number}" for number in range(PILOTS)]
        tags = frozenset(needs.tags[0] for _, needs, _ in self.waiting if needs.tags and needs.tags[0][0] == "t")
        desk = self._desk()
        for name in names:
            offer = Offer("site", SLOTS + 1, MEMORY, 0, tags)
            desk.do([PilotAdded(name, "host", "site", SLOTS + 1, 60.0, "", "", self.now, {}, offer, LIFE_S)])
            self._add(desk, ("long", Needs(memory=TAKEN), 1.0), 9)
        for name in names:
            self.held[name] = []
            self._exchange(name, [])
            self.held[name] = []  # the long job stays
        desk = self._desk()
        for one in self.waiting:
            self._add(desk, one, 5)
        if not self.goes:
            for _ in range(PILOTS * SLOTS + 1):
                self._add(desk, ("plain", ANYWHERE, 0.0), 0)

    def hand_out(self, count: int) -> int:
        """Hand out at least so many; returns how many were."""
        handed = 0
        for name in cycle(self.held):
            ended, self.held[name] = self.held[name], []
            self._exchange(name, ended)
            handed += len(self.held[name])
            if handed >= count:
                return handed
        return handed

    def _desk(self) -> Desk:
        return Desk(self.book, lambda *_: "", self.now)

    def _exchange(self, name: str, ended: list[str]) -> None:
        self.seq += 1
        desk = self._desk()
        reports = [Report(job, 1, "finished", exit_code=0, wall_s=1.0) for job in ended]
        request = ExchangeRequest("orders", self.seq, self.acked.get(name, 0), 1.0, reports=reports)
        desk.order_lane(name, request)
        for job in ended:
            kind = self.kinds.pop(job)
            self._add(desk, kind, 0 if kind[0] == "plain" else 5)
        assert not desk.settle()
        for effect in desk.effects:
            if isinstance(effect, LaneAnswered) and effect.orders:
                self.acked[effect.pilot] = effect.orders[-1].number
                self.held[effect.pilot] += [order.job for order in effect.orders]

    def _add(self, desk: Desk, kind: Class, priority: int) -> None:
        id = self.book.next_id
        jobtype, needs, time_limit = kind
        self.kinds[f"job{id}"] = kind
        spec = Spec("/bin/true", {}, time_limit, needs, since=self.now)
        desk.submit([JobAdded(id, f"job{id}", jobtype, priority, JobState.DEFINED, spec, self.now)])
