"""Which workflows may be purged, and what goes with one besides its jobs; `purge` removes them."""

from p3s.protocol.errors import NotKnown
from p3s.protocol.many import PurgeRequest
from p3s.protocol.states import FINAL_WORKFLOW_STATES, DatasetState
from p3s.server.data.models import Dataset
from p3s.server.jobs.models import Job, Use
from p3s.server.results.models import Result
from p3s.server.results.standards import of_reference_runs
from p3s.server.workflows.models import Node, Workflow

from .work import Work

LOOKED = 200
"""So many workflows are looked at in one call."""


def ended_workflows(request: PurgeRequest, now: float) -> tuple[list[str], int, str | None]:
    """UUIDs of those that may go, how many are kept for their results, where to go on. Raises NotKnown."""
    states = request.states or [str(state) for state in FINAL_WORKFLOW_STATES]
    rows = Workflow.objects.filter(state__in=states)
    if request.uuids:
        known = set(Workflow.objects.filter(uuid__in=request.uuids).values_list("uuid", flat=True))
        for uuid in request.uuids:
            if uuid not in known:
                raise NotKnown(f"there is no workflow {uuid}; p3s workflow list shows the latest")
        found = list(rows.filter(uuid__in=request.uuids).values_list("uuid", flat=True))
    else:
        before = now - (request.older_than or 0.0)
        old = rows.filter(ended_at__lt=before, uuid__gt=request.after).order_by("uuid")
        found = list(old.values_list("uuid", flat=True)[:LOOKED])
    following = found[-1] if not request.uuids and len(found) == LOOKED else None
    unended = len(request.uuids) - len(found) if request.uuids else 0
    free = [uuid for uuid in found if not _kept(uuid, request.results)]
    return free, len(found) - len(free) + unended, following


def _kept(workflow: str, results: bool) -> bool:
    """For what its jobs published, or where results go too, for what they did for a reference run."""
    numbers = list(Job.objects.filter(workflow=workflow).values_list("id", flat=True))
    return bool(of_reference_runs(numbers) if results else Result.objects.filter(job__in=numbers).exists())


def jobs_of(workflow: str) -> list[str]:
    """Those that it made; what it took over belongs to an earlier one."""
    return list(Job.objects.filter(workflow=workflow).order_by("id").values_list("uuid", flat=True))


def never_made(workflow: str) -> list[str]:
    """Its files that never came: nobody else knows of them."""
    written = Use.objects.filter(job__workflow=workflow, role="output", dataset__state=str(DatasetState.DROPPED))
    return list(written.values_list("dataset", flat=True).distinct())


def remove_workflow(work: Work, *, workflow: str, files: list[str]) -> bool:
    """After its jobs; while it has some it stays. Its files that are there stay known, those that never came do not."""
    work.flush()
    if Job.objects.filter(workflow=workflow).exists():
        return False
    Node.objects.filter(workflow=workflow).delete()
    Workflow.objects.filter(uuid=workflow).delete()
    unused = Dataset.objects.filter(
        uuid__in=files, state=str(DatasetState.DROPPED), job__isnull=True, sets__isnull=True
    )
    used = Use.objects.filter(dataset__in=files, job__isnull=False).values_list("dataset", flat=True)
    gone = list(unused.exclude(uuid__in=list(used)).values_list("uuid", flat=True))
    Use.objects.filter(dataset__in=gone).delete()
    Dataset.objects.filter(uuid__in=gone).delete()
    work.topics.add("workflows")
    return True
