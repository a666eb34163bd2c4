"""States of jobs and pilots. Each says who moves it on; the rules of moving are `domain.lifecycle`."""

from enum import Enum


class Word(str, Enum):
    """A word of the wire: a string that can only be one of its members."""

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]


class JobState(Word):
    """Where a job is. Why it is there is its reason."""

    HELD = "held"
    """Not released. A person releases or cancels it."""
    WAITING = "waiting"
    """For inputs in a workflow. The workflow moves it on."""
    DEFINED = "defined"
    """Queued. Brokerage hands it out, expiry drops it, a person cancels it."""
    DISPATCHED = "dispatched"
    """Ordered of a pilot. The pilot's report moves it on, or the end of the pilot's lease."""
    RUNNING = "running"
    """Its process runs. The pilot's report moves it on, or the end of the pilot's lease."""
    FINISHED = "finished"
    """Final: the process ended with exit code 0. What it should have published and did not, its reason says."""
    FAILED = "failed"
    """Final: the process ended otherwise, or could not be started."""
    DROPPED = "dropped"
    """Final: left out on purpose by the system."""
    CANCELLED = "cancelled"
    """Final: left out on purpose by a person."""
    LOST = "lost"
    """Final: its pilot is gone. Only a late report of the same attempt moves it on."""
    SKIPPED = "skipped"
    """Final: an input will never come."""


class PilotState(Word):
    """Where a pilot is, as stored. What it is doing (idle, running, silent) is computed from its slots."""

    ACTIVE = "active"
    """Takes orders. The pilot itself, a person, or the end of its lease moves it on."""
    DRAINING = "draining"
    """Finishes what it has, takes nothing new. The pilot moves it on when its slots are empty."""
    STOPPED = "stopped"
    """Final: said goodbye."""
    LOST = "lost"
    """Final: its lease ended unheard, or a guardian confirmed its death."""


class WorkflowState(Word):
    """Where a workflow is."""

    HELD = "held"
    """Not released. A person releases or cancels it."""
    DEFINED = "defined"
    """None of its jobs has started. The start of one moves it on, or a person."""
    RUNNING = "running"
    """Some of its nodes have started or ended. The end of its last node moves it on."""
    FINISHED = "finished"
    """Final: every node ended well, or may fail."""
    FAILED = "failed"
    """Final: a node that may not fail failed, was dropped or was lost."""
    CANCELLED = "cancelled"
    """Final: a person cancelled it."""


class DatasetState(Word):
    """Where a dataset is. Whether it is being processed is computed from its jobs and workflows."""

    REGISTERED = "registered"
    """Named, and not there yet. Its registration as available moves it on."""
    AVAILABLE = "available"
    """There, complete. A person, or the watcher when the file vanishes, moves it on."""
    DROPPED = "dropped"
    """Left out on purpose, or deleted after its use. A person moves it back."""
    MISSING = "missing"
    """It was there and is no longer. Its return moves it back."""


class Fate(Word):
    """What a stream made of a file when it arrived."""

    TAKEN = "taken"
    """Its jobs were made."""
    SAMPLED_OUT = "sampled out"
    """The prescale left it out."""
    IGNORED = "ignored"
    """The stream's rules left it out; the reason says which."""


class Reason(Word):
    """Why a job or pilot is in its state, where the state alone does not say."""

    NONE = ""
    EXIT_CODE = "exit code"
    """failed: the payload's own exit code is not 0."""
    SIGNAL = "signal"
    """failed: a signal that p3s did not send ended the payload."""
    TIME_LIMIT = "timelimit"
    """failed: it ran longer than its time limit."""
    NONSTARTER = "nonstarter"
    """failed: the payload is not there, or cannot be executed, on the node."""
    STAGE_IN = "stage-in"
    """failed: its input could not be brought to the node."""
    STAGE_OUT = "stage-out"
    """failed: the process ended well but its results could not be delivered."""
    STALE = "stale"
    """dropped: too old to matter, or it could not have ended before it was."""
    OVERFLOW = "overflow"
    """dropped: more jobs of its stream and job type waited than its `waiting` allows."""
    SHED = "shed"
    """dropped: so that a job of a critical type keeps its ETA (the event says which)."""
    SUPERSEDED = "superseded"
    """dropped: a newer job of its type came for the same keys (the event says which)."""
    BY_PERSON = "by person"
    """cancelled: a person asked for it (the event says who)."""
    LEASE_ENDED = "lease ended"
    """lost: the pilot was not heard for its lease plus grace."""
    GUARDIAN = "guardian saw the pilot die"
    """lost: the pilot died; its guardian killed what it ran and said so."""
    PILOT_STOPPED = "pilot stopped"
    """lost: the pilot ended while holding it."""
    NOT_HELD = "pilot does not have it"
    """lost: the pilot confirmed the order but no longer knows the job."""
    PUBLISHED_NOTHING = "published nothing"
    """finished: none of the results that its type expects came (the event names them)."""
    RESULTS_MISSING = "results missing"
    """finished: some of the results that its type expects did not come (the event names them)."""
    LATE = "late"
    """finished or failed: reported after the pilot was given up."""


NODE_REASONS = frozenset({Reason.NONSTARTER, Reason.STAGE_IN, Reason.STAGE_OUT})
"""Why a job failed through the node and not by its own doing: with retries left it is tried again."""

FINAL_JOB_STATES = frozenset(
    {
        JobState.FINISHED,
        JobState.FAILED,
        JobState.DROPPED,
        JobState.CANCELLED,
        JobState.LOST,
        JobState.SKIPPED,
    }
)
WAITING_JOB_STATES = frozenset({JobState.HELD, JobState.WAITING, JobState.DEFINED})
OUT_JOB_STATES = frozenset({JobState.DISPATCHED, JobState.RUNNING})
FINAL_PILOT_STATES = frozenset({PilotState.STOPPED, PilotState.LOST})
FINAL_WORKFLOW_STATES = frozenset({WorkflowState.FINISHED, WorkflowState.FAILED, WorkflowState.CANCELLED})
