"""What scripts and cron say to the server about periodic services, and its answers."""

from dataclasses import dataclass
from typing import Any, Optional

from .errors import BadInput
from .messages import _STRICT


@dataclass(frozen=True)
class ServiceReport:
    """A service says how it stands: `text`, and maybe a `value` with its `unit`. With `every` (seconds), silence for
    longer is an alarm; 0 is no promise. `error`: what is wrong; it is an alarm until a report comes without."""

    __pydantic_config__ = _STRICT

    text: str
    value: Optional[float] = None
    unit: str = ""
    every: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class ServiceState:
    """A service as it stands. Moments are epoch seconds by the server's clock, durations seconds.

    `own`: the server's own; `runs` is then `server`, `cron` or `never`, else `script`. `error` is what the last run
    failed with, empty when it went well; `last_error` and `failed_at` stay. `next_at` is None when nothing is promised.
    """

    name: str
    own: bool
    runs: str
    what: str
    every_s: float
    last_at: Optional[float]
    took_s: Optional[float]
    said: str
    value: Optional[float]
    unit: str
    error: str
    last_error: str
    failed_at: Optional[float]
    next_at: Optional[float]
    late: bool
    running: bool
    by: str


LONGEST = {"name": 80, "text": 2_000, "unit": 40, "error": 500}
MOST_EVERY_S = 366 * 86_400.0


def check_name(name: str) -> None:
    """A service's name: letters, digits and `._-`, so that it can stand in a crontab and an address."""
    good = name.replace(".", "").replace("_", "").replace("-", "")
    if not (name[:1].isalnum() and good.isalnum() and name.isascii()) or len(name) > LONGEST["name"]:
        raise BadInput(f"service: {name[:60]!r} is not a name; use letters, digits and ._- (at most {LONGEST['name']})")


def check_report(report: ServiceReport) -> None:
    """Raises BadInput that says where and what to write."""
    if not report.text.strip():
        raise BadInput("text: is empty; say how the service stands, in a few words")
    for field in ("text", "unit", "error"):
        value: Any = getattr(report, field)
        if len(value) > LONGEST[field]:
            raise BadInput(f"{field}: has {len(value)} characters, at most {LONGEST[field]} are taken")
    if report.every and not 1.0 <= report.every <= MOST_EVERY_S:
        raise BadInput(
            f"every: must be from 1 to {MOST_EVERY_S:.0f} seconds, or 0 for no promise, not {report.every:g}"
        )
