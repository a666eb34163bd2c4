"""What streams have started: of each file and stream the latest workflow counts, the same as in `coverage`."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from p3s.domain.data.coverage import word_of, word_of_workflow
from p3s.protocol.states import JobState, WorkflowState
from p3s.server.jobs.models import Job

from .models import Workflow


@dataclass(frozen=True, slots=True)
class Started:
    """A workflow, and what it makes of its file: a word of `domain.data.coverage`."""

    workflow: str
    state: str
    word: str


def latest(streams: Collection[str], datasets: Collection[str]) -> dict[tuple[str, str], Started]:
    """By stream and file; what none was started of is not in it."""
    return _latest(Workflow.objects.filter(dataset__in=datasets, stream__in=streams))


def words_of(datasets: Collection[str]) -> dict[str, list[str]]:
    """What the latest workflow of each stream makes of its file, by file; those without one are not in it."""
    found: dict[str, list[str]] = defaultdict(list)
    flows = _latest(Workflow.objects.filter(dataset__in=datasets, stream__isnull=False))
    for (_, dataset), started in flows.items():
        found[dataset].append(started.word)
    return dict(found)


def _latest(flows: QuerySet[Workflow]) -> dict[tuple[str, str], Started]:
    rows = flows.order_by("created_at", "-uuid")
    columns = ("stream", "dataset", "uuid", "state")
    found = {(stream, dataset): (uuid, state) for stream, dataset, uuid, state in rows.values_list(*columns)}
    words = _words([uuid for uuid, state in found.values() if state == WorkflowState.FAILED])
    return {
        (str(stream), str(dataset)): Started(uuid, state, word_of_workflow(state, words.get(uuid, ())))
        for (stream, dataset), (uuid, state) in found.items()
    }


def _words(workflows: Collection[str]) -> dict[str, list[str]]:
    """What became of those of their jobs that did not finish."""
    found: dict[str, list[str]] = defaultdict(list)
    if workflows:
        ill = Job.objects.filter(workflow__in=workflows).exclude(state=JobState.FINISHED.value)
        for workflow, state, reason in ill.values_list("workflow", "state", "reason"):
            found[str(workflow)].append(word_of(state, reason))
    return found
