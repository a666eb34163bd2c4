"""Bounds on what people say of datasets, data types and runs, checked at the door. Raises BadInput as `bounds` does."""

import re
from typing import Any, Union

from .bounds import _VARIABLE, BIG, _most, _number, _text, _whole
from .catalogue import CLEARABLE, DatasetChange, DataTypeSpec, RunChange, RunEnd, RunStart, SetMembers, SetRequest
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


def check_set(name: str, request: SetRequest) -> None:
    """A set's name, and what it is made with."""
    check_word(name, 255, "set")
    _text(request.comment, BOUNDS["comment"], "comment")
    if request.datatype:
        check_word(request.datatype, 40, "datatype")
    _files(request.add, "add")


def check_members(name: str, request: SetMembers) -> None:
    """Files that join or leave a set."""
    check_word(name, 255, "set")
    if not request.add and not request.remove:
        raise BadInput("add, remove: both are empty; name the files that join or leave the set")
    _files([*request.add, *request.remove], "add, remove")
    _text(request.why, BOUNDS["comment"], "why")


def _files(named: "list[str]", where: str) -> None:
    _most(named, "files_per_call", where)
    for which in named:
        check_which(which, where)


def check_which(which: str, where: str) -> None:
    """What a person names something by."""
    if not which.strip():
        raise BadInput(f"{where}: is empty; give a UUID, a name or a URL")
    _text(which, BOUNDS["input"], where)


def check_why(why: str) -> None:
    """A reason for the record."""
    _text(why, BOUNDS["comment"], "why")


def check_datatype(spec: DataTypeSpec) -> None:
    """A data type's settings."""
    check_word(spec.name, 40, "name")
    _text(spec.ext, 40, "ext")
    if spec.ext and (not spec.ext.startswith(".") or len(spec.ext) < 2 or "/" in spec.ext or " " in spec.ext):
        raise BadInput(f"ext: {spec.ext!r} is no ending of a name; write it with its dot, like .root")
    _text(spec.comment, BOUNDS["comment"], "comment")


def check_run(run: int, request: Union[RunStart, RunEnd, RunChange]) -> None:
    """A run's number, and what is said of it."""
    _whole(run, 0, BIG, "run")
    _text(getattr(request, "type", "") or "", 80, "type")
    _text(request.comment or "", BOUNDS["comment"], "comment")
    _text(request.why, BOUNDS["comment"], "why")
    for name in ("started_at", "ended_at"):
        value = getattr(request, name, None)
        if value is not None:
            _number(value, "moment", name)


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
