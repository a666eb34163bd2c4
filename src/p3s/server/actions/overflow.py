"""A stream lets so many of its jobs wait and no more: what is not made, and what gives way when others come.

What a pilot is free for waits no more: it is handed out before anything is refused or dropped.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from p3s.domain.staleness import dropped
from p3s.protocol.data import StreamSpec, Waiting
from p3s.protocol.states import Reason
from p3s.server.jobs import backlog

from .work import Work

MOST_AT_ONCE = 1_000
"""So many jobs give way in one transaction: when a stream was given less room, its next files make it so by and by."""


@dataclass
class Backlog:
    """What waits of one stream, within one story. Without a `waiting` there is no limit, and nothing is counted."""

    work: Work
    stream: StreamSpec
    #: Where jobs are refused: how many wait, by job type.
    _waiting: dict[str, int] = field(default_factory=dict)
    _came: set[str] = field(default_factory=set)

    def refused(self, jobtypes: Iterable[str]) -> list[str]:
        """Job types of which no more are made while so many wait. To be asked before the jobs of a file are made: the
        others are counted as made."""
        waiting = self.stream.waiting
        if waiting is None:
            return []
        full = [one for one in jobtypes if waiting.then == "refuse" and self._full(one, waiting)]
        for jobtype in set(jobtypes) - set(full):
            self._came.add(jobtype)
            self._waiting[jobtype] = self._waiting.get(jobtype, 0) + 1
        return full

    def trim(self) -> None:
        """When all jobs of the story are made: drop what is too many, the oldest or the newest."""
        waiting = self.stream.waiting
        if waiting is None or waiting.then == "refuse" or not self._came:
            return
        self._hand_out()
        for jobtype in sorted(self._came):
            surplus = self._count(jobtype, waiting) - waiting.at_most
            if surplus > 0:
                self._drop(jobtype, surplus, waiting)

    def _full(self, jobtype: str, waiting: Waiting) -> bool:
        if jobtype not in self._waiting:
            self._waiting[jobtype] = self._count(jobtype, waiting)
        if self._waiting[jobtype] >= waiting.at_most and self.work.desk.book.ready:
            self._hand_out()
            self._waiting[jobtype] = self._count(jobtype, waiting)
        return self._waiting[jobtype] >= waiting.at_most

    def _hand_out(self) -> None:
        if self.work.desk.book.ready:
            self.work.settle()

    def _count(self, jobtype: str, waiting: Waiting) -> int:
        self.work.flush()
        return backlog.count(self.stream.name, jobtype, waiting.at_most + MOST_AT_ONCE)

    def _drop(self, jobtype: str, surplus: int, waiting: Waiting) -> None:
        why = f"{waiting.at_most} jobs of {jobtype} wait in stream {self.stream.name}, and no more may"
        newest = waiting.then == "drop_newest"
        for job in backlog.victims(self.stream.name, jobtype, surplus, newest=newest):
            self.work.desk.do(dropped(job, Reason.OVERFLOW, why, self.work.now))
