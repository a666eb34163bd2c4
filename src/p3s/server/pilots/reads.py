"""What pages and cold API routes read about pilots."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Count, Sum

from p3s.server.pilots import hearing
from p3s.server.pilots.models import Pilot

ALIVE = ("active", "draining")


@dataclass(frozen=True, slots=True)
class PilotRow:
    """One pilot. Moments are epoch seconds by the server's clock. `silent_s`: for how long a silent one was not
    heard."""

    uuid: str
    host: str
    site: str
    slots: int
    state: str
    reason: str
    version: str
    python: str
    process: int | None
    batch_id: str
    owner: str
    lease_s: float
    registered_at: float
    last_seen_at: float
    ended_at: float | None
    silent_s: float | None = None


_COLUMNS = tuple(name for name in PilotRow.__slots__ if name != "silent_s")


def _row(pilot: Pilot) -> PilotRow:
    row = PilotRow(**{name: getattr(pilot, name) for name in _COLUMNS})
    heard = hearing.of(row.uuid) if row.state in ALIVE else None
    return replace(row, last_seen_at=heard.last_seen_at, silent_s=heard.silent_s) if heard else row


def _rows(pilots: Iterable[Pilot]) -> list[PilotRow]:
    return [_row(pilot) for pilot in pilots]


def alive(limit: int = 500) -> list[PilotRow]:
    """Pilots that may hold jobs, by host."""
    return _rows(Pilot.objects.filter(state__in=ALIVE).order_by("host", "registered_at")[:limit])


def ended(limit: int = 50) -> list[PilotRow]:
    """Pilots that are gone, the latest registered first."""
    return _rows(Pilot.objects.exclude(state__in=ALIVE).order_by("-registered_at")[:limit])


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pilots; what is empty chooses all."""

    states: tuple[str, ...] = ()
    site: str = ""
    host: str = ""
    batch_id: str = ""
    owner: str = ""


def page(choice: Choice, limit: int, after: tuple[float, str] | None) -> list[PilotRow]:
    """The latest registered first; `after`: (registered_at, uuid) of the last one seen."""
    asked = {"site": choice.site, "host": choice.host, "batch_id": choice.batch_id, "owner": choice.owner}
    pilots = Pilot.objects.filter(**{name: value for name, value in asked.items() if value})
    if choice.states:
        pilots = pilots.filter(state__in=choice.states)
    if after is not None:
        at, uuid = after
        pilots = pilots.filter(registered_at__lte=at).exclude(registered_at=at, uuid__lte=uuid)
    return _rows(pilots.order_by("-registered_at", "uuid")[:limit])


def find(uuid: str) -> PilotRow | None:
    pilot = Pilot.objects.filter(uuid=uuid).first()
    return None if pilot is None else _row(pilot)


def slots() -> int:
    """Of all pilots in service."""
    return Pilot.objects.filter(state__in=ALIVE).aggregate(slots=Sum("slots"))["slots"] or 0


def count_by_state() -> dict[str, int]:
    return dict(Pilot.objects.order_by().values_list("state").annotate(n=Count("uuid")))
