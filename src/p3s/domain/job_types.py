"""What is set of a job type: in words, and against what a file says."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from p3s.protocol import units
from p3s.protocol.messages import JobTypeSpec

DURATIONS = ("eta", "stale_after", "time_limit")


def word(name: str, value: Any) -> str:
    """A setting as people write it: `none`, `10m`, `TPC monitor, Purity`."""
    if value is None or value == () or (name in DURATIONS and not value):
        return "none"
    if name in DURATIONS:
        return units.written(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def changed(before: JobTypeSpec, after: JobTypeSpec) -> dict[str, str]:
    """By name, what `after` has otherwise, in words."""
    names = [one.name for one in fields(JobTypeSpec)]
    return {name: word(name, getattr(after, name)) for name in names if getattr(before, name) != getattr(after, name)}


def kept(before: Mapping[str, Any], now: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    """Names of settings that a file has `said` as it did `before`, and that are otherwise `now`: people changed them
    live. Where the file is another than before, it wins, as of streams (`changes`)."""
    return [name for name, value in said.items() if name in before and before[name] == value != now.get(name)]
