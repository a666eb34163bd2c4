"""The rules of `p3s-result.json`, the file by which a payload publishes results.

The same rules judge a result twice: on the worker node, where file patterns are expanded against the
files that are there (the outcome is the wire form), and on the server, which trusts no node.

A bad item is refused alone: it stays in the result as a named hole that says what was wrong with it.
What makes the whole result unusable (no category, a wrong type at the top) is a ResultError.
"""

import datetime
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from p3s.protocol.patterns import Coordinate
from p3s.protocol.result_fields import Fields, ResultError, describe
from p3s.protocol.result_items import KINDS, MAX_COMMENT, Cell, Column, FileRef, Item, refuse
from p3s.protocol.result_limits import STATUSES, number_status, worst
from p3s.protocol.result_reader import MAX_FILES, ItemReader

__all__ = [
    "KINDS",
    "MAX_CATEGORY",
    "MAX_COMMENT",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_ITEMS",
    "MAX_RESULTS",
    "MAX_RESULT_BYTES",
    "MAX_VALUES",
    "RESULT_VERSION",
    "STATUSES",
    "Cell",
    "Column",
    "FileRef",
    "Item",
    "Result",
    "ResultError",
    "check",
    "decode",
    "item_to_wire",
    "number_status",
    "refuse",
    "to_wire",
    "with_items",
    "worst",
]

RESULT_VERSION = 1

MAX_RESULTS = 100  # in one file, and from one job
MAX_ITEMS = 1000
MAX_FILE_BYTES = 20_000_000
MAX_RESULT_BYTES = 200_000_000
MAX_VALUES = 20_000  # numbers and table cells of one job: each is trended
MAX_CATEGORY = 80

_TOP = ("p3s_result", "category", "run", "subrun", "keys", "time", "comment", "items")
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True)
class Result:
    """What one payload says about one category. `time` is that of the data, RFC 3339, '' where not given."""

    category: str
    run: Optional[int] = None
    subrun: Optional[int] = None
    keys: dict[str, Coordinate] = field(default_factory=dict)
    time: str = ""
    comment: str = ""
    items: tuple[Item, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether an item was refused or lacks files."""
        return any(item.problem or item.missing for item in self.items)

    @property
    def values(self) -> int:
        """How many numbers and table cells it has, each of which is trended."""
        return sum(1 for item in self.items for _ in item.cells())

    @property
    def status(self) -> str:
        """The status of the worst item; a result with holes is never better than a warning."""
        return worst([*(item.status for item in self.items), "warning" if self.incomplete else "none"])


def decode(text: str) -> list[dict[str, Any]]:
    """The objects of a result file's text. NaN and Infinity, which JSON has no words for and Python's json writes
    all the same, are read: they cost the item that they stand in, not the file.

    Errors: ResultError where it is not JSON of an object or of a list of objects.
    """
    try:
        document = json.loads(
            text.lstrip("\ufeff"),
            object_pairs_hook=_no_twice,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise ResultError(f"not JSON at {place}: {error.msg}; check for a missing comma, quote or bracket") from None
    except RecursionError:
        raise ResultError("nested too deeply; a result has its items in one list") from None
    documents = document if isinstance(document, list) else [document]
    if len(documents) > MAX_RESULTS:
        raise ResultError(f"{len(documents)} results in one file; at most {MAX_RESULTS} are allowed")
    for index, entry in enumerate(documents):
        if not isinstance(entry, dict):
            raise ResultError(f"[{index}]: {describe(entry)} is not a result; write an object, or a list of objects")
    return documents


def check(document: dict[str, Any], names: Collection[str]) -> Result:
    """Judge one decoded result.

    `names` are the files of the result directory, relative, with / between directories; patterns are
    expanded against them. Files may also come as {"path", "by"} objects, the wire form.
    Errors: ResultError where the result as a whole is refused; a bad item becomes a hole.
    """
    if not isinstance(document, dict):
        raise ResultError(f"result: {describe(document)} is not a result; write an object")
    top = Fields(document, "")
    top.only(_TOP)
    _check_version(top)
    items = document.get("items")
    if not isinstance(items, list):
        raise top.wrong("items", items, "a list of items")
    if len(items) > MAX_ITEMS:
        raise top.error("items", f"{len(items)} items; at most {MAX_ITEMS} are allowed: split the result")
    return Result(
        category=top.required_text("category", MAX_CATEGORY),
        run=top.integer("run"),
        subrun=top.integer("subrun"),
        keys=top.coordinates("keys"),
        time=_time(top),
        comment=top.text("comment", MAX_COMMENT, lines=True),
        items=ItemReader(names).read_all(items),
    )


def with_items(result: Result, items: Iterable[Item]) -> Result:
    return replace(result, items=tuple(items))


def to_wire(result: Result) -> dict[str, Any]:
    """The result as JSON objects with each file named; `check` reads it back to an equal result."""
    document: dict[str, Any] = {"p3s_result": RESULT_VERSION, "category": result.category}
    for name in ("run", "subrun", "keys", "time", "comment"):
        _put(document, name, getattr(result, name))
    document["items"] = [item_to_wire(item) for item in result.items]
    return document


def item_to_wire(item: Item) -> dict[str, Any]:
    """One item as a JSON object. Its status is its own word: what limits say, whoever reads it finds again."""
    document: dict[str, Any] = {"kind": item.kind, "name": item.name}
    for name in _PLAIN:
        _put(document, name, getattr(item, name))
    for name in ("good", "warn", "drift", "objects"):
        _put(document, name, list(getattr(item, name) or ()))
    if item.word != "none":
        document["status"] = item.word
    return document if item.problem else {**document, **_content(item)}


_PLAIN = ("by", "comment", "group", "error", "unit", "x_unit", "draw", "log", "rows", "columns", "expect", "problem")


def _content(item: Item) -> dict[str, Any]:
    """What an item of its kind holds."""
    if item.kind == "number":
        return {"value": item.value}
    if item.kind == "table":
        columns = {one.name: _column(one) for one in item.table}
        return {"columns": columns, "values": {label: list(row) for label, row in item.values.items()}}
    if item.kind == "graph":
        errors = {"error": list(item.errors)} if item.errors else {}
        return {"x": list(item.x), "y": list(item.y), **errors}
    if item.kind == "check":
        return {"status": item.word}
    return {"files": [{"path": entry.path, "by": entry.by} for entry in item.files]}


def _column(column: Column) -> dict[str, Any]:
    document: dict[str, Any] = {}
    _put(document, "unit", column.unit)
    for name in ("good", "warn", "drift"):
        _put(document, name, list(getattr(column, name) or ()))
    return document


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    if value is not None and value not in ("", {}, []):
        document[name] = value


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise ResultError(f"the field {describe(name)[9:]} stands twice in one object; write it once")
        document[name] = value
    return document


def _integer(digits: str) -> int:
    # Turning very many digits into an integer takes quadratic time.
    if len(digits) > 40:
        raise ResultError(f"an integer of {len(digits)} digits; write it as 1.2e34")
    return int(digits)


def _check_version(top: Fields) -> None:
    version = top.integer("p3s_result")
    if version is None:
        raise top.error("p3s_result", f'missing; write "p3s_result": {RESULT_VERSION}')
    if version != RESULT_VERSION:
        raise top.error("p3s_result", f"version {version} is not known here; write {RESULT_VERSION} or upgrade p3s")


def _time(top: Fields) -> str:
    text = top.text("time")
    if not text:
        return ""
    try:
        if not _RFC3339.fullmatch(text):
            raise ValueError
        # Fractions of a second beyond what Python 3.9 reads say nothing about validity.
        datetime.datetime.strptime(text[:10] + " " + text[11:19], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        raise top.wrong("time", text, "RFC 3339, such as 2018-08-23T21:03:34Z") from None
    return text
