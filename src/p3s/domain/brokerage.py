"""Matching queued jobs to pilots: one decision at a time, over the heads of the classes and the groups of pilots."""

from collections.abc import Callable, Iterator
from itertools import islice

from p3s.domain.book import Book
from p3s.domain.effects import ClassKey, Effect, JobDispatched, Queued
from p3s.domain.needs import Room, has_room, outlives
from p3s.domain.pool import PilotEntry
from p3s.domain.queue import Head
from p3s.domain.staleness import dropped, too_late
from p3s.protocol.messages import ANYWHERE
from p3s.protocol.states import Reason

MOST_EAGER = 8
"""So many full pilots are looked at for one that may be ordered a job ahead."""

USUAL_LONGEST = 0.95
"""A job without a limit of its own is taken for as long as this share of its type's recent runs were."""


def next_move(book: Book, now: float, drops: int) -> list[Effect]:
    """The next job to hand out and to whom, or a drop of one that stood before it; empty when nothing fits.

    Requirements, cap, highest priority, types in turn, the type's pick. Free slots come first, at every pilot; then
    quick jobs are ordered ahead. With `drops` used up, a class whose first job is too late is passed over. The cost
    grows with the number of classes and of kinds of pilots, never with queued jobs, finished jobs or idle pilots.
    """
    if not book.ready and not book.eager:
        return []
    for head, job in _in_turn(book):
        late = too_late(book, job, now)
        if late:
            if drops > 0:
                return dropped(job, Reason.STALE, late, now)
            continue
        entry = book.ready.find(fitting(book, head.key, now))
        if entry is not None:
            return [_dispatch(entry, job, now)]
    return _ahead(book, now) if book.eager else []


def _ahead(book: Book, now: float) -> list[Effect]:
    """A quick job for a full pilot on whose host its type finished. One that is not quick takes the next slot that
    becomes free, before any quick one."""
    for head, job in _in_turn(book):
        if too_late(book, job, now):
            continue
        fits = fitting(book, head.key, now)
        if job.jobtype in book.estimates.quick and job.spec.needs == ANYWHERE:
            for entry in islice(book.eager.entries.values(), MOST_EAGER):
                room = entry.room
                if room is not None and fits(room) and job.jobtype in book.hosts.host(entry.host).good:
                    return [_dispatch(entry, job, now)]
        elif any(fits(room) for room in book.eager.groups):
            return []
    return []


def _in_turn(book: Book) -> Iterator[tuple[Head, Queued]]:
    """Heads that may go, each with its first job: highest priority first, then the type that was served longest ago.

    It ends at a priority of which a head is used up: what the database holds of it comes before anything lower.
    """
    for _, heads in book.levels:
        if any(head.hungry and under_cap(book, head.key[0]) for head in heads):
            return
        if len(heads) == 1:
            job = heads[0].first()
            if job is not None and under_cap(book, job.jobtype):
                yield heads[0], job
            continue
        found = []
        for head in heads:
            job = head.first()
            if job is not None and under_cap(book, job.jobtype):
                found.append((book.served.get(job.jobtype, 0), head.place(), head, job))
        found.sort(key=lambda one: one[:2])
        for _, _, head, job in found:
            yield head, job


def under_cap(book: Book, jobtype: str) -> bool:
    """Whether one more job of the type may be out; counted when brokering, so no burst overshoots."""
    kind = book.types.get(jobtype)
    return kind is None or kind.cap is None or book.in_use[jobtype] < kind.cap


def fitting(book: Book, key: ClassKey, now: float) -> Callable[[Room], bool]:
    """Whether a pilot that has this room now may be given a job of the class."""
    jobtype, _, needs, _ = key

    def fits(room: Room) -> bool:
        return (
            has_room(needs, room)
            and jobtype not in room.barred
            and book.offers.suits(needs, room.offer)
            and (room.until == _EVER or outlives(room, length_s(book, key), now))
        )

    return fits


_EVER = float("inf")


def length_s(book: Book, key: ClassKey) -> float:
    """Seconds that a job of the class may take: its limit, else what its type's longer runs took lately, else 0."""
    return key[3] or book.estimates.quantile(key[0], USUAL_LONGEST) or 0.0


def _dispatch(entry: PilotEntry, job: Queued, now: float) -> JobDispatched:
    return JobDispatched(
        job.id,
        job.job,
        job.attempt + 1,
        job.jobtype,
        job.priority,
        job.spec,
        entry.pilot,
        entry.numbered + 1,
        now,
        job.retried,
    )
