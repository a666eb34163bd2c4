"""Rows of jobs and pilots as the dictionary store has them, and what the rules make of them."""

from dataclasses import dataclass, field, replace

from p3s.domain.effects import PilotAdded, Queued, Spec
from p3s.domain.needs import Offer, last_moment
from p3s.domain.pool import Out, PilotEntry
from p3s.protocol.states import JobState, PilotState


@dataclass
class JobRow:
    id: int
    job: str
    jobtype: str
    priority: int
    state: JobState
    spec: Spec
    same: str = ""
    rerun_of: str = ""
    attempt: int = 0
    retried: int = 0
    pilot: str = ""
    number: int = 0
    kill_number: int | None = None
    cancelled_by: str = ""
    reason: str = ""
    dispatched_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    wall_s: float | None = None
    ends: list[JobState] = field(default_factory=list)

    def copy(self) -> "JobRow":
        return replace(self, ends=[*self.ends])


@dataclass
class PilotRow:
    pilot: str
    host: str
    slots: int
    lease_s: float
    token_hash: str
    state: PilotState
    offer: Offer
    until: float = float("inf")
    seq: int = 0
    acked: int = 0
    numbered: int = 0
    instruction: str = ""
    instruction_number: int | None = None
    instruction_why: str = ""
    seen_at: float = 0.0

    def copy(self) -> "PilotRow":
        return replace(self)


def queued_of(row: JobRow) -> Queued:
    return Queued(row.id, row.job, row.attempt, row.jobtype, row.priority, row.spec, row.retried)


def out_of(row: JobRow) -> Out:
    return Out(
        row.id,
        row.job,
        row.attempt,
        row.state,
        row.jobtype,
        row.priority,
        row.spec,
        row.pilot,
        row.number,
        row.kill_number,
        row.cancelled_by,
        row.retried,
        row.started_at or row.dispatched_at,
    )


def pilot_row_of(effect: PilotAdded) -> PilotRow:
    return PilotRow(
        effect.pilot,
        effect.host,
        effect.slots,
        effect.lease_s,
        effect.token_hash,
        PilotState.ACTIVE,
        effect.offer or Offer(effect.site, effect.slots),
        last_moment(effect.at + effect.life_s, effect.life_s) if effect.life_s else float("inf"),
        seen_at=effect.at,
    )


def entry_of(row: PilotRow) -> PilotEntry:
    return PilotEntry(
        row.pilot,
        row.host,
        row.slots,
        row.state,
        row.lease_s,
        row.token_hash,
        row.seen_at,
        row.seq,
        row.acked,
        row.numbered,
        instruction=row.instruction,
        instruction_number=row.instruction_number,
        instruction_why=row.instruction_why,
        offer=row.offer,
        until=row.until,
    )
