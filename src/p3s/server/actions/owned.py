"""Whose job it is that somebody wants to change."""

from p3s.domain.exchange import Past
from p3s.protocol.errors import NotAllowed, NotKnown
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job

from .work import Work


def owned(work: Work, job: str, who: str, all_jobs: bool, what: str) -> Past:
    """The job's row as the rules want it. `all_jobs`: the token reaches beyond its owner's jobs; `what` is to be done.

    Raises NotKnown, or NotAllowed for a job of somebody else's.
    """
    work.flush()
    row = Job.objects.filter(uuid=job).values("owner").first()
    if row is None:
        raise NotKnown(f"there is no job {job}; p3s job list shows the latest")
    if row["owner"] != who and not all_jobs:
        raise NotAllowed(f"job {job} belongs to {row['owner']}; only they or an operator can {what} it")
    return waiting.past([job])[job]


def state_of(work: Work, job: str) -> str:
    """The job's state after what was decided."""
    work.flush()
    return str(Job.objects.values_list("state", flat=True).get(uuid=job))
