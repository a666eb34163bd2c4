"""Moments as people write them on a command line."""

from datetime import datetime, timedelta
from time import time

from p3s.client.descriptions import duration
from p3s.protocol.errors import BadInput


def since(text: str) -> float | None:
    """Seconds since the epoch of `--since TEXT`; None when it was not given. Raises BadInput."""
    return moment_of(text, datetime.fromtimestamp(time()).astimezone()) if text else None


def moment_of(text: str, now: datetime) -> float:
    """Seconds since the epoch of `02:00` (the last one), a date and time, or a duration ago. Raises BadInput."""
    if ":" not in text and "-" not in text:
        return now.timestamp() - duration(text, "--since")
    try:
        if "-" in text:
            found = datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=now.tzinfo)).timestamp()
        clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - its day and zone come from now
    except ValueError:
        raise BadInput(f"--since: {text!r} is no moment; write 02:00, 2026-05-04T18:30 or 6h") from None
    today = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return (today if today <= now else today - timedelta(days=1)).timestamp()
