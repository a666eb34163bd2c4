"""What people say of data that the server knows: changes of datasets, sets, data types, runs. Replies beside them.

Moments are seconds since the epoch by the server's clock; `modified_at` is by the clock of where a file lies.
"""

from dataclasses import dataclass, field
from typing import Any, Optional

from .messages import _STRICT

CLEARABLE = ("run", "subrun", "keys", "datatype", "comment", "adler32", "size", "modified_at")
"""What a dataset can be without."""


@dataclass(frozen=True)
class DatasetChange:
    """What is to be other; None stays. `clear` names what is to be emptied first, of CLEARABLE. `keys` are added to
    those there are. A new `state` must be one that may follow (docs/states.md)."""

    __pydantic_config__ = _STRICT

    url: Optional[str] = None
    state: Optional[str] = None
    size: Optional[int] = None
    adler32: Optional[str] = None
    modified_at: Optional[float] = None
    run: Optional[int] = None
    subrun: Optional[int] = None
    keys: "Optional[dict[str, Any]]" = None
    datatype: Optional[str] = None
    comment: Optional[str] = None
    clear: "list[str]" = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True)
class DatasetChanged:
    """Its state now, and which of its fields are other than before."""

    dataset: str
    state: str
    changed: "list[str]"
