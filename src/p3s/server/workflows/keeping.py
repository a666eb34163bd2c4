"""Files of workflows that have a `keep`: which may be due, and what the tables know of each, for `domain.workflows`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, QuerySet

from p3s.domain.workflows.keeping import Kept, Writer
from p3s.protocol.states import FINAL_JOB_STATES, JobState
from p3s.server.data.models import Dataset, Member
from p3s.server.jobs.models import Job, Use

from .models import Node, Workflow

PORTION = 500
"""So many files are asked for in one question."""

MARK = "deleted"
"""In a dataset's `metadata`: why, when its keep ran out. It counts while the dataset is dropped."""

FINAL = [str(state) for state in FINAL_JOB_STATES]


@dataclass(frozen=True, slots=True)
class Due:
    """An ended workflow of which files may be due. `keep`: seconds after its end."""

    uuid: str
    directory: str
    ended_at: float
    keep: float


def due(now: float, after: tuple[float, str] | None, limit: int) -> list[Due]:
    """Those that ended first; `after`: (ended_at, uuid) of the last one seen."""
    rows = Workflow.objects.filter(keep__isnull=False, ended_at__lte=now - F("keep"))
    if after is not None:
        at, uuid = after
        rows = rows.filter(Q(ended_at__gt=at) | Q(ended_at=at, uuid__gt=uuid))
    columns = ("uuid", "directory", "ended_at", "keep")
    return [Due(*row) for row in rows.order_by("ended_at", "uuid").values_list(*columns)[:limit]]


@dataclass(frozen=True, slots=True)
class File:
    """`since`, `until`: when the first workflow that writes it was made, and the last one ended; 0 where that is not
    known."""

    dataset: str
    kept: Kept
    since: float
    until: float


def files(workflow: Due) -> list[File]:
    """Those of it that have a `keep`, in the order of its plan."""
    outputs = Node.objects.filter(workflow=workflow.uuid).order_by("place").values_list("outputs", flat=True)
    paths = list({one[1]: None for some in outputs for one in some if one[3] is not None})
    found: list[File] = []
    for at in range(0, len(paths), PORTION):
        rows = {row.url: row for row in Dataset.objects.filter(url__in=paths[at : at + PORTION])}
        found += _files(workflow.directory, [rows[path] for path in paths[at : at + PORTION] if path in rows])
    return found


@dataclass(slots=True)
class _Known:
    """By dataset: jobs that write it (number, state, workflow), and its sets."""

    writers: dict[str, list[tuple[int, str, str]]] = field(default_factory=lambda: defaultdict(list))
    sets: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def _files(directory: str, rows: Sequence[Dataset]) -> list[File]:
    uuids = [row.uuid for row in rows]
    known = _Known()
    uses = Use.objects.filter(dataset__in=uuids, role="output", job__isnull=False)
    for dataset, job, state, workflow in uses.values_list("dataset", "job", "job__state", "job__workflow"):
        known.writers[dataset].append((job, state, workflow or ""))
    for dataset, name in Member.objects.filter(dataset__in=uuids).order_by("id").values_list("dataset", "set__name"):
        known.sets[dataset].append(name)
    jobs = [job for some in known.writers.values() for job in some]
    keeps, ends = _keeps(jobs), _ends({workflow for _, _, workflow in jobs})
    busy = open_uses(uuids)
    return [_file(directory, row, known, keeps, ends, busy.get(row.uuid, 0)) for row in rows]


def _file(
    directory: str,
    row: Dataset,
    known: _Known,
    keeps: dict[tuple[int, str], float | None],
    ends: dict[str, tuple[float, float | None]],
    busy: int,
) -> File:
    jobs = known.writers[row.uuid]
    writers = [
        Writer(keeps.get((job, row.url)), state in FINAL, state == JobState.FINISHED, ends[workflow][1])
        for job, state, workflow in jobs
    ]
    if row.metadata.get("keep") is None:  # who named it first wants it for good
        writers = [Writer(None, writer.ended, writer.finished, writer.workflow_ended_at) for writer in writers]
    deleted = MARK in row.metadata
    sets = tuple(known.sets[row.uuid])
    kept = Kept(row.url, directory, row.state, "workflow" in row.metadata, deleted, tuple(writers), busy, sets)
    since = min((ends[workflow][0] for _, _, workflow in jobs), default=0.0)
    until = max((ends[workflow][1] or 0.0 for _, _, workflow in jobs), default=0.0)
    return File(row.uuid, kept, since, until)


def _keeps(jobs: Iterable[tuple[int, str, str]]) -> dict[tuple[int, str], float | None]:
    """By job and path, what its own node says."""
    numbers, workflows = {job for job, _, _ in jobs}, {workflow for _, _, workflow in jobs}
    nodes = Node.objects.filter(workflow__in=workflows, job__isnull=False).values_list("job", "outputs")
    return {(job, one[1]): one[3] for job, outputs in nodes if job in numbers for one in outputs}


def _ends(workflows: Iterable[str]) -> dict[str, tuple[float, float | None]]:
    """When each was made, and when it and all that took its work over, in the same files, had ended; None while one
    goes on."""
    columns = ("uuid", "directory", "created_at", "ended_at", "rerun_of")
    rows = list(Workflow.objects.filter(uuid__in=set(workflows)).values_list(*columns))
    found: dict[str, tuple[float, float | None]] = {row[0]: (row[2], row[3]) for row in rows}
    first = {row[0]: (row[0], row[1]) for row in rows}
    level = list(first)
    while level:
        later = list(Workflow.objects.filter(rerun_of__in=level).values_list(*columns))
        level = []
        for uuid, directory, _, ended_at, before in later:
            origin, its_directory = first[before]
            if directory == its_directory and uuid not in first:
                made, end = found[origin]
                found[origin] = (made, None if end is None or ended_at is None else max(end, ended_at))
                first[uuid] = (origin, directory)
                level.append(uuid)
    return found


def open_uses(datasets: Sequence[str]) -> dict[str, int]:
    """Of each that has any: how many jobs that have not ended read or write it, are made of it, or do again what wrote
    it."""
    found: dict[str, int] = defaultdict(int)

    def count(rows: QuerySet[Any, Any]) -> None:
        for (dataset,) in rows:
            found[dataset] += 1

    unended = ~Q(job__state__in=FINAL)
    count(Use.objects.filter(unended, dataset__in=datasets, job__isnull=False).values_list("dataset"))
    count(Job.objects.filter(dataset__in=datasets).exclude(state__in=FINAL).values_list("dataset"))
    written = dict(
        Use.objects.filter(dataset__in=datasets, role="output", job__isnull=False).values_list("job__uuid", "dataset")
    )
    for before in Job.objects.filter(rerun_of__in=written).exclude(state__in=FINAL).values_list("rerun_of", flat=True):
        found[written[before or ""]] += 1
    return found
