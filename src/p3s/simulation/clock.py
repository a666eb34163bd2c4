"""Virtual time: things happen in the order of their moments, and nothing takes time by itself."""

import heapq
import itertools
from collections.abc import Callable


class Clock:
    """`now` in virtual seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._ties = itertools.count()

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Do something at a moment, or now if the moment has passed."""
        heapq.heappush(self._heap, (max(moment, self.now), next(self._ties), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something in so many seconds."""
        self.at(self.now + seconds, act)

    def run(self, until: float) -> None:
        """Let everything happen that is due up to a moment."""
        while self._heap and self._heap[0][0] <= until:
            self.now, _, act = heapq.heappop(self._heap)
            act()
        self.now = until
