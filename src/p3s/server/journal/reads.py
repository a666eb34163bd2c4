"""What pages and cold API routes read of the journal."""

from dataclasses import dataclass
from typing import Any

from .models import Alarm, Event


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm. Moments are epoch seconds by the server's clock; `cleared_at` is None while it is open."""

    id: int
    cause: str
    kind: str
    message: str
    severity: str
    raised_at: float
    last_at: float
    count: int
    cleared_at: float | None
    ending: str
    detail: dict[str, Any]


def alarms(every: bool, limit: int, before: int | None = None, kind: str = "", severity: str = "") -> list[AlarmRow]:
    """Open alarms, or `every` one; the latest raised first. `before`: the id of the last one seen."""
    rows = Alarm.objects.all() if every else Alarm.objects.filter(cleared_at=None)
    asked = {"id__lt": before, "kind": kind or None, "severity": severity or None}
    rows = rows.filter(**{name: value for name, value in asked.items() if value is not None})
    return [
        AlarmRow(**{name: getattr(row, name) for name in AlarmRow.__slots__}) for row in rows.order_by("-id")[:limit]
    ]


def last_word(kind: str, object_id: str, what: str) -> str:
    """The `why` of the latest event of this kind, or nothing."""
    found = Event.objects.filter(kind=kind, object_id=object_id, what=what).order_by("-id")
    return found.values_list("why", flat=True).first() or ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the record. `at`: epoch seconds."""

    id: int
    at: float
    kind: str
    object_id: str
    what: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is empty or 0 does not matter."""

    who: str = ""
    kind: str = ""
    object_id: str = ""
    since: float = 0.0


def record(only: Wanted, limit: int, before: int | None = None) -> list[Entry]:
    """Newest first; `before` is the `id` of the last one seen."""
    rows = Event.objects.order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    wanted = {"who": only.who, "kind": only.kind, "object_id": only.object_id}
    rows = rows.filter(at__gte=only.since, **{name: value for name, value in wanted.items() if value})
    return [Entry(*values) for values in rows.values_list(*Entry.__slots__)[:limit]]
