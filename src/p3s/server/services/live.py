"""How services stand by the memory of this process: the table has those that run every second minutes late."""

from collections.abc import Callable, Sequence

from p3s.protocol.services import ServiceState

States = Callable[[], Sequence[ServiceState]]


def _nothing() -> Sequence[ServiceState]:
    """Without upkeep nothing is known."""
    return ()


_states: States = _nothing


def use(states: States) -> None:
    """Make an upkeep's memory the one that is asked."""
    global _states
    _states = states


def states() -> Sequence[ServiceState]:
    """All services by name, the server's own first. From any thread."""
    return _states()
