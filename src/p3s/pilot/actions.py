"""What the pilot's machine deals in: actions for the shell, ends of processes, children in slots, words to be said."""

from dataclasses import dataclass
from typing import Optional, Union

from p3s.protocol.messages import ExchangeRequest, Order, Report

NEVER = float("inf")


@dataclass(frozen=True)
class OpenLane:
    """Send this on the order lane and wait for its answer."""

    request: ExchangeRequest


@dataclass(frozen=True)
class Call:
    """Send this beside the open lane: reports, or a word on the order lane that ends the wait there."""

    request: ExchangeRequest


@dataclass(frozen=True)
class Start:
    order: Order


@dataclass(frozen=True)
class Kill:
    """Signal everything that the attempt started."""

    job: str
    attempt: int
    signal: int


@dataclass(frozen=True)
class Finish:
    """The pilot is over. `again`: the server gave it up, so register as a new one."""

    why: str
    again: bool = False


Action = Union[OpenLane, Call, Start, Kill, Finish]


# ---- what came of a process


@dataclass(frozen=True)
class Ended:
    """The end of an attempt's process, its results delivered. `trouble` overrides the exit: it did not count."""

    exit_code: Optional[int] = None
    signal: Optional[int] = None
    ended_at: float = 0.0
    wall_s: Optional[float] = None
    cpu_s: Optional[float] = None
    peak_memory: Optional[int] = None
    stdout: str = ""
    stderr: str = ""
    reason: str = ""
    detail: str = ""


_NOTHING = Ended()


@dataclass
class Child:
    """An attempt in a slot. `ending` says why p3s is ending it, if it is."""

    order: Order
    started_at: Optional[float] = None
    ending: str = ""
    ending_at: float = 0.0
    detail: str = ""
    #: When to signal again, harder.
    kill_at: Optional[float] = None
    killed: bool = False
    #: While it waits for a slot: when it is given back.
    ahead_until: float = NEVER


@dataclass
class Said:
    """A report to be delivered from `due` on, with its moments on this machine's clock."""

    job: str
    attempt: int
    state: str
    due: float
    reason: str = ""
    detail: str = ""
    started_at: Optional[float] = None
    ended: Optional[Ended] = None


def limit_at(child: Child) -> float:
    if child.started_at is None or not child.order.time_limit or child.ending:
        return NEVER
    return child.started_at + child.order.time_limit


def dated(said: Said, now: float) -> Report:
    """The report with its moments counted back from this sending."""
    ended = said.ended or _NOTHING
    return Report(
        said.job,
        said.attempt,
        said.state,
        said.reason,
        said.detail,
        ended.exit_code,
        ended.signal,
        None if said.started_at is None else round(now - said.started_at, 6),
        None if said.ended is None else round(now - ended.ended_at, 6),
        ended.wall_s,
        ended.cpu_s,
        ended.peak_memory,
        ended.stdout,
        ended.stderr,
    )


_ENDINGS = {
    "cancelled": ("cancelled", "by person"),
    "timelimit": ("failed", "timelimit"),
    "lease ended": ("lost", "lease ended"),
    "pilot stopped": ("lost", "pilot stopped"),
}


def outcome(child: Child, ended: Ended) -> "tuple[str, str, str]":
    """(state, reason, detail). A process that ended well before our signal reached it has finished."""
    ended_first = not child.ending or (ended.signal is None and ended.ended_at <= child.ending_at)
    if ended.exit_code == 0 and ended_first and not ended.reason:
        return "finished", "", ended.detail
    if child.ending and not ended_first:
        return (*_ENDINGS[child.ending], child.detail)
    if ended.reason:
        return "failed", ended.reason, ended.detail
    if ended.signal is not None:
        return "failed", "signal", ended.detail
    return "failed", "exit code", ended.detail
