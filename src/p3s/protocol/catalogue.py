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


@dataclass(frozen=True)
class SetRequest:
    """A named set of files, with the first of its files (UUIDs, names or URLs)."""

    __pydantic_config__ = _STRICT

    comment: str = ""
    datatype: str = ""
    add: "list[str]" = field(default_factory=list)


@dataclass(frozen=True)
class SetMembers:
    """Files that join a set or leave it: UUIDs, names or URLs, at most BOUNDS["files_per_call"] in all."""

    __pydantic_config__ = _STRICT

    add: "list[str]" = field(default_factory=list)
    remove: "list[str]" = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True)
class SetChanged:
    """The set, whether it is `new`, how many files joined and left it, and how many it has now. What was in it already,
    or was not, does not count."""

    dataset: str
    name: str
    new: bool
    added: int
    removed: int
    members: int


@dataclass(frozen=True)
class DataTypeSpec:
    """A kind of data: `ext` is what its files' names end in, with its dot, or empty."""

    __pydantic_config__ = _STRICT

    name: str
    ext: str = ""
    comment: str = ""


@dataclass(frozen=True)
class DataTypeChanged:
    """Whether the data type is `new`, and whether it is other than before."""

    name: str
    new: bool
    changed: bool


@dataclass(frozen=True)
class RunStart:
    """A run begins. `reopen`: also when it has ended. `end_others`: and every other open run is over with that."""

    __pydantic_config__ = _STRICT

    type: str = ""
    comment: str = ""
    reopen: bool = False
    end_others: bool = False
    why: str = ""


@dataclass(frozen=True)
class RunEnd:
    """A run is over. A `comment` is put behind the one it has."""

    __pydantic_config__ = _STRICT

    comment: str = ""
    why: str = ""


@dataclass(frozen=True)
class RunChange:
    """What is to be other of a run; None stays. Moments are seconds since the epoch."""

    __pydantic_config__ = _STRICT

    type: Optional[str] = None
    comment: Optional[str] = None
    started_at: Optional[float] = None
    ended_at: Optional[float] = None
    why: str = ""


@dataclass(frozen=True)
class RunChanged:
    """Whether something is other than before, what in words, and the runs that ended with it."""

    run: int
    open: bool
    changed: bool
    note: str
    ended: "list[int]" = field(default_factory=list)


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be, and what goes with it."""

    name: str
    note: str
