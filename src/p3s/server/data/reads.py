"""What pages and cold API routes read about datasets. What became of them is in `jobs.reads` and `results.reads`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from p3s.server.data.models import Dataset


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One dataset. `registered_at` is epoch seconds by the server's clock, `size` bytes; `purged`: how many of its jobs
    that were purged since had ended how."""

    uuid: str
    name: str
    url: str
    size: int | None
    run: int | None
    subrun: int | None
    state: str
    owner: str
    registered_at: float
    keys: dict[str, int | str] = field(default_factory=dict)
    purged: dict[str, int] = field(default_factory=dict)


def _row(dataset: Dataset) -> DatasetRow:
    return DatasetRow(**{name: getattr(dataset, name) for name in DatasetRow.__slots__})


def _rows(datasets: Iterable[Dataset]) -> list[DatasetRow]:
    return [_row(dataset) for dataset in datasets]


def latest(limit: int, before: float | None = None) -> list[DatasetRow]:
    """Newest first; `before` is the `registered_at` of the last one seen."""
    rows = Dataset.objects.order_by("-registered_at")
    return _rows((rows if before is None else rows.filter(registered_at__lt=before))[:limit])


@dataclass(frozen=True, slots=True)
class Choice:
    """Which datasets; what is empty or None chooses all. `since`, `until`: registered, epoch seconds; `name` is the
    beginning of one."""

    state: str = ""
    owner: str = ""
    name: str = ""
    run: int | None = None
    subrun: int | None = None
    since: float | None = None
    until: float | None = None


def page(choice: Choice, limit: int, after: tuple[float, str] | None) -> list[DatasetRow]:
    """Newest first; `after`: (registered_at, uuid) of the last one seen."""
    asked = {
        "state": choice.state or None,
        "owner": choice.owner or None,
        "name__istartswith": choice.name or None,
        "run": choice.run,
        "subrun": choice.subrun,
        "registered_at__gte": choice.since,
        "registered_at__lt": choice.until,
    }
    rows = Dataset.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    if after is not None:
        at, uuid = after
        rows = rows.filter(registered_at__lte=at).exclude(registered_at=at, uuid__lte=uuid)
    return _rows(rows.order_by("-registered_at", "uuid")[:limit])


def of_run(run: int, limit: int) -> list[DatasetRow]:
    """Newest first."""
    return _rows(Dataset.objects.filter(run=run).order_by("-registered_at")[:limit])


def find(uuid: str) -> DatasetRow | None:
    dataset = Dataset.objects.filter(uuid=uuid).first()
    return None if dataset is None else _row(dataset)


def count_since(moment: float) -> int:
    return Dataset.objects.filter(registered_at__gte=moment).count()


def count() -> int:
    """All datasets known."""
    return Dataset.objects.count()
