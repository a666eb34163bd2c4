"""Cancel a job, waiting or running."""

from p3s.protocol.errors import NotAllowed, NotKnown
from p3s.protocol.messages import CancelReply
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job

from .work import Work


def cancel(work: Work, *, job: str, who: str, all_jobs: bool, why: str) -> CancelReply:
    """`all_jobs`: the token reaches beyond its owner's jobs."""
    work.flush()
    row = Job.objects.filter(uuid=job).values("owner").first()
    if row is None:
        raise NotKnown(f"there is no job {job}; p3s job list shows the latest")
    if row["owner"] != who and not all_jobs:
        raise NotAllowed(f"job {job} belongs to {row['owner']}; only they or an operator can cancel it")
    note = work.desk.cancel(job, waiting.past([job])[job], who, why)
    work.flush()
    return CancelReply(job, Job.objects.values_list("state", flat=True).get(uuid=job), note)
