"""The writes of pilots in set-based SQL, and the reads that rebuild the book."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from p3s.domain.effects import HostDoubted, HostTrusted, LaneAnswered, PilotAdded, PilotInstructed, PilotMoved
from p3s.domain.hosts import Doubt
from p3s.domain.needs import Offer, last_moment
from p3s.domain.pool import PilotEntry
from p3s.protocol.bounds import clean
from p3s.protocol.states import FINAL_PILOT_STATES, PilotState
from p3s.server.sql import Statement

from .models import HostDoubt, Pilot

ADD = Statement(
    """
INSERT INTO pilots_pilot (uuid, host, site, slots, cores, memory, gpus, tags, runtimes, life_s, state, reason, version,
  python, process, batch_id, owner, token_hash, lease_s, seq, numbered, acked, instruction, instruction_why,
  registered_at, last_seen_at)
SELECT {pilot}, {host}, {site}, {slots}, {cores}, {memory}, {gpus}, {tags}, {runtimes}, {life_s}, 'active', '',
  {version}, {python}, {process}, {batch_id}, {owner}, {token_hash}, {lease_s}, 0, 0, 0, '', '',
  {at}, {at} {rows}
""",
    pilot="text",
    host="text",
    site="text",
    slots="integer",
    cores="integer",
    memory="bigint",
    gpus="integer",
    tags="jsonb",
    runtimes="jsonb",
    life_s="double precision",
    version="text",
    python="text",
    process="integer",
    batch_id="text",
    owner="text",
    token_hash="text",
    lease_s="double precision",
    at="double precision",
)

_NOTHING = Offer(cores=0)


def add(effects: Sequence[PilotAdded]) -> None:
    """Insert registered pilots."""
    ADD.run([_added_row(effect) for effect in effects])


def _added_row(effect: PilotAdded) -> Sequence[Any]:
    offer, columns = effect.offer or _NOTHING, effect.columns
    return (
        effect.pilot,
        effect.host,
        effect.site,
        effect.slots,
        offer.cores,
        offer.memory,
        offer.gpus,
        json.dumps(sorted(offer.tags)),
        json.dumps(sorted(offer.runtimes)),
        float(effect.life_s),
        columns.get("version", ""),
        columns.get("python", ""),
        columns.get("process"),
        columns.get("batch_id", ""),
        effect.owner,
        effect.token_hash,
        float(effect.lease_s),
        effect.at,
    )


MOVE = Statement(
    """
UPDATE pilots_pilot SET state = {after}, reason = {reason}, ended_at = {ended_at}, last_seen_at = {seen_at}
WHERE uuid = {pilot} AND state = {before}
""",
    after="text",
    reason="text",
    ended_at="double precision",
    seen_at="double precision",
    pilot="text",
    before="text",
)


def move(effects: Sequence[PilotMoved]) -> None:
    """Write changes of state; a compare-and-set like those of jobs. One after the other: a pilot may move twice."""
    for effect in effects:
        ended_at = effect.at if effect.after in FINAL_PILOT_STATES else None
        reason, seen_at = clean(effect.reason[:200]), float(effect.seen_at)
        MOVE.run([(effect.after.value, reason, ended_at, seen_at, effect.pilot, effect.before.value)], "pilots moved")


INSTRUCT = Statement(
    """
UPDATE pilots_pilot SET instruction = {instruction}, instruction_number = {number}, instruction_why = {why},
  numbered = CASE WHEN numbered > {number} THEN numbered ELSE {number} END
WHERE uuid = {pilot}
""",
    instruction="text",
    number="bigint",
    why="text",
    pilot="text",
)


def instruct(effects: Sequence[PilotInstructed]) -> None:
    """Write what pilots are told; one after the other: a drain may become a stop."""
    for effect in effects:
        INSTRUCT.run([(effect.instruction, effect.number, clean(effect.why), effect.pilot)], "pilots instructed")


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


def numbers(effect: LaneAnswered) -> list[int]:
    """Of the orders and instructions in an answer; what is outside the numbering has none."""
    orders, instructions = (one.number for one in effect.orders), (one.number for one in effect.instructions)
    return [number for number in chain(orders, instructions) if number]


def write_lanes(effects: Sequence[LaneAnswered]) -> None:
    """Write `seq` and `acked` with the orders that an answer carries. An empty renewal writes nothing."""
    rows = {}
    for effect in effects:
        given = numbers(effect)
        if given:  # of several answers to a pilot in a batch, the last one stands
            rows[effect.pilot] = (effect.seq, effect.acked, max(given), effect.pilot)
    if rows:
        LANE.run(list(rows.values()), "lanes answered")


SEEN = Statement(
    "UPDATE pilots_pilot SET last_seen_at = {at} {rows} WHERE uuid = {pilot}", at="double precision", pilot="text"
)


def flush_seen(seen: Iterable[tuple[str, float]]) -> None:
    """Write in bulk when pilots were last heard: pilot, moment."""
    SEEN.run([(moment, pilot) for pilot, moment in seen])


def in_service() -> list[PilotEntry]:
    """Entries of the pilots that are neither stopped nor lost, the oldest first; their jobs: `jobs.queries.out`."""
    alive = Pilot.objects.exclude(state__in=[state.value for state in FINAL_PILOT_STATES]).order_by(
        "registered_at", "uuid"
    )
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
            instruction_why=row.instruction_why,
            offer=_offer(row),
            until=last_moment(row.registered_at + row.life_s, row.life_s) if row.life_s else float("inf"),
        )
        for row in alive
    ]


def _offer(row: Pilot) -> Offer:
    return Offer(row.site, row.cores or row.slots, row.memory, row.gpus, frozenset(row.tags), frozenset(row.runtimes))


DOUBT = Statement(
    """
INSERT INTO pilots_hostdoubt (host, jobtype, why, since, pause_s, probe_at)
SELECT {host}, {jobtype}, {why}, {since}, {pause_s}, {probe_at} {rows}
""",
    host="text",
    jobtype="text",
    why="text",
    since="double precision",
    pause_s="double precision",
    probe_at="double precision",
)
TRUST = Statement(
    "DELETE FROM pilots_hostdoubt WHERE host = {host} AND jobtype = {jobtype}", host="text", jobtype="text"
)


def judge_hosts(effects: Sequence[HostDoubted | HostTrusted]) -> None:
    """Write what hosts are doubted for, and that doubts are over; of several for one doubt the last one stands."""
    last = {(effect.host, effect.jobtype): effect for effect in effects}
    TRUST.run(list(last))
    doubted = [effect for effect in last.values() if isinstance(effect, HostDoubted)]
    if doubted:
        DOUBT.run([_doubt_row(effect) for effect in doubted])


def _doubt_row(effect: HostDoubted) -> Sequence[Any]:
    times = (float(effect.since), float(effect.pause_s), float(effect.probe_at))
    return (effect.host, effect.jobtype, clean(effect.why)[:500], *times)


def doubts() -> list[tuple[str, Doubt]]:
    """(host, doubt) of those that are in force."""
    return [
        (row.host, Doubt(row.jobtype, row.why, row.since, row.pause_s, row.probe_at))
        for row in HostDoubt.objects.order_by("since")
    ]


def known(pilot: str) -> str | None:
    """The token hash under which a pilot was registered at any time, or None."""
    return Pilot.objects.filter(uuid=pilot).values_list("token_hash", flat=True).first()
