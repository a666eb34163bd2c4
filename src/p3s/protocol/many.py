"""What is done to many jobs or pilots at once: requests and replies like those in `messages`."""

from dataclasses import dataclass, field
from typing import Optional

from .messages import _STRICT


@dataclass(frozen=True)
class ManyRequest:
    """Cancel, hold or release jobs: these `uuids`, or all in `states` that the other fields choose, as in the list of
    jobs. `since` and `until`: submitted, in seconds since the epoch. `after` continues: `next` of the reply before.
    `dry_run`: say which, and do nothing.
    """

    __pydantic_config__ = _STRICT

    uuids: "list[str]" = field(default_factory=list)
    states: "list[str]" = field(default_factory=list)
    jobtype: str = ""
    owner: str = ""
    name: str = ""
    site: str = ""
    host: str = ""
    pilot: str = ""
    stream: str = ""
    run: Optional[int] = None
    since: Optional[float] = None
    until: Optional[float] = None
    after: str = ""
    dry_run: bool = False
    why: str = ""


@dataclass(frozen=True)
class AdjustManyRequest(ManyRequest):
    """The same, to give the jobs another `priority`, which must be said."""

    __pydantic_config__ = _STRICT

    priority: Optional[int] = None


@dataclass(frozen=True)
class ManyReply:
    """The `jobs` that were changed, or would be with `dry_run`; of the cancelled ones `running` end when their pilots
    have ended them. `passed`: how many it was too late for. `next`: there may be more; ask again with it as
    `after`.
    """

    jobs: "list[str]" = field(default_factory=list)
    running: int = 0
    passed: int = 0
    next: Optional[str] = None


PILOT_ORDERS = ("drain", "stop")
"""Drain: take nothing new, end when the jobs have ended. Stop: end the jobs, then itself."""


@dataclass(frozen=True)
class PilotOrderRequest:
    """Tell pilots in service to `drain` or to `stop`: these `uuids`, or those that all the other fields choose.

    `states`: `active`, `draining`, `idle` (no job), `silent`. `every`: all there are, when nothing else is said.
    """

    __pydantic_config__ = _STRICT

    order: str
    uuids: "list[str]" = field(default_factory=list)
    site: str = ""
    host: str = ""
    batch_id: str = ""
    states: "list[str]" = field(default_factory=list)
    every: bool = False
    dry_run: bool = False
    why: str = ""


@dataclass(frozen=True)
class PilotTold:
    """One pilot, how many jobs it has (`out`), and what comes of the order."""

    pilot: str
    host: str
    out: int
    note: str


@dataclass(frozen=True)
class PilotOrderReply:
    """The pilots that were told, or would be with `dry_run`."""

    pilots: "list[PilotTold]" = field(default_factory=list)


PURGED = ("jobs", "pilots", "workflows")


@dataclass(frozen=True)
class PurgeRequest:
    """Remove the records of ended `jobs`, `pilots` or `workflows`, with their logs and files: these `uuids`, or those
    in `states` (none: all final ones) that ended more than `older_than` seconds ago.

    Jobs with published results are kept, unless `results`: then these go too, but for those of reference runs. A
    workflow goes with all its jobs, and they with nothing else; it is kept when one of them is. Pilots that jobs name
    are kept. `after` continues: `next` of the reply before.
    """

    __pydantic_config__ = _STRICT

    what: str
    uuids: "list[str]" = field(default_factory=list)
    states: "list[str]" = field(default_factory=list)
    older_than: Optional[float] = None
    jobtype: str = ""
    results: bool = False
    after: str = ""
    dry_run: bool = False
    why: str = ""


@dataclass(frozen=True)
class PurgeReply:
    """How many were `removed`, or would be with `dry_run`, and how many `kept` that were old enough. `next`: there may
    be more; ask again with it as `after`."""

    removed: int = 0
    kept: int = 0
    next: Optional[str] = None
