"""What the routes of datasets, data types, runs and lineage answer with, as `views`."""

from typing import Any, Optional, TypedDict

from .streams import CoverageRow
from .views import Dataset, Event, JobRow, ResultRow


class SetName(TypedDict):
    """A set that has the file."""

    uuid: str
    name: str


class Arrival(TypedDict):
    """What a stream made of a file: `fate` is of `states.Fate`, `reason` says more; `manual`: a person had it done."""

    stream: str
    stream_version: int
    fate: str
    reason: str
    manual: bool
    at: float


class DatasetDetail(Dataset):
    """All there is about a dataset. `taken`: some stream took it, or somebody made a job of it; `says` it in words.
    `processing` is empty, `processing` or `processed`, when its jobs and the workflows that streams have started of it
    have ended. `job_states` counts its jobs, purged ones too. `jobs` are made
    of it or read it, `made_by` wrote it: the latest of each; `sets` have it."""

    metadata: "dict[str, Any]"
    taken: bool
    says: str
    processing: str
    job_states: "dict[str, int]"
    arrivals: "list[Arrival]"
    sets: "list[SetName]"
    jobs: "list[JobRow]"
    made_by: "list[JobRow]"
    results: "list[ResultRow]"
    events: "list[Event]"


class DataType(TypedDict):
    """A kind of data, and how many datasets are of it."""

    name: str
    ext: str
    comment: str
    owner: str
    updated_at: float
    datasets: int


class DataTypes(TypedDict):
    """A page of data types."""

    datatypes: "list[DataType]"
    next: Optional[str]


class Run(TypedDict):
    """A run of the experiment; `ended_at` is null while it is open. Its `files`, and their `size` in bytes as far as it
    is known. `coverage`: what became of them in each stream that has seen some; of a list only if it is asked for."""

    run: int
    type: str
    comment: str
    open: bool
    started_at: float
    ended_at: Optional[float]
    owner: str
    files: int
    size: int
    coverage: "list[CoverageRow]"


class Runs(TypedDict):
    """A page of runs."""

    runs: "list[Run]"
    next: Optional[str]


class RunDetail(Run):
    """A run with its files by state, its jobs by state, how many results it has (those of the newest attempts),
    and what was done to it."""

    file_states: "dict[str, int]"
    job_states: "dict[str, int]"
    results: int
    events: "list[Event]"


class LineageNode(TypedDict):
    """A thing that data came from or went to. `kind`: `file`, `set`, `job`, `result`, `path` (a file that a job read
    and nobody registered) or `purged` (a job whose record was removed). `name` is for people, `state` what its kind
    has, `url` where a file lies; `left_out`: of its neighbours further on, so many are not among the nodes."""

    id: str
    kind: str
    name: str
    state: str
    url: str
    run: Optional[int]
    left_out: int


class Edge(TypedDict):
    """`target` was made of `source`; `how`: read, wrote, published, gathered, holds, run again."""

    source: str
    target: str
    how: str


class Way(TypedDict):
    """One way of a lineage: all things on it by kind, and how many `ends` it has: things beyond which nothing is known.
    Not `whole`: there are more things than are looked at."""

    counts: "dict[str, int]"
    ends: int
    whole: bool


class Lineage(TypedDict):
    """What something was made of (`up`) and what was made of it (`down`); null for a way that was not asked for."""

    of: str
    nodes: "list[LineageNode]"
    edges: "list[Edge]"
    up: Optional[Way]
    down: Optional[Way]
