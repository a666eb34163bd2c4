"""The machine's clock is set while the server runs: moments are by it, silence must not be."""

import time
from collections.abc import Callable

STEP_S = 2.0
"""By less a clock is slewed, and nobody is hurt."""

READ_S = 0.5
"""Both clocks are read within so long, or they say nothing of each other."""


def steady() -> float:
    """Seconds that nobody sets, which go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Steps:
    """Of `clock`, since this was made."""

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float] = steady) -> None:
        self._clock = clock
        self._steady = steady
        self._ahead_s = clock() - steady()

    def last(self) -> float:
        """By how many seconds it was set since this was asked last; 0 when it was not."""
        before, now, after = self._steady(), self._clock(), self._steady()
        by_s = now - after - self._ahead_s
        if after - before > READ_S or abs(by_s) < STEP_S:
            return 0.0
        self._ahead_s += by_s
        return by_s
