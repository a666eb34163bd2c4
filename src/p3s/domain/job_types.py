"""What is set of a job type, in words."""

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
