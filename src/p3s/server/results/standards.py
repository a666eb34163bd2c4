"""What values are measured against: limits, reference runs and how coordinates are shown, as people set them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models import OuterRef, Q, Subquery

from p3s.domain.judging import Standard
from p3s.server.results.models import Dimension, Limit, Reference, Result, Series, Value

ALL = ""
"""The category of the reference run for all categories that have none of their own."""


@dataclass(frozen=True, slots=True)
class LimitRow:
    """Limits of a number or of a column, `table/column`."""

    category: str
    item: str
    good: list[float | None] | None
    warn: list[float | None] | None
    drift: list[float] | None
    who: str
    at: float
    why: str

    @property
    def standard(self) -> Standard:
        good, warn, drift = (None if one is None else tuple(one) for one in (self.good, self.warn, self.drift))
        return Standard(good, warn, drift)  # type: ignore[arg-type] # pairs, since the door checked them


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """The reference run of a category, of all others where it is empty."""

    category: str
    run: int
    who: str
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class DimensionRow:
    """How a coordinate is shown."""

    name: str
    order: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    who: str = ""
    at: float = 0.0
    why: str = ""


_LIMIT = ("category", "item", "good", "warn", "drift", "who", "at", "why")
_REFERENCE = ("category", "run", "who", "at", "why")
_DIMENSION = ("name", "order", "labels", "who", "at", "why")


def limits(category: str, limit: int, after: tuple[str, str] | None = None) -> list[LimitRow]:
    """By category and name; `after`: those of the last one seen. An empty category is all."""
    rows = Limit.objects.filter(category=category) if category else Limit.objects.all()
    if after is not None:
        rows = rows.filter(Q(category__gt=after[0]) | Q(category=after[0], item__gt=after[1]))
    return [LimitRow(*row) for row in rows.order_by("category", "item").values_list(*_LIMIT)[:limit]]


def limits_of(categories: Collection[str]) -> dict[str, dict[str, LimitRow]]:
    """By category, then by name."""
    found: dict[str, dict[str, LimitRow]] = {}
    for values in Limit.objects.filter(category__in=categories).values_list(*_LIMIT):
        row = LimitRow(*values)
        found.setdefault(row.category, {})[row.item] = row
    return found


def references() -> list[ReferenceRow]:
    """Of all categories that have one; the one for all others first."""
    return [ReferenceRow(*row) for row in Reference.objects.order_by("category").values_list(*_REFERENCE)]


def reference_runs(categories: Collection[str]) -> dict[str, int]:
    """The reference run of each category that has one, its own or that for all."""
    marks = dict(Reference.objects.filter(category__in=[*categories, ALL]).values_list("category", "run"))
    found = {category: marks.get(category, marks.get(ALL)) for category in categories}
    return {category: run for category, run in found.items() if run is not None}


def reference_values(series: Collection[int], run: int) -> dict[int, float]:
    """The last value of each series in a run; series without one are not in it."""
    newest = Value.objects.filter(series=OuterRef("pk"), run=run, value__isnull=False).order_by("-subrun", "-id")
    asked = Series.objects.filter(pk__in=series).annotate(found=Subquery(newest.values("value")[:1]))
    return dict(asked.filter(found__isnull=False).values_list("pk", "found"))


def of_reference_runs(jobs: Iterable[int]) -> set[int]:
    """Those of some jobs (by number) that published for a run while it is the reference of the result's category."""
    marks = references()
    own = [row.category for row in marks]
    kept = Q(pk__in=[])
    for row in marks:
        of_all = Q(run=row.run) & ~Q(category__in=own)
        kept |= of_all if row.category == ALL else Q(run=row.run, category=row.category)
    return set(Result.objects.filter(kept, job__in=list(jobs)).values_list("job_id", flat=True))


def dimensions() -> list[DimensionRow]:
    """By name."""
    return [DimensionRow(*row) for row in Dimension.objects.order_by("name").values_list(*_DIMENSION)]
