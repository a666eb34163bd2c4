"""The rules at work: a book, the simulation's store beside it, and short words for what pilots and people say."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from p3s.domain.book import AHEAD_PER_SLOT, Book
from p3s.domain.desk import Desk
from p3s.domain.effects import Effect, JobAdded, LaneAnswered, PilotAdded, Spec
from p3s.domain.exchange import Past
from p3s.protocol.messages import ExchangeRequest, Held, Report, Verdict
from p3s.protocol.states import JobState
from p3s.simulation.store import Store

LEASE_S = 40.0
GRACE_S = 10.0


class Office:
    """Every act is one desk whose effects go to the store, as the server does it; `effects` are those of the last."""

    def __init__(self, caps: Mapping[str, int] | None = None, window: int = 2_000) -> None:
        self.now = 1_000.0
        self.window = window
        self.store = Store(dict(caps or {}))
        self.book: Book = self.store.load(self.now, window)
        self.effects: list[Effect] = []

    # ---- acting

    def act(self, story: Callable[[Desk], Any]) -> Any:
        desk = Desk(self.book, lambda job, attempt: f"token of {job}.{attempt}", self.now)
        value = story(desk)
        self.effects = []
        while True:
            hungry = desk.settle()
            self.store.write(desk.effects)
            self.effects += desk.effects
            desk.effects = []
            if not hungry:
                break
            for key in hungry:
                self.book.refill(key, *self.store.queued(key, self.window))
        self.store.commit()
        return value

    def submit(self, count: int = 1, jobtype: str = "plain", priority: int = 0) -> list[str]:
        first = self.book.next_id
        names = [f"job{first + place}" for place in range(count)]
        added = [
            JobAdded(first + place, name, jobtype, priority, JobState.DEFINED, Spec(name), self.now)
            for place, name in enumerate(names)
        ]
        self.act(lambda desk: desk.submit(added))
        return names

    def register(self, pilot: str, slots: int = 1, token_hash: str = "") -> None:
        added = PilotAdded(pilot, "host", "site", slots, LEASE_S, token_hash or pilot, "owner", self.now)
        self.act(lambda desk: desk.register(added))

    def lane(
        self,
        pilot: str,
        seq: int,
        acked: int = 0,
        holding: Iterable[tuple[str, int]] | None = None,
        reports: Iterable[Report] = (),
        **more: Any,
    ) -> LaneAnswered | None:
        """Open the order lane; what this exchange is answered at once, if anything."""
        held = None if holding is None else [Held(job, attempt) for job, attempt in holding]
        given = list(reports)
        message = ExchangeRequest("orders", seq, acked, 25.0, held, given, **more)
        self.act(lambda desk: desk.order_lane(pilot, message, self.past(given)))
        return next((answer for answer in self.answers(pilot) if answer.seq == seq), None)

    def report(self, pilot: str, job: str, attempt: int, state: str, **more: Any) -> Verdict:
        """One report on the report lane, and the server's word on it."""
        reports = [Report(job, attempt, state, **more)]
        verdicts: list[Verdict] = self.act(lambda desk: desk.report(pilot, reports, self.past(reports)))
        return verdicts[0]

    def cancel(self, job: str) -> str:
        past = self.store.past(job)
        assert past is not None
        return str(self.act(lambda desk: desk.cancel(job, past, "ana", "not needed")))

    def death(self, pilot: str) -> bool:
        return bool(self.act(lambda desk: desk.death(pilot, "its guardian saw it")))

    def expire(self) -> None:
        self.act(lambda desk: desk.expire(GRACE_S))

    def restart(self) -> None:
        """The server's process is a new one: its memory is what the store holds."""
        self.book = self.store.load(self.now, self.window)

    # ---- reading

    def past(self, reports: Iterable[Report]) -> dict[str, Past]:
        found = ((report.job, self.store.past(report.job)) for report in reports)
        return {job: past for job, past in found if past is not None}

    def answers(self, pilot: str) -> list[LaneAnswered]:
        return [one for one in self.effects if isinstance(one, LaneAnswered) and one.pilot == pilot]

    def kinds(self) -> list[str]:
        return [type(effect).__name__ for effect in self.effects]

    def state(self, job: str) -> JobState:
        return self.store.jobs[job].state

    def ordered(self) -> list[str]:
        """Jobs in the answers of the last act."""
        return [order.job for one in self.effects if isinstance(one, LaneAnswered) for order in one.orders]

    # ---- what must always hold

    def check(self) -> None:
        """Slots and caps are kept, the counts are right, and the memory is what a restart would build."""
        for entry in self.book.pilots.values():
            most = entry.slots * (1 + AHEAD_PER_SLOT)
            assert len(entry.out) <= most, f"{entry.pilot} holds more than its slots and what may be ahead of them"
            ready = entry.lane is not None and entry.free > 0 and entry.state.value == "active"
            assert (entry.pilot in self.book.ready) == ready
        counts: dict[str, int] = {}
        for out in self.book.out.values():
            counts[out.jobtype] = counts.get(out.jobtype, 0) + 1
        assert {kind: count for kind, count in self.book.in_use.items() if count} == counts
        for kind, cap in self.book.caps.items():
            assert counts.get(kind, 0) <= cap, f"more {kind} are out than the cap allows"
        self.check_against(self.store.load(self.now, 10**9))

    def check_against(self, rebuilt: Book) -> None:
        assert self.book.pilots.keys() == rebuilt.pilots.keys()
        for name, entry in self.book.pilots.items():
            other = rebuilt.pilots[name]
            assert (entry.slots, entry.state, entry.token_hash) == (other.slots, other.state, other.token_hash)
            assert entry.out == other.out
            assert entry.seq >= other.seq
            assert entry.acked >= other.acked
            assert entry.numbered >= other.numbered
        assert self.book.out == rebuilt.out
        for key in self.book.heads.keys() | rebuilt.heads.keys():
            there = set(rebuilt.heads[key].window) if key in rebuilt.heads else set()
            head = self.book.heads.get(key)
            known = set(head.window) if head else set()
            assert known <= there
            if head is None or not head.more:
                assert known == there, f"the queue of {key} is not what the rows say"
        for job, row in self.store.jobs.items():
            assert row.ends in ([], [row.state], [JobState.LOST, row.state]), f"{job} ended {row.ends}"


@pytest.fixture
def make_office() -> Iterator[Callable[..., Office]]:
    """Makes offices, and checks at the end of the test that each is in order."""
    made: list[Office] = []

    def make(**settings: Any) -> Office:
        made.append(Office(**settings))
        return made[-1]

    yield make
    for office in made:
        office.check()


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office()


@pytest.fixture
def office_type() -> type[Office]:
    """For state machines, which make their own."""
    return Office
