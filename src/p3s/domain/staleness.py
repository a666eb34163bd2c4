"""What is too late to matter, or will be before it could end; and how what is left out goes on the record."""

from collections.abc import Iterable

from p3s.domain.book import Book
from p3s.domain.effects import SYSTEM, Effect, JobEnded, Noted, Queued
from p3s.protocol.states import JobState, Reason


def too_late(book: Book, job: Queued, now: float) -> str:
    """Why the job is not worth starting now, or "".

    The usual run of its type counts only if a job handed out at once could end in time: a type whose runs became too
    long for that is still tried, or nobody would ever see that they became short again.
    """
    stale_at = job.spec.stale_at
    if stale_at is None:
        return ""
    if stale_at <= now:
        return f"stale for {now - stale_at:.0f} s"
    usual = book.estimates.quantile(job.jobtype, 0.5)
    if usual is not None and now + usual > stale_at and usual < stale_at - job.spec.since:
        return f"stale in {stale_at - now:.0f} s, jobs of {job.jobtype} take {usual:.0f} s"
    return ""


def dropped(job: Queued, reason: Reason, why: str, now: float) -> list[Effect]:
    """A queued job is left out on purpose, on the record."""
    where = (job.id, job.job, job.attempt, JobState.DEFINED, JobState.DROPPED)
    return [
        JobEnded(*where, reason, now, key=job.key, followed=job.spec.followed, workflow=job.spec.workflow),
        Noted("job", job.job, "dropped", SYSTEM, why, now),
    ]


def drop_stale(jobs: Iterable[Queued], now: float) -> list[Effect]:
    """Drop those of some queued jobs that are stale, wherever in their queues they stand."""
    effects: list[Effect] = []
    for job in jobs:
        if job.spec.stale_at is not None and job.spec.stale_at <= now:
            effects += dropped(job, Reason.STALE, f"stale for {now - job.spec.stale_at:.0f} s", now)
    return effects


def supersede(older: Iterable[Queued], by: str, now: float) -> list[Effect]:
    """A newer job came for the same keys: what waits of the older ones is dropped."""
    effects: list[Effect] = []
    for job in older:
        effects += dropped(job, Reason.SUPERSEDED, f"superseded by {by}", now)
    return effects
