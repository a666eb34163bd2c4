"""When pilots were heard, by the memory of this process's broker: the table has it minutes late, and for the ended."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """Of a pilot in service: the moment by the server's clock, and for how long a silent one was not heard."""

    last_seen_at: float
    silent_s: float | None


Hear = Callable[[str], Heard | None]


def _nobody(pilot: str) -> None:
    """Without a broker nothing is known."""


_hear: Hear = _nobody


def use(hear: Hear) -> None:
    """Make a broker's memory the one that reads of pilots ask."""
    global _hear
    _hear = hear


def of(pilot: str) -> Heard | None:
    """From any thread; None for a pilot that is not in service."""
    return _hear(pilot)
