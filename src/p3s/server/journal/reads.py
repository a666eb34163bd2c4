"""What pages and cold API routes read of the journal."""

from dataclasses import dataclass
from typing import Any

from .models import Alarm


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


def alarms(
    every: bool, limit: int, before: int | None = None, kind: str = "", severity: str = ""
) -> list[AlarmRow]:
    """Open alarms, or `every` one; the latest raised first. `before`: the id of the last one seen."""
    rows = Alarm.objects.all() if every else Alarm.objects.filter(cleared_at=None)
    asked = {"id__lt": before, "kind": kind or None, "severity": severity or None}
    rows = rows.filter(**{name: value for name, value in asked.items() if value is not None})
    return [
        AlarmRow(**{name: getattr(row, name) for name in AlarmRow.__slots__}) for row in rows.order_by("-id")[:limit]
    ]


def open_alarms() -> int:
    """How many alarms are open."""
    return Alarm.objects.filter(cleared_at=None).count()
