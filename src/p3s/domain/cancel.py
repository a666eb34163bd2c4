"""A person asks that a job not run, or stop running."""

from p3s.domain.book import Book
from p3s.domain.effects import Effect, JobEnded, KillOrdered, Noted
from p3s.domain.exchange import Past
from p3s.protocol.states import FINAL_JOB_STATES, JobState, Reason


def cancel(
    book: Book, job: str, past: Past, who: str, why: str, now: float, reason: str = Reason.BY_PERSON
) -> tuple[list[Effect], str]:
    """Effects, and a note for the person. `past` is the job's row; the book knows better if a pilot holds it."""
    out = book.out.get(job)
    if out is not None:
        if out.kill_number is not None:
            return [], f"already being cancelled, asked by {out.cancelled_by}"
        number = book.pilots[out.pilot].numbered + 1
        return [
            KillOrdered(out.id, job, out.attempt, out.pilot, number, who),
            Noted("job", job, "cancel asked", who, why, now),
        ], "its pilot is told to end it"
    if past.state in FINAL_JOB_STATES:
        return [], f"it had already ended as {past.state}"
    key = past.queued.key if past.queued and past.state is JobState.DEFINED else None
    what = (past.id, job, past.attempt, past.state, JobState.CANCELLED, reason, now)
    return [
        JobEnded(*what, key=key, followed=past.followed, workflow=past.workflow),
        Noted("job", job, "cancelled", who, why, now),
    ], "it will not run"
