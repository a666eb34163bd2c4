"""Wrong passwords, counted by who tried for whom: guessing is slowed down, and a stranger locks nobody else out."""

from collections import OrderedDict, deque

MOST_TRIES, WITHIN_S = 10, 60.0
"""So many wrong passwords are judged in so long."""

MOST_KNOWN = 10_000


class Tries:
    """In memory; the longest unheard are forgotten."""

    def __init__(self) -> None:
        self._of: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def too_many(self, address: str, name: str, now: float) -> bool:
        """Whether this one has to wait."""
        tries = self._of.get((address, name), deque())
        return len(tries) == MOST_TRIES and now - tries[0] < WITHIN_S

    def wrong(self, address: str, name: str, now: float) -> int:
        """Remember one; how many there were of late, this one counted."""
        tries = self._of.setdefault((address, name), deque(maxlen=MOST_TRIES))
        self._of.move_to_end((address, name))
        while tries and now - tries[0] >= WITHIN_S:
            tries.popleft()
        tries.append(now)
        if len(self._of) > MOST_KNOWN:
            self._of.popitem(last=False)
        return len(tries)
