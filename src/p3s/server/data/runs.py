"""What pages and cold API routes read about runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Sum

from p3s.server.data.models import Dataset, Run


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, its `files` and their `size` in bytes as far as it is known. Moments are epoch seconds; `ended_at` is None
    while it is open."""

    run: int
    type: str
    comment: str
    open: bool
    started_at: float
    ended_at: float | None
    owner: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs; what is empty or None chooses all. `since`, `until`: started, epoch seconds."""

    type: str = ""
    open: bool | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: among the open runs, which come first, or among those that have ended; and at which one."""

    open: bool
    run: int


def page(choice: Choice, limit: int, after: Place | None) -> list[RunRow]:
    """Open ones first, each the highest number first."""
    asked = {"type": choice.type or None, "started_at__gte": choice.since, "started_at__lt": choice.until}
    runs = Run.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    found: list[Run] = []
    for is_open in (True, False):
        if choice.open in (None, is_open) and (after is None or after.open or not is_open):
            part = runs.filter(ended_at__isnull=is_open)
            if after is not None and after.open == is_open:
                part = part.filter(number__lt=after.run)
            found += part.order_by("-number")[: limit - len(found)]
    return _rows(found)


def find(number: int) -> RunRow | None:
    found = _rows(list(Run.objects.filter(number=number)))
    return found[0] if found else None


def _rows(runs: Sequence[Run]) -> list[RunRow]:
    files = Dataset.objects.filter(run__in=[run.number for run in runs], kind="file").order_by().values_list("run")
    counted = {number: (n, size or 0) for number, n, size in files.annotate(n=Count("uuid"), size=Sum("size"))}
    return [
        RunRow(
            run.number,
            run.type,
            run.comment,
            run.ended_at is None,
            run.started_at,
            run.ended_at,
            run.owner,
            *counted.get(run.number, (0, 0)),
        )
        for run in runs
    ]


def file_states(number: int) -> dict[str, int]:
    """How many of its files are in which state."""
    files = Dataset.objects.filter(run=number, kind="file").order_by()
    return dict(files.values_list("state").annotate(n=Count("uuid")))


def beside(number: int) -> tuple[int | None, int | None]:
    """The runs on record just below and above."""
    numbers = Run.objects.values_list("number", flat=True)
    below = numbers.filter(number__lt=number).order_by("-number").first()
    above = numbers.filter(number__gt=number).order_by("number").first()
    return below, above


def near(number: int) -> list[int]:
    """Runs near a number that is none, the nearest first."""
    numbers = Run.objects.values_list("number", flat=True)
    below = numbers.filter(number__lt=number).order_by("-number")[:2]
    above = numbers.filter(number__gt=number).order_by("number")[:2]
    return sorted([*below, *above], key=lambda other: abs(other - number))
