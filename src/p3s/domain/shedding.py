"""Under overload, less important work is left out for jobs that must meet their ETA."""

from collections.abc import Iterator
from itertools import islice

from p3s.domain.book import Book
from p3s.domain.effects import Effect, Queued
from p3s.domain.needs import suits
from p3s.domain.pausing import paused
from p3s.domain.queue import Head
from p3s.domain.staleness import dropped
from p3s.protocol.messages import Needs
from p3s.protocol.states import PilotState, Reason

MOST_A_ROUND = 200
"""So many jobs are shed at a time, at most."""


def shed(book: Book, now: float) -> list[Effect]:
    """Drops of lower-priority jobs for the first critical job that is predicted to miss its ETA, if there is one.

    As many as the seconds of work by which the prediction misses, lowest priority first, latest in its queue first;
    what was shed for the same job before counts.
    """
    for head in _critical(book):
        job = head.first()
        assert job is not None
        name, before_s = book.shed_for
        excess_s = missing_s(book, job, now) - (before_s if name == job.job else 0.0)
        if excess_s > 0:
            effects, shed_s = _sacrifice(book, job, excess_s, now)
            book.shed_for = (job.job, shed_s + (before_s if name == job.job else 0.0))
            return effects
    return []


def _critical(book: Book) -> Iterator[Head]:
    for head in _by_priority(book):
        job = head.first()
        if job is None or job.spec.eta_at is None or paused(book, job.jobtype):  # what is paused, no shedding helps
            continue
        if book.kind(job.jobtype).critical:
            yield head


def _by_priority(book: Book) -> list[Head]:
    """The highest first."""
    return sorted(book.queues.heads.values(), key=lambda head: (-head.key[1], head.key[0], repr(head.key[2:])))


def missing_s(book: Book, job: Queued, now: float) -> float:
    """Slot-seconds of work, queued at the job's priority and above, beyond what can be done by the job's ETA.

    0 when it will be met, when nothing can meet it any more, or when nothing is known of how long its type takes.
    """
    usual = book.estimates.quantile(job.jobtype, 0.5)
    slots = slots_for(book, job.spec.needs)
    eta_at = job.spec.eta_at
    if usual is None or eta_at is None or not slots or now + usual > eta_at:
        return 0.0
    queued_s = sum(
        one.waiting * (book.estimates.quantile(one.key[0], 0.5) or usual)
        for one in book.queues.heads.values()
        if one.key[1] >= job.priority
    )
    running_s = sum(book.estimates.quantile(out.jobtype, 0.5) or usual for out in book.out.values()) / 2
    return queued_s + running_s - (eta_at - now) * slots


def slots_for(book: Book, needs: Needs) -> int:
    """Slots of the pilots in service that could run such jobs."""
    return sum(
        entry.slots for entry in book.pilots.values() if entry.state is PilotState.ACTIVE and suits(needs, entry.offer)
    )


def _sacrifice(book: Book, job: Queued, excess_s: float, now: float) -> tuple[list[Effect], float]:
    """Effects, and the seconds of work that they leave out."""
    effects: list[Effect] = []
    late_s = (job.spec.eta_at or now) - now
    why = f"shed for {job.jobtype}: its job {job.job} would miss its ETA in {late_s:.0f} s"
    shed_s = 0.0
    for victim in islice(_victims(book, job.priority), MOST_A_ROUND):
        if shed_s >= excess_s:
            break
        effects += dropped(victim, Reason.SHED, why, now)
        shed_s += book.estimates.quantile(victim.jobtype, 0.5) or 1.0
    return effects, shed_s


def _victims(book: Book, below: int) -> Iterator[Queued]:
    """Jobs in the heads that are not critical, lowest priority first, the last of each head first."""
    for head in reversed(_by_priority(book)):
        if head.key[1] >= below:
            return
        if not book.kind(head.key[0]).critical:
            yield from reversed(head.ordered())
