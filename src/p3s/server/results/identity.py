"""What makes two results be about the same, and two values be of one trend: numbers of 63 bits, the same wherever and
whenever they are computed, so that nothing must be looked up to write or to find them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def subject(
    jobtype: str, category: str, run: int | None, origin: str, subrun: int | None, keys: Mapping[str, Any]
) -> int:
    """Of a result: the newest of one subject is shown. Without a run its `origin` is the run: its file, or its job."""
    return _number([jobtype, category, run, origin if run is None else "", subrun, keys])


def series(category: str, item: str, column: str, by: Mapping[str, Any]) -> int:
    """Of a value: where it is one of. `column` is empty for a number."""
    return _number([category, item, column, by])


def place(by: Mapping[str, Any]) -> str:
    """A text by which series of one name come in the order of their coordinates, 9 before 10."""
    parts = (f"{name}={value:020d}" if isinstance(value, int) else f"{name}={value}" for name, value in by.items())
    return ",".join(parts)[:PLACE_LENGTH]


PLACE_LENGTH = 400


def _number(parts: list[Any]) -> int:
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
