"""What files say of the server beside their streams and jobs: settings of job types, dimensions, limits."""

from dataclasses import dataclass, field
from typing import Any

from .data import DimensionSpec, LimitSpec
from .messages import _STRICT


@dataclass(frozen=True)
class DeclareRequest:
    """Settings by name of job type, by the names of a JobTypeSpec: what is left out stays as it is. `force`: what
    people changed since the file said the same is not kept."""

    __pydantic_config__ = _STRICT

    jobtypes: "dict[str, dict[str, Any]]" = field(default_factory=dict)
    dimensions: "list[DimensionSpec]" = field(default_factory=list)
    limits: "list[LimitSpec]" = field(default_factory=list)
    force: bool = False


@dataclass(frozen=True)
class DeclareReply:
    """A line each: what was set, and what people changed live and is kept although the file says otherwise."""

    changed: "list[str]"
    kept: "list[str]"
