"""Trends: the values of a number, or of a cell of a table, over runs. One question to an index each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from p3s.server.results.models import NO_NUMBER, Series, Value
from p3s.server.results.reads import is_newest

MOST_LOOKED_AT = 10_000
"""Series of one name whose coordinates are looked at."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What is trended."""

    id: int
    category: str
    name: str
    item: str
    column: str
    by: dict[str, int | str]
    unit: str


@dataclass(frozen=True, slots=True)
class PointRow:
    """One value with what it was measured against, and where it came from."""

    run: int | None
    subrun: int | None
    keys: dict[str, int | str]
    at: float
    value: float | None
    error: float | None
    status: str
    good: tuple[float | None, float | None] | None
    warn: tuple[float | None, float | None] | None
    deviation: float | None
    reference: int | None
    result: int
    job: str
    jobtype: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which series; what is empty chooses all. `item`: an item's name, or `table/column`. `by`: those that have these
    coordinates, written as texts."""

    category: str = ""
    item: str = ""
    column: str = ""
    by: Mapping[str, str] = field(default_factory=dict)


_SERIES = ("id", "category", "name", "item", "column", "by", "unit")


def series(choice: Choice, limit: int, after: int | None = None) -> list[SeriesRow]:
    """By category, name and coordinates; `after`: the last one seen. Raises Series.DoesNotExist when that is gone."""
    rows = Series.objects.order_by("category", "name", "place", "id")
    if choice.category:
        rows = rows.filter(category=choice.category)
    if choice.item:
        rows = rows.filter(Q(name=choice.item) | Q(item=choice.item))
    if choice.column:
        rows = rows.filter(column=choice.column)
    if after is not None:
        rows = rows.filter(_beyond(Series.objects.get(pk=after)))
    found = (SeriesRow(*row) for row in rows.values_list(*_SERIES)[: MOST_LOOKED_AT if choice.by else limit])
    return [row for row in found if _has(row.by, choice.by)][:limit]


def is_known(series: int) -> bool:
    """Whether there is such a series."""
    return Series.objects.filter(pk=series).exists()


def _beyond(last: Series) -> Q:
    """What comes after a series."""
    beyond, same = Q(), Q()
    for name in ("category", "name", "place", "id"):
        value = getattr(last, name)
        beyond |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return beyond


def _has(by: Mapping[str, object], asked: Mapping[str, str]) -> bool:
    return all(name in by and str(by[name]) == value for name, value in asked.items())


@dataclass(frozen=True, slots=True)
class Span:
    """Which values: the `last` ones of runs from `since_run` to `until_run`. `every`: older attempts' too."""

    last: int
    since_run: int | None = None
    until_run: int | None = None
    every: bool = False


_POINT = (
    *("run", "subrun", "result__keys", "at", "value", "error", "status", "good_low", "good_high", "warn_low"),
    *("warn_high", "deviation", "reference", "result_id", "result__job__uuid", "result__job__jobtype_id"),
)


def points(series: int, span: Span) -> list[PointRow]:
    """In the order of runs and subruns; those of one, as they came."""
    rows: QuerySet[Value] = Value.objects.filter(series=series)
    if span.since_run is not None:
        rows = rows.filter(run__gte=span.since_run)
    if span.until_run is not None:
        rows = rows.filter(run__lte=span.until_run)
    if not span.every:
        rows = rows.filter(is_newest("result__"))
    found = rows.order_by("-run", "-subrun", "-id").values_list(*_POINT)[: span.last]
    return [_point(row) for row in reversed(found)]


def _point(row: tuple[Any, ...]) -> PointRow:
    run, subrun, keys, at, value, error, status, good_low, good_high, warn_low, warn_high, *rest = row
    place = (_given(run), _given(subrun), keys, at)
    limits = (_pair(good_low, good_high), _pair(warn_low, warn_high))
    return PointRow(*place, value, error, status, *limits, *rest)


def _given(number: int) -> int | None:
    return None if number == NO_NUMBER else number


def _pair(low: float | None, high: float | None) -> tuple[float | None, float | None] | None:
    return None if low is None and high is None else (low, high)


def without_values(series: Iterable[int]) -> list[int]:
    """Those of some series that have no values."""
    return list(Series.objects.filter(pk__in=list(series), value__isnull=True).values_list("pk", flat=True))
