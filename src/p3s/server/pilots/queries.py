"""The writes of pilots in set-based SQL, and the reads that rebuild the book."""

from collections.abc import Mapping, Sequence

from p3s.domain.book import PilotEntry
from p3s.domain.effects import LaneAnswered, PilotAdded, PilotMoved
from p3s.protocol.bounds import clean
from p3s.protocol.states import FINAL_PILOT_STATES, PilotState
from p3s.server.sql import Statement

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


MOVE = Statement(
    """
UPDATE pilots_pilot SET state = {after}, reason = {reason}, ended_at = {ended_at}
WHERE uuid = {pilot} AND state = {before}
""",
    after="text",
    reason="text",
    ended_at="double precision",
    pilot="text",
    before="text",
)


def move(effects: Sequence[PilotMoved]) -> None:
    """Write changes of state; a compare-and-set like those of jobs. One after the other: a pilot may move twice."""
    for effect in effects:
        ended_at = effect.at if effect.after in FINAL_PILOT_STATES else None
        row = (effect.after.value, clean(effect.reason[:200]), ended_at, effect.pilot, effect.before.value)
        MOVE.run([row], "pilots moved")


LANE = Statement(
    """
UPDATE pilots_pilot SET seq = {seq}, acked = {acked},
  numbered = CASE WHEN numbered > {highest} THEN numbered ELSE {highest} END
WHERE uuid = {pilot}
""",
    seq="bigint",
    acked="bigint",
    highest="bigint",
    pilot="text",
)


def write_lanes(effects: Sequence[LaneAnswered]) -> None:
    """Write `seq` and `acked` with the orders that an answer carries. An empty renewal writes nothing."""
    rows = {}
    for effect in effects:
        numbers = [one.number for one in effect.orders] + [one.number for one in effect.instructions]
        if any(numbers):  # of several answers to a pilot in a batch, the last one stands
            rows[effect.pilot] = (effect.seq, effect.acked, max(numbers), effect.pilot)
    if rows:
        LANE.run(list(rows.values()), "lanes answered")


SEEN = Statement(
    "UPDATE pilots_pilot SET last_seen_at = {at} WHERE uuid = {pilot}", at="double precision", pilot="text"
)


def flush_seen(seen: Mapping[str, float]) -> None:
    """Write in bulk when pilots were last heard."""
    SEEN.run([(moment, pilot) for pilot, moment in seen.items()])


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
