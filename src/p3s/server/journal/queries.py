"""Writing events, and reading them by object."""

from collections.abc import Sequence

from p3s.domain.effects import Noted
from p3s.protocol.bounds import clean

from .models import Event


def last(kind: str, object_id: str) -> Event | None:
    """The latest event of an object."""
    return Event.objects.filter(kind=kind, object_id=object_id).order_by("-id").first()


def add(effects: Sequence[Noted]) -> None:
    """Insert events."""
    Event.objects.bulk_create(
        Event(at=e.at, kind=e.kind, object_id=e.object_id, what=e.what, who=e.who[:150], why=clean(e.why))
        for e in effects
    )
