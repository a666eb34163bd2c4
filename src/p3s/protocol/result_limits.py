"""What a value is measured against: limits, and how far it may drift from a reference; the status that follows."""

import math
from collections.abc import Iterable
from typing import Optional

Limits = tuple[Optional[float], Optional[float]]
"""[low or None, high or None]"""

Drift = tuple[float, float]
"""[warning, bad]: fractions of the reference's value."""

STATUSES = ("none", "good", "warning", "bad")  # from best to worst; none says nothing


def worst(statuses: Iterable[str]) -> str:
    """The worst of some statuses, 'none' of none."""
    return max(statuses, key=STATUSES.index, default="none")


def number_status(value: Optional[float], good: Optional[Limits], warn: Optional[Limits]) -> str:
    """The status of a number: outside `good` a warning, outside `warn` bad; without value or limits none."""
    limits = [limit for limit in (good, warn) if limit and limit != (None, None)]
    if value is None or not limits:
        return "none"
    if warn and not _inside(value, warn):
        return "bad"
    return "warning" if good and not _inside(value, good) else "good"


def deviation(value: Optional[float], reference: Optional[float]) -> Optional[float]:
    """value / reference - 1; None where there is none: without either of them, from a reference of 0, or beyond what a
    number can hold."""
    if value is None or not reference:
        return None
    found = value / reference - 1
    return found if math.isfinite(found) else None


def drift_status(value: Optional[float], reference: Optional[float], drift: Optional[Drift]) -> str:
    """Further from the reference than the first fraction is a warning, than the second bad; without a reference none.

    No fraction of 0 says how far is far, so nothing drifts from it.
    """
    if value is None or not reference or drift is None:
        return "none"
    off = abs(value / reference - 1)
    return "bad" if off > drift[1] else "warning" if off > drift[0] else "good"


def contains(outer: Limits, inner: Limits) -> bool:
    """Whether nothing is inside `inner` that is outside `outer`."""
    low = outer[0] is None or (inner[0] is not None and outer[0] <= inner[0])
    high = outer[1] is None or (inner[1] is not None and outer[1] >= inner[1])
    return low and high


def _inside(value: float, limits: Limits) -> bool:
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)
