"""Bounds on what people set results to be judged and shown by. Raises BadInput as `bounds` does."""

import math
from typing import Optional

from .bounds import BIG, _text, _whole
from .data import DimensionSpec, LimitSpec, ReferenceSpec
from .errors import BadInput
from .result_fields import MAX_KEY, MAX_TEXT
from .result_limits import Drift, Limits, contains

MAX_CATEGORY = 80
MAX_NAME = 2 * MAX_TEXT + 1  # table/column
MAX_VALUES = 1000  # of a dimension


def check_limit(spec: LimitSpec) -> None:
    """Of something, and at least one of them; `good` within `warn`."""
    _required(spec.category, MAX_CATEGORY, "category", "write the category of the results")
    _required(spec.item, MAX_NAME, "item", "write the name of a number, or table/column")
    if spec.good is None and spec.warn is None and spec.drift is None:
        raise BadInput("good: say good, warn or drift; to have no limits here, delete them")
    for name in ("good", "warn"):
        check_pair(getattr(spec, name), name)
    if spec.good and spec.warn and not contains(spec.warn, spec.good):
        raise BadInput("warn: narrower than good; outside good is a warning, outside the wider warn is bad")
    check_drift(spec.drift, "drift")
    _text(spec.why, 2_000, "why")


def check_pair(limits: Optional[Limits], where: str) -> None:
    """Two sides, at least one of them a number, in order."""
    if limits is None:
        return
    low, high = limits
    if low is None and high is None:
        raise BadInput(f"{where}: has no limit on either side; leave it out")
    if any(side is not None and not math.isfinite(side) for side in limits):
        raise BadInput(f"{where}: must be finite; write null for no limit on a side")
    if low is not None and high is not None and low > high:
        raise BadInput(f"{where}: the low limit {low} is above the high limit {high}; write [low, high]")


def check_drift(drift: Optional[Drift], where: str) -> None:
    """Two fractions, the smaller first."""
    if drift is not None and not (0 <= drift[0] <= drift[1] < math.inf):
        raise BadInput(f"{where}: write [warning, bad], two fractions such as [0.2, 0.5]")


def check_reference(spec: ReferenceSpec) -> None:
    """A run, of a category or of all."""
    _whole(spec.run, 0, BIG, "run")
    _text(spec.category, MAX_CATEGORY, "category")
    _text(spec.why, 2_000, "why")


def check_dimension(spec: DimensionSpec) -> None:
    """A coordinate by its name, values once each, short labels."""
    _required(spec.name, MAX_KEY, "name", "write the name of a coordinate")
    for name, values in (("order", spec.order), ("labels", spec.labels)):
        if len(values) > MAX_VALUES:
            raise BadInput(f"{name}: {len(values)} values; at most {MAX_VALUES} are taken")
        for value in values:
            _text(value, MAX_TEXT, name)
    if len(set(spec.order)) != len(spec.order):
        raise BadInput("order: a value stands twice; write each once")
    for value, label in spec.labels.items():
        _text(label, MAX_TEXT, f"labels.{value[:40]}")
    if not spec.order and not spec.labels:
        raise BadInput("order: say order or labels; to show the values as they are, delete the dimension")
    _text(spec.why, 2_000, "why")


def _required(text: str, longest: int, where: str, write: str) -> None:
    if not text.strip():
        raise BadInput(f"{where}: is empty; {write}")
    _text(text, longest, where)
