"""What goes over the wire: one request and one reply per route, frozen dataclasses of plain values.

Durations are in seconds and end in `_s`; `_ago_s` counts back from the sending of the message, because clocks are
not trusted: durations are measured on one machine, and the server's clock orders events.
Bounds stand beside the fields as `BOUNDS` so that the server checks them and every part can quote them.
"""

from dataclasses import dataclass, field
from typing import Any, Optional

PROTOCOL_VERSION = 1
"""Spoken here. A pilot and a server that differ say so at registration, and which of them to upgrade."""

_STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
"""People's input: how the server's decoder treats it. A plain dictionary, so that nothing is imported here."""

_MIXED = {"extra": "ignore", "strict": True, "allow_inf_nan": False}
"""The pilots' input: neighbouring versions may know more fields."""

AHEAD_PER_SLOT = 4
"""A pilot whose slots hold quick jobs alone may be ordered so many more of them a slot, ahead of its slots' becoming
free: one exchange then serves many jobs, and no slot waits for an answer. What is more the pilot refuses at once: the
server counts a job until its end was reported, so it never counts fewer than the pilot has."""

MAX_TAIL_BYTES = 16_384
"""Of stdout and stderr each, sent with the final report; a longer log is uploaded whole first."""


@dataclass(frozen=True)
class Needs:
    """What a job must find at its pilot. `memory` in bytes; an empty `site` or `runtime` is any."""

    __pydantic_config__ = _STRICT

    cores: int = 1
    memory: int = 0
    gpus: int = 0
    site: str = ""
    tags: "tuple[str, ...]" = ()
    runtime: str = ""


ANYWHERE = Needs()
"""One core of any pilot."""


@dataclass(frozen=True)
class JobSpec:
    """One process to run, as its author describes it. What is None comes from its job type; durations in seconds.

    `eta` and `stale_after` count from the registration of its dataset or from its submission; 0 is none. With
    `replicas`, it describes so many jobs.
    """

    __pydantic_config__ = _STRICT

    payload: str
    name: str = ""
    jobtype: str = "default"
    input: str = ""
    env: "dict[str, str]" = field(default_factory=dict)
    priority: Optional[int] = None
    time_limit: Optional[float] = None
    needs: Needs = ANYWHERE
    eta: Optional[float] = None
    stale_after: Optional[float] = None
    hold: bool = False
    replicas: int = 1


PICKS = ("fifo", "freshest", "deadline")
"""Orders within a type: oldest first, newest first, earliest ETA first."""

INPUT_AS = ("path", "name", "url")
"""What P3S_INPUT_FILE holds: the path (an address as it is), the bare name, or an address (a path as file://)."""


@dataclass(frozen=True)
class JobTypeSpec:
    """What jobs of a type share; durations in seconds, 0 is none.

    `cap`: most jobs out at once; None is no limit, 0 a brake. `retries`: attempts after the first when the node
    failed. `critical`: lower-priority jobs are shed for its ETA. `supersedes`: a new job drops older waiting ones
    that have equal values of these (`run`, `subrun`, or names in the dataset's keys). `input_as`: what their
    P3S_INPUT_FILE holds of their input, unless they say so themselves as P3S_INPUT_AS. `expects`: results that each
    of its jobs publishes, as `category` or `category/item`.
    """

    __pydantic_config__ = _STRICT

    name: str
    priority: int = 0
    cap: Optional[int] = None
    pick: str = "fifo"
    eta: float = 0.0
    stale_after: float = 0.0
    time_limit: float = 0.0
    retries: int = 0
    critical: bool = False
    supersedes: "tuple[str, ...]" = ()
    input_as: str = "path"
    expects: "tuple[str, ...]" = ()


@dataclass(frozen=True)
class SubmitRequest:
    """`key` makes the call repeatable: the same key and jobs give the same answer, whatever was lost on the way."""

    __pydantic_config__ = _STRICT

    jobs: "list[JobSpec]"
    key: str = ""


@dataclass(frozen=True)
class SubmitReply:
    """Job UUIDs in the order of the request, replicas one after the other; `pilots` that take orders now; `notes` that
    a person should read."""

    jobs: "list[str]"
    pilots: int = 0
    notes: "list[str]" = field(default_factory=list)


@dataclass(frozen=True)
class CancelRequest:
    """Ask that a job not run, or stop running."""

    __pydantic_config__ = _STRICT

    why: str = ""


@dataclass(frozen=True)
class CancelReply:
    """`state` after the call; a running job stays `running` until its pilot has ended it."""

    job: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class RegisterRequest:
    """A pilot names itself: `pilot` and `nonce` are its own, so that a lost answer can be asked again.

    It declares what it has for its jobs together: `cores` (0: as many as slots), `memory` in bytes (0: not known, it
    gets only jobs that ask for none), `gpus`; `life_s` is how long it will still be there (0: no end).
    """

    __pydantic_config__ = _MIXED

    pilot: str
    nonce: str
    protocol: int
    version: str
    host: str
    slots: int
    site: str = "local"
    python: str = ""
    process: Optional[int] = None
    batch_id: str = ""
    cores: int = 0
    memory: int = 0
    gpus: int = 0
    tags: "tuple[str, ...]" = ()
    runtimes: "tuple[str, ...]" = ()
    life_s: float = 0.0


@dataclass(frozen=True)
class RegisterReply:
    """`token` speaks only for this pilot. Lease and longest wait are the server's to set."""

    pilot: str
    token: str
    lease_s: float
    wait_s: float
    protocol: int


@dataclass(frozen=True)
class Order:
    """A job given to a pilot. `number` grows per pilot over orders and instructions."""

    number: int
    job: str
    attempt: int
    payload: str
    token: str
    env: "dict[str, str]" = field(default_factory=dict)
    time_limit: float = 0.0


@dataclass(frozen=True)
class Instruction:
    """`kill` a job's attempt, `drain`, or `stop`. Numbered and confirmed like orders."""

    number: int
    kind: str
    why: str = ""
    job: str = ""
    attempt: int = 0


@dataclass(frozen=True)
class Held:
    """An attempt whose end the server has not yet confirmed."""

    __pydantic_config__ = _MIXED

    job: str
    attempt: int


@dataclass(frozen=True)
class Report:
    """What became of an attempt: `running`, or a final state. Idempotent per (job, attempt)."""

    __pydantic_config__ = _MIXED

    job: str
    attempt: int
    state: str
    reason: str = ""
    detail: str = ""
    exit_code: Optional[int] = None
    signal: Optional[int] = None
    started_ago_s: Optional[float] = None
    ended_ago_s: Optional[float] = None
    wall_s: Optional[float] = None
    cpu_s: Optional[float] = None
    peak_memory: Optional[int] = None
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True)
class ExchangeRequest:
    """On the order lane: `seq` grows, `acked` is the last number received, `holding` (when set) asks to reconcile.

    On the report lane only `reports` counts. On the order lane `draining` says that no more orders are wanted, and
    `goodbye` that the pilot ends, with this reason.
    """

    __pydantic_config__ = _MIXED

    lane: str
    seq: int = 0
    acked: int = 0
    wait_s: float = 0.0
    holding: "Optional[list[Held]]" = None
    reports: "list[Report]" = field(default_factory=list)
    draining: bool = False
    goodbye: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the server made of a report: `applied`, `repeated` or `refused` (with why). Each ends the pilot's duty."""

    job: str
    attempt: int
    verdict: str
    why: str = ""


@dataclass(frozen=True)
class ExchangeReply:
    """`lease_s` renews the lease from the sending of the request. `come_back`: the server is stopping, ask again."""

    orders: "list[Order]" = field(default_factory=list)
    instructions: "list[Instruction]" = field(default_factory=list)
    verdicts: "list[Verdict]" = field(default_factory=list)
    lease_s: float = 300.0
    wait_s: float = 25.0
    come_back: bool = False


@dataclass(frozen=True)
class DeathRequest:
    """A guardian's word: the pilot's process is gone and so is everything it ran."""

    __pydantic_config__ = _MIXED

    evidence: str
    killed: int = 0


@dataclass(frozen=True)
class PublishRequest:
    """Results of an attempt in wire form (`protocol.results.to_wire`), their files uploaded before."""

    __pydantic_config__ = _STRICT

    results: "list[dict[str, Any]]"
    problems: "list[str]" = field(default_factory=list)


@dataclass(frozen=True)
class PublishReply:
    """How many results are on display because of this call (a repeated call answers the same)."""

    results: int


BOUNDS: "dict[str, Any]" = {
    "payload": 20_000,
    "name": 200,
    "jobtype": 80,
    "input": 2_000,
    "env_variables": 500,
    "env_value": 32_000,
    "priority": (-1_000, 1_000),
    "time_limit": (0, 30 * 86_400),
    "jobs_per_submit": 10_000,
    "reports_per_exchange": 1_000,
    "held_per_exchange": 10_000,
    "slots": (1, 1_024),
    "cores": (1, 1_024),
    "memory": (0, 2**44),
    "gpus": (0, 64),
    "tags": 50,
    "tag": 80,
    "needs": 600,
    "cap": (0, 1_000_000),
    "retries": (0, 20),
    "supersedes": 10,
    "expects": 50,
    "files_per_call": 1_000,
    "declarations": 1_000,
    "stream_jobs": 50,
    "stream_changes": 100,
    "limit": (1, 1_000_000),
    "one_in": (1, 1_000_000_000),
    "first_of_run": (0, 1_000),
    "at_most": (1, 100_000),
    "every": (0, 1_000_000),
    "json": 65_536,
    "comment": 2_000,
    "keys": 100,
    "moment": (0, 1e12),
}
"""Longest texts in characters, most entries, (lowest, highest) numbers."""
