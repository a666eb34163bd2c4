"""What the rules decide, as data. The book applies effects to its memory, the server's tables store them.

Moments are seconds since the epoch by the server's clock. `job` is a job's UUID, `id` its number.
"""

from dataclasses import dataclass, field
from typing import Any

from p3s.protocol.messages import Instruction, Order, Report, Verdict
from p3s.protocol.states import JobState, PilotState


@dataclass(slots=True)
class Spec:
    """What a pilot must know of a job to run it."""

    payload: str
    env: dict[str, str] = field(default_factory=dict)
    time_limit: float = 0.0


@dataclass(slots=True)
class JobAdded:
    """A job was accepted. `columns` is what people see and brokerage does not."""

    id: int
    job: str
    jobtype: str
    priority: int
    state: JobState
    spec: Spec
    at: float
    columns: dict[str, Any] = field(default_factory=dict)


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


@dataclass(slots=True)
class JobStarted:
    id: int
    job: str
    attempt: int
    at: float


@dataclass(slots=True)
class JobReturned:
    """The pilot refused the order; the job is queued again."""

    id: int
    job: str
    attempt: int
    why: str
    at: float


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
class JobEnded:
    """A job reached a final state (or, from `lost`, its amendment). `at` may lie before now."""

    id: int
    job: str
    attempt: int
    before: JobState
    after: JobState
    reason: str
    at: float
    started_at: float | None = None
    report: Report | None = None


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


@dataclass(slots=True)
class PilotMoved:
    pilot: str
    before: PilotState
    after: PilotState
    reason: str
    at: float


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
class Noted:
    """An event for the journal: who did or decided what, and why."""

    kind: str
    object_id: str
    what: str
    who: str
    why: str
    at: float


Effect = (
    JobAdded
    | JobDispatched
    | JobStarted
    | JobReturned
    | KillOrdered
    | JobEnded
    | PilotAdded
    | PilotMoved
    | LaneAnswered
    | Noted
)

SYSTEM = "p3s"
"""Who decided, when nobody did."""
