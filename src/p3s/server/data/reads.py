"""What pages and cold API routes read about datasets. What became of them is in `jobs.reads` and `results.reads`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from p3s.server.data.models import Arrival, Dataset, Member
from p3s.server.sql import among


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One dataset. `registered_at` is epoch seconds by the server's clock, `size` bytes; of a set `members` counts its
    files and `size` adds them up. `purged`: how many of its jobs that were purged since had ended how. `came_from`:
    where it was registered, when it lies elsewhere now."""

    uuid: str
    name: str
    url: str
    came_from: str | None
    kind: str
    datatype: str | None
    size: int | None
    adler32: str
    modified_at: float | None
    run: int | None
    subrun: int | None
    comment: str
    state: str
    owner: str
    registered_at: float
    members: int | None
    keys: dict[str, int | str] = field(default_factory=dict)
    purged: dict[str, int] = field(default_factory=dict)


_OTHERWISE = ("datatype", "members", "size")
_PLAIN = tuple(name for name in DatasetRow.__slots__ if name not in _OTHERWISE)


def _rows(datasets: Iterable[Dataset]) -> list[DatasetRow]:
    found = list(datasets)
    counted = _counted([dataset.uuid for dataset in found if dataset.kind == "set"])
    rows = []
    for dataset in found:
        members, size = counted.get(dataset.uuid, (0, 0)) if dataset.kind == "set" else (None, dataset.size)
        values: dict[str, Any] = {name: getattr(dataset, name) for name in _PLAIN}
        rows.append(DatasetRow(**values, datatype=dataset.datatype_id, members=members, size=size))
    return rows


def _counted(sets: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How many files each of the sets has, and their bytes."""
    if not sets:
        return {}
    counts = Member.objects.filter(set__in=sets).order_by().values_list("set")
    return {uuid: (n, size or 0) for uuid, n, size in counts.annotate(n=Count("id"), size=Sum("dataset__size"))}


def _arrived() -> QuerySet[Dataset]:
    """Files that came or were named, without those whose records workflows made: what they will write is data of no
    detector, and two thousand of it at once say nothing about whether data flows."""
    return Dataset.objects.filter(kind="file", metadata__workflow__isnull=True)


def arrived(limit: int) -> list[DatasetRow]:
    """The latest files that arrived, newest first; those of workflows are none of them."""
    return _rows(_arrived().order_by("-registered_at")[:limit])


def count_arrived(since: float, most: int) -> int:
    """How many files arrived since then, epoch seconds; counted up to `most`."""
    return _arrived().filter(registered_at__gte=since)[:most].count()


@dataclass(frozen=True, slots=True)
class Choice:
    """Which datasets; what is empty or None chooses all. `since`, `until`: registered, epoch seconds; `name` is the
    beginning of one; `stream` was told of it; `set`, the UUID of one, has it; `which`: its UUID, URL or whole name, or
    the URL at which it was registered."""

    state: str = ""
    owner: str = ""
    name: str = ""
    run: int | None = None
    subrun: int | None = None
    since: float | None = None
    until: float | None = None
    kind: str = ""
    datatype: str = ""
    stream: str = ""
    set: str = ""
    which: str = ""


def page(choice: Choice, limit: int, after: tuple[float, str] | None) -> list[DatasetRow]:
    """Newest first; `after`: (registered_at, uuid) of the last one seen."""
    return _rows(chosen(choice, after)[:limit])


def chosen(choice: Choice, after: tuple[float, str] | None) -> QuerySet[Dataset]:
    """As `page` has them. Of a stream that had a million they are found newest first, not sorted each time."""
    asked = {
        "state": choice.state or None,
        "owner": choice.owner or None,
        "name__istartswith": choice.name or None,
        "run": choice.run,
        "subrun": choice.subrun,
        "registered_at__gte": choice.since,
        "registered_at__lt": choice.until,
        "kind": choice.kind or None,
        "datatype": choice.datatype or None,
        "sets__set": choice.set or None,
        "uuid__in": _matching(choice.which) if choice.which else None,
    }
    rows = Dataset.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    if choice.stream:
        rows = rows.filter(Exists(Arrival.objects.filter(dataset=OuterRef("uuid"), stream=choice.stream)))
    if after is not None:
        at, uuid = after
        rows = rows.filter(registered_at__lte=at).exclude(registered_at=at, uuid__lte=uuid)
    return rows.order_by("-registered_at", "uuid")


MOST_OF_ONE_NAME = 1_000


def _matching(which: str) -> list[str]:
    """A UUID or URL is of one; a name may be of several. Where none of them is, the file that came there is meant."""
    for field_name in ("uuid", "url"):
        found = list(Dataset.objects.filter(**{field_name: which}).values_list("uuid", flat=True))
        if found:
            return found
    named = list(Dataset.objects.filter(name=which).values_list("uuid", flat=True)[:MOST_OF_ONE_NAME])
    return named or list(moved_from([which]).values())


def matching(which: str, limit: int) -> list[DatasetRow]:
    """Those that `which` may mean: a UUID, a URL, a whole name, or the URL at which one was registered."""
    return page(Choice(which=which), limit, None)


def of_run(run: int, limit: int) -> list[DatasetRow]:
    """Newest first."""
    return _rows(Dataset.objects.filter(run=run).order_by("-registered_at")[:limit])


def find(uuid: str) -> DatasetRow | None:
    found = _rows(Dataset.objects.filter(uuid=uuid))
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class ArrivalRow:
    """What a stream made of a file when it arrived; `fate` is of `states.Fate`. `at`: epoch seconds."""

    stream: str
    stream_version: int
    fate: str
    reason: str
    manual: bool
    at: float


def arrivals(uuid: str) -> list[ArrivalRow]:
    """In the order in which streams were told of it."""
    columns = ("stream_id", *ArrivalRow.__slots__[1:])
    return [ArrivalRow(*values) for values in Arrival.objects.filter(dataset=uuid).order_by("id").values_list(*columns)]


@dataclass(frozen=True, slots=True)
class Name:
    """An object, for a link to it."""

    uuid: str
    name: str


def sets_with(uuid: str, limit: int) -> list[Name]:
    """Sets that have the file, by name."""
    sets = Dataset.objects.filter(members__dataset=uuid).order_by("name")
    return [Name(*values) for values in sets.values_list("uuid", "name")[:limit]]


def metadata(uuid: str) -> dict[str, Any]:
    """What a file's side-car said beyond the columns."""
    found: dict[str, Any] = Dataset.objects.values_list("metadata", flat=True).get(uuid=uuid)
    return found


def maker(uuid: str) -> str:
    """The workflow by which its record was made, or ""."""
    return str(metadata(uuid).get("workflow") or "")[:36]


def made_by_workflows(uuids: Iterable[str]) -> set[str]:
    """Those of them whose record was made by a workflow, whose jobs read and write them."""
    made = Dataset.objects.filter(uuid__in=list(uuids), metadata__workflow__isnull=False)
    return set(made.values_list("uuid", flat=True))


def known(urls: Iterable[str]) -> dict[str, str]:
    """UUIDs of files at these addresses, by address; where none is now, of the last that was registered there."""
    asked = list(urls)
    found = dict(Dataset.objects.filter(url__in=among(asked)).values_list("url", "uuid"))
    return moved_from([url for url in asked if url not in found]) | found


def moved_from(urls: Sequence[str]) -> dict[str, str]:
    """UUIDs of files that were registered at these addresses and lie elsewhere now, the newest of each, by address."""
    if not urls:
        return {}
    moved = Dataset.objects.filter(came_from__isnull=False, came_from__in=among(urls))
    oldest_first = moved.order_by("registered_at", "uuid").values_list("came_from", "uuid")
    return {str(url): uuid for url, uuid in oldest_first}


def registered(uuids: Iterable[str]) -> dict[str, float]:
    """When these came, by UUID."""
    return dict(Dataset.objects.filter(uuid__in=list(uuids)).values_list("uuid", "registered_at"))


def count() -> int:
    """All datasets known."""
    return Dataset.objects.count()
