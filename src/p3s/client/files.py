"""Files here, as datasets: their size, time and checksum; and 2018's descriptions of files and data types."""

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from p3s.protocol.catalogue import DataTypeSpec
from p3s.protocol.data import DatasetRequest
from p3s.protocol.errors import BadInput, NotKnown

CHUNK = 1 << 20

T = TypeVar("T")

#: 2018's words for where a file is -> ours.
_STATES = {"defined": "registered", "template": "registered", "registered": "registered", "available": "available"}
_FILE_FIELDS = {"name", "state", "comment", "datatype", "dirpath"}
_TYPE_FIELDS = {"name", "ext", "comment"}


def adler32(path: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """Of a file's content, in eight hex digits. `progress` is told how many bytes were read. Raises OSError."""
    value, done = 1, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            value = zlib.adler32(chunk, value)
            done += len(chunk)
            progress(done)
    return f"{value:08x}"


def local_path(url: str) -> Path | None:
    """The path of a URL that is a file's on this machine, or None for one elsewhere."""
    if url.startswith("file:"):
        return Path(unquote(urlsplit(url).path))
    return None if "://" in url else Path(url)


def is_there(path: str | Path) -> bool:
    """Whether this machine sees something there: not where one may not look, nor by a name that no file can have."""
    return os.path.exists(path)  # noqa: PTH110 - a Path raises for these


def is_file(path: str | Path) -> bool:
    """The same of a file."""
    return os.path.isfile(path)  # noqa: PTH113 - a Path raises for these


def address(text: str) -> str:
    """What a file is known by: a path as a whole one, without links to directories, as the watcher has it; a URL as it
    is; `xroot://` means `root://`. A link to a file stays one: it is known by its own path, not by what it leads to."""
    if text.startswith("xroot://"):
        return "root://" + text.removeprefix("xroot://")
    if "://" in text or text.startswith("set:"):
        return text
    directory, name = os.path.split(text)
    if name in ("", ".", ".."):
        return os.path.realpath(text)
    return os.path.join(os.path.realpath(directory), name)  # noqa: PTH118 - a Path would lose what is a link


def named(which: str) -> str:
    """A dataset as people name it: with a slash in it `raw/x` is a path from here, for no name has one; the rest is as
    the server has it."""
    return address(which) if "/" in which and not which.startswith("/") else which


def by_its_name(which: str, ask: Callable[[str], T]) -> T:
    """What is asked of a dataset as people name it. Of a whole path that the server does not know it is asked by the
    path without links to directories: the server may know files of other machines, so not the other way round. Raises
    NotKnown."""
    try:
        return ask(named(which))
    except NotKnown:
        found = address(which) if which.startswith("/") else which
        if found == which:
            raise
    return ask(found)


def described(path: Path) -> list[DatasetRequest] | None:
    """The files that a description of 2018 describes, one or a list: `{"name", "state", "comment", "datatype",
    "dirpath"}`. None for a file that is none: then it is data itself. Raises BadInput for one with a mistake."""
    entries = _entries(path)
    if entries is None or not all("name" in one and {"dirpath", "datatype", "state"} & set(one) for one in entries):
        return None
    return [_file(one, f"{path}: [{place}]" if len(entries) > 1 else str(path)) for place, one in enumerate(entries)]


def described_types(path: Path) -> list[DataTypeSpec]:
    """The data types that a description of 2018 describes, one or a list: `{"name", "ext", "comment"}`. Raises
    BadInput."""
    entries = _entries(path)
    if not entries or not all("name" in one for one in entries):
        raise BadInput(f'{path}: describes no data type; write {{"name": "TXT", "ext": ".txt", "comment": "..."}}')
    return [_type(one, f"{path}: [{place}]" if len(entries) > 1 else str(path)) for place, one in enumerate(entries)]


def _entries(path: Path) -> list[dict[str, Any]] | None:
    """The objects of a small JSON file, or None."""
    if path.suffix != ".json" or not is_file(path) or path.stat().st_size > CHUNK:
        return None
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    entries = document if isinstance(document, list) else [document]
    return entries if entries and all(isinstance(one, dict) for one in entries) else None


def _file(entry: dict[str, Any], where: str) -> DatasetRequest:
    _known(entry, _FILE_FIELDS, where)
    name, directory = _text(entry, "name", where), _text(entry, "dirpath", where)
    state = _text(entry, "state", where) or "available"
    if state not in _STATES:
        raise BadInput(f"{where}: state: {state[:40]!r} is none; use {', '.join(_STATES)}")
    if not name:
        raise BadInput(f"{where}: name: is empty; name the file")
    place = f"{directory.rstrip('/')}/{name}" if directory else name
    return DatasetRequest(
        address(place),
        name=name.rpartition("/")[2],
        datatype=_text(entry, "datatype", where),
        comment=_text(entry, "comment", where),
        state=_STATES[state],
    )


def _type(entry: dict[str, Any], where: str) -> DataTypeSpec:
    _known(entry, _TYPE_FIELDS, where)
    ext = _text(entry, "ext", where)
    return DataTypeSpec(
        _text(entry, "name", where),
        f".{ext}" if ext and not ext.startswith(".") else ext,
        _text(entry, "comment", where),
    )


def _known(entry: dict[str, Any], fields: set[str], where: str) -> None:
    for name in entry:
        if name not in fields:
            raise BadInput(f"{where}: {name[:40]!r} is not known here; use {', '.join(sorted(fields))}")


def _text(entry: dict[str, Any], name: str, where: str) -> str:
    value = entry.get(name, "")
    if not isinstance(value, str):
        raise BadInput(f"{where}: {name}: must be text, not {value!r}"[:300])
    return value
