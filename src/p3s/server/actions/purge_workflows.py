"""Which workflows may be purged, and what goes with one besides its jobs; `purge` removes them."""

from django.db.models import F

from p3s.domain.data.coverage import ranked, spoken, worst
from p3s.protocol.errors import NotKnown
from p3s.protocol.many import PurgeRequest
from p3s.protocol.states import FINAL_WORKFLOW_STATES, DatasetState
from p3s.server.data.models import Arrival, Dataset
from p3s.server.jobs.models import Job, Use
from p3s.server.results.models import Result
from p3s.server.results.standards import of_reference_runs
from p3s.server.workflows.keeping import MARK
from p3s.server.workflows.models import Node, Workflow
from p3s.server.workflows.started import Started, latest

from .work import Work

TENDED_S = 86_400.0
"""So long after the time of a workflow's files is over, upkeep has had its chance to delete them."""

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
    tended = _still_tended(found, now)
    free = _in_order([uuid for uuid in found if uuid not in tended and not _kept(uuid, request.results)])
    return free, len(found) - len(free) + unended, following


def _still_tended(workflows: list[str], now: float) -> set[str]:
    """Those of which files are to be deleted yet: without their record nobody would."""
    rows = Workflow.objects.filter(uuid__in=workflows, keep__isnull=False)
    return set(rows.filter(ended_at__gt=now - TENDED_S - F("keep")).values_list("uuid", flat=True))


def _in_order(workflows: list[str]) -> list[str]:
    """Of a file for which a stream started several the latest counts, so that it goes last, and stays while an earlier
    one does."""
    rows = Workflow.objects.filter(uuid__in=workflows).order_by("created_at", "-uuid")
    ordered = list(rows.values_list("uuid", "stream", "dataset", "created_at"))
    staying = set()
    for uuid, stream, dataset, created_at in ordered:
        if stream and dataset:
            earlier = Workflow.objects.filter(dataset=dataset, stream=stream, created_at__lt=created_at)
            gone = [one for one in workflows if one not in staying]
            if earlier.exclude(uuid__in=gone).exists():
                staying.add(uuid)
    return [uuid for uuid, *_ in ordered if uuid not in staying]


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
    written = written.exclude(dataset__metadata__has_key=MARK)
    return list(written.values_list("dataset", flat=True).distinct())


def became(workflow: str) -> str:
    """What it makes of the file for which a stream started it: its jobs say, which go first. "" when it is none that
    counts."""
    row = Workflow.objects.get(uuid=workflow)
    counts = _counts(row)
    return counts.word if counts is not None and counts.workflow == workflow else ""


def _counts(row: Workflow) -> Started | None:
    """The latest that its stream has of its file."""
    if row.stream_id is None or row.dataset_id is None:
        return None
    return latest([row.stream_id], [row.dataset_id]).get((row.stream_id, row.dataset_id))


def remove_workflow(work: Work, *, workflow: str, files: list[str], word: str) -> bool:
    """After its jobs; while it has some it stays. Its files that are there stay known, those that never came do not.
    `word`: what `became` said while it had its jobs."""
    work.flush()
    if Job.objects.filter(workflow=workflow).exists():
        return False
    _remember(workflow, word)
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


def _remember(workflow: str, word: str) -> None:
    """For coverage, unless a later one counts meanwhile."""
    row = Workflow.objects.filter(uuid=workflow).first()
    counts = _counts(row) if row is not None and word else None
    if row is None or counts is None or counts.workflow != workflow:
        return
    for arrival in Arrival.objects.filter(stream=row.stream_id, dataset=row.dataset_id):
        arrival.purged = ranked(worst([word, *([spoken(arrival.purged)] if arrival.purged else [])]))
        arrival.save(update_fields=["purged"])
