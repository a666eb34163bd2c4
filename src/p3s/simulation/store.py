"""What a database would hold: rows that only effects change, checked against the tables of moves."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from p3s.domain import lifecycle
from p3s.domain.book import Book
from p3s.domain.effects import (
    ClassKey,
    Effect,
    HostDoubted,
    HostTrusted,
    JobAdded,
    JobAdjusted,
    JobDispatched,
    JobEnded,
    JobHeld,
    JobReady,
    JobReleased,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    Paused,
    PilotAdded,
    PilotInstructed,
    PilotMoved,
    Queued,
    Resumed,
    TypeDeclared,
)
from p3s.domain.estimates import RECENT
from p3s.domain.exchange import Known, Past
from p3s.domain.hosts import Doubt
from p3s.domain.queue import PLACES
from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.errors import Conflict
from p3s.protocol.messages import AHEAD_PER_SLOT, ANYWHERE, JobTypeSpec, Report
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_PILOT_STATES, OUT_JOB_STATES, WAITING_JOB_STATES, JobState

from .rows import JobRow, PilotRow, entry_of, out_of, pilot_row_of, queued_of


class Broken(AssertionError):
    """An invariant does not hold. The message says which, and when."""


class Store:
    """Durable across crashes of the simulated server. `witness` sees every effect before it is written."""

    def __init__(self, types: Iterable[JobTypeSpec], witness: Callable[[Effect], None] = lambda _: None) -> None:
        self.witness = witness
        self.types = {spec.name: spec for spec in types}
        self.doubts: dict[str, Doubt] = {}
        self.pauses: dict[str, Paused] = {}
        self.jobs: dict[str, JobRow] = {}
        self.pilots: dict[str, PilotRow] = {}
        self.submissions: dict[str, list[str]] = {}
        #: What attempts have published.
        self.published: dict[tuple[str, int], list[str]] = {}
        #: Types of which a job was handed out in the open transaction.
        self._handed_out: set[str] = set()
        #: (rows, key, row before) of the open transaction.
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

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
        self._handed_out = set()

    def rollback(self) -> None:
        """The transaction never was."""
        for rows, key, row in reversed(self._undo):
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        self._undo = []
        self._handed_out = set()

    def submitted(self, key: str, jobs: list[str]) -> None:
        """Remember an idempotency key, within the open transaction."""
        self._undo.append((self.submissions, key, None))
        self.submissions[key] = jobs

    def publish(self, job: str, attempt: int, names: list[str]) -> None:
        """Take results of an attempt in force, or of a lost one, once, within the open transaction. Raises Conflict."""
        row = self.jobs[job]
        if (job, attempt) in self.published:
            return
        if row.attempt != attempt or row.state not in (*OUT_JOB_STATES, JobState.LOST):
            raise Conflict(f"attempt {attempt} of {job} is not in force")
        self._undo.append((self.published, (job, attempt), None))
        self.published[job, attempt] = names

    def _remember(self, effect: Effect) -> None:
        """What the rows were that an effect changes."""
        queued = getattr(effect, "queued", None)
        changed: list[tuple[dict[str, Any], str]] = [
            (self.jobs, queued.job if queued else getattr(effect, "job", "")),
            (self.pilots, getattr(effect, "pilot", "")),
        ]
        if isinstance(effect, (HostDoubted, HostTrusted)):
            changed.append((self.doubts, f"{effect.host}/{effect.jobtype}"))
        if isinstance(effect, (Paused, Resumed)):
            changed.append((self.pauses, effect.jobtype))
        if isinstance(effect, TypeDeclared):
            changed.append((self.types, effect.spec.name))
        for rows, key in changed:
            if key:
                row = rows.get(key)
                self._undo.append((rows, key, row.copy() if isinstance(row, (JobRow, PilotRow)) else row))

    def _write(self, effect: Effect) -> None:
        match effect:
            case TypeDeclared():
                self.types[effect.spec.name] = effect.spec
                self._handed_out.discard(effect.spec.name)  # before its cap was lowered, in the same transaction
            case PilotAdded():
                self.pilots[effect.pilot] = pilot_row_of(effect)
            case PilotMoved():
                lifecycle.check_pilot_move(effect.pilot, effect.before, effect.after)
                self.pilots[effect.pilot].state = effect.after
                self.pilots[effect.pilot].seen_at = effect.seen_at
            case PilotInstructed():
                pilot = self.pilots[effect.pilot]
                pilot.instruction, pilot.instruction_number = effect.instruction, effect.number
                pilot.instruction_why, pilot.numbered = effect.why, max(pilot.numbered, effect.number)
            case LaneAnswered():
                self._write_lane(effect)
            case Paused():
                self.pauses[effect.jobtype] = effect
            case Resumed():
                del self.pauses[effect.jobtype]
            case HostDoubted():
                self.doubts[f"{effect.host}/{effect.jobtype}"] = Doubt(
                    effect.jobtype, effect.why, effect.since, effect.pause_s, effect.probe_at
                )
            case HostTrusted():
                self.doubts.pop(f"{effect.host}/{effect.jobtype}", None)
            case _:
                self._write_job(effect)

    def _write_job(self, effect: Effect) -> None:
        match effect:
            case JobAdded():
                if effect.job in self.jobs:
                    raise Broken(f"{effect.job} was added twice")
                self.jobs[effect.job] = JobRow(
                    effect.id,
                    effect.job,
                    effect.jobtype,
                    effect.priority,
                    effect.state,
                    effect.spec,
                    effect.same,
                    effect.columns.get("rerun_of", ""),
                )
            case JobHeld():
                self._move(effect.queued.job, JobState.DEFINED, JobState.HELD)
            case JobReleased():
                self._move(effect.queued.job, JobState.HELD, JobState.DEFINED)
            case JobReady():
                self._move(effect.queued.job, JobState.WAITING, JobState.DEFINED)
            case JobAdjusted():
                row = self.jobs[effect.queued.job]
                if (row.state, row.priority) != (effect.state, effect.before):
                    raise Broken(f"{row.job} was adjusted as {effect.state}, it is {row.state}")
                row.priority = effect.queued.priority
            case JobDispatched():
                row = self._move(effect.job, JobState.DEFINED, JobState.DISPATCHED)
                if {row.jobtype, ALL_TYPES} & self.pauses.keys():
                    raise Broken(f"{effect.job} is handed out, its type {row.jobtype} is paused")
                if effect.attempt != row.attempt + 1:
                    raise Broken(f"{effect.job}: attempt {effect.attempt} after {row.attempt}")
                row.attempt, row.pilot, row.number = effect.attempt, effect.pilot, effect.number
                row.kill_number, row.started_at, row.dispatched_at = None, None, effect.at
                self._handed_out.add(row.jobtype)
            case JobStarted():
                self._move(effect.job, JobState.DISPATCHED, JobState.RUNNING).started_at = effect.at
            case JobReturned():
                row = self._move(effect.job, effect.before, JobState.DEFINED)
                row.retried += bool(effect.failed)
                row.pilot, row.number, row.started_at = "", 0, None
            case KillOrdered():
                row = self.jobs[effect.job]
                row.kill_number, row.cancelled_by = effect.number, effect.who
            case JobEnded():
                if effect.before is JobState.LOST and any(row.rerun_of == effect.job for row in self.jobs.values()):
                    raise Broken(f"{effect.job} was run again and is amended to {effect.after}")
                row = self._move(effect.job, effect.before, effect.after)
                row.reason, row.ended_at = effect.reason, effect.at
                row.exit_code = effect.report.exit_code if effect.report else None
                row.wall_s = effect.report.wall_s if effect.report else None
                if row.started_at is None:
                    row.started_at = effect.started_at
                row.ends.append(effect.after)
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
        if not self._handed_out:
            return
        held = [row for row in self.jobs.values() if row.state in OUT_JOB_STATES]
        out = Counter(row.jobtype for row in held)
        for jobtype in self._handed_out:  # a cap that was lowered since ends nothing that runs
            spec = self.types.get(jobtype)
            if spec and spec.cap is not None and out[jobtype] > spec.cap:
                raise Broken(f"{out[jobtype]} jobs of {jobtype} are out, its cap is {spec.cap}")
        for pilot in {row.pilot for row in held}:
            self._check_filling(self.pilots[pilot], [row for row in held if row.pilot == pilot])

    def _check_filling(self, pilot: PilotRow, held: list[JobRow]) -> None:
        """Slots and what was declared are not over-filled; plain jobs alone may be ordered a few ahead."""
        plain = pilot.offer.cores >= pilot.slots and all(row.spec.needs == ANYWHERE for row in held)
        most = pilot.slots * (1 + AHEAD_PER_SLOT) if plain else pilot.slots
        if len(held) > most:
            raise Broken(f"{len(held)} jobs in the {pilot.slots} slots of {pilot.pilot}")
        for name in ("memory", "gpus") if plain else ("cores", "memory", "gpus"):
            asked, there = sum(getattr(row.spec.needs, name) for row in held), getattr(pilot.offer, name)
            if asked > there:
                raise Broken(f"jobs that ask for {asked} {name} are with {pilot.pilot}, which has {there}")

    # ---- reading

    def known(self, reports: Iterable[Report]) -> Known:
        """What the rules must know of reported jobs."""
        past = {report.job: self.past(report.job) for report in reports}
        attempts = [(report.job, report.attempt) for report in reports]
        published = {attempt: self.published.get(attempt, []) for attempt in attempts}
        return Known({job: row for job, row in past.items() if row is not None}, published)

    def past(self, job: str) -> Past | None:
        """A job's row as the rules want it."""
        row = self.jobs.get(job)
        if row is None:
            return None
        rerun = any(other.rerun_of == job for other in self.jobs.values())
        waits = row.state in WAITING_JOB_STATES
        since = row.started_at or row.dispatched_at
        return Past(
            row.id,
            row.state,
            row.attempt,
            row.pilot,
            row.started_at,
            rerun,
            queued_of(row) if waits else None,
            since,
            row.spec.followed,
            row.spec.workflow,
            jobtype=row.jobtype,
        )

    def queued(self, key: ClassKey, limit: int) -> tuple[list[Queued], bool]:
        """The first queued jobs of a class in the order of its pick, and whether there are more."""
        spec = self.types.get(key[0])
        jobs = sorted(self._class(key), key=PLACES[spec.pick if spec else "fifo"])
        return jobs[:limit], len(jobs) > limit

    def _class(self, key: ClassKey) -> list[Queued]:
        rows = (row for row in self.jobs.values() if row.state is JobState.DEFINED and row.jobtype == key[0])
        return [job for job in map(queued_of, rows) if job.key == key]

    def _finished(self) -> list[JobRow]:
        """In the order in which they ended, as many of each type as are remembered."""
        rows = [row for row in self.jobs.values() if row.state is JobState.FINISHED and row.wall_s is not None]
        kept: dict[str, int] = Counter()
        latest = []
        for row in sorted(rows, key=lambda row: -row.id):
            kept[row.jobtype] += 1
            latest += [row] if kept[row.jobtype] <= RECENT else []
        return sorted(latest, key=lambda row: (row.ended_at or 0.0, row.id))

    def older(self, same: str, before: int) -> list[Queued]:
        """Queued jobs that a newer one with these keys supersedes."""
        rows = self.jobs.values()
        return [
            queued_of(row) for row in rows if row.same == same and row.id < before and row.state is JobState.DEFINED
        ]

    def newer(self, job: str) -> str:
        """The newest job that supersedes another, "" with none or when that is not queued."""
        old = self.jobs[job]
        if not old.same or old.state is not JobState.DEFINED:
            return ""
        newest = max((row for row in self.jobs.values() if row.same == old.same), key=lambda row: row.id)
        return "" if newest is old else newest.job

    def stale(self, now: float, limit: int) -> tuple[list[Queued], float]:
        """Queued jobs that are stale, the longest so first, and the moment before which none of the others is."""
        queued = (queued_of(row) for row in self.jobs.values() if row.state is JobState.DEFINED)
        found = [(job.spec.stale_at, job.id, job) for job in queued if job.spec.stale_at is not None]
        stale = [job for stale_at, _, job in sorted(found) if stale_at <= now][:limit]
        if len(stale) == limit:
            return stale, stale[-1].spec.stale_at or 0.0
        later = min((stale_at for stale_at, _, _ in found if stale_at > now), default=float("inf"))
        return stale, later

    def load(self, now: float, window: int) -> Book:
        """The book of a server that starts now."""
        book = Book(now, window)
        book.types = dict(self.types)
        book.pauses = dict(self.pauses)
        book.next_id = max((row.id for row in self.jobs.values()), default=0) + 1
        for place, doubt in self.doubts.items():
            book.hosts.doubt(place.split("/")[0], replace(doubt))
        for pilot in sorted(self.pilots.values(), key=lambda row: (row.seen_at, row.pilot)):
            if pilot.state not in FINAL_PILOT_STATES:
                book.restore_pilot(entry_of(pilot))
        for row in self._finished():
            book.restore_finished(row.jobtype, self.pilots[row.pilot].host, row.wall_s or 0.0)
        for row in sorted(self.jobs.values(), key=lambda row: row.number):
            if row.state in OUT_JOB_STATES:
                book.restore_out(out_of(row))
        for key in {queued_of(row).key for row in self.jobs.values() if row.state is JobState.DEFINED}:
            book.queues.restore(key, self.queued(key, window)[0], len(self._class(key)))
        return book
