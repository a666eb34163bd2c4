"""What the broker is told."""

from dataclasses import dataclass
from typing import Protocol

from p3s.domain.queue import WINDOW


class NotOurs(Exception):
    """Another server has taken the database over: this process must end."""


class Hold(Protocol):
    """What makes this process the only one that writes. Used by the thread that writes, on its connection."""

    def check(self) -> None:
        """Raise DatabaseError when it was lost: what is being decided must not count."""

    def regain(self) -> None:
        """Have it before the memory is built anew: take it again when it was lost. Raises NotOurs, or DatabaseError."""


class Unshared:
    """A Hold of what lasts as long as the process."""

    def check(self) -> None:
        """It is held."""

    def regain(self) -> None:
        """It is held."""


@dataclass(slots=True)
class Settings:
    """Durations in seconds: the pilots' lease, the grace beyond it, the longest wait of an exchange, how long
    unheard a pilot is called silent. `window`: most jobs of a class kept in memory."""

    lease_s: float = 300.0
    grace_s: float = 30.0
    wait_s: float = 25.0
    silent_s: float = 30.0
    window: int = WINDOW
