"""Writing events, and reading them by object."""

from collections.abc import Sequence

from p3s.domain.effects import Noted
from p3s.protocol.bounds import clean
from p3s.server.sql import Statement

from .models import Event

ADD = Statement(
    """
INSERT INTO journal_event (at, kind, object_id, what, who, why)
SELECT {at}, {kind}, {object_id}, {what}, {who}, {why} {rows}
""",
    at="double precision",
    kind="text",
    object_id="text",
    what="text",
    who="text",
    why="text",
)


def last(kind: str, object_id: str, what: str = "") -> Event | None:
    """The latest event of an object, of all or of a kind, like `held`."""
    found = Event.objects.filter(kind=kind, object_id=object_id)
    return (found.filter(what=what) if what else found).order_by("-id").first()


def add(effects: Sequence[Noted]) -> None:
    """Insert events."""
    ADD.run([(e.at, e.kind, e.object_id, e.what, e.who[:150], clean(e.why)) for e in effects])
