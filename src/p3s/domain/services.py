"""Periodic services: when one is due, when it is late, and the alarm that says so or that it failed."""

from collections.abc import Iterable
from dataclasses import dataclass

from p3s.domain.silence import Alarm

SLACK = 0.1
"""A service is late when it is unheard for so much longer than it promised: cron and load are not exact."""

LEAST_SLACK_S = 1.0
OWN_SLACK_S = 30.0
"""The server's own run in one process with everything else, some every second: a long transaction is no alarm."""

RETRY_S = 900.0

KIND = "service"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a service stands. `every_s`: 0 promises nothing. `error`: what its last run failed with, or what a script
    says is wrong. `running_since`: of a run that is under way. Moments are epoch seconds."""

    name: str
    own: bool
    every_s: float
    last_at: float | None = None
    said: str = ""
    error: str = ""
    running_since: float | None = None


def due_at(standing: Standing, first_at: float) -> float:
    """When the next run is due, not before `first_at`. What failed is tried again sooner."""
    if standing.last_at is None:
        return first_at
    pause_s = min(standing.every_s, RETRY_S) if standing.error else standing.every_s
    return max(first_at, standing.last_at + pause_s)


def late(standing: Standing, since: float, now: float) -> bool:
    """Whether it broke its promise. Silence counts from the later of its last word and `since`, the server's start; a
    run under way is late when it takes as long as that."""
    if not standing.every_s:
        return False
    heard = max(since, standing.last_at or 0.0, standing.running_since or 0.0)
    slack_s = max(OWN_SLACK_S if standing.own else LEAST_SLACK_S, SLACK * standing.every_s)
    return now - heard > standing.every_s + slack_s


def cause(name: str) -> str:
    """Each service is a cause of its own."""
    return f"service {name}"


def alarm(standing: Standing, since: float, now: float) -> Alarm | None:
    """The alarm about a service that failed, or that is late; None while all is well."""
    if standing.error:
        message = f"The service {standing.name} {'failed' if standing.own else 'reports'}: {standing.error}"
        return Alarm(cause(standing.name), KIND, message, "bad" if standing.own else "warning")
    if not late(standing, since, now):
        return None
    every, severity = _length(standing.every_s), "bad" if standing.own else "warning"
    if standing.own:
        what = "has stopped" if standing.running_since is None else "does not come to an end"
        message = f"The service {standing.name} {what}; it should run every {every}"
    else:
        message = f"The service {standing.name} is silent; it promised a word every {every}, the last was: "
        message += standing.said[:200]
    return Alarm(cause(standing.name), KIND, message, severity)


def alarms(standings: Iterable[Standing], since: float, now: float) -> dict[str, Alarm]:
    """All of them, by cause."""
    found = (alarm(standing, since, now) for standing in standings)
    return {one.cause: one for one in found if one is not None}


def _length(seconds: float) -> str:
    """A duration in its largest whole unit: 30 min, 2 h, 90 s."""
    for unit_s, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:g} s"
