"""What people do to streams: change, revert, pause, process by hand; and what the server says of streams and coverage.

Moments (`at`, `_at`) are seconds since the epoch by the server's clock.
"""

from dataclasses import dataclass, field
from typing import Any, Optional, TypedDict

from .messages import _STRICT

# ---- live changes


@dataclass(frozen=True)
class StreamChange:
    """One place of a rule, as a dotted path (`take.one_in`, `jobs.evdisp.env.RELEASE`), before and after; None: not
    set, so that its default holds."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class SetStreamRequest:
    """Change a rule live. `changes`: values by dotted path; `unset`: paths to be taken out. A `why` is required.
    `dry_run`: say what would be other, and do nothing."""

    __pydantic_config__ = _STRICT

    changes: "dict[str, Any]" = field(default_factory=dict)
    unset: "list[str]" = field(default_factory=list)
    why: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class RevertStreamRequest:
    """Make a rule what it was in version `to`; None: what it was declared as. A `why` is required."""

    __pydantic_config__ = _STRICT

    to: Optional[int] = None
    why: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class StreamChanged:
    """`version` is in force; `changes` are what it differs in from the one before, none when nothing was done."""

    name: str
    version: int
    changes: "list[StreamChange]" = field(default_factory=list)
    notes: "list[str]" = field(default_factory=list)


@dataclass(frozen=True)
class StreamPaused:
    """Whether the stream is `paused` now, and whether that `changed`."""

    name: str
    paused: bool
    changed: bool


# ---- by hand


@dataclass(frozen=True)
class ProcessRequest:
    """Process files of a stream now, whatever its prescale: those of a `run` whose names fit `files` (`*`, `?`, `[…]`),
    or the one file of that name. `again`: also those that are processed. At most `limit`, the newest first. `after`:
    the `next` of a reply. `dry_run`: say which, and do nothing."""

    __pydantic_config__ = _STRICT

    run: Optional[int] = None
    files: str = ""
    limit: Optional[int] = None
    again: bool = False
    why: str = ""
    dry_run: bool = False
    after: str = ""


@dataclass(frozen=True)
class ProcessedFile:
    """A file, what it `was`, and of which job types it gets jobs; `jobs` are their UUIDs. Or the `template` of which a
    `workflow` is started of it."""

    dataset: str
    name: str
    was: str
    jobtypes: "list[str]" = field(default_factory=list)
    jobs: "list[str]" = field(default_factory=list)
    template: str = ""
    workflow: str = ""


@dataclass(frozen=True)
class LeftFile:
    """A file that is left as it is, and why."""

    dataset: str
    name: str
    why: str


@dataclass(frozen=True)
class ProcessReply:
    """Of the files that were looked at in this call. `next` goes on with older ones; None: that is all."""

    taken: "list[ProcessedFile]" = field(default_factory=list)
    left: "list[LeftFile]" = field(default_factory=list)
    next: Optional[str] = None


# ---- what the server says


class StreamRow(TypedDict):
    """A stream. `waiting`: jobs that wait, by job type. `live`: how many places differ from what was declared."""

    name: str
    version: int
    files: str
    jobtypes: "list[str]"
    workflow: str
    owner: str
    updated_at: float
    paused_at: Optional[float]
    paused_by: str
    paused_why: str
    live: int
    waiting: "dict[str, int]"


class StreamDetail(StreamRow):
    """All of it: the rule in force, and where it differs from what was declared."""

    spec: "dict[str, Any]"
    changes: "list[dict[str, Any]]"


class StreamVersionRow(TypedDict):
    """What a stream was. `what`: `declared`, `set` or `reverted`; `changes`: what differs from the version before."""

    version: int
    what: str
    owner: str
    why: str
    at: float
    spec: "dict[str, Any]"
    changes: "list[dict[str, Any]]"


class CoverageRow(TypedDict):
    """What became of every file of a run in a stream: `files` = `taken` + `sampled_out` + all that are `ignored`.

    Of those taken: `taken` = `processed` + `in_progress` + `failed` + `lost` + all that are `dropped` + `cancelled` +
    `skipped` + `unknown`; of several jobs of a file the worst counts. `manual` of them a person had processed.
    """

    stream: str
    run: Optional[int]
    files: int
    taken: int
    sampled_out: int
    ignored: "dict[str, int]"
    processed: int
    in_progress: int
    failed: int
    lost: int
    dropped: "dict[str, int]"
    cancelled: int
    skipped: int
    unknown: int
    manual: int
    last_at: float


class Streams(TypedDict):
    """A page of streams, by name."""

    streams: "list[StreamRow]"
    next: Optional[str]


class StreamVersions(TypedDict):
    """A page of a stream's versions, the newest first."""

    versions: "list[StreamVersionRow]"
    next: Optional[str]


class Coverage(TypedDict):
    """A page of coverage, the newest run first; files without a run come last."""

    coverage: "list[CoverageRow]"
    next: Optional[str]
