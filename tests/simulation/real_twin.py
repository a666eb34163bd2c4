# ruff: noqa: E402 - Django is set up before its models can be imported
"""A server for the simulation's worlds that is two: the real broker, actions and SQL over the tables, and the pure
rules over the dictionary store. Each batch goes through both, and what they decide must be the same.

For `real_actions.py`, in a process of its own: importing it sets Django up.
"""

import itertools
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"

import django

django.setup()

from django.db import connection

from p3s.domain.acceptance import accept
from p3s.domain.book import Book
from p3s.domain.desk import Desk
from p3s.domain.effects import Effect, JobAdded, LaneAnswered, Noted, PilotAdded, Submitted, TypeDeclared
from p3s.domain.exchange import Known, Past
from p3s.protocol.acts import RerunRequest
from p3s.protocol.errors import Conflict, Gone, P3sError
from p3s.protocol.many import PilotOrderRequest
from p3s.protocol.messages import (
    DeathRequest,
    ExchangeRequest,
    JobSpec,
    JobTypeSpec,
    RegisterRequest,
    Report,
    SubmitRequest,
)
from p3s.protocol.results import Item, Result
from p3s.protocol.states import FINAL_JOB_STATES
from p3s.server.accounts.grants import Grants
from p3s.server.accounts.seals import digest
from p3s.server.actions import exchange, hold, pauses
from p3s.server.actions.cancel import cancel
from p3s.server.actions.jobtypes import set_jobtype
from p3s.server.actions.orders import order_pilots
from p3s.server.actions.publish import publish
from p3s.server.actions.rerun import Who, rerun
from p3s.server.actions.submit import add_jobs, fingerprint_of, submit
from p3s.server.actions.work import Work
from p3s.server.broker.broker import Broker
from p3s.server.broker.settings import Settings
from p3s.server.broker.stories import Request
from p3s.server.upkeep import rounds
from p3s.simulation.clock import Clock
from p3s.simulation.server import GRACE_S, RESTART_S, WINDOW, Reply, settle
from p3s.simulation.store import Store

GATHER_S = 0.15
"""What comes within so long makes one batch, as it does when the writer is busy."""

CHECK_EVERY = 150
"""After so many batches `checked` is called, which may compare the tables with the books."""

GRANTS = Grants(b"secret of the simulation", dict)


class Differ(BaseException):
    """The real server and the pure rules do not agree. Not an Exception: the broker's boundary would swallow it."""


class Died(BaseException):
    """The process died here."""


@dataclass(slots=True)
class Both(Request):
    """A request to the broker, and the same story by the pure rules: `pure` of a desk, to the same value."""

    pure: Callable[["Desk"], Any] = lambda _: None
    values: list[Any] = field(default_factory=list)


class DrivenBroker(Broker):
    """Takes its batches from the virtual clock instead of from a thread."""

    def __init__(self, twin: "Twin", settings: Settings) -> None:
        super().__init__(settings, GRANTS, lambda _: None, lambda _: None, clock=lambda: twin.clock.now)
        self.twin = twin
        self.pure: Callable[[Desk], Any] = lambda _: None
        self.posted: list[Both] = []

    @property
    def book(self) -> Book:
        return self._book

    def tell(self, batch: list[Both]) -> None:
        self._tell(list(batch))

    def post(self, story: Callable[[Work], Any], answer: Reply, quiet: bool = False) -> None:
        request = Both(lambda work: self._kept(request, story, work), answer, quiet, self.pure)
        self.posted.append(request)

    def _kept(self, request: Both, story: Callable[[Work], Any], work: Work) -> Any:
        try:
            value = story(work)
        except P3sError as refusal:
            request.values = [refusal]
            raise
        request.values = [value]
        return value

    def _transact(self, batch: list[Request], again: bool) -> Any:
        """The batch with one request more at its end, by which the process may die before the commit."""
        if self.stale:
            self.twin.reload()
        both = [one for one in batch if isinstance(one, Both)]
        last = Request(lambda work: self.twin.before(work, both), lambda _: None, all(one.quiet for one in both))
        return super()._transact([*batch, last], again)

    def _answer_lanes(self, effects: list[Effect]) -> None:
        """The first thing after the commit."""
        self.twin.committed()
        super()._answer_lanes(effects)


class Twin:
    """In the place of the simulation's server: the real one, and the pure one that must do the same."""

    def __init__(
        self,
        clock: Clock,
        store: Store,
        chance: random.Random,
        lease_s: float,
        fate: Callable[[], bool],
        checked: Callable[["Twin"], None],
    ) -> None:
        self.clock, self.store, self.chance, self.fate = clock, store, chance, fate
        self.checked = checked
        self.lease_s = lease_s
        self.broker: DrivenBroker | None = None
        self.book = Book(0.0)
        self.queue: list[Both] = []
        self.epochs, self.epoch = itertools.count(1), 0
        self.noted: list[Noted] = []
        self.transactions = 0
        #: Batches for which the tables were not touched.
        self.quiet = 0
        self.failures = 0
        self.start()

    # ---- the process

    @property
    def up(self) -> bool:
        return self.broker is not None

    def start(self) -> None:
        if self.up:
            return
        self.epoch = next(self.epochs)
        self.broker = DrivenBroker(self, Settings(self.lease_s, GRACE_S, 5.0, window=WINDOW))
        self.book = Book(self.clock.now)
        self.seen = rounds.Seen(10.0, self.clock.now)
        self._upkeep(self.epoch, 1)

    def die(self) -> None:
        self.broker = None
        self.queue = []

    def reload(self) -> None:
        """The pure book anew, as the broker rebuilds its own."""
        assert self.broker is not None
        seen = {name: entry.last_seen for name, entry in self.book.pilots.items()}
        self.book = self.store.load(self.broker.started_at, WINDOW)
        for name in sorted(self.book.pilots.keys() & seen.keys(), key=seen.__getitem__):
            self.book.heard.again(self.book.pilots[name], seen[name])

    def _upkeep(self, epoch: int, round_: int) -> None:
        if not self.up or epoch != self.epoch:
            return
        broker = self.broker_now
        self._post(lambda desk: desk.expire(GRACE_S), lambda work: rounds.expire(work, broker), lambda _: None)
        self._post(self._drop_stale, rounds.drop_stale, lambda _: None)
        self._post(lambda desk: desk.tend(), rounds.tend, lambda _: None)
        if round_ % 4 == 0:
            self._post(lambda _: None, self._flush_seen, lambda _: None)
        if self.chance.random() < 0.006:
            self._post(self._fail, self._fail, lambda _: None)
        self.clock.after(3.0, partial(self._upkeep, epoch, round_ + 1))

    def _drop_stale(self, desk: Desk) -> int:
        self._flush(desk)
        if not desk.stale_due():
            return 0
        stale, more_at = self.store.stale(self.clock.now, rounds.STALE_PORTION)
        desk.drop_stale(stale, more_at)
        return len(stale)

    def _flush_seen(self, work: Work) -> None:
        if self.seen.due(work):
            self.seen.flush(work)

    def _fail(self, _: Any) -> None:
        """A defect in one request: what came with it must not suffer."""
        self.failures += 1
        raise RuntimeError("planted")

    @property
    def broker_now(self) -> DrivenBroker:
        assert self.broker is not None
        return self.broker

    # ---- a batch

    def _post(self, pure: Callable[[Desk], Any], story: Callable[[Work], Any], answer: Reply) -> None:
        self._ask(pure, lambda broker: broker.post(story, answer))

    def _ask(self, pure: Callable[[Desk], Any], act: Callable[[DrivenBroker], None]) -> None:
        broker = self.broker_now
        broker.pure = pure
        act(broker)
        (request,) = broker.posted
        broker.posted = []
        self.queue.append(request)
        if len(self.queue) == 1:
            self.clock.after(GATHER_S, partial(self._tell, self.epoch))

    def _tell(self, epoch: int) -> None:
        if not self.up or epoch != self.epoch:
            return
        batch, self.queue = self.queue, []
        try:
            self.broker_now.tell(batch)
        except Died:
            connection.close_if_unusable_or_obsolete()
            self.die()
            self.clock.after(RESTART_S, self.start)
            return
        self.transactions += 1
        if self.transactions % CHECK_EVERY == 0:
            self.checked(self)

    def before(self, work: Work, batch: list[Both]) -> None:
        """All stories are told, nothing is committed."""
        self.work, self.batch = work, batch
        if self.fate():
            raise Died

    def committed(self) -> None:
        """Do by the pure rules what the batch has just done, and compare. Nothing is answered yet."""
        desk, real = Desk(self.book, GRANTS.job_token, self.clock.now), self.work.written
        self.added = iter([effect for effect in real if isinstance(effect, JobAdded)])
        self.registered = {effect.pilot: effect for effect in real if isinstance(effect, PilotAdded)}
        self.effects: list[Effect] = []
        for request in self.batch:
            try:
                value = request.pure(desk)
            except P3sError as refusal:
                value = refusal
            self.same("answer", plain(request.values[0]), plain(value))
        self._settle(desk)
        for one, pure in itertools.zip_longest(real, self.effects):
            self.same("effect", one, pure)
        self.store.commit()
        self.quiet += all(one.quiet for one in self.batch) and not any(map(leaves_trace, self.effects))
        self.noted += [effect for effect in self.effects if isinstance(effect, Noted)]
        if self.fate():
            raise Died

    def same(self, what: str, real: Any, pure: Any) -> None:
        if real != pure:
            raise Differ(f"at {self.clock.now:.3f} s, {what}:\n  server     {real}\n  pure rules {pure}")

    def _flush(self, desk: Desk) -> None:
        self.store.write(desk.effects)
        self.effects += desk.effects
        desk.effects = []

    def _settle(self, desk: Desk) -> None:
        self.effects += settle(desk, self.store, WINDOW)

    # ---- routes: what the fleet and the user ask

    def register(self, request: RegisterRequest, reply: Reply) -> None:
        token_hash = digest(GRANTS.pilot_token(request.pilot, request.nonce))

        def pure(desk: Desk) -> None:
            if desk.book.alive(request.pilot) is None and request.pilot in self.store.pilots:
                raise Gone("ended")
            plain_one = PilotAdded(request.pilot, "", "", 0, 0.0, token_hash, "sim", self.clock.now)
            desk.register(self.registered.get(request.pilot, plain_one))

        def story(work: Work) -> None:
            exchange.register(work, request=request, token_hash=token_hash, owner="sim", lease_s=self.lease_s)

        broker = self.broker_now
        self._post(pure, story, lambda value: reply(value if isinstance(value, P3sError) else broker.reply()))

    def exchange(self, pilot: str, message: ExchangeRequest, reply: Reply) -> None:
        if message.lane == "reports":
            self._ask(
                lambda desk: desk.report(pilot, message.reports, self._known(desk, message.reports)),
                lambda broker: broker.report(pilot, message, reply),
            )
            return

        def pure(desk: Desk) -> None:
            desk.order_lane(pilot, message, self._known(desk, message.reports))
            if message.wait_s <= 0 and not message.goodbye:
                self._settle(desk)
                close(desk, pilot, message.seq)

        self._ask(pure, lambda broker: broker.open_lane(pilot, message, reply))
        epoch = self.epoch
        self.clock.after(message.wait_s, lambda: self._renewal(pilot, message.seq, epoch))

    def _renewal(self, pilot: str, seq: int, epoch: int) -> None:
        if self.up and epoch == self.epoch:
            self._ask(lambda desk: close(desk, pilot, seq), lambda broker: broker.close_lanes([(pilot, seq)]))

    def _known(self, desk: Desk, reports: list[Report]) -> Known:
        self._flush(desk)
        return self.store.known(reports)

    def publish(self, job: str, attempt: int, names: list[str], reply: Reply) -> None:
        def pure(desk: Desk) -> None:
            self._flush(desk)
            self.store.publish(job, attempt, names)

        items: dict[str, list[Item]] = {}
        for name in names:
            category, _, item = name.partition("/")
            items.setdefault(category, []).extend([Item("check", item, status="good")] if item else [])
        results = [Result(category, items=tuple(found)) for category, found in items.items()]

        def story(work: Work) -> None:
            publish(work, job=job, attempt=attempt, results=results, problems=[])

        self._post(pure, story, reply)

    def death(self, pilot: str, request: DeathRequest, reply: Reply) -> None:
        self._post(
            lambda desk: desk.death(pilot, f"{request.evidence}; {request.killed} processes killed"),
            lambda work: exchange.death(work, pilot=pilot, request=request),
            reply,
        )

    def submit(self, key: str, wanted: list[JobSpec], reply: Reply) -> None:
        def pure(desk: Desk) -> list[str]:
            if key not in self.store.submissions:
                first = desk.book.next_id
                desk.do([Submitted(f"ana:{key}", fingerprint_of(wanted), first, len(wanted), desk.now)])
                for spec in wanted:
                    if spec.jobtype not in desk.book.types:
                        desk.do([TypeDeclared(JobTypeSpec(spec.jobtype), desk.now)])
                added = list(itertools.islice(self.added, len(wanted)))
                asked = [
                    accept(
                        first + place, added[place].job, spec, desk.book.kind(spec.jobtype), desk.now, {"owner": "ana"}
                    )
                    for place, spec in enumerate(wanted)
                ]
                self.same("submission", added, asked)
                desk.submit(added)
                self.store.submitted(key, [one.job for one in added])
            return self.store.submissions[key]

        def story(work: Work) -> list[str]:
            return submit(work, owner="ana", request=SubmitRequest(wanted, key)).jobs

        self._post(pure, story, reply)

    def arrive(self, spec: JobSpec, run: int) -> None:
        """The part of a dataset's registration that makes jobs."""

        def pure(desk: Desk) -> None:
            added = next(self.added)
            columns = {"owner": "ana", "run": run}
            asked = accept(desk.book.next_id, added.job, spec, desk.book.kind(spec.jobtype), desk.now, columns)
            self.same("data", added, asked)
            desk.submit([added])
            self._flush(desk)
            desk.supersede(self.store.older(added.same, added.id), added.job)

        def story(work: Work) -> None:
            add_jobs(work, [spec], owner="ana", run=run)

        self._post(pure, story, lambda _: None)

    # ---- what people do

    def cancel(self, job: str) -> None:
        self._person(
            job,
            lambda desk, past: desk.cancel(job, past, "ana", ""),
            lambda work: cancel(work, job=job, who="ana", all_jobs=False, why="").note,
        )

    def hold(self, job: str) -> None:
        self._person(
            job,
            lambda desk, past: desk.hold(job, past, "ana", ""),
            lambda work: hold.hold(work, job=job, who="ana", all_jobs=False, why="").note,
        )

    def release(self, job: str) -> None:
        self._person(
            job,
            lambda desk, past: desk.release(job, past, "ana", ""),
            lambda work: hold.release(work, job=job, who="ana", all_jobs=False, why="").note,
        )

    def adjust(self, job: str, priority: int) -> None:
        self._person(
            job,
            lambda desk, past: desk.adjust(job, past, priority, "ana", ""),
            lambda work: hold.adjust(work, job=job, priority=priority, who="ana", all_jobs=False, why="").note,
        )

    def rerun(self, job: str) -> None:
        def pure(desk: Desk, past: Past) -> list[str]:
            if past.state not in FINAL_JOB_STATES or past.rerun:
                raise Conflict("not to be run again")
            added = next(self.added)
            self.same("re-run of", added.columns["rerun_of"], job)
            desk.rerun(job, past, added, "ana", "")
            return [added.job]

        request = RerunRequest([job])
        self._person(job, pure, lambda work: rerun(work, request=request, who=Who("ana", False)).new)

    def declare(self, jobtype: str, **changes: Any) -> None:
        self._post(
            lambda desk: desk.declare(replace(desk.book.kind(jobtype), **changes), "ana"),
            lambda work: set_jobtype(work, spec=replace(work.desk.book.kind(jobtype), **changes), who="ana"),
            lambda _: None,
        )

    def pause(self, jobtype: str, goes_on: bool) -> None:
        if goes_on:
            self._post(
                lambda desk: desk.resume(jobtype, "ana", ""),
                lambda work: pauses.resume(work, jobtype=jobtype, who="ana", why=""),
                lambda _: None,
            )
        else:
            self._post(
                lambda desk: desk.pause(jobtype, "ana", ""),
                lambda work: pauses.pause(work, jobtype=jobtype, who="ana", why=""),
                lambda _: None,
            )

    def instruct(self, pilot: str, what: str) -> None:
        request = PilotOrderRequest(what, uuids=[pilot])

        def pure(desk: Desk) -> str:
            return desk.instruct(pilot, what, "ana", "") if desk.book.alive(pilot) else "it has ended"

        def story(work: Work) -> str:
            (told,) = order_pilots(work, request=request, who="ana").pilots
            return told.note.partition("; it is silent")[0]

        self._post(pure, story, lambda _: None)

    def _person(self, job: str, act: Callable[[Desk, Past], Any], story: Callable[[Work], Any]) -> None:
        def pure(desk: Desk) -> Any:
            self._flush(desk)
            past = self.store.past(job)
            assert past is not None
            value = act(desk, past)
            self._flush(desk)
            return value

        self._post(pure, story, lambda _: None)


def leaves_trace(effect: Effect) -> bool:
    """Whether it changes a row."""
    return not isinstance(effect, LaneAnswered) or any(one.number for one in [*effect.orders, *effect.instructions])


def close(desk: Desk, pilot: str, seq: int) -> None:
    """The end of a wait, as the broker has it."""
    entry = desk.book.alive(pilot)
    if entry is not None and entry.lane == seq:
        desk.do([LaneAnswered(pilot, seq, entry.acked, [], [], entry.verdicts)])


def plain(value: Any) -> Any:
    """Refusals are alike when they ask the same of the caller."""
    return type(value) if isinstance(value, P3sError) else value
