"""One transaction's work: a desk, and its effects written to the tables by kind."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from p3s.domain.desk import Desk
from p3s.domain.effects import (
    Effect,
    JobAdded,
    JobDispatched,
    JobEnded,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    Noted,
    PilotAdded,
    PilotMoved,
)
from p3s.server.jobs import queries as jobs
from p3s.server.journal import queries as journal
from p3s.server.pilots import queries as pilots
from p3s.server.sql import together

#: In the order in which the kinds are written: what is referred to first, ends before new hand-outs.
_WRITES: dict[type, Callable[[Sequence[Any]], None]] = {
    PilotAdded: pilots.add,
    JobAdded: jobs.add,
    JobStarted: jobs.start,
    KillOrdered: jobs.order_kill,
    JobEnded: jobs.end,
    JobReturned: jobs.give_back,
    JobDispatched: jobs.dispatch,
    LaneAnswered: pilots.write_lanes,
    PilotMoved: pilots.move,
    Noted: journal.add,
}


def record(effects: Sequence[Effect]) -> None:
    """Write effects, one set-based statement a kind. Raises Disagreement when a row was not as the book expected."""
    kinds: dict[type, list[Effect]] = defaultdict(list)
    for effect in effects:
        kinds[type(effect)].append(effect)
    with together():
        for kind, write in _WRITES.items():
            if kind in kinds:
                write(kinds[kind])


@dataclass(slots=True)
class Work:
    """What a story works with. `written` are the effects of the transaction so far, in order."""

    desk: Desk
    written: list[Effect] = field(default_factory=list)
    #: Topics of the live page that changed besides what the effects say.
    topics: set[str] = field(default_factory=set)

    @property
    def now(self) -> float:
        return self.desk.now

    def flush(self) -> None:
        """Write what was decided so far, so that reads of the tables in this transaction see it."""
        effects, self.desk.effects = self.desk.effects, []
        record(effects)
        self.written += effects

    def settle(self) -> None:
        """Hand out, answer lanes, write; a used-up head is refilled from what is written."""
        while True:
            hungry = self.desk.settle()
            self.flush()
            if not hungry:
                return
            for key in hungry:
                self.desk.book.refill(key, *jobs.queued(key, self.desk.book.window))
