"""The writes of pilots in set-based SQL, and the reads that rebuild the book."""

from collections.abc import Mapping, Sequence

from django.db import connection

from p3s.domain.book import PilotEntry
from p3s.domain.effects import LaneAnswered, PilotAdded, PilotMoved
from p3s.protocol.bounds import clean
from p3s.protocol.states import FINAL_PILOT_STATES, PilotState
from p3s.server.sql import many

from .models import Pilot


def add(effects: Sequence[PilotAdded]) -> None:
    """Insert registered pilots."""
    Pilot.objects.bulk_create(
        Pilot(
            uuid=effect.pilot,
            host=effect.host,
            site=effect.site,
            slots=effect.slots,
            state=PilotState.ACTIVE.value,
            owner=effect.owner,
            token_hash=effect.token_hash,
            lease_s=effect.lease_s,
            registered_at=effect.at,
            last_seen_at=effect.at,
            **effect.columns,
        )
        for effect in effects
    )


MOVE = "UPDATE pilots_pilot SET state = %s, reason = %s, ended_at = %s WHERE uuid = %s AND state = %s"


def move(effects: Sequence[PilotMoved]) -> None:
    """Write changes of state; a compare-and-set like those of jobs."""
    with connection.cursor() as cursor:
        for effect in effects:
            ended_at = effect.at if effect.after in FINAL_PILOT_STATES else None
            parameters = [effect.after.value, clean(effect.reason[:200]), ended_at, effect.pilot, effect.before.value]
            cursor.execute(MOVE, parameters)
            if cursor.rowcount != 1:
                raise RuntimeError(f"pilot {effect.pilot} was not {effect.before} as expected")


LANE = """
UPDATE pilots_pilot SET seq = %s, acked = %s, numbered = CASE WHEN numbered > %s THEN numbered ELSE %s END
WHERE uuid = %s
"""


def write_lanes(effects: Sequence[LaneAnswered]) -> None:
    """Write `seq` and `acked` with the orders that an answer carries. An empty renewal writes nothing."""
    rows = []
    for effect in effects:
        numbers = [one.number for one in effect.orders] + [one.number for one in effect.instructions]
        if any(numbers):
            highest = max(numbers)
            rows.append((effect.seq, effect.acked, highest, highest, effect.pilot))
    if rows:
        many(LANE, rows)


SEEN = "UPDATE pilots_pilot SET last_seen_at = %s WHERE uuid = %s"


def flush_seen(seen: Mapping[str, float]) -> None:
    """Write in bulk when pilots were last heard."""
    many(SEEN, [(moment, pilot) for pilot, moment in seen.items()])


def in_service() -> list[PilotEntry]:
    """Entries of the pilots that are neither stopped nor lost, the oldest first; their jobs: `jobs.queries.out`."""
    alive = Pilot.objects.exclude(state__in=[state.value for state in FINAL_PILOT_STATES]).order_by(
        "registered_at", "uuid"
    )
    return [
        PilotEntry(
            pilot=row.uuid,
            host=row.host,
            site=row.site,
            slots=row.slots,
            state=PilotState(row.state),
            lease_s=row.lease_s,
            token_hash=row.token_hash,
            last_seen=row.last_seen_at,
            seq=row.seq,
            acked=row.acked,
            numbered=row.numbered,
            instruction=row.instruction,
            instruction_number=row.instruction_number,
        )
        for row in alive
    ]


def known(pilot: str) -> str | None:
    """The token hash under which a pilot was registered at any time, or None."""
    return Pilot.objects.filter(uuid=pilot).values_list("token_hash", flat=True).first()
