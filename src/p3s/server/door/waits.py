"""The waits of idle pilots: they end a few times a second, all at once, and begin again in company.

A thousand idle pilots renew forty times a second. One by one, each would wake the loop, the writer and the loop again,
with cold caches, at several times the cost of the work itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

Lane = tuple[str, int]
"""A pilot and the `seq` of its exchange."""

STEP_S = 0.25
"""Long waits end at multiples of this, at most so much early. The answers of one moment are one burst, in which the
loop does nothing else: a longer step makes it cheaper, and longer."""

LONG_S = 20 * STEP_S
"""A wait of at least so many seconds is long."""

PATIENCE_S = 0.05
"""A wait that only goes on is looked at after so long, or with whatever happens before."""

STEPS_KEPT = 8


class Waits:
    """Of one event loop. `end` is given the lanes whose time is up; `nudge` has those looked at that only go on."""

    def __init__(self, end: Callable[[Iterable[Lane]], None], nudge: Callable[[], None]) -> None:
        self._end = end
        self._nudge = nudge
        self._nudging = False
        self._due: dict[float, set[Lane]] = {}
        self._ended: deque[set[Lane]] = deque(maxlen=STEPS_KEPT)

    def add(self, lane: Lane, wait_s: float) -> float:
        """Let a wait end within `wait_s` seconds; returns the moment, by the loop's clock."""
        loop = asyncio.get_running_loop()
        at = loop.time() + wait_s
        if wait_s >= LONG_S:
            at -= at % STEP_S
        lanes = self._due.get(at)
        if lanes is None:
            lanes = self._due[at] = set()
            loop.call_at(at, self._over, at, wait_s >= LONG_S)
        lanes.add(lane)
        return at

    def drop(self, lane: Lane, at: float) -> None:
        """It was answered before, or its caller left."""
        lanes = self._due.get(at)
        if lanes is not None:
            lanes.discard(lane)

    def goes_on(self, lane: Lane) -> bool:
        """Whether the pilot's wait before this one ended lately, with nothing. Then `nudge` is called in a moment."""
        before = (lane[0], lane[1] - 1)
        if not any(before in lanes for lanes in self._ended):
            return False
        if not self._nudging:
            self._nudging = True
            asyncio.get_running_loop().call_later(PATIENCE_S, self._patience_is_over)
        return True

    def _patience_is_over(self) -> None:
        self._nudging = False
        self._nudge()

    def _over(self, at: float, long: bool) -> None:
        lanes = self._due.pop(at)
        if lanes:
            if long:
                self._ended.append(lanes)
            self._end(lanes)
