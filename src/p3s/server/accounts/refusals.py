"""Refusals in the server's log: who was refused what, and why. A caller that goes on asking does not fill it."""

import logging
from collections import deque
from time import monotonic

from p3s.protocol.errors import P3sError

log = logging.getLogger("p3s.refused")

MOST, WITHIN_S = 20, 10.0
"""So many lines are written in so long; what is beyond is counted."""

_written: deque[float] = deque(maxlen=MOST)
_left_out = 0


def refused(method: str, path: str, error: P3sError, who: str) -> None:
    """A warning when somebody may not, else for those who look at the log closely (`--log info`)."""
    global _left_out
    level = logging.WARNING if error.status in (401, 403) else logging.INFO
    if error.status >= 500 or not log.isEnabledFor(level):
        return
    now = monotonic()
    if len(_written) == MOST and now - _written[0] < WITHIN_S:
        _left_out += 1
        return
    _written.append(now)
    more = f" ({_left_out} more were left out before)" if _left_out else ""
    _left_out = 0
    asked = f"{_line(method)} {_line(path)} by {_line(who) or 'nobody'}"
    log.log(level, "%s: %d, %s%s", asked, error.status, _line(str(error)), more)


def _line(text: str) -> str:
    """What callers send is hostile: a line break of theirs would begin a line that we did not write."""
    return "".join(one if one.isprintable() else "?" for one in text[:300])
