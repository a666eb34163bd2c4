"""Moments as people write them on a command line."""

import time
from datetime import datetime, timedelta

from p3s.protocol import units
from p3s.protocol.errors import BadInput


def since(text: str, option: str = "--since") -> float | None:
    """Seconds since the epoch of `--since TEXT`; None when it was not given. Raises BadInput."""
    return moment_of(text, time.time(), option) if text else None


def moment_of(text: str, now: float, option: str) -> float:
    """Seconds since the epoch of `02:00` (the last one), a date and time, or a duration ago. Without a zone it is this
    machine's, with the summer time of that day. Raises BadInput."""
    try:
        found = _moment(text, now)
        if found >= 0:
            return found
    except (ValueError, OverflowError, OSError):
        pass
    raise BadInput(f"{option}: {text!r} is no moment; write 02:00, 2026-05-04T18:30 or 6h") from None


def _moment(text: str, now: float) -> float:
    if "-" in text:
        return datetime.fromisoformat(text).timestamp()
    if ":" not in text:
        return now - units.seconds(text)
    clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - its day and zone come from now
    today = datetime.combine(datetime.fromtimestamp(now), clock)  # noqa: DTZ006 - this machine's
    return (today if today.timestamp() <= now else today - timedelta(days=1)).timestamp()
