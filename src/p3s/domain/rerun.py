"""An ended job is run again: as a new job, linked to the old one."""

from p3s.domain.effects import Effect, JobAdded, Noted
from p3s.domain.exchange import Past
from p3s.protocol.errors import Conflict
from p3s.protocol.states import FINAL_JOB_STATES


def check(job: str, past: Past) -> None:
    """Raises Conflict for a job that has not ended or was run again already."""
    if past.state not in FINAL_JOB_STATES:
        raise Conflict(f"job {job} is {past.state}; only a job that has ended is run again")
    if past.rerun:
        raise Conflict(f"job {job} was run again already; run that one again (p3s job show {job} names it)")


def rerun(job: str, past: Past, added: JobAdded, who: str, why: str, now: float) -> list[Effect]:
    """Add the new job; the old one's late report, should there be one, is refused from now on. Raises as `check`."""
    check(job, past)
    text = f"as {added.job}: {why}" if why else f"as {added.job}"
    return [added, Noted("job", job, "run again", who, text, now)]


def still_fresh(stale_at: float | None, now: float) -> bool:
    """Whether its result would still have mattered."""
    return stale_at is None or now < stale_at
