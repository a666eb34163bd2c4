"""The writes of pilots in set-based SQL, and the reads that rebuild the book."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from p3s.domain.effects import HostDoubted, HostTrusted, LaneAnswered, PilotAdded, PilotMoved
from p3s.domain.hosts import Doubt
from p3s.domain.needs import Offer, last_moment
from p3s.domain.pool import PilotEntry
from p3s.protocol.bounds import clean
from p3s.protocol.states import FINAL_PILOT_STATES, PilotState
from p3s.server.sql import many

from .models import HostDoubt, Pilot


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
            life_s=effect.life_s,
            **_offered(effect.offer),
            **effect.columns,
        )
        for effect in effects
    )


def _offered(offer: Offer | None) -> dict[str, Any]:
    if offer is None:
        return {}
    return {
        "cores": offer.cores,
        "memory": offer.memory,
        "gpus": offer.gpus,
        "tags": sorted(offer.tags),
        "runtimes": sorted(offer.runtimes),
    }


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
    """Entries of the pilots that are neither stopped nor lost; their jobs come from `jobs.queries.out`."""
    alive = Pilot.objects.exclude(state__in=[state.value for state in FINAL_PILOT_STATES])
    return [
        PilotEntry(
            pilot=row.uuid,
            host=row.host,
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
            offer=_offer(row),
            until=last_moment(row.registered_at + row.life_s, row.life_s) if row.life_s else float("inf"),
        )
        for row in alive
    ]


def _offer(row: Pilot) -> Offer:
    return Offer(row.site, row.cores or row.slots, row.memory, row.gpus, frozenset(row.tags), frozenset(row.runtimes))


def doubt(effects: Sequence[HostDoubted]) -> None:
    """Write that hosts are doubted, or doubted further."""
    for effect in effects:
        values = {"since": effect.since, "pause_s": effect.pause_s, "probe_at": effect.probe_at}
        why = clean(effect.why)[:500]
        HostDoubt.objects.update_or_create(host=effect.host, jobtype=effect.jobtype, defaults={**values, "why": why})


def trust(effects: Sequence[HostTrusted]) -> None:
    """Write that doubts are over."""
    for effect in effects:
        HostDoubt.objects.filter(host=effect.host, jobtype=effect.jobtype).delete()


def doubts() -> list[tuple[str, Doubt]]:
    """(host, doubt) of those that are in force."""
    return [
        (row.host, Doubt(row.jobtype, row.why, row.since, row.pause_s, row.probe_at))
        for row in HostDoubt.objects.order_by("since")
    ]


def known(pilot: str) -> str | None:
    """The token hash under which a pilot was registered at any time, or None."""
    return Pilot.objects.filter(uuid=pilot).values_list("token_hash", flat=True).first()
