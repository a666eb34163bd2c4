"""Matching queued jobs to pilots: one decision at a time, over the heads of the classes and the groups of pilots."""

from collections.abc import Callable, Iterator
from itertools import islice

from p3s.domain.book import Book
from p3s.domain.choice import Rank
from p3s.domain.effects import ClassKey, Effect, JobDispatched, Queued
from p3s.domain.needs import EVER, Room, has_room, outlives
from p3s.domain.pausing import paused
from p3s.domain.pool import PilotEntry, Pool
from p3s.domain.queue import Head
from p3s.domain.staleness import dropped, too_late
from p3s.protocol.messages import ANYWHERE
from p3s.protocol.states import Reason

MOST_EAGER = 8
"""So many full pilots are looked at for one that may be ordered a job ahead."""

Fits = Callable[[Room], bool]
Candidate = tuple[Queued, Fits, PilotEntry]
"""A job, whether a room does for it, and a pilot that has such a room."""

USUAL_LONGEST = 0.95
"""A job without a limit of its own is taken for as long as this share of its type's recent runs were."""


def next_move(book: Book, now: float, drops: int) -> list[Effect]:
    """The next job to hand out and to whom, or a drop of one that stood before it; empty when nothing fits.

    Requirements, cap, highest priority, types in turn, the type's pick. Free slots come first, at every pilot; then
    quick jobs are ordered ahead. With `drops` used up, a class whose first job is too late is passed over. The cost
    does not grow with queued jobs, finished jobs or idle pilots, and hardly with the number of classes.
    """
    if book.ready:
        for job, _, entry in _in_turn(book, book.ready, now):
            late = too_late(book, job, now)
            if late:
                if drops > 0:
                    return dropped(job, Reason.STALE, late, now)
                continue
            return [_dispatch(entry, job, now)]
    return _ahead(book, now) if book.eager else []


def _ahead(book: Book, now: float) -> list[Effect]:
    """A quick job for a full pilot on whose host its type finished. One that is not quick takes the next slot that
    becomes free, before any quick one."""
    for job, fits, _ in _in_turn(book, book.eager, now):
        if too_late(book, job, now):
            continue
        if job.jobtype not in book.estimates.quick or job.spec.needs != ANYWHERE:
            return []
        for entry in islice(book.eager.entries.values(), MOST_EAGER):
            room = entry.room
            if room is not None and fits(room) and job.jobtype in book.hosts.host(entry.host).good:
                return [_dispatch(entry, job, now)]
    return []


def _in_turn(book: Book, pool: Pool, now: float) -> Iterator[Candidate]:
    """What a pilot of the pool may be given: highest priority first, then the type that was served longest ago, then
    the job that its pick takes first."""
    for level in book.queues.from_the_top(lambda jobtype: may_go(book, jobtype)):
        for _, jobtype in level.turns:
            rank = level.ranks[jobtype]
            if not rank.empty and may_go(book, jobtype):
                yield from _of_rank(book, rank, pool, now)


def _of_rank(book: Book, rank: Rank, pool: Pool, now: float) -> Iterator[Candidate]:
    if rank.alone:
        found = _candidate(book, rank.blocks[0].stands[0][2], pool, now)
        if found:
            yield found
        return
    mortal = any(room.until != EVER for room in pool.groups)
    usual_s = length_s(book, (rank.jobtype, 0, ANYWHERE, 0.0)) if mortal else 0.0
    rooms = [room for room in pool.groups if rank.floor.may_fit(room, usual_s, now)]
    for block in rank.blocks if rooms else ():
        if any(block.may_fit(room, usual_s, now, book.offers.suits) for room in rooms):
            vain = True
            for _, _, head in block.stands:
                found = _candidate(book, head, pool, now)
                if found:
                    vain = False
                    yield found
            if vain:
                book.queues.in_vain(rank, block)


def _candidate(book: Book, head: Head, pool: Pool, now: float) -> Candidate | None:
    job = head.first()
    fits = fitting(book, head.key, now)
    entry = pool.find(fits)
    return None if job is None or entry is None else (job, fits, entry)


def may_go(book: Book, jobtype: str) -> bool:
    """Whether jobs of the type are handed out now: nobody has paused it, and its cap leaves room."""
    return paused(book, jobtype) is None and under_cap(book, jobtype)


def under_cap(book: Book, jobtype: str) -> bool:
    """Whether one more job of the type may be out; counted when brokering, so no burst overshoots."""
    kind = book.types.get(jobtype)
    return kind is None or kind.cap is None or book.in_use[jobtype] < kind.cap


def fitting(book: Book, key: ClassKey, now: float) -> Fits:
    """Whether a pilot that has this room now may be given a job of the class."""
    jobtype, _, needs, _ = key

    def fits(room: Room) -> bool:
        return (
            has_room(needs, room)
            and jobtype not in room.barred
            and book.offers.suits(needs, room.offer)
            and (room.until == EVER or outlives(room, length_s(book, key), now))
        )

    return fits


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
