"""An attempt that its node spoiled: the job is tried again while its type has retries left, else it ends."""

from p3s.domain.book import Book
from p3s.domain.effects import SYSTEM, Effect, JobEnded, JobReturned, Noted
from p3s.domain.pool import Out
from p3s.protocol.states import NODE_REASONS, JobState


def end_or_again(book: Book, out: Out, ended: JobEnded, now: float) -> list[Effect]:
    """The end of an attempt as decided, or the job's return to the queue. A job that a person cancelled ends."""
    spoiled = ended.after is JobState.LOST or (ended.after is JobState.FAILED and ended.reason in NODE_REASONS)
    retries = book.kind(out.jobtype).retries if spoiled else 0
    if out.retried >= retries or out.cancelled_by:
        return [ended]
    what = f"attempt {out.attempt} {ended.after}: {ended.reason}; retry {out.retried + 1} of {retries}"
    failed = str(ended.reason) or str(ended.after)
    returned = JobReturned(out.id, out.job, out.attempt, what, now, out.state, failed, ended.report)
    return [returned, Noted("job", out.job, "retried", SYSTEM, what, now)]
