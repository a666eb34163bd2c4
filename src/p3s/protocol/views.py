"""What the routes that read answer with: the shapes of their JSON objects, for programs that are typed, and for the API
document. Moments (`_at`, `since`) are seconds since the epoch by the server's clock; durations (`_s`) are seconds.
"""

from typing import Any, Optional, TypedDict


class JobRow(TypedDict):
    """A job as listed. `pilot`, `host`: that has or had it. `wall_s` is measured on the node. `stream`: that made it,
    or that started the `workflow` of which it is a node."""

    id: int
    uuid: str
    name: str
    jobtype: str
    owner: str
    state: str
    reason: str
    attempt: int
    pilot: Optional[str]
    host: str
    dataset: Optional[str]
    dataset_name: str
    input: str
    run: Optional[int]
    subrun: Optional[int]
    submitted_at: float
    dispatched_at: Optional[float]
    started_at: Optional[float]
    ended_at: Optional[float]
    exit_code: Optional[int]
    signal: Optional[int]
    wall_s: Optional[float]
    stream: Optional[str]
    workflow: Optional[str]


class WhoAmI(TypedDict):
    """Whose token it is, what it allows, and what the server is set to."""

    owner: str
    scopes: "list[str]"
    protocol: int
    now: float
    lease_s: float


class Token(TypedDict):
    """A token, without the token itself."""

    id: str
    name: str
    owner: str
    scopes: "list[str]"
    created_at: float
    expires_at: Optional[float]
    revoked_at: Optional[float]


class User(TypedDict):
    """A user of the browser."""

    name: str
    scopes: "list[str]"
    active: bool


class Event(TypedDict):
    """What is not the ordinary path of an object: who did or decided what, when and why."""

    at: float
    what: str
    who: str
    why: str


class Job(JobRow):
    """All there is about a job. `peak_memory` in bytes; `rerun_of`: the job whose work it does again; `pilot_silent_s`:
    for how long the pilot that has it was not heard, when it is silent."""

    payload: str
    env: "dict[str, Any]"
    priority: int
    time_limit: float
    needs: str
    eta_at: Optional[float]
    stale_at: Optional[float]
    retried: int
    rerun_of: Optional[str]
    cancelled_by: str
    stream_version: Optional[int]
    cpu_s: Optional[float]
    peak_memory: Optional[int]
    keys: "dict[str, Any]"
    pilot_silent_s: Optional[float]
    events: "list[Event]"


class JobType(TypedDict):
    """A job type's settings; `out` and `waiting` count its jobs now; `paused`: by whom and why, or empty."""

    name: str
    priority: int
    cap: Optional[int]
    pick: str
    eta: float
    stale_after: float
    time_limit: float
    retries: int
    critical: bool
    supersedes: "list[str]"
    input_as: str
    expects: "list[str]"
    out: int
    waiting: int
    paused: str


class Pause(TypedDict):
    """A job type (`all`: every one) of which nothing is handed out; `said` is the whole in words."""

    jobtype: str
    why: str
    who: str
    since: float
    said: str


class PilotRow(TypedDict):
    """A pilot. `out`: jobs that it holds; `silent_s`: for how long a silent one was not heard."""

    uuid: str
    host: str
    site: str
    slots: int
    state: str
    reason: str
    version: str
    python: str
    process: Optional[int]
    batch_id: str
    owner: str
    lease_s: float
    registered_at: float
    last_seen_at: float
    ended_at: Optional[float]
    silent_s: Optional[float]
    out: int


class Pilot(PilotRow):
    """All there is about a pilot; `jobs` that it holds."""

    jobs: "list[JobRow]"
    events: "list[Event]"


class Doubt(TypedDict):
    """Why a host gets no jobs of a type (empty: of any); tried again at `probe_at`."""

    jobtype: str
    why: str
    since: float
    probe_at: float


class Host(TypedDict):
    """A host of pilots; `out`: jobs there now."""

    host: str
    pilots: int
    slots: int
    out: int
    failures_in_a_row: int
    doubts: "list[Doubt]"


class Dataset(TypedDict):
    """A unit of data. `size` in bytes; `kind`: `file` or `set`; of a set `members` counts its files, and `size` adds
    them up. `purged`: how many of its jobs that were purged since had ended how. `came_from`: where it was registered,
    when it lies elsewhere now."""

    uuid: str
    name: str
    url: str
    came_from: Optional[str]
    kind: str
    datatype: Optional[str]
    size: Optional[int]
    adler32: str
    modified_at: Optional[float]
    run: Optional[int]
    subrun: Optional[int]
    comment: str
    state: str
    owner: str
    registered_at: float
    members: Optional[int]
    keys: "dict[str, Any]"
    purged: "dict[str, int]"


class ResultRow(TypedDict):
    """A result, without its items. `data_time`: of the data, as the payload wrote it. `stream_version`: of the stream,
    when it made the job."""

    id: int
    category: str
    run: Optional[int]
    subrun: Optional[int]
    keys: "dict[str, Any]"
    status: str
    incomplete: bool
    comment: str
    data_time: str
    published_at: float
    attempt: int
    job: str
    job_id: int
    jobtype: str
    pilot: Optional[str]
    host: str
    dataset: Optional[str]
    dataset_name: str
    stream: Optional[str]
    stream_version: Optional[int]


class Item(TypedDict):
    """One item of a result; `detail` is all of it as it was published, `problem` why it is a hole, or empty."""

    id: int
    result: int
    kind: str
    name: str
    by: "dict[str, Any]"
    status: str
    comment: str
    group: str
    value: Optional[float]
    error: Optional[float]
    unit: str
    problem: str
    detail: "dict[str, Any]"


class Result(ResultRow):
    """A result with its items."""

    items: "list[Item]"


class Alarm(TypedDict):
    """Something a person should know; `cleared_at` is null while it is open."""

    id: int
    cause: str
    kind: str
    message: str
    severity: str
    raised_at: float
    last_at: float
    count: int
    cleared_at: Optional[float]
    ending: str
    detail: "dict[str, Any]"


class Summary(TypedDict):
    """Pilots, jobs and workflows by state; `newest_result_age_s` is null with no result."""

    pilots: "dict[str, int]"
    slots: int
    slots_in_use: int
    jobs: "dict[str, int]"
    workflows: "dict[str, int]"
    datasets: int
    results: int
    newest_result_age_s: Optional[float]
    paused: "list[Pause]"
    now: float


class Recorded(TypedDict):
    """An event of the record, with the object that it is about."""

    id: int
    at: float
    kind: str
    object_id: str
    what: str
    who: str
    why: str
