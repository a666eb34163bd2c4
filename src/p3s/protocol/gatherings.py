"""What is told of gatherings, and of what a job reads of other jobs."""

from typing import Any, Optional, TypedDict


class Gathering(TypedDict):
    """How far the gathering `name` of a stream has come for one `value` of what it goes `by`.

    `gathered`: jobs whose results the last gathering job read; `pending`: those that finished since, the first of them
    at `since`; `due_at`: when they are gathered by the clock, null: not by the clock. `job`: the last that gathers or
    gathered, null before the first.
    """

    id: int
    stream: str
    name: str
    of: str
    by: str
    value: str
    run: Optional[int]
    pending: int
    since: Optional[float]
    due_at: Optional[float]
    gathered: int
    job: Optional[str]
    job_state: str


class Gatherings(TypedDict):
    """A page of gatherings."""

    gatherings: "list[Gathering]"
    next: Optional[str]


class InputFile(TypedDict):
    """A file of a result: its `path` among those of its job, `size` in bytes; null: it is not there."""

    path: str
    size: Optional[int]
    category: str
    item: str
    kind: str


class Input(TypedDict):
    """One thing that a job reads: a file of data, another job's results, or both (the results of what was made of that
    file). `variable`: the environment variable that holds its path, or empty. `job`: null without another job."""

    job: Optional[str]
    jobtype: str
    dataset: Optional[str]
    name: str
    url: str
    run: Optional[int]
    subrun: Optional[int]
    keys: "dict[str, Any]"
    variable: str
    files: "list[InputFile]"


class Inputs(TypedDict):
    """A page of what a job reads."""

    inputs: "list[Input]"
    next: Optional[str]
