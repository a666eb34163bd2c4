"""Matching queued jobs to pilots: one decision at a time, over the heads of the classes only."""

from p3s.domain.book import Book, ClassKey, PilotEntry, Queued
from p3s.domain.effects import JobDispatched


def next_dispatch(book: Book, now: float) -> JobDispatched | None:
    """The next job to hand out and to whom, or None when nothing fits.

    Free slots come first, at every pilot; then quick jobs are ordered ahead. Its cost grows with the number of classes
    at most, never with queued jobs, finished jobs or idle pilots.
    """
    job = _choose(book) if book.ready or book.eager else None
    if job is None:
        return None
    for entry in book.ready.values():
        return _dispatch(entry, job, now)
    if job.jobtype in book.estimates.quick:  # else it takes the next slot that becomes free, before any quick one
        for entry in book.eager.values():
            return _dispatch(entry, job, now)
    return None


def _choose(book: Book) -> Queued | None:
    """The oldest job of the highest-priority class whose type is under its cap."""
    chosen: Queued | None = None
    for key in book.ranked:
        if chosen is not None and key[1] < chosen.priority:
            break
        head = book.heads[key]
        if head.window and under_cap(book, key):
            job = next(iter(head.window.values()))
            if chosen is None or job.id < chosen.id:
                chosen = job
    return chosen


def under_cap(book: Book, key: ClassKey) -> bool:
    """Whether one more job of the type may be out; counted when brokering, so no burst overshoots."""
    cap = book.caps.get(key[0])
    return cap is None or book.in_use[key[0]] < cap


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
    )
