"""What the broker is told."""

from dataclasses import dataclass

from p3s.domain.queue import WINDOW


class NotOurs(Exception):
    """Another server has taken the database over: this process must end."""


@dataclass(slots=True)
class Settings:
    """Durations in seconds: the pilots' lease, the grace beyond it, the longest wait of an exchange, how long
    unheard a pilot is called silent. `window`: most jobs of a class kept in memory."""

    lease_s: float = 300.0
    grace_s: float = 30.0
    wait_s: float = 25.0
    silent_s: float = 30.0
    window: int = WINDOW
