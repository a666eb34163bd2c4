"""What people do to jobs and hosts, and ask of them: requests and replies like those in `messages`."""

from dataclasses import dataclass, field

from .messages import _STRICT

ALL_TYPES = "all"
"""The word for every job type, where one is paused; no type can have this name."""


@dataclass(frozen=True)
class WhyRequest:
    """A person holds or releases a job, pauses a job type, or trusts a host, for this reason."""

    __pydantic_config__ = _STRICT

    why: str = ""


@dataclass(frozen=True)
class AdjustRequest:
    """Another priority for a job that no pilot holds."""

    __pydantic_config__ = _STRICT

    priority: int
    why: str = ""


@dataclass(frozen=True)
class ChangeReply:
    """A job's state after a person's act, and what came of it."""

    job: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class RerunRequest:
    """Run ended jobs again: these `uuids`, or all in `states` that ended since a moment (seconds since the epoch).

    `still_fresh`: only those that were not stale yet. `dry_run`: say which, and do nothing.
    """

    __pydantic_config__ = _STRICT

    uuids: "list[str]" = field(default_factory=list)
    states: "list[str]" = field(default_factory=list)
    since: float = 0.0
    jobtype: str = ""
    still_fresh: bool = False
    dry_run: bool = False
    why: str = ""


@dataclass(frozen=True)
class RerunReply:
    """`old` jobs, and the `new` ones that do their work again, in the same order; none with `dry_run`."""

    old: "list[str]"
    new: "list[str]"


@dataclass(frozen=True)
class ExplainReply:
    """Why a job is where it is: `lines` for people. `pilots` could be given such a job at this moment."""

    job: str
    state: str
    reason: str
    pilots: int
    lines: "list[str]"
