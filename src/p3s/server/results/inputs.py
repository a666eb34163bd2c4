"""What cold API routes read of a job's inputs: files of data, and what other jobs have published."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from p3s.domain.workflows.expansion import OWN
from p3s.server.jobs.models import Job, Use

from .models import Item


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that a job has published, with the item that names it first."""

    path: str
    category: str
    item: str
    kind: str


@dataclass(slots=True)
class InputRow:
    """One thing that a job reads. `id` orders them; `attempt` is that of the other job which stands."""

    id: int
    job: str | None
    attempt: int
    jobtype: str
    dataset: str | None
    name: str
    url: str
    run: int | None
    subrun: int | None
    keys: dict[str, Any]
    variable: str
    files: list[FileRow] = field(default_factory=list)


_COLUMNS = (
    "id",
    "source__uuid",
    "was_source",
    "source_id",
    "source__attempt",
    "source__jobtype_id",
    "dataset_id",
    "dataset__name",
    "dataset__url",
    "dataset__run",
    "dataset__subrun",
    "dataset__keys",
    "variable",
)


def of_job(job: str, limit: int, after: int | None) -> list[InputRow] | None:
    """What a job reads, `after` an id, its own input first; None for a job that is none."""
    found = Job.objects.filter(uuid=job).select_related("dataset").first()
    if found is None:
        return None
    uses = Use.objects.filter(job=found, role="input", id__gt=after or 0).order_by("id")
    rows, sources = [], {}
    for id, uuid, was, source, attempt, jobtype, dataset, *about in uses.values_list(*_COLUMNS)[:limit]:
        name, url, run, subrun, keys, variable = about
        row = InputRow(
            id,
            uuid or was,
            attempt or 0,
            jobtype or "",
            dataset,
            name or "",
            url or "",
            run,
            subrun,
            keys or {},
            variable,
        )
        rows.append(row)
        if source is not None:
            sources[source] = row
    _add_files(sources)
    return [*_own(found), *rows][:limit] if after is None else rows


def _add_files(sources: dict[int, InputRow]) -> None:
    attempts = {source: row.attempt for source, row in sources.items()}
    items = Item.objects.filter(result__job__in=list(sources), problem="").order_by("result__position", "position")
    named: dict[int, set[str]] = defaultdict(set)
    columns = ("result__job_id", "result__attempt", "result__category", "name", "kind", "detail")
    for source, attempt, category, name, kind, detail in items.values_list(*columns):
        if attempts[source] == attempt:
            for path in _paths(detail):
                if path not in named[source]:
                    named[source].add(path)
                    sources[source].files.append(FileRow(path, category, name, kind))


def _paths(detail: dict[str, Any]) -> Iterable[str]:
    """The files of an item in wire form."""
    return (entry["path"] for entry in detail.get("files") or [])


def _own(job: Job) -> list[InputRow]:
    """The file that a job is made of, unless it is among those that it reads: a workflow's node has it there when its
    record was made with the workflow."""
    data = job.dataset
    if Use.objects.filter(job=job, role="input", variable=OWN).exists():
        return []
    if data is None:
        if not job.input:
            return []
        name = job.input.rstrip("/").rpartition("/")[2]
        return [InputRow(0, None, 0, "", None, name, job.input, job.run, job.subrun, job.keys, "")]
    return [InputRow(0, None, 0, "", data.uuid, data.name, data.url, data.run, data.subrun, data.keys, "")]


def attempt_read(job: str, source: str) -> int | None:
    """The attempt of another job whose results a job reads; None when it does not read that job."""
    found = Use.objects.filter(job__uuid=job, source__uuid=source, role="input")
    attempt: int | None = found.values_list("source__attempt", flat=True).first()
    return attempt


def count(job_id: int) -> int:
    """How many other jobs a job reads."""
    return Use.objects.filter(job=job_id, role="input").exclude(source=None, was_source=None).count()
