"""What pages and cold API routes read about jobs, their logs and their events."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, QuerySet

from p3s.protocol.states import JobState
from p3s.server.data.models import Dataset
from p3s.server.jobs.models import Job, JobLog, JobType, Use
from p3s.server.journal.models import Event

OUT = ("dispatched", "running")
#: No index leads from an ended pilot to its jobs; this many of the latest jobs are looked through.
RECENT = 20_000


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as listed. Moments are epoch seconds by the server's clock; `wall_s` is measured on the node."""

    id: int
    uuid: str
    name: str
    jobtype: str
    owner: str
    state: str
    reason: str
    attempt: int
    pilot: str | None
    host: str
    dataset: str | None
    dataset_name: str
    input: str
    run: int | None
    subrun: int | None
    submitted_at: float
    dispatched_at: float | None
    started_at: float | None
    ended_at: float | None
    exit_code: int | None
    signal: int | None
    wall_s: float | None
    stream: str | None
    workflow: str | None


@dataclass(frozen=True, slots=True)
class JobDetail:
    """The rest of a job, for its own page. `env` is what was submitted: hide secrets before showing it."""

    row: JobRow
    payload: str
    env: dict[str, Any]
    priority: int
    time_limit: float
    needs: str
    eta_at: float | None
    stale_at: float | None
    retried: int
    rerun_of: str | None
    cancelled_by: str
    stream_version: int | None
    cpu_s: float | None
    peak_memory: int | None
    keys: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogTail:
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class EventRow:
    at: float
    what: str
    who: str
    why: str


#: Where the fields of a JobRow come from, in their order. No model objects: lists are long, and share their
#: interpreter with the broker.
_COLUMNS = (
    "id",
    "uuid",
    "name",
    "jobtype_id",
    "owner",
    "state",
    "reason",
    "attempt",
    "pilot_id",
    "pilot__host",
    "dataset_id",
    "dataset__name",
    "input",
    "run",
    "subrun",
    "submitted_at",
    "dispatched_at",
    "started_at",
    "ended_at",
    "exit_code",
    "signal",
    "wall_s",
    "stream_id",
    "workflow",
)
_WORKFLOW = _COLUMNS.index("workflow")
#: Names that an outer join leaves null where there is no pilot or no dataset.
_NAMES = (_COLUMNS.index("pilot__host"), _COLUMNS.index("dataset__name"))


def _row(values: Iterable[Any]) -> JobRow:
    row = list(values)
    for place in _NAMES:
        row[place] = row[place] or ""
    row[_WORKFLOW] = row[_WORKFLOW] or None  # ALONE
    return JobRow(*row)


def rows_of(jobs: QuerySet[Job]) -> list[JobRow]:
    """Without model objects: lists are long."""
    return [_row(values) for values in jobs.values_list(*_COLUMNS)]


class _Counts:
    """Counting a million jobs takes a third of a second, and many look at it: then it is done a tenth of the time."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self.good_until = 0.0

    def by_state(self) -> dict[str, int]:
        began = time.monotonic()
        if began >= self.good_until:
            self.found = dict(Job.objects.order_by().values_list("state").annotate(n=Count("id")))
            took_s = time.monotonic() - began
            self.good_until = began + (COUNT_REST * took_s if took_s > COUNT_QUICK_S else 0.0)
        return dict(self.found)


COUNT_QUICK_S = 0.05
"""What is counted within so many seconds is counted each time."""

COUNT_REST = 10
"""What takes longer is as old as so many times what it took, at most."""

_counts = _Counts()


def count_by_state() -> dict[str, int]:
    """How many jobs are in which state; among very many, some seconds old."""
    return _counts.by_state()


def job_types() -> list[str]:
    return list(JobType.objects.order_by("name").values_list("name", flat=True)[:500])


#: The rest of a JobDetail, in the order of its fields.
_DETAILS = (
    "payload",
    "env",
    "priority",
    "time_limit",
    "needs",
    "eta_at",
    "stale_at",
    "retried",
    "rerun_of",
    "cancelled_by",
    "stream_version",
    "cpu_s",
    "peak_memory",
    "keys",
)


def may_be_amended(uuid: str, attempt: int) -> bool:
    """Whether a late report of this attempt of a lost job would still count."""
    return Job.objects.filter(uuid=uuid, attempt=attempt, state=JobState.LOST).exists()


def find(uuid: str) -> JobDetail | None:
    """One query: between two, the job may have moved on, and half of each would be shown."""
    values = Job.objects.filter(uuid=uuid).values_list(*_COLUMNS, *_DETAILS).first()
    if values is None:
        return None
    return JobDetail(_row(values[: len(_COLUMNS)]), *values[len(_COLUMNS) :])


def log(job_id: int, attempt: int) -> LogTail | None:
    found = JobLog.objects.filter(job=job_id, attempt=attempt).first()
    return None if found is None else LogTail(found.stdout, found.stderr)


def out_by_pilot() -> dict[str, int]:
    """Jobs dispatched or running, by the uuid of the pilot that holds them."""
    counts = Job.objects.filter(state__in=OUT, pilot__isnull=False).order_by()
    return {str(pilot): n for pilot, n in counts.values_list("pilot").annotate(n=Count("id"))}


def held_by_pilot(uuid: str, limit: int = 200) -> list[JobRow]:
    return rows_of(Job.objects.filter(state__in=OUT, pilot=uuid).order_by("-id")[:limit])


def ended_on_pilot(uuid: str, limit: int = 50) -> list[JobRow]:
    newest = Job.objects.aggregate(newest=Max("id"))["newest"] or 0
    jobs = Job.objects.filter(id__gt=newest - RECENT, pilot=uuid).exclude(state__in=OUT)
    return rows_of(jobs.order_by("-id")[:limit])


def of_datasets(uuids: Iterable[str], limit: int) -> list[JobRow]:
    """Newest first."""
    return rows_of(Job.objects.filter(dataset__in=list(uuids)).order_by("-id")[:limit])


def readers_of(dataset: str, limit: int) -> list[JobRow]:
    """Jobs made of it or that read it, newest first. Who gathered its jobs' results read those."""
    reading = Use.objects.filter(dataset=dataset, role="input", source=None, job__isnull=False).values("job")
    ids = {
        *Job.objects.filter(dataset=dataset).order_by("-id").values_list("id", flat=True)[:limit],
        *reading.order_by("-job").values_list("job", flat=True)[:limit],
    }
    return rows_of(Job.objects.filter(id__in=ids).order_by("-id")[:limit])


def writers_of(dataset: str, limit: int) -> list[JobRow]:
    """Jobs that wrote it, newest first."""
    writing = Use.objects.filter(dataset=dataset, role="output", job__isnull=False).values("job")
    return rows_of(Job.objects.filter(id__in=writing).order_by("-id")[:limit])


def states_by_dataset(uuids: Collection[str]) -> dict[str, dict[str, int]]:
    """For each dataset how many of its jobs are in which state, purged ones too; those without jobs are not in it."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    counts = Job.objects.filter(dataset__in=list(uuids)).order_by()
    for dataset, state, n in counts.values_list("dataset", "state").annotate(n=Count("id")):
        found[str(dataset)][state] = n
    for dataset, purged in Dataset.objects.filter(uuid__in=list(uuids)).values_list("uuid", "purged"):
        for state, n in purged.items():
            found[dataset][state] = found[dataset].get(state, 0) + n
    return dict(found)


def states_of_run(run: int) -> dict[str, int]:
    """How many jobs made of the run's files are in which state."""
    counts = Job.objects.filter(dataset__run=run).order_by()
    return dict(counts.values_list("state").annotate(n=Count("id")))


def events(kind: str, object_id: str, limit: int = 100) -> list[EventRow]:
    """Newest first."""
    rows = Event.objects.filter(kind=kind, object_id=object_id).order_by("-at", "-id")[:limit]
    return [EventRow(row.at, row.what, row.who, row.why) for row in rows]
