"""Bounds on what people say of datasets, data types and runs, checked at the door. Raises BadInput as `bounds` does."""

import re
from typing import Any

from .bounds import _VARIABLE, BIG, _most, _number, _text, _whole
from .catalogue import CLEARABLE, DatasetChange
from .errors import BadInput
from .messages import BOUNDS
from .states import DatasetState

_ADLER32 = re.compile(r"[0-9a-f]{8}\Z")


def check_dataset_change(request: DatasetChange) -> None:
    """Each field by itself; whether the state may follow, the server's rules say."""
    if request.url is not None:
        check_url(request.url, "url")
    if request.state is not None and request.state not in list(DatasetState):
        raise BadInput(f"state: {request.state[:60]!r} is none; use {', '.join(DatasetState)}")
    for name in ("size", "run", "subrun"):
        _whole(getattr(request, name), 0, BIG, name)
    if request.adler32 is not None:
        check_adler32(request.adler32)
    if request.modified_at is not None:
        _number(request.modified_at, "moment", "modified_at")
    if request.keys is not None:
        check_keys(request.keys)
    if request.datatype is not None:
        check_word(request.datatype, 40, "datatype")
    _text(request.comment or "", BOUNDS["comment"], "comment")
    _text(request.why, BOUNDS["comment"], "why")
    for name in request.clear:
        if name not in CLEARABLE:
            raise BadInput(f"clear: {name[:60]!r} cannot be emptied; {', '.join(CLEARABLE)} can")


def check_url(url: str, where: str) -> None:
    """A path or URL, and no more of it than an index takes."""
    if not url.strip():
        raise BadInput(f"{where}: is empty; give the file's path or URL")
    _text(url, BOUNDS["input"], where)
    if len(url.encode()) > BOUNDS["input"]:
        raise BadInput(f"{where}: has {len(url.encode())} bytes, at most {BOUNDS['input']} are taken")


def check_adler32(text: str) -> None:
    """Eight hex digits, as tools print it."""
    if not _ADLER32.match(text):
        raise BadInput(f"adler32: {text[:60]!r} is not one; write eight hex digits in small letters")


def check_keys(keys: "dict[str, Any]") -> None:
    """The experiment's own numbering: integers and short texts by name."""
    _most(keys, "keys", "keys")
    for key, value in keys.items():
        if not _VARIABLE.match(key) or len(key) > 40:
            raise BadInput(f"keys: {key[:60]!r} is not a key's name; use letters, digits and _, at most 40")
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise BadInput(f"keys.{key}: must be an integer or a short text")
        if isinstance(value, int):
            _whole(value, -BIG, BIG, f"keys.{key}")
        else:
            _text(value, 200, f"keys.{key}")


def check_word(name: str, longest: int, where: str) -> None:
    """A name that stands in paths and commands."""
    _text(name, longest, where)
    if not name.strip() or name != name.strip() or "/" in name or "\n" in name:
        raise BadInput(f"{where}: {name[:60]!r} is not a name; write one without slashes and blanks around it")
