"""What the rules decide, as data. The book applies effects to its memory, the server's tables store them.

Moments are seconds since the epoch by the server's clock. `job` is a job's UUID, `id` its number.
"""

from dataclasses import dataclass, field
from typing import Any

from p3s.domain.needs import Offer
from p3s.protocol.messages import ANYWHERE, Instruction, JobTypeSpec, Needs, Order, Report, Verdict
from p3s.protocol.states import JobState, PilotState, WorkflowState

ClassKey = tuple[str, int, Needs, float]
"""(job type, priority, needs, time limit): jobs alike to brokerage."""


@dataclass(slots=True)
class Spec:
    """What must be known of a job to place it and to run it.

    `eta_at` and `stale_at` count from `since`, its dataset's registration or its submission. `followed`: something
    waits for its end (a workflow, a gathering). `workflow`: the UUID of the one of which it is a node.
    """

    payload: str
    env: dict[str, str] = field(default_factory=dict)
    time_limit: float = 0.0
    needs: Needs = ANYWHERE
    eta_at: float | None = None
    stale_at: float | None = None
    since: float = 0.0
    followed: bool = False
    workflow: str = ""


@dataclass(slots=True)
class Queued:
    """A job that may be brokered. `retried` counts the attempts that its node spoiled."""

    id: int
    job: str
    attempt: int
    jobtype: str
    priority: int
    spec: Spec
    retried: int = 0

    @property
    def key(self) -> ClassKey:
        """Its class."""
        return (self.jobtype, self.priority, self.spec.needs, self.spec.time_limit)


@dataclass(slots=True)
class TypeDeclared:
    """A job type is new, or has new settings."""

    spec: JobTypeSpec
    at: float


@dataclass(slots=True)
class Paused:
    """Nothing of a job type (`pausing.ALL`: of any) is handed out until it is resumed."""

    jobtype: str
    why: str
    who: str
    at: float


@dataclass(slots=True)
class Resumed:
    """A pause is over."""

    jobtype: str


@dataclass(slots=True)
class Submitted:
    """A submit call was taken: its idempotency key, what it asked for, and its jobs, whose numbers are consecutive."""

    key: str
    fingerprint: str
    first_id: int
    count: int
    at: float


@dataclass(slots=True)
class JobAdded:
    """A job was accepted. `columns` is what people see and brokerage does not. `same` names what it supersedes."""

    id: int
    job: str
    jobtype: str
    priority: int
    state: JobState
    spec: Spec
    at: float
    columns: dict[str, Any] = field(default_factory=dict)
    same: str = ""


@dataclass(slots=True)
class JobHeld:
    """A person holds a queued job."""

    queued: Queued
    at: float


@dataclass(slots=True)
class JobReleased:
    """A held job may be brokered."""

    queued: Queued
    at: float


@dataclass(slots=True)
class JobReady:
    """The inputs of a node's job are there: it may be brokered. `env`: its variables, where some of its inputs will
    never come and it runs on the others."""

    queued: Queued
    at: float
    env: dict[str, str] | None = None


@dataclass(slots=True)
class JobAdjusted:
    """A job that no pilot holds has another priority: `queued` is as it is now, `before` its old priority."""

    queued: Queued
    state: JobState
    before: int
    at: float


@dataclass(slots=True)
class JobDispatched:
    """A queued job was given to a pilot, as a new attempt, under an order number."""

    id: int
    job: str
    attempt: int
    jobtype: str
    priority: int
    spec: Spec
    pilot: str
    number: int
    at: float
    retried: int = 0


@dataclass(slots=True)
class JobStarted:
    id: int
    job: str
    attempt: int
    at: float


@dataclass(slots=True)
class JobReturned:
    """The job is queued again: its pilot refused the order, or (`failed`: why) its node failed and a retry is left."""

    id: int
    job: str
    attempt: int
    why: str
    at: float
    before: JobState = JobState.DISPATCHED
    failed: str = ""
    report: Report | None = None


@dataclass(slots=True)
class KillOrdered:
    """A person cancelled a job that a pilot holds; the pilot is instructed under `number`."""

    id: int
    job: str
    attempt: int
    pilot: str
    number: int
    who: str


@dataclass(slots=True)
class JobFollowed:
    """From now on something waits for the end of a job that was made before. `key` is its class."""

    id: int
    job: str
    key: ClassKey


@dataclass(slots=True)
class JobEnded:
    """A job reached a final state (or, from `lost`, its amendment). `at` may lie before now.

    `key` is its class if it was queued. `followed`: something waits for its end. `workflow`: of which it is a node.
    `lacking`: what it should have published and did not; None: nothing was expected of it.
    """

    id: int
    job: str
    attempt: int
    before: JobState
    after: JobState
    reason: str
    at: float
    started_at: float | None = None
    report: Report | None = None
    key: ClassKey | None = None
    followed: bool = False
    workflow: str = ""
    lacking: tuple[str, ...] | None = None


@dataclass(slots=True)
class PilotAdded:
    pilot: str
    host: str
    site: str
    slots: int
    lease_s: float
    token_hash: str
    owner: str
    at: float
    columns: dict[str, Any] = field(default_factory=dict)
    offer: Offer | None = None
    life_s: float = 0.0


@dataclass(slots=True)
class HostDoubted:
    """A host gets no more jobs of a type ("": of any) until a probe passes; probed at `probe_at`, then after twice
    `pause_s`."""

    host: str
    jobtype: str
    why: str
    since: float
    pause_s: float
    probe_at: float


@dataclass(slots=True)
class HostTrusted:
    """A doubt about a host is over."""

    host: str
    jobtype: str


@dataclass(slots=True)
class TypeBlamed:
    """A type fails on every host: it is the type, and no host is doubted for it. Remembered until it succeeds."""

    jobtype: str


@dataclass(slots=True)
class PilotMoved:
    """`seen_at`: when it was heard last, for people; no rule depends on it."""

    pilot: str
    before: PilotState
    after: PilotState
    reason: str
    at: float
    seen_at: float = field(compare=False)


@dataclass(slots=True)
class PilotInstructed:
    """A pilot is told to `drain` or to `stop`, under `number`, until it has confirmed it. `why` names who says so."""

    pilot: str
    instruction: str
    number: int
    why: str


@dataclass(slots=True)
class LaneAnswered:
    """An order-lane exchange is answered. With orders or instructions, `seq` and `acked` are written with them."""

    pilot: str
    seq: int
    acked: int
    orders: list[Order]
    instructions: list[Instruction]
    verdicts: list[Verdict] = field(default_factory=list)


@dataclass(slots=True)
class StepEnded:
    """A node of a workflow that has no job has ended."""

    workflow: str
    place: int
    state: JobState
    reason: str


@dataclass(slots=True)
class OutputsMade:
    """A node's job finished: the files that it writes, datasets by UUID, are there."""

    files: tuple[str, ...]


@dataclass(slots=True)
class WorkflowMoved:
    """Nodes of a workflow ended, or its own state changed. `counts`: its ended nodes by state. `ending`: why it is
    brought to an end before its nodes are; `by`: who said so."""

    workflow: str
    before: WorkflowState
    after: WorkflowState
    ending: str
    reason: str
    counts: dict[str, int]
    at: float
    by: str = ""


@dataclass(slots=True)
class Noted:
    """An event for the journal: who did or decided what, and why."""

    kind: str
    object_id: str
    what: str
    who: str
    why: str
    at: float


Effect = (
    TypeDeclared
    | Paused
    | Resumed
    | Submitted
    | JobAdded
    | JobHeld
    | JobReleased
    | JobReady
    | JobAdjusted
    | JobFollowed
    | JobDispatched
    | JobStarted
    | JobReturned
    | KillOrdered
    | JobEnded
    | PilotAdded
    | PilotMoved
    | PilotInstructed
    | HostDoubted
    | HostTrusted
    | TypeBlamed
    | LaneAnswered
    | StepEnded
    | OutputsMade
    | WorkflowMoved
    | Noted
)

SYSTEM = "p3s"
"""Who decided, when nobody did."""
