"""A server of the simulation: the real desk over a store, in a process that may die at any point."""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from p3s.domain.acceptance import accept
from p3s.domain.book import Book
from p3s.domain.desk import Desk
from p3s.domain.effects import Effect, JobAdded, LaneAnswered, PilotAdded, Queued
from p3s.domain.exchange import Past
from p3s.domain.needs import Offer
from p3s.protocol.errors import Gone, P3sError, Refused
from p3s.protocol.messages import DeathRequest, ExchangeReply, ExchangeRequest, JobSpec, RegisterRequest

from .clock import Clock
from .same import same_book
from .store import Store

Reply = Callable[[Any], None]
WINDOW = 5
GRACE_S = 10.0
RESTART_S = 2.0
STALE_A_ROUND = 5
CHECK_EVERY = 25
"""After so many commits the book that lives is compared with the one that a restart would build."""


class Crash(Exception):
    """The process died here."""


class SimServer:
    """`fate()` is asked before and after each commit whether the process dies there."""

    def __init__(self, clock: Clock, store: Store, lease_s: float, wait_s: float, fate: Callable[[], bool]) -> None:
        self.clock = clock
        self.store = store
        self.lease_s = lease_s
        self.wait_s = wait_s
        self.fate = fate
        self.book: Book | None = None
        self.waiting: dict[tuple[str, int], Reply] = {}
        self.epochs = itertools.count(1)
        self.epoch = 0
        self.commits = 0
        self.start()

    def start(self) -> None:
        """Rebuild the book from the store, then keep an eye on leases."""
        if self.up:
            return
        self.epoch = next(self.epochs)
        self.book = self.store.load(self.clock.now, WINDOW)
        self._upkeep(self.epoch)

    def die(self) -> None:
        """`kill -9`: the book and every open wait are gone."""
        self.book = None
        self.waiting = {}

    def _crash(self) -> None:
        """Die in the middle of something; a supervisor starts the process again."""
        self.die()
        self.clock.after(RESTART_S, self.start)
        raise Crash

    @property
    def up(self) -> bool:
        return self.book is not None

    def _upkeep(self, epoch: int) -> None:
        if self.up and epoch == self.epoch:
            with contextlib.suppress(Crash):
                self._work(lambda desk: desk.expire(GRACE_S))
                self._work(self._drop_stale)
                self._work(lambda desk: desk.tend())
                self.clock.after(1.0, lambda: self._upkeep(epoch))

    def _drop_stale(self, desk: Desk) -> None:
        if desk.stale_due():
            desk.drop_stale(*self.store.stale(desk.now, STALE_A_ROUND))

    def _work(self, story: Callable[[Desk], Any]) -> Any:
        """One transaction: decide, commit, answer. A death in between leaves what a real one would."""
        assert self.book is not None
        desk = Desk(self.book, lambda job, attempt: f"{job}.{attempt}", self.clock.now)
        try:
            answer = story(desk)
        except P3sError as error:
            return error
        effects = settle(desk, self.store, WINDOW)
        if self.fate():
            self.store.rollback()
            self._crash()
        self.store.commit()
        self.commits += 1
        if self.commits % CHECK_EVERY == 0:
            same_book(desk.book, self.store.load(self.clock.now, 10**9))
        if self.fate():
            self._crash()
        for effect in effects:
            if isinstance(effect, LaneAnswered):
                self._answer_lane(effect)
        return answer

    def _answer_lane(self, effect: LaneAnswered) -> None:
        reply = self.waiting.pop((effect.pilot, effect.seq), None)
        if reply is not None:
            reply(self._reply(effect))

    def _reply(self, effect: LaneAnswered | None = None, verdicts: Any = ()) -> ExchangeReply:
        orders = effect.orders if effect else []
        instructions = effect.instructions if effect else []
        found = effect.verdicts if effect else list(verdicts)
        return ExchangeReply(orders, instructions, found, self.lease_s, self.wait_s)

    # ---- routes

    def register(self, request: RegisterRequest, reply: Reply) -> None:
        cores = request.cores or request.slots
        offer = Offer(request.site, cores, request.memory, request.gpus, frozenset(request.tags))
        added = PilotAdded(
            request.pilot,
            request.host,
            request.site,
            request.slots,
            self.lease_s,
            request.nonce,
            "sim",
            self.clock.now,
            offer=offer,
            life_s=request.life_s,
        )

        def story(desk: Desk) -> None:
            if desk.book.alive(request.pilot) is None and request.pilot in self.store.pilots:
                raise Gone(f"the pilot {request.pilot} has ended")
            desk.register(added)

        answer = self._work(story)
        reply(answer if isinstance(answer, Refused) else self._reply())

    def exchange(self, pilot: str, request: ExchangeRequest, reply: Reply) -> None:
        known = self.store.known(request.reports)
        if request.lane == "reports":
            answer = self._work(lambda desk: desk.report(pilot, request.reports, known))
            reply(answer if isinstance(answer, Refused) else self._reply(verdicts=answer))
            return
        key = (pilot, request.seq)
        self.waiting[key] = reply
        answer = self._work(lambda desk: desk.order_lane(pilot, request, known))
        if isinstance(answer, Refused):
            self.waiting.pop(key, None)
            reply(answer)
            return
        epoch = self.epoch
        self.clock.after(request.wait_s, lambda: self._renewal(key, epoch))

    def _renewal(self, key: tuple[str, int], epoch: int) -> None:
        if not self.up or epoch != self.epoch or key not in self.waiting:
            return
        reply = self.waiting.pop(key)
        assert self.book is not None
        entry = self.book.alive(key[0])
        if entry is not None and entry.lane == key[1]:
            self.book.close_lane(entry)
        reply(self._reply())

    def publish(self, job: str, attempt: int, names: list[str], reply: Reply) -> None:
        """Results of an attempt, as `category` and `category/item`."""
        reply(self._work(lambda _: self.store.publish(job, attempt, names)))

    def death(self, pilot: str, request: DeathRequest, reply: Reply) -> None:
        self._work(lambda desk: desk.death(pilot, request.evidence))
        reply(True)

    def submit(self, key: str, wanted: list[JobSpec], reply: Reply) -> None:
        """The key makes it repeatable."""
        if key in self.store.submissions:
            reply(self.store.submissions[key])
            return

        def story(desk: Desk) -> list[str]:
            names = self._add(desk, wanted, {})
            self.store.submitted(key, names)
            return names

        reply(self._work(story))

    def arrive(self, spec: JobSpec, run: int) -> None:
        """Data of a run came, and makes a job."""

        def story(desk: Desk) -> None:
            self._add(desk, [spec], {"run": run})

        with contextlib.suppress(Crash):
            self._work(story)

    def _add(self, desk: Desk, wanted: list[JobSpec], columns: dict[str, Any]) -> list[str]:
        first, now, book = desk.book.next_id, self.clock.now, desk.book
        added = [
            accept(first + i, f"job{first + i}", spec, book.kind(spec.jobtype), now, {"run": first % 3, **columns})
            for i, spec in enumerate(wanted)
        ]
        desk.submit(added)
        for same, newest in {one.same: one for one in added if one.same}.items():
            older = [one for one in added if one.same == same and one is not newest]
            known = self.store.older(same, first)
            desk.supersede([*known, *(_waiting(one) for one in older)], newest.job)
        return [one.job for one in added]

    # ---- what people do; a death of the server in the middle is theirs to bear

    def cancel(self, job: str) -> None:
        self._person(job, lambda desk, past: desk.cancel(job, past, "a person", ""))

    def hold(self, job: str) -> None:
        self._person(job, lambda desk, past: desk.hold(job, past, "a person", ""))

    def release(self, job: str) -> None:
        self._person(job, lambda desk, past: desk.release(job, past, "a person", ""))

    def adjust(self, job: str, priority: int) -> None:
        self._person(job, lambda desk, past: desk.adjust(job, past, priority, "a person", ""))

    def rerun(self, job: str) -> None:
        """An ended job again, as its type has it now."""

        def story(desk: Desk, past: Past) -> None:
            row, book = self.store.jobs[job], desk.book
            spec = JobSpec(row.spec.payload, jobtype=row.jobtype, priority=row.priority, needs=row.spec.needs)
            name = f"job{book.next_id}"
            columns = {"rerun_of": job}
            added = accept(book.next_id, name, spec, book.kind(row.jobtype), self.clock.now, columns)
            desk.rerun(job, past, added, "a person", "")

        self._person(job, story)

    def declare(self, jobtype: str, **changes: Any) -> None:
        """Other settings of a type."""
        self._work(lambda desk: desk.declare(replace(desk.book.kind(jobtype), **changes), "a person"))

    def pause(self, jobtype: str, goes_on: bool) -> None:
        """Pause or resume a type, or all."""
        act = (lambda desk: desk.resume(jobtype, "a person", "")) if goes_on else None
        self._work(act or (lambda desk: desk.pause(jobtype, "a person", "")))

    def instruct(self, pilot: str, what: str) -> None:
        """Tell a pilot to drain or to stop."""
        self._work(lambda desk: desk.instruct(pilot, what, "a person", ""))

    def _person(self, job: str, story: Callable[[Desk, Past], Any]) -> None:
        past = self.store.past(job)
        if past is not None:
            with contextlib.suppress(Crash):
                self._work(lambda desk: story(desk, past))


def _waiting(added: JobAdded) -> Queued:
    return Queued(added.id, added.job, 0, added.jobtype, added.priority, added.spec)


def settle(desk: Desk, store: Store, window: int) -> list[Effect]:
    """As the server does: write as the desk decides, drop what came back superseded, refill used-up heads from what is
    written so far. Returns what was written."""
    written: list[Effect] = []

    def write() -> None:
        store.write(desk.effects)
        written.extend(desk.effects)
        desk.effects = []

    desk.followed()  # nobody here waits for an end
    for job in desk.came_back():
        write()
        newer = store.newer(job.job)
        desk.supersede([job] if newer else [], newer)
    while True:
        hungry = desk.settle()
        write()
        if not hungry:
            return written
        for key in hungry:
            desk.book.queues.refill(key, *store.queued(key, window))
