"""An outage of the database: what callers are told meanwhile, and the few lines that the log has of it."""

import logging
from collections.abc import Callable
from time import monotonic

from p3s.protocol.errors import TryLater

log = logging.getLogger("p3s.broker")

REMIND_S = 60.0
"""While it lasts the log says so this often: what tries every second would fill it."""


class Away(TryLater):
    """The database does not answer. It is in the log already."""

    def __init__(self) -> None:
        super().__init__("the database does not answer; ask again")


class Outage:
    """Told of each failure, and of the end."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._said_at = 0.0

    def failed(self, why: str) -> None:
        """The database did not answer."""
        now = self._clock()
        if self._since is None:
            self._since = self._said_at = now
            log.error("the database does not answer: %s; this server waits for it", why)
        elif now - self._said_at >= REMIND_S:
            self._said_at = now
            log.error("the database has not answered for %.0f s: %s", now - self._since, why)

    def over(self) -> None:
        """It answered."""
        if self._since is not None:
            log.warning("the database answers again, after %.1f s; this server goes on", self._clock() - self._since)
            self._since = None
