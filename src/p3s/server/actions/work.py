"""One transaction's work: a desk, and its effects written to the tables by kind."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from p3s.domain.desk import Desk
from p3s.domain.effects import (
    Effect,
    HostDoubted,
    HostTrusted,
    JobAdded,
    JobAdjusted,
    JobDispatched,
    JobEnded,
    JobFollowed,
    JobHeld,
    JobReady,
    JobReleased,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    Noted,
    OutputsMade,
    Paused,
    PilotAdded,
    PilotInstructed,
    PilotMoved,
    Resumed,
    StepEnded,
    Submitted,
    TypeDeclared,
    WorkflowMoved,
)
from p3s.protocol.states import WAITING_JOB_STATES
from p3s.server.jobs import queries as jobs
from p3s.server.jobs import waiting
from p3s.server.journal import queries as journal
from p3s.server.pilots import queries as pilots
from p3s.server.sql import Transaction
from p3s.server.workflows import queries as workflows


class LeftOut:
    """The kind of a JobEnded of a job that no pilot held: it may have been returned in the same transaction."""


#: In the order in which the kinds are written: what is referred to first, ends before new hand-outs.
_WRITES: dict[type, Callable[[Sequence[Any]], None]] = {
    PilotAdded: pilots.add,
    TypeDeclared: jobs.declare,
    Paused: jobs.pause,
    Submitted: jobs.submitted,
    JobAdded: jobs.add,
    JobReleased: jobs.release,
    JobAdjusted: jobs.adjust,
    JobFollowed: jobs.follow,
    JobReady: jobs.make_ready,
    JobHeld: jobs.hold,
    JobStarted: jobs.start,
    KillOrdered: jobs.order_kill,
    JobEnded: jobs.end,
    JobReturned: jobs.give_back,
    LeftOut: jobs.end,
    JobDispatched: jobs.dispatch,
    LaneAnswered: pilots.write_lanes,
    PilotInstructed: pilots.instruct,
    PilotMoved: pilots.move,
    StepEnded: workflows.end_steps,
    OutputsMade: workflows.make_outputs,
    WorkflowMoved: workflows.move,
    HostDoubted: pilots.judge_hosts,
    Noted: journal.add,
}


#: What ends something is written together with what begins it: of both for one object the last stands.
_WITH: dict[type, type] = {HostTrusted: HostDoubted, Resumed: Paused}


def _leaves_trace(effect: Effect) -> bool:
    return not isinstance(effect, LaneAnswered) or bool(pilots.numbers(effect))


def _kind(effect: Effect) -> type:
    if isinstance(effect, JobEnded) and effect.before in WAITING_JOB_STATES:
        return LeftOut
    return _WITH.get(type(effect), type(effect))


def record(effects: Sequence[Effect]) -> None:
    """Write effects, one set-based statement a kind. Raises Disagreement when a row was not as the book expected."""
    kinds: dict[type, list[Any]] = defaultdict(list)
    for effect in effects:
        kinds[_kind(effect)].append(effect)
    at_once, waited = _handed_out_at_once(kinds), _handed_out_when_ready(kinds)
    for kind, write in _WRITES.items():
        if kind is JobAdded and at_once:
            jobs.add(kinds[kind], at_once)
        elif kind is JobDispatched and waited:
            jobs.dispatch(kinds[kind], waited)
        elif kinds.get(kind):
            write(kinds[kind])


def _handed_out_at_once(kinds: dict[type, list[Any]]) -> dict[int, JobDispatched]:
    """First attempts of jobs that come with them: one statement writes both. They are taken out of `kinds`."""
    if JobAdded not in kinds or JobDispatched not in kinds:
        return {}
    new = {effect.id for effect in kinds[JobAdded]}
    found = {effect.id: effect for effect in kinds[JobDispatched] if effect.attempt == 1 and effect.id in new}
    kinds[JobDispatched] = [effect for effect in kinds[JobDispatched] if found.get(effect.id) is not effect]
    return found


def _handed_out_when_ready(kinds: dict[type, list[Any]]) -> set[int]:
    """Jobs of workflows whose inputs came just now, and that a pilot gets in the same breath: one statement writes
    both. They are taken out of what is made ready."""
    if JobReady not in kinds or JobDispatched not in kinds:
        return set()
    out = {effect.id for effect in kinds[JobDispatched] if effect.attempt == 1}
    found = {effect.queued.id for effect in kinds[JobReady] if effect.env is None and effect.queued.id in out}
    kinds[JobReady] = [effect for effect in kinds[JobReady] if effect.queued.id not in found]
    return found


@dataclass(slots=True)
class Work:
    """What a story works with. `written` are the effects of the transaction so far, in order."""

    desk: Desk
    transaction: Transaction
    written: list[Effect] = field(default_factory=list)
    #: Topics of the live page that changed besides what the effects say.
    topics: set[str] = field(default_factory=set)
    #: Told of ends that something waits for, and of workflows of which a job has started.
    follow: "Callable[[Work, list[JobEnded], set[str]], None]" = lambda *_: None
    #: The same has failed before: what the book does not know may yet be in the tables.
    doubtful: bool = False
    #: Decided and not yet written; each portion goes by kinds.
    _portions: list[list[Effect]] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.desk.now

    @property
    def decided(self) -> int:
        """How many effects there are so far."""
        return len(self.written) + len(self.desk.effects)

    def flush(self) -> None:
        """Write what was decided so far, so that reads of the tables in this transaction see it."""
        self._set_aside()
        with self.transaction.write():
            self._write()

    def settle(self) -> None:
        """Tell who follows an end, hand out and answer lanes; a used-up head is refilled from what is written."""
        while True:
            while self.desk.heard_of():
                self.follow(self, self.desk.followed(), self.desk.begun())
            for job in self.desk.came_back():
                self.flush()
                newer = waiting.newer(job.id)
                self.desk.supersede([job] if newer else [], newer)
            hungry = self.desk.settle()
            self._set_aside()
            if not hungry and not self.desk.heard_of():
                return
            self.flush()
            for key in hungry:
                head = self.desk.book.queues.head(key)
                self.desk.book.queues.refill(key, *waiting.queued(key, head.pick, head.limit))

    def finish(self) -> None:
        """Settle, and write what is left; nothing follows. With nothing to write, the tables are not touched."""
        self.settle()
        if any(_leaves_trace(effect) for portion in self._portions for effect in portion):
            with self.transaction.last():
                self._write()
        else:
            self._portions = []

    def _set_aside(self) -> None:
        """A portion's writes go by kinds, so what may follow upon a hand-out is another portion."""
        if self.desk.effects:
            self.written += self.desk.effects
            self._portions.append(self.desk.effects)
            self.desk.effects = []

    def _write(self) -> None:
        for portion in self._portions:
            record(portion)
        self._portions = []
