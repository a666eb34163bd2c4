"""What a database would hold: rows that only effects change, checked against the tables of moves."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from p3s.domain import lifecycle
from p3s.domain.book import AHEAD_PER_SLOT, Book, ClassKey, Out, PilotEntry, Queued
from p3s.domain.effects import (
    Effect,
    JobAdded,
    JobDispatched,
    JobEnded,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    PilotAdded,
    PilotMoved,
    Spec,
)
from p3s.domain.exchange import Past
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_PILOT_STATES, OUT_JOB_STATES, JobState, PilotState


class Broken(AssertionError):
    """An invariant does not hold. The message says which, and when."""


@dataclass
class JobRow:
    id: int
    job: str
    jobtype: str
    priority: int
    state: JobState
    spec: Spec
    attempt: int = 0
    pilot: str = ""
    number: int = 0
    kill_number: int | None = None
    cancelled_by: str = ""
    reason: str = ""
    dispatched_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    ends: list[JobState] = field(default_factory=list)

    def copy(self) -> "JobRow":
        return replace(self, ends=[*self.ends])


@dataclass
class PilotRow:
    pilot: str
    host: str
    site: str
    slots: int
    lease_s: float
    token_hash: str
    state: PilotState
    seq: int = 0
    acked: int = 0
    numbered: int = 0
    seen_at: float = 0.0

    def copy(self) -> "PilotRow":
        return replace(self)


class Store:
    """Durable across crashes of the simulated server. `witness` sees every effect before it is written."""

    def __init__(self, caps: dict[str, int], witness: Callable[[Effect], None] = lambda _: None) -> None:
        self.caps = caps
        self.witness = witness
        self.jobs: dict[str, JobRow] = {}
        self.pilots: dict[str, PilotRow] = {}
        self.submissions: dict[str, list[str]] = {}
        #: (rows, key, row before) of the open transaction.
        self._undo: list[tuple[dict[str, Any], str, Any]] = []

    def write(self, effects: list[Effect]) -> None:
        """Within the open transaction. Each change is a compare-and-set, as in the real tables."""
        for effect in effects:
            self.witness(effect)
            self._remember(effect)
            self._write(effect)

    def commit(self) -> None:
        """The transaction stands."""
        self._check_caps()
        self._undo = []

    def rollback(self) -> None:
        """The transaction never was."""
        for rows, key, row in reversed(self._undo):
            if row is None:
                del rows[key]
            else:
                rows[key] = row
        self._undo = []

    def submitted(self, key: str, jobs: list[str]) -> None:
        """Remember an idempotency key, within the open transaction."""
        self._undo.append((self.submissions, key, None))
        self.submissions[key] = jobs

    def _remember(self, effect: Effect) -> None:
        for rows, key in ((self.jobs, getattr(effect, "job", "")), (self.pilots, getattr(effect, "pilot", ""))):
            if key:
                row = rows.get(key)
                self._undo.append((rows, key, row and row.copy()))

    def _write(self, effect: Effect) -> None:
        match effect:
            case JobAdded():
                if effect.job in self.jobs:
                    raise Broken(f"{effect.job} was added twice")
                self.jobs[effect.job] = JobRow(
                    effect.id, effect.job, effect.jobtype, effect.priority, effect.state, effect.spec
                )
            case JobDispatched():
                row = self._move(effect.job, JobState.DEFINED, JobState.DISPATCHED)
                if effect.attempt != row.attempt + 1:
                    raise Broken(f"{effect.job}: attempt {effect.attempt} after {row.attempt}")
                row.attempt, row.pilot, row.number = effect.attempt, effect.pilot, effect.number
                row.kill_number, row.started_at, row.dispatched_at = None, None, effect.at
            case JobStarted():
                self._move(effect.job, JobState.DISPATCHED, JobState.RUNNING).started_at = effect.at
            case JobReturned():
                row = self._move(effect.job, JobState.DISPATCHED, JobState.DEFINED)
                row.pilot, row.number = "", 0
            case KillOrdered():
                row = self.jobs[effect.job]
                row.kill_number, row.cancelled_by = effect.number, effect.who
            case JobEnded():
                row = self._move(effect.job, effect.before, effect.after)
                row.reason, row.ended_at = effect.reason, effect.at
                row.exit_code = effect.report.exit_code if effect.report else None
                if row.started_at is None:
                    row.started_at = effect.started_at
                row.ends.append(effect.after)
            case PilotAdded():
                self.pilots[effect.pilot] = PilotRow(
                    effect.pilot,
                    effect.host,
                    effect.site,
                    effect.slots,
                    effect.lease_s,
                    effect.token_hash,
                    PilotState.ACTIVE,
                    seen_at=effect.at,
                )
            case PilotMoved():
                lifecycle.check_pilot_move(effect.pilot, effect.before, effect.after)
                self.pilots[effect.pilot].state = effect.after
            case LaneAnswered():
                self._write_lane(effect)
            case _:
                pass

    def _write_lane(self, effect: LaneAnswered) -> None:
        row = self.pilots[effect.pilot]
        numbers = [one.number for one in effect.orders] + [one.number for one in effect.instructions]
        if any(numbers):
            row.seq, row.acked, row.numbered = effect.seq, effect.acked, max(row.numbered, *numbers)

    def _move(self, job: str, before: JobState, after: JobState) -> JobRow:
        row = self.jobs[job]
        lifecycle.check_job_move(job, before, after)
        if row.state is not before:
            raise Broken(f"{job}: the book says {before}, the row {row.state}")
        if after in FINAL_JOB_STATES and row.ends and row.ends != [JobState.LOST]:
            raise Broken(f"{job} ended {row.ends} and again as {after}")
        row.state = after
        return row

    def _check_caps(self) -> None:
        out = Counter(row.jobtype for row in self.jobs.values() if row.state in OUT_JOB_STATES)
        for jobtype, cap in self.caps.items():
            if out[jobtype] > cap:
                raise Broken(f"{out[jobtype]} jobs of {jobtype} are out, its cap is {cap}")
        filled = Counter(row.pilot for row in self.jobs.values() if row.state in OUT_JOB_STATES)
        for pilot, count in filled.items():
            slots = self.pilots[pilot].slots
            if count > slots * (1 + AHEAD_PER_SLOT):
                raise Broken(f"{count} jobs are out to {pilot}, which has {slots} slots")

    # ---- reading

    def past(self, job: str) -> Past | None:
        """A job's row as the rules want it."""
        row = self.jobs.get(job)
        if row is None:
            return None
        since = row.started_at or row.dispatched_at
        return Past(row.id, row.state, row.attempt, row.pilot, row.started_at, since)

    def queued(self, key: ClassKey, limit: int) -> tuple[list[Queued], bool]:
        """The oldest queued jobs of a class, and whether there are more."""
        rows = sorted(
            (row for row in self.jobs.values() if row.state is JobState.DEFINED and _key(row) == key),
            key=lambda row: row.id,
        )
        return [_queued(row) for row in rows[:limit]], len(rows) > limit

    def load(self, now: float, window: int) -> Book:
        """The book of a server that starts now."""
        book = Book(now, window)
        book.caps = dict(self.caps)
        book.next_id = max((row.id for row in self.jobs.values()), default=0) + 1
        for pilot in sorted(self.pilots.values(), key=lambda row: (row.seen_at, row.pilot)):
            if pilot.state not in FINAL_PILOT_STATES:
                book.restore_pilot(_entry(pilot))
        for row in sorted(self.jobs.values(), key=lambda row: row.number):
            if row.state in OUT_JOB_STATES:
                book.restore_out(_out(row))
        for key in sorted({_key(row) for row in self.jobs.values() if row.state is JobState.DEFINED}):
            book.refill(key, *self.queued(key, window))
        return book


def _key(row: JobRow) -> ClassKey:
    return (row.jobtype, row.priority)


def _queued(row: JobRow) -> Queued:
    return Queued(row.id, row.job, row.attempt, row.jobtype, row.priority, row.spec)


def _out(row: JobRow) -> Out:
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
        row.started_at or row.dispatched_at,
    )


def _entry(row: PilotRow) -> PilotEntry:
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
        site=row.site,
    )
