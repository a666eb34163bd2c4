"""The one broker: its memory, its one writer thread, and the pilots that wait."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from time import time
from typing import Any

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connection,
    connections,
)

from p3s.domain.book import Book
from p3s.domain.desk import Desk
from p3s.domain.effects import Effect, LaneAnswered, PilotAdded, PilotMoved
from p3s.domain.estimates import RECENT
from p3s.domain.silence import silence_s
from p3s.protocol.errors import P3sError, TryLater
from p3s.protocol.messages import ExchangeReply, ExchangeRequest, Verdict
from p3s.server.accounts.grants import Grants
from p3s.server.actions import exchange
from p3s.server.actions.follow import follow
from p3s.server.actions.work import Work
from p3s.server.jobs import waiting
from p3s.server.pilots import queries as pilots
from p3s.server.pilots.hearing import Heard
from p3s.server.sql import Transaction, outage

from .outage import Away, Outage
from .settings import Hold, NotOurs, Settings, Unshared
from .stories import Answer, HalfDone, Request, Story, may_succeed, told

log = logging.getLogger("p3s.broker")

MOST_IN_A_BATCH = 1_000


class Broker:
    """`start` it once per process; any thread may `post` or `ask`. `changed` is told the topics of each commit."""

    def __init__(
        self,
        settings: Settings,
        grants: Grants,
        changed: Callable[[set[str]], None],
        died: Callable[[BaseException], None],
        hold: Hold | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self.settings = settings
        self.grants = grants
        self.changed = changed
        self.died = died
        self.hold = hold or Unshared()
        self.clock = clock
        self.started_at = clock()
        #: Set when the memory must be rebuilt before the next batch, and why.
        self.stale = "not yet built"
        self._outage = Outage()
        self._book = self._empty_book()
        #: None is the last: the broker stops after what came before it.
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        #: Taken before whatever comes next: an idle pilot's renewal is nothing until something happens.
        self._patient: deque[Request] = deque()
        self._stopping = False
        self._lanes: dict[tuple[str, int], Answer] = {}
        self._connection: Any = None
        self._thread = threading.Thread(target=self._run, name="p3s-writer", daemon=True)

    # ---- from any thread

    def start(self) -> None:
        """Build the memory from the database, then write. The writer goes on with the connection of this thread, which
        may hold the lock; this thread opens another when it asks again."""
        self._rebuild()
        self._connection = connections[DEFAULT_DB_ALIAS]
        self._connection.inc_thread_sharing()
        del connections[DEFAULT_DB_ALIAS]
        self._thread.start()

    def stop(self) -> None:
        """Answer every waiter «come back», write what is queued, end."""
        self.post(self._send_home, lambda _: None)
        self._stopping = True
        self._requests.put(None)
        self._thread.join()
        late = list(_drained(self._patient))  # posted while we were stopping
        while not self._requests.empty():
            request = self._requests.get()
            late += [request] if request is not None else []
        for one in late:
            one.answer(TryLater("the server is stopping; ask again"))

    def post(self, story: Story, answer: Answer, quiet: bool = False) -> None:
        """Queue a story; `answer` is called from the writer thread."""
        if self._stopping:
            answer(TryLater("the server is stopping; ask again"))
        else:
            self._requests.put(Request(story, answer, quiet))

    def ask(self, story: Story, timeout_s: float = 60.0) -> Any:
        """Queue a story and wait for its value; raises the P3sError that it ended in."""
        future: Future[Any] = Future()
        self.post(story, future.set_result)
        value = future.result(timeout_s)
        if isinstance(value, P3sError):
            raise value
        return value

    def open_lane(self, pilot: str, message: ExchangeRequest, answer: Answer, patient: bool = False) -> None:
        """Answered with an ExchangeReply when there is something to say, on `close_lanes`, or with a P3sError.

        A `patient` one with nothing to tell is looked at together with the next request, or on `nudge`.
        """

        def story(work: Work) -> None:
            key = (pilot, message.seq)
            exchange.open_lane(work, pilot=pilot, message=message)
            self._lanes[key] = answer
            if message.wait_s <= 0 and not message.goodbye:
                work.settle()
                self._close(work, pilot, message.seq)

        def refused(value: Any) -> None:
            if isinstance(value, P3sError):
                answer(value)

        says_nothing = not (message.reports or message.holding or message.draining or message.goodbye)
        if patient and says_nothing and message.wait_s > 0 and not self._stopping:
            self._patient.append(Request(story, refused, quiet=True))
        else:
            self.post(story, refused, quiet=True)

    def nudge(self) -> None:
        """Look at the patient requests now."""
        self.post(lambda _: None, lambda _: None, quiet=True)

    def close_lanes(self, lanes: Iterable[tuple[str, int]]) -> None:
        """These waits (pilot, seq) are over, or their connections gone: answer with nothing those that still wait."""

        def story(work: Work) -> None:
            for pilot, seq in lanes:
                self._close(work, pilot, seq)

        self.post(story, lambda _: None, quiet=True)

    def report(self, pilot: str, message: ExchangeRequest, answer: Answer) -> None:
        """Answered with an ExchangeReply of verdicts."""

        def done(value: Any) -> None:
            answer(value if isinstance(value, P3sError) else self.reply(verdicts=value))

        self.post(lambda work: exchange.report(work, pilot=pilot, reports=message.reports), done, quiet=True)

    def stale_due(self) -> bool:
        """Whether queued jobs may be stale. A look at a number, so it need not be a story."""
        return self.clock() >= self._book.queues.stale_from

    def heard(self, pilot: str) -> Heard | None:
        """When a pilot in service was heard last. A look at two numbers, so it need not be a story."""
        book = self._book
        entry = book.pilots.get(pilot)
        return None if entry is None else Heard(entry.last_seen, silence_s(book, entry, self.clock()))

    def in_force(self, job: str, attempt: int) -> bool:
        """Whether a pilot has this attempt now. A look at an entry, so it need not be a story."""
        out = self._book.out.get(job)
        return out is not None and out.attempt == attempt

    def reply(
        self, effect: LaneAnswered | None = None, verdicts: Sequence[Verdict] = (), come_back: bool = False
    ) -> ExchangeReply:
        """An answer to a pilot, with the lease and the wait that are in force."""
        return ExchangeReply(
            effect.orders if effect else [],
            effect.instructions if effect else [],
            effect.verdicts if effect else list(verdicts),
            self.settings.lease_s,
            self.settings.wait_s,
            come_back,
        )

    # ---- the writer thread

    def _run(self) -> None:
        connections[DEFAULT_DB_ALIAS] = self._connection
        try:
            while batch := self._take():
                self._tell(batch)
        except BaseException as error:
            log.critical("the writer died: %s", error, exc_info=None if isinstance(error, NotOurs) else error)
            self.died(error)

    def _take(self) -> list[Request]:
        """All that is queued; empty only when the broker stops."""
        request = self._requests.get()
        batch = list(_drained(self._patient))
        while request is not None:
            batch.append(request)
            if len(batch) == MOST_IN_A_BATCH:
                return batch
            try:
                request = self._requests.get_nowait()
            except Empty:
                return batch
        if batch:
            self._requests.put(None)  # seen again when the batch is done
        return batch

    def _tell(self, batch: list[Request], again: bool = False) -> None:
        """One transaction for the batch; if it fails, one for each of its requests."""
        try:
            committed = self._transact(batch, again)
        except NotOurs:
            raise
        except Away as away:  # before any was told: none of them need try by itself
            for request in batch:
                request.answer(away)
            return
        except Exception as error:  # noqa: BLE001 - boundary: whatever one request did, the others must go on
            self.stale = f"a transaction failed: {error}"
            if again or (len(batch) == 1 and not may_succeed(error)):
                self._refuse(batch[0], error)
                return
            log.warning("a batch of %d failed (%s); its requests go one by one", len(batch), str(error).strip())
            for request in batch:
                self._tell([request], again=True)
        else:
            self._answer(*committed)

    def _refuse(self, request: Request, error: Exception) -> None:
        if isinstance(error, HalfDone):
            request.answer(error.refusal)
            return
        if why := outage(error):
            self._outage.failed(why)
            request.answer(Away())
            return
        log.error("a request failed: %s", error, exc_info=error)
        if isinstance(error, (DatabaseError, InterfaceError)):
            request.answer(TryLater(f"the database did not take it: {str(error).splitlines()[0][:200]}"))
        else:
            request.answer(TryLater("the server failed on this request; its log says why"))

    def _transact(self, batch: list[Request], again: bool) -> tuple[Work, list[tuple[Answer, Any]]]:
        self._remember()
        with Transaction() as writing:
            desk = Desk(self._book, self.grants.job_token, self.clock())
            work = Work(desk, writing, doubtful=again, follow=follow)
            if not all(request.quiet for request in batch):
                writing.begin()
            answers = told(work, batch)
            work.finish()
        return work, answers

    def _answer(self, work: Work, answers: list[tuple[Answer, Any]]) -> None:
        """After the commit: what goes wrong here is no reason to tell a story again."""
        self._answer_lanes(work.written)  # first: a slot that waits is what latency is about
        for answer, value in answers:
            _give(answer, value)
        topics = work.topics | _topics(work.written)
        if topics:
            self.changed(topics)

    def _answer_lanes(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, LaneAnswered):
                answer = self._lanes.pop((effect.pilot, effect.seq), None)
                if answer is not None:
                    _give(answer, self.reply(effect))

    def _close(self, work: Work, pilot: str, seq: int) -> None:
        entry = work.desk.book.alive(pilot)
        if entry is not None and entry.lane == seq:
            work.desk.do([LaneAnswered(pilot, seq, entry.acked, [], [], entry.verdicts)])

    def _send_home(self, work: Work) -> None:
        """Every waiter is told to come back; the book forgets their lanes."""
        for entry in work.desk.book.pilots.values():
            work.desk.book.close_lane(entry)
        while self._lanes:
            _, answer = self._lanes.popitem()
            answer(self.reply(come_back=True))

    def _empty_book(self) -> Book:
        return Book(self.started_at, self.settings.window, self.settings.silent_s)

    def _remember(self) -> None:
        """Build the memory when there is none to trust. Raises Away."""
        if not self.stale:
            return
        try:
            self._rebuild()
        except (DatabaseError, InterfaceError) as error:
            why = outage(error)
            if not why:
                raise
            self._outage.failed(why)
            raise Away from None
        self._outage.over()

    def _rebuild(self) -> None:
        """The memory from the database, the truth. Open waits end: pilots ask again and are reconciled."""
        connection.close_if_unusable_or_obsolete()
        self.hold.regain()
        while self._lanes:
            _, answer = self._lanes.popitem()
            answer(self.reply(come_back=True))
        seen = {pilot: entry.last_seen for pilot, entry in self._book.pilots.items()}
        book = self._empty_book()
        book.next_id = waiting.last_id() + 1
        book.types = waiting.types()
        book.pauses = waiting.pauses()
        for host, doubt in pilots.doubts():
            book.hosts.doubt(host, doubt)
        entries = pilots.in_service()
        for entry in entries:
            entry.last_seen = max(entry.last_seen, seen.get(entry.pilot, 0.0))
            entry.lease_s = max(entry.lease_s, self.settings.lease_s)  # each exchange since tells it this one
        for entry in sorted(entries, key=lambda one: one.last_seen):
            book.restore_pilot(entry)
        for jobtype, host, wall_s in waiting.finished(RECENT):
            book.restore_finished(jobtype, host, wall_s)
        for out in waiting.out():
            book.restore_out(out)
        for key, count in waiting.classes():
            head = book.queues.head(key)
            book.queues.restore(key, waiting.queued(key, head.pick, head.limit)[0], count)
        self._book = book
        self.stale = ""


def _drained(requests: deque[Request]) -> Iterator[Request]:
    """What is there, taken out; others may append meanwhile."""
    while requests:
        yield requests.popleft()


def _give(answer: Answer, value: Any) -> None:
    try:
        answer(value)
    except Exception as error:  # boundary: it is committed, and others wait for their answers
        log.error("an answer could not be given: %s", error, exc_info=error)


def _topics(effects: list[Effect]) -> set[str]:
    """What of the live page a commit changed."""
    topics: set[str] = set()
    for effect in effects:
        if isinstance(effect, (PilotAdded, PilotMoved)):
            topics.add("pilots")
        elif not isinstance(effect, LaneAnswered):
            topics.add("jobs")
    return topics
