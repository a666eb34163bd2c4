"""The rules at work: a book, the simulation's store beside it, and short words for what pilots and people say."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from p3s.domain.book import Book
from p3s.domain.desk import Desk
from p3s.domain.effects import Effect, JobAdded, LaneAnswered, PilotAdded, Spec
from p3s.domain.exchange import Known
from p3s.domain.needs import Offer
from p3s.domain.pool import PilotEntry
from p3s.domain.queue import PLACES, Head
from p3s.protocol.messages import ExchangeRequest, Held, Instruction, JobTypeSpec, Report, Verdict
from p3s.protocol.states import JobState
from p3s.simulation.server import settle
from p3s.simulation.store import Store

LEASE_S = 40.0
GRACE_S = 10.0


class Office:
    """Every act is one desk whose effects go to the store, as the server does it; `effects` are those of the last."""

    def __init__(
        self, caps: Mapping[str, int] | None = None, window: int = 2_000, types: Iterable[JobTypeSpec] = ()
    ) -> None:
        self.now = 1_000.0
        self.window = window
        self.store = Store([*types, *(JobTypeSpec(name, cap=cap) for name, cap in (caps or {}).items())])
        self.book: Book = self.store.load(self.now, window)
        self.effects: list[Effect] = []

    # ---- acting

    def act(self, story: Callable[[Desk], Any]) -> Any:
        desk = Desk(self.book, lambda job, attempt: f"token of {job}.{attempt}", self.now)
        value = story(desk)
        self.effects = settle(desk, self.store, self.window)
        self.store.commit()
        return value

    def submit(
        self,
        count: int = 1,
        jobtype: str = "plain",
        priority: int = 0,
        *,
        state: JobState = JobState.DEFINED,
        same: str = "",
        rerun_of: str = "",
        **spec: Any,
    ) -> list[str]:
        """`spec`: further fields of each job's Spec."""
        first = self.book.next_id
        names = [f"job{first + place}" for place in range(count)]
        columns = {"rerun_of": rerun_of}
        added = [
            JobAdded(
                first + place,
                name,
                jobtype,
                priority,
                state,
                Spec(name, since=self.now, **spec),
                self.now,
                columns,
                same,
            )
            for place, name in enumerate(names)
        ]
        self.act(lambda desk: desk.submit(added))
        if same:
            older = self.store.older(same, first + count - 1)
            self.act(lambda desk: desk.supersede(older, names[-1]))
        return names

    def register(
        self, pilot: str, slots: int = 1, token_hash: str = "", host: str = "host", life_s: float = 0.0, **offer: Any
    ) -> None:
        """`offer`: what it declares; cores are its slots unless said."""
        declared = Offer(**{"site": "site", "cores": slots, **offer})
        added = PilotAdded(
            pilot,
            host,
            "site",
            slots,
            LEASE_S,
            token_hash or pilot,
            "owner",
            self.now,
            offer=declared,
            life_s=life_s,
        )
        self.act(lambda desk: desk.register(added))

    def declare(self, name: str, **settings: Any) -> None:
        self.act(lambda desk: desk.declare(JobTypeSpec(name, **settings), "ana"))

    def tend(self, limit: int = 1_000) -> None:
        """As upkeep does: the tables are asked when the book says so."""
        self.act(lambda desk: desk.drop_stale(*self.store.stale(self.now, limit)) if desk.stale_due() else None)
        self.act(lambda desk: desk.tend())

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
        self.act(lambda desk: desk.order_lane(pilot, message, self.known(given)))
        return next((answer for answer in self.answers(pilot) if answer.seq == seq), None)

    def publish(self, job: str, attempt: int, *names: str) -> None:
        """Results, as `category` and `category/item`."""
        self.store.publish(job, attempt, list(names))
        self.store.commit()

    def report(self, pilot: str, job: str, attempt: int, state: str, **more: Any) -> Verdict:
        """One report on the report lane, and the server's word on it."""
        reports = [Report(job, attempt, state, **more)]
        verdicts: list[Verdict] = self.act(lambda desk: desk.report(pilot, reports, self.known(reports)))
        return verdicts[0]

    def cancel(self, job: str) -> str:
        past = self.store.past(job)
        assert past is not None
        return str(self.act(lambda desk: desk.cancel(job, past, "ana", "not needed")))

    def hold(self, job: str) -> str:
        return str(self.act(lambda desk: desk.hold(job, self.store.past(job), "ana", "to look")))

    def release(self, job: str) -> str:
        return str(self.act(lambda desk: desk.release(job, self.store.past(job), "ana", "looked")))

    def adjust(self, job: str, priority: int) -> str:
        return str(self.act(lambda desk: desk.adjust(job, self.store.past(job), priority, "ana", "")))

    def trust(self, host: str) -> int:
        return int(self.act(lambda desk: desk.trust(host, "ana", "repaired")))

    def death(self, pilot: str) -> bool:
        return bool(self.act(lambda desk: desk.death(pilot, "its guardian saw it")))

    def expire(self) -> None:
        self.act(lambda desk: desk.expire(GRACE_S))

    def restart(self) -> None:
        """The server's process is a new one: its memory is what the store holds."""
        self.book = self.store.load(self.now, self.window)

    # ---- reading

    def known(self, reports: Iterable[Report]) -> Known:
        return self.store.known(reports)

    def answers(self, pilot: str) -> list[LaneAnswered]:
        return [one for one in self.effects if isinstance(one, LaneAnswered) and one.pilot == pilot]

    def kinds(self) -> list[str]:
        return [type(effect).__name__ for effect in self.effects]

    def state(self, job: str) -> JobState:
        return self.store.jobs[job].state

    def instructions(self) -> list[Instruction]:
        """What pilots are told in the answers of the last act."""
        return [told for one in self.effects if isinstance(one, LaneAnswered) for told in one.instructions]

    def ordered(self) -> list[str]:
        """Jobs in the answers of the last act."""
        return [order.job for one in self.effects if isinstance(one, LaneAnswered) for order in one.orders]

    # ---- what must always hold

    def check(self) -> None:
        """Slots and caps are kept, the counts are right, and the memory is what a restart would build."""
        book = self.book
        for entry in book.pilots.values():
            self.check_pilot(entry)
        for pool in (book.ready, book.eager):
            grouped = {pilot: entry for group in pool.groups.values() for pilot, entry in group.items()}
            assert grouped == pool.entries
            assert all(group for group in pool.groups.values())
        counts: dict[str, int] = {}
        for out in book.out.values():
            counts[out.jobtype] = counts.get(out.jobtype, 0) + 1
        assert {kind: count for kind, count in book.in_use.items() if count} == counts
        assert not book.hosts.evidence
        self.check_against(self.store.load(self.now, 10**9))

    def check_pilot(self, entry: PilotEntry) -> None:
        needs = [out.spec.needs for out in entry.out.values()]
        taken = [sum(one.cores for one in needs), sum(one.memory for one in needs), sum(one.gpus for one in needs)]
        assert taken == [entry.cores, entry.memory, entry.gpus]
        barred = "" in self.book.hosts.host(entry.host).barred
        waits = entry.lane is not None and entry.state.value == "active" and not barred
        assert (entry.pilot in self.book.ready.entries) == (waits and entry.spare)
        if entry.pool is not None and entry.room is not None:
            assert entry.room[1:4] == (
                max(entry.offer.cores - entry.cores, 1),
                entry.offer.memory - entry.memory,
                entry.offer.gpus - entry.gpus,
            )
            assert entry.room.barred == self.book.hosts.host(entry.host).barred

    def check_against(self, rebuilt: Book) -> None:
        book = self.book
        assert book.types == rebuilt.types
        assert book.pauses == rebuilt.pauses
        assert book.pilots.keys() == rebuilt.pilots.keys()
        told = ("instruction", "instruction_number", "instruction_why")
        for name, entry in book.pilots.items():
            other = rebuilt.pilots[name]
            for field in (
                "host",
                "slots",
                "state",
                "token_hash",
                "offer",
                "until",
                "out",
                "cores",
                "memory",
                "gpus",
                *told,
            ):
                assert getattr(entry, field) == getattr(other, field), field
            assert entry.seq >= other.seq
            assert entry.acked >= other.acked
            assert entry.numbered >= other.numbered
        assert book.out == rebuilt.out
        for key in book.queues.heads.keys() | rebuilt.queues.heads.keys():
            self.check_head(book.queues.heads.get(key), rebuilt.queues.heads.get(key))
        kept = {(host.name, doubt.jobtype): doubt.why for host, doubt in book.hosts.doubts()}
        assert kept == {(host.name, doubt.jobtype): doubt.why for host, doubt in rebuilt.hosts.doubts()}
        for job, row in self.store.jobs.items():
            assert row.ends in ([], [row.state], [JobState.LOST, row.state]), f"{job} ended {row.ends}"

    def check_head(self, head: Head | None, rebuilt: Head | None) -> None:
        """The window holds exactly the queued jobs of its class that stand before its bound."""
        there = rebuilt.jobs if rebuilt else {}
        assert (head.waiting if head else 0) == len(there)
        if head is None:
            assert not there
            return
        place = PLACES[head.pick]
        expected = {job: one for job, one in there.items() if head.bound is None or place(one) < head.bound}
        assert head.jobs == expected, f"the queue of {head.key} is not what the rows say"
        first = head.first()
        assert first is None or first == min(head.jobs.values(), key=place)
        assert first is not None or not head.jobs


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
