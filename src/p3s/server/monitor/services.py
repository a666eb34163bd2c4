"""Services on the front page: those that a person looks for, and whatever is wrong; the rest in one line."""

from dataclasses import dataclass
from typing import Any, Final

from p3s.protocol.services import ServiceState
from p3s.server.monitor.states import Mark
from p3s.server.services import live

#: Of the server's own, these are shown although they run well.
TELLING: Final = ("disk", "backup")
MOST: Final = 12
#: When one that runs oftener ran last is old before the page is read again.
SELDOM_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """`at`: when it was heard last, epoch seconds; None for one that runs all the time."""

    name: str
    said: str
    mark: Mark
    at: float | None


def block() -> dict[str, Any]:
    """What the template shows: nothing is asked of the database."""
    states = [state for state in live.states() if state.runs != "never" or state.error]
    lines = [_line(state) for state in states if _is_shown(state)]
    lines.sort(key=lambda line: line.mark.group not in ("wrong", "warning"))
    return {
        "services": lines[:MOST],
        "services_more": max(0, len(lines) - MOST),
        "services_well": len(states) - len(lines),
    }


def _is_shown(state: ServiceState) -> bool:
    return not state.own or state.name in TELLING or _is_wrong(state)


def _is_wrong(state: ServiceState) -> bool:
    return bool(state.error) or state.late


def _line(state: ServiceState) -> ServiceLine:
    value = "" if state.value is None else f"{state.value:g} {state.unit}".strip()
    said = " · ".join(word for word in (state.error or state.said or state.what, value) if word)
    at = None if 0 < state.every_s < SELDOM_S and state.own else state.last_at
    return ServiceLine(state.name, said, mark_of(state), at)


def mark_of(state: ServiceState) -> Mark:
    """Colour and word."""
    if state.error:
        return Mark("wrong" if state.own else "warning", "failed")
    if state.late:
        return Mark("wrong", "stopped") if state.own else Mark("warning", "silent")
    if state.running:
        return Mark("busy", "running")
    if not state.last_at:
        return Mark("plain", "not yet")
    # Who promises no next report may have stopped since, as a watcher that ends says with its last one.
    return Mark("done", "well") if state.own or state.every_s else Mark("plain", "reported")
