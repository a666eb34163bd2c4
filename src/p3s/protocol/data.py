"""What goes over the wire about data: streams, datasets and what became of files that arrived.

Durations are in seconds. Fields that hold messages stand in `codec`.
"""

from dataclasses import dataclass, field
from typing import Any, Optional

from .messages import _STRICT, ANYWHERE, Needs


@dataclass(frozen=True)
class Take:
    """Which files of a stream are taken: one in `one_in`, by a hash of the file's name, so that it is the same whenever
    it is asked; the first `first_of_run` of each run always, so that no run lacks a plot."""

    __pydantic_config__ = _STRICT

    one_in: int = 1
    first_of_run: int = 1


OVERFLOWS = ("drop_oldest", "drop_newest", "refuse")
"""What happens when a file comes while `at_most` jobs of its stream and job type wait: the oldest of them is dropped,
the new job is, or none is made of the file."""


LEFT_OUT_PAUSED, LEFT_OUT_OVERFLOW = "paused", "overflow"
"""Reasons for which the server itself has a stream ignore a file; a watcher gives others."""


@dataclass(frozen=True)
class Waiting:
    """At most so many jobs of a stream and job type wait at a time; `then` is of OVERFLOWS."""

    __pydantic_config__ = _STRICT

    at_most: int
    then: str = "drop_oldest"


@dataclass(frozen=True)
class StreamJob:
    """One job a stream makes of each file it takes. `one_in` replaces the stream's own; None: the stream's."""

    __pydantic_config__ = _STRICT

    payload: str
    env: "dict[str, str]" = field(default_factory=dict)
    priority: Optional[int] = None
    time_limit: Optional[float] = None
    one_in: Optional[int] = None
    needs: Needs = ANYWHERE


@dataclass(frozen=True)
class Gather:
    """A job over what the jobs of type `of` have published for one value of `by` (`run`, or a key): after every
    `every` of them (0: never), at the latest `or_after` seconds after the first one not yet gathered (0: never), and
    when the run ends. Its job type is its name in the stream."""

    __pydantic_config__ = _STRICT

    payload: str
    of: str
    by: str = "run"
    every: int = 0
    or_after: float = 0.0
    at_run_end: bool = False
    env: "dict[str, str]" = field(default_factory=dict)
    priority: Optional[int] = None
    time_limit: Optional[float] = None
    needs: Needs = ANYWHERE


@dataclass(frozen=True)
class StreamSpec:
    """A standing rule: each file that is registered for the stream and taken gives these jobs, by job type, or starts
    the workflow template of this name.

    `files` is the pattern as its author wrote it, for people. `env` is for all its jobs; a job's own wins.
    """

    __pydantic_config__ = _STRICT

    name: str
    jobs: "dict[str, StreamJob]" = field(default_factory=dict)
    files: str = ""
    env: "dict[str, str]" = field(default_factory=dict)
    take: Take = field(default_factory=Take)
    waiting: Optional[Waiting] = None
    gather: "dict[str, Gather]" = field(default_factory=dict)
    workflow: str = ""
    parameters: "dict[str, Any]" = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetRequest:
    """A file, found or named. Registering its URL again for the stream changes nothing and gives the same answer.

    Without a `stream` it is known and nothing is made of it. `ignored`: why the stream leaves it out (too small, too
    old); it is counted. `modified_at`: epoch seconds by the clock of where it lies. `adler32`: eight hex digits.
    `metadata`: what its side-car file says beyond the fields here. `state`: `available`, or `registered` for one that
    is not there yet.
    """

    __pydantic_config__ = _STRICT

    url: str
    stream: str = ""
    name: str = ""
    size: Optional[int] = None
    run: Optional[int] = None
    subrun: Optional[int] = None
    keys: "dict[str, Any]" = field(default_factory=dict)
    datatype: str = ""
    adler32: str = ""
    modified_at: Optional[float] = None
    comment: str = ""
    metadata: "dict[str, Any]" = field(default_factory=dict)
    state: str = "available"
    ignored: str = ""


@dataclass(frozen=True)
class DatasetReply:
    """`new` is false when the server knew the file for this stream already; then `jobs` are the ones made at the time.

    `fate` is of `states.Fate`, `reason` says more. `problem`: among many, why this one was refused. `stays`: of a file
    that was known, the fields that were said otherwise now and are as they were. `workflow`: the latest that the stream
    has started of the file.
    """

    dataset: str
    new: bool
    jobs: "list[str]"
    fate: str = ""
    reason: str = ""
    problem: str = ""
    stays: "list[str]" = field(default_factory=list)
    workflow: str = ""


@dataclass(frozen=True)
class ArrivalsRequest:
    """Many files at once, at most BOUNDS["files_per_call"]; each is taken or refused by itself."""

    __pydantic_config__ = _STRICT

    files: "list[DatasetRequest]"


@dataclass(frozen=True)
class ArrivalsReply:
    """In the order of the request."""

    files: "list[DatasetReply]"


@dataclass(frozen=True)
class LimitSpec:
    """Limits of a number or of a column of a table, set on the server: they win over what a payload says. `item` is the
    item's name, or `table/column`. `good` and `warn` are one thing: with either of them the payload's are both gone."""

    __pydantic_config__ = _STRICT

    category: str
    item: str
    good: "Optional[tuple[Optional[float], Optional[float]]]" = None
    warn: "Optional[tuple[Optional[float], Optional[float]]]" = None
    drift: "Optional[tuple[float, float]]" = None
    why: str = ""


@dataclass(frozen=True)
class ReferenceSpec:
    """The run against which drift is judged, of a category; without one, of all that have none of their own."""

    __pydantic_config__ = _STRICT

    run: int
    category: str = ""
    why: str = ""


@dataclass(frozen=True)
class DimensionSpec:
    """How people see a coordinate: the values in physical order, and the detector's names for them."""

    __pydantic_config__ = _STRICT

    name: str
    order: "tuple[str, ...]" = ()
    labels: "dict[str, str]" = field(default_factory=dict)
    why: str = ""
