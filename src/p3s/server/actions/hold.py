"""Hold, release or re-prioritise a job that no pilot holds."""

from p3s.protocol.acts import ChangeReply

from .owned import owned, state_of
from .work import Work


def hold(work: Work, *, job: str, who: str, all_jobs: bool, why: str) -> ChangeReply:
    """Keep a queued job from being handed out. Raises Conflict when it is too late."""
    note = work.desk.hold(job, owned(work, job, who, all_jobs, "hold"), who, why)
    return ChangeReply(job, state_of(work, job), note)


def release(work: Work, *, job: str, who: str, all_jobs: bool, why: str) -> ChangeReply:
    """Let a held job go. Raises Conflict for one that has gone on."""
    note = work.desk.release(job, owned(work, job, who, all_jobs, "release"), who, why)
    return ChangeReply(job, state_of(work, job), note)


def adjust(work: Work, *, job: str, priority: int, who: str, all_jobs: bool, why: str) -> ChangeReply:
    """Give a job that waits another priority. Raises Conflict when it is too late."""
    note = work.desk.adjust(job, owned(work, job, who, all_jobs, "adjust"), priority, who, why)
    return ChangeReply(job, state_of(work, job), note)
