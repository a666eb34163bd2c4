"""The broker's memory: who waits, who holds what, the heads of the queues. Rebuilt from the database at any time.

Only `apply` changes it, one effect at a time; the rules read it. One thread owns it.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from p3s.domain import lifecycle
from p3s.domain.effects import (
    Effect,
    JobAdded,
    JobDispatched,
    JobEnded,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    Noted,
    PilotAdded,
    PilotMoved,
    Spec,
)
from p3s.domain.estimates import Estimates
from p3s.protocol.messages import Instruction, Verdict
from p3s.protocol.states import FINAL_PILOT_STATES, JobState, PilotState, Reason

WINDOW = 2_000
"""Most jobs of a class kept in memory; the rest stays in the database until the head is used up."""

AHEAD_PER_SLOT = 4
"""A pilot whose slots hold quick jobs alone may be ordered so many more of them a slot, ahead of its slots' becoming
free: one exchange then serves many jobs, and no slot waits for an answer."""

ClassKey = tuple[str, int]
"""(job type, priority): jobs alike to brokerage."""


@dataclass(slots=True)
class Queued:
    """A job that may be brokered."""

    id: int
    job: str
    attempt: int
    jobtype: str
    priority: int
    spec: Spec


@dataclass(slots=True)
class Out:
    """A job that a pilot holds."""

    id: int
    job: str
    attempt: int
    state: JobState
    jobtype: str
    priority: int
    spec: Spec
    pilot: str
    number: int
    kill_number: int | None = None
    cancelled_by: str = ""
    #: When it came into its state: nothing that is reported of it may have been before.
    since: float = 0.0


@dataclass(slots=True)
class Head:
    """The head of one class's queue, oldest first. `more`: the database holds further jobs of the class."""

    window: dict[str, Queued] = field(default_factory=dict)
    more: bool = False


@dataclass(slots=True)
class PilotEntry:
    """A pilot that may hold jobs. `lane` is the seq of its open order-lane exchange, if one waits."""

    pilot: str
    host: str
    slots: int
    state: PilotState
    lease_s: float
    token_hash: str
    last_seen: float
    seq: int = 0
    acked: int = 0
    numbered: int = 0
    lane: int | None = None
    #: On reports that rode on the open exchange; they make an answer due.
    verdicts: list[Verdict] = field(default_factory=list)
    #: To end attempts that are not the pilot's own, outside the numbering; they make an answer due.
    strangers: list[Instruction] = field(default_factory=list)
    instruction: str = ""
    instruction_number: int | None = None
    out: dict[str, Out] = field(default_factory=dict)
    #: Whether it could run what it was given last: nothing is ordered ahead of a pilot that cannot.
    proven: bool = False
    site: str = ""

    @property
    def free(self) -> int:
        """Slots that no job is meant for; negative when jobs were ordered ahead."""
        return self.slots - len(self.out)


class Book:
    """`started_at`: when this server's memory begins; silence is never counted from before it."""

    def __init__(self, started_at: float, window: int = WINDOW) -> None:
        self.started_at = started_at
        self.window = window
        self.pilots: dict[str, PilotEntry] = {}
        self.out: dict[str, Out] = {}
        self.heads: dict[ClassKey, Head] = {}
        #: Class keys, highest priority first.
        self.ranked: list[ClassKey] = []
        self.caps: dict[str, int] = {}
        #: Known job types; an unknown one is created when a job names it.
        self.types: set[str] = set()
        self.in_use: Counter[str] = Counter()
        #: Pilots with an open lane and a free slot, in the order in which they became so.
        self.ready: dict[str, PilotEntry] = {}
        #: Full pilots with an open lane that may be ordered quick jobs ahead.
        self.eager: dict[str, PilotEntry] = {}
        self.estimates = Estimates()
        #: Pilots whose open lane may be due an answer; looked at when a batch is settled.
        self.owed: deque[str] = deque()
        self.next_id = 1

    # ---- from the database

    def restore_pilot(self, entry: PilotEntry) -> None:
        """A pilot in service, as the database has it. Its jobs come next, by `restore_out`."""
        self.pilots[entry.pilot] = entry

    def restore_out(self, out: Out) -> None:
        """A job that a pilot holds, as the database has it."""
        entry = self.pilots[out.pilot]
        entry.numbered = max(entry.numbered, out.number, out.kill_number or 0)
        self.hold(entry, out)

    # ---- reading

    def alive(self, pilot: str) -> PilotEntry | None:
        """The entry of a pilot that is neither stopped nor lost."""
        return self.pilots.get(pilot)

    def queued(self, job: str) -> Queued | None:
        """A job in the heads; one deeper in its queue is known to the database only."""
        for head in self.heads.values():
            if job in head.window:
                return head.window[job]
        return None

    def hungry(self) -> list[ClassKey]:
        """Classes whose head is used up while the database holds more of them."""
        return [key for key, head in self.heads.items() if head.more and not head.window]

    # ---- the pilot's lane (memory only: an open wait is nothing that could be lost)

    def saw(self, entry: PilotEntry, now: float) -> None:
        entry.last_seen = max(entry.last_seen, now)

    def open_lane(self, entry: PilotEntry, seq: int, acked: int) -> None:
        entry.seq = entry.lane = seq
        entry.acked = max(entry.acked, min(acked, entry.numbered))  # what was never given cannot be confirmed
        self.rank(entry)
        self.owed.append(entry.pilot)

    def close_lane(self, entry: PilotEntry) -> None:
        entry.lane = None
        entry.verdicts = []
        entry.strangers = []
        self.rank(entry)

    def rank(self, entry: PilotEntry) -> None:
        """Put the pilot among the ready or the eager ones, or take it out."""
        waits = entry.lane is not None and entry.state is PilotState.ACTIVE
        _keep(self.ready, entry, waits and entry.free > 0)
        _keep(self.eager, entry, waits and entry.free <= 0 and self._may_run_ahead(entry))

    def _may_run_ahead(self, entry: PilotEntry) -> bool:
        """Whether its slots become free within milliseconds, and it is not ordered enough for that already."""
        if not entry.proven or -entry.free >= entry.slots * AHEAD_PER_SLOT:
            return False
        return all(out.jobtype in self.estimates.quick for out in entry.out.values())

    # ---- the queue

    def head(self, key: ClassKey) -> Head:
        """The head of a class, made when the class is new."""
        head = self.heads.get(key)
        if head is None:
            head = self.heads[key] = Head()
            self.ranked = sorted(self.heads, key=lambda one: -one[1])
        return head

    def enqueue(self, job: Queued) -> None:
        """Put a job at the end of its class; beyond the window only the database remembers it."""
        head = self.head((job.jobtype, job.priority))
        if head.more or len(head.window) >= self.window:
            head.more = True
            return
        head.window[job.job] = job

    def refill(self, key: ClassKey, jobs: list[Queued], more: bool) -> None:
        """Replace a used-up head by what the database holds, oldest first."""
        head = self.head(key)
        head.window = {job.job: job for job in jobs}
        head.more = more

    def requeue(self, job: Queued) -> None:
        """Put a returned job back where its number says: it has waited longer than those behind it."""
        head = self.head((job.jobtype, job.priority))
        jobs = sorted([job, *head.window.values()], key=lambda one: one.id)
        head.window = {one.job: one for one in jobs}

    # ---- effects

    def apply(self, effect: Effect) -> None:
        """Change the memory as one decided effect says."""
        _APPLY[type(effect)](self, effect)

    def added(self, effect: JobAdded) -> None:
        self.next_id = max(self.next_id, effect.id + 1)
        if effect.state is JobState.DEFINED:
            self.enqueue(Queued(effect.id, effect.job, 0, effect.jobtype, effect.priority, effect.spec))

    def dispatched(self, effect: JobDispatched) -> None:
        entry = self.pilots[effect.pilot]
        del self.heads[effect.jobtype, effect.priority].window[effect.job]
        out = Out(
            effect.id,
            effect.job,
            effect.attempt,
            JobState.DISPATCHED,
            effect.jobtype,
            effect.priority,
            effect.spec,
            effect.pilot,
            effect.number,
            since=effect.at,
        )
        entry.numbered = effect.number
        self.hold(entry, out)
        self.owed.append(entry.pilot)

    def hold(self, entry: PilotEntry, out: Out) -> None:
        """A pilot has a job: it takes a slot and counts under the cap."""
        entry.out[out.job] = self.out[out.job] = out
        self.in_use[out.jobtype] += 1
        self.rank(entry)

    def started(self, effect: JobStarted) -> None:
        out = self.out[effect.job]
        out.state, out.since = JobState.RUNNING, effect.at

    def returned(self, effect: JobReturned) -> None:
        out = self.let_go(effect.job)
        assert out is not None
        self.pilots[out.pilot].proven = False
        self.requeue(Queued(out.id, out.job, out.attempt, out.jobtype, out.priority, out.spec))

    def kill_ordered(self, effect: KillOrdered) -> None:
        out = self.out[effect.job]
        out.kill_number = effect.number
        out.cancelled_by = effect.who
        entry = self.pilots[effect.pilot]
        entry.numbered = effect.number
        self.owed.append(entry.pilot)

    def ended(self, effect: JobEnded) -> None:
        lifecycle.check_job_move(effect.job, effect.before, effect.after)
        out = self.let_go(effect.job)
        if out is None:
            for head in self.heads.values():
                head.window.pop(effect.job, None)
        else:
            self.learn(out, effect)

    def learn(self, out: Out, effect: JobEnded) -> None:
        """What an end says of the job's type and of the pilot."""
        if effect.after is JobState.FINISHED:
            self.pilots[out.pilot].proven = True
            if effect.report is not None and effect.report.wall_s is not None:
                self.estimates.learn(out.jobtype, effect.report.wall_s)
        elif effect.reason == Reason.NONSTARTER:
            self.pilots[out.pilot].proven = False

    def let_go(self, job: str) -> Out | None:
        """The slot and the cap are free again."""
        out = self.out.pop(job, None)
        if out is not None:
            entry = self.pilots[out.pilot]
            del entry.out[job]
            self.in_use[out.jobtype] -= 1
            self.rank(entry)
        return out

    def pilot_added(self, effect: PilotAdded) -> None:
        self.pilots[effect.pilot] = PilotEntry(
            effect.pilot,
            effect.host,
            effect.slots,
            PilotState.ACTIVE,
            effect.lease_s,
            effect.token_hash,
            effect.at,
            site=effect.site,
        )

    def pilot_moved(self, effect: PilotMoved) -> None:
        lifecycle.check_pilot_move(effect.pilot, effect.before, effect.after)
        entry = self.pilots[effect.pilot]
        entry.state = effect.after
        self.rank(entry)
        if effect.after in FINAL_PILOT_STATES:
            assert not entry.out, "a pilot ends after its jobs"
            self.close_lane(entry)
            del self.pilots[effect.pilot]

    def lane_answered(self, effect: LaneAnswered) -> None:
        self.close_lane(self.pilots[effect.pilot])

    def noted(self, effect: Noted) -> None:
        """History is for people; brokerage does not remember it."""


def _keep(pilots: dict[str, PilotEntry], entry: PilotEntry, there: bool) -> None:
    if there:
        pilots.setdefault(entry.pilot, entry)
    else:
        pilots.pop(entry.pilot, None)


_APPLY: dict[type, Callable[[Book, Any], None]] = {
    JobAdded: Book.added,
    JobDispatched: Book.dispatched,
    JobStarted: Book.started,
    JobReturned: Book.returned,
    KillOrdered: Book.kill_ordered,
    JobEnded: Book.ended,
    PilotAdded: Book.pilot_added,
    PilotMoved: Book.pilot_moved,
    LaneAnswered: Book.lane_answered,
    Noted: Book.noted,
}
