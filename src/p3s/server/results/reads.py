"""What pages and cold API routes read about results.

Shown is the newest attempt per (job type, category, run, subrun, keys); older ones stay in the database.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable, NegatedExpression

from p3s.protocol.results import MAX_ITEMS
from p3s.server.results.models import Item, Result


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result with where it came from. `published_at` is epoch seconds by the server's clock."""

    id: int
    category: str
    run: int | None
    subrun: int | None
    keys: dict[str, int | str]
    status: str
    incomplete: bool
    comment: str
    data_time: str
    published_at: float
    attempt: int
    job: str
    job_id: int
    jobtype: str
    pilot: str | None
    host: str
    dataset: str | None
    dataset_name: str
    stream: str | None
    stream_version: int | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a result; `detail` is its wire form, of which files, limits and drawing are read."""

    id: int
    result: int
    kind: str
    name: str
    by: dict[str, int | str]
    status: str
    comment: str
    group: str
    value: float | None
    error: float | None
    unit: str
    problem: str
    detail: dict[str, Any] = field(default_factory=dict)


#: Where the fields of a ResultRow come from, in their order. No model objects: a page has hundreds of rows, and
#: shares its interpreter with the broker.
_COLUMNS = (
    "id",
    "category",
    "run",
    "subrun",
    "keys",
    "status",
    "incomplete",
    "comment",
    "data_time",
    "published_at",
    "attempt",
    "job__uuid",
    "job_id",
    "job__jobtype_id",
    "job__pilot_id",
    "job__pilot__host",
    "job__dataset_id",
    "job__dataset__name",
    "job__stream_id",
    "job__stream_version",
)
#: Names that an outer join leaves null where there is no pilot or no dataset.
_NAMES = (_COLUMNS.index("job__pilot__host"), _COLUMNS.index("job__dataset__name"))


def _rows(results: QuerySet[Result]) -> list[ResultRow]:
    rows = []
    for values in results.values_list(*_COLUMNS):
        row: list[Any] = list(values)
        for place in _NAMES:
            row[place] = row[place] or ""
        rows.append(ResultRow(*row))
    return rows


def is_newest(result: str = "") -> "NegatedExpression[Combinable]":
    """Whether a row's result (by the prefix of its fields) is of the newest attempt about its subject: one look into an
    index a row. One attempt may publish several documents about one subject."""
    later = Q(job__gt=OuterRef(f"{result}job_id")) | Q(attempt__gt=OuterRef(f"{result}attempt"))
    same = {"subject": OuterRef(f"{result}subject"), "job__gte": OuterRef(f"{result}job_id")}
    return ~Exists(Result.objects.filter(later, **same))


def shown() -> QuerySet[Result]:
    """Those of newest attempts."""
    return Result.objects.filter(is_newest())


def latest(limit: int) -> list[ResultRow]:
    """The `limit` results shown that were published last, newest first."""
    return _rows(shown().order_by("-published_at", "-id")[:limit])


@dataclass(frozen=True, slots=True)
class Choice:
    """Which results; what is empty or None chooses all. `since`, `until`: published, epoch seconds. `every`: older
    attempts too."""

    job: str = ""
    jobtype: str = ""
    stream: str = ""
    category: str = ""
    status: str = ""
    run: int | None = None
    subrun: int | None = None
    since: float | None = None
    until: float | None = None
    every: bool = False


def page(choice: Choice, limit: int, before: int | None = None) -> list[ResultRow]:
    """Newest first; `before`: the id of the last one seen."""
    asked = {
        "job__uuid": choice.job or None,
        "job__jobtype": choice.jobtype or None,
        "job__stream": choice.stream or None,
        "category": choice.category or None,
        "status": choice.status or None,
        "run": choice.run,
        "subrun": choice.subrun,
        "published_at__gte": choice.since,
        "published_at__lt": choice.until,
        "id__lt": before,
    }
    rows = Result.objects.all() if choice.every else shown()
    rows = rows.filter(**{name: value for name, value in asked.items() if value is not None})
    return _rows(rows.order_by("-id")[:limit])


def find(result: int) -> ResultRow | None:
    """One result."""
    found = _rows(Result.objects.filter(pk=result))
    return found[0] if found else None


def of_run(run: int, limit: int) -> list[ResultRow]:
    """The latest `limit` results shown of a run, all subruns, newest first."""
    return _rows(shown().filter(run=run).order_by("-id")[:limit])


def of_dataset(uuid: str, limit: int) -> list[ResultRow]:
    return _rows(shown().filter(job__dataset=uuid).order_by("-id")[:limit])


def of_job(job_id: int, limit: int) -> list[ResultRow]:
    """Every result of a job, older attempts too."""
    return _rows(Result.objects.filter(job=job_id).order_by("-attempt", "position")[:limit])


def items(result_ids: Iterable[int], limit: int) -> dict[int, list[ItemRow]]:
    """Items by result, in the order in which the payload wrote them."""
    found: dict[int, list[ItemRow]] = defaultdict(list)
    rows = Item.objects.filter(result__in=list(result_ids)).order_by("result", "position")
    for item in rows[:limit]:
        found[item.result_id].append(
            ItemRow(
                id=item.pk,
                result=item.result_id,
                kind=item.kind,
                name=item.name,
                by=item.by,
                status=item.status,
                comment=item.comment,
                group=item.group,
                value=item.value,
                error=item.error,
                unit=item.unit,
                problem=item.problem,
                detail=item.detail,
            )
        )
    return dict(found)


PORTION = 10
"""Results whose items are read in one go: each may have megabytes."""


def items_within(results: Sequence[int], most: int) -> dict[int, list[ItemRow]]:
    """Items of the first of some results, in their order: as many results as have `most` items, files, cells and points
    together, and one at least."""
    found: dict[int, list[ItemRow]] = {}
    left = most
    for at in range(0, len(results), PORTION):
        part = results[at : at + PORTION]
        items_of = items(part, len(part) * MAX_ITEMS)
        for result in part:
            left -= sum(map(_weight, items_of.get(result, [])))
            if left < 0 and found:
                return found
            found[result] = items_of.get(result, [])
    return found


def _weight(item: ItemRow) -> int:
    cells = sum(len(row["cells"]) for row in item.detail.get("values") or ())
    return 1 + cells + sum(len(item.detail.get(name) or ()) for name in ("files", "x"))


def first_published(datasets: Iterable[str]) -> dict[str, float]:
    """When the first result of each dataset's jobs was published; datasets without any are not in it."""
    first = Result.objects.filter(job__dataset__in=list(datasets)).order_by()
    return dict(first.values_list("job__dataset").annotate(at=Min("published_at")))


def last_published() -> float | None:
    """When the newest result of all was published."""
    return Result.objects.order_by("-published_at").values_list("published_at", flat=True).first()


def neighbours(run: int) -> tuple[int | None, int | None]:
    """The runs with results just below and above `run`."""
    below = Result.objects.filter(run__lt=run).aggregate(run=Max("run"))["run"]
    above = Result.objects.filter(run__gt=run).aggregate(run=Min("run"))["run"]
    return below, above


def count() -> int:
    """All results published."""
    return Result.objects.count()


def count_of_run(run: int) -> int:
    """The results shown of a run."""
    return shown().filter(run=run).count()


def attempt_of(result: int) -> tuple[str, int] | None:
    """(job UUID, attempt) that published a result: where its files lie."""
    return Result.objects.filter(pk=result).values_list("job__uuid", "attempt").first()
