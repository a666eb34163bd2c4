"""The one broker of the process: memory of the queue, and the one writer of the database."""

from .broker import Broker
from .outage import Away
from .settings import Hold, NotOurs, Settings, Unshared
from .stories import Story

_running: Broker | None = None


def use(broker: Broker) -> None:
    """Make a broker the one of this process; the entrances find it by `running`."""
    global _running
    _running = broker


def running() -> Broker:
    """The broker of this process; raises RuntimeError before it was started."""
    if _running is None:
        raise RuntimeError("no broker runs in this process: start it by p3s server start")
    return _running


__all__ = ["Away", "Broker", "Hold", "NotOurs", "Settings", "Story", "Unshared", "running", "use"]
