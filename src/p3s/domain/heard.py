"""Pilots in service in the order in which they were heard, so that whoever asks for those unheard for long looks at
these alone, and not at the thousand that are well."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from p3s.domain.pool import PilotEntry

SILENT_S = 30.0
"""A pilot unheard for longer is called silent, unless the server is told otherwise."""


class Heard:
    """An order for each lease: of pilots with the same lease, the one unheard longest is the first that is due."""

    def __init__(self) -> None:
        self._orders: dict[float, OrderedDict[str, PilotEntry]] = {}

    def add(self, entry: PilotEntry) -> None:
        """A pilot is in service; of several, the one unheard longest is added first."""
        self._orders.setdefault(entry.lease_s, OrderedDict())[entry.pilot] = entry

    def again(self, entry: PilotEntry, now: float) -> None:
        """A pilot was heard."""
        entry.last_seen = max(entry.last_seen, now)
        self._orders[entry.lease_s].move_to_end(entry.pilot)

    def remove(self, entry: PilotEntry) -> None:
        """A pilot is in service no longer."""
        order = self._orders[entry.lease_s]
        del order[entry.pilot]
        if not order:
            del self._orders[entry.lease_s]

    def unheard(self, too_long: Callable[[PilotEntry], bool], now: float) -> Iterator[PilotEntry]:
        """Pilots for which `too_long` holds, which among pilots of one lease holds for those unheard longest."""
        for order in self._orders.values():
            for entry in order.values():
                if too_long(entry):
                    yield entry
                elif entry.last_seen <= now:  # one heard in the future (the clock was set back) says nothing of others
                    break

    def clock_was_set(self, by_s: float, now: float) -> None:
        """Each is unheard for as long as before; nobody was heard later than `now`."""
        for order in self._orders.values():
            for entry in order.values():
                entry.last_seen = min(entry.last_seen + by_s, now)

    def since(self, moment: float) -> Iterator[PilotEntry]:
        """Pilots heard at that moment or later."""
        for order in self._orders.values():
            for entry in reversed(order.values()):
                if entry.last_seen < moment:
                    break
                yield entry
