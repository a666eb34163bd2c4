"""Cancel a job, waiting or running."""

from p3s.protocol.messages import CancelReply

from .owned import owned, state_of
from .work import Work


def cancel(work: Work, *, job: str, who: str, all_jobs: bool, why: str) -> CancelReply:
    """`all_jobs`: the token reaches beyond its owner's jobs."""
    past = owned(work, job, who, all_jobs, "cancel")
    note = work.desk.cancel(job, past, who, why)
    return CancelReply(job, state_of(work, job), note)
