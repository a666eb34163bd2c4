"""What a backup says of itself, and the names of what is inside."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1
NAME = "p3s.json"

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it, of how much in all."""


class Unusable(Exception):
    """One line: why a backup cannot be made, read or restored, and what to do."""


@dataclass(slots=True)
class TableSum:
    """A table's columns in the order of its rows' values, how many rows, and the digest of its lines."""

    columns: list[str]
    rows: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    """`migrations`: (app, name) of those applied. `last`: the last number given to a row, by table. `database` is its
    kind; `made_at` seconds since the epoch."""

    p3s: str
    made_at: float
    database: str
    migrations: list[tuple[str, str]]
    tables: dict[str, TableSum] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    files: int = 0
    file_bytes: int = 0
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(one.rows for one in self.tables.values())

    def encoded(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=1)


def decoded(text: bytes) -> Manifest:
    """From JSON; raises Unusable."""
    try:
        said: dict[str, Any] = json.loads(text)
        if said["format"] != FORMAT:
            raise Unusable(f"it has form {said['format']}, made by p3s {said['p3s']}: restore it with that p3s")
        said["tables"] = {name: TableSum(**one) for name, one in said["tables"].items()}
        said["migrations"] = [(app, name) for app, name in said["migrations"]]
        return Manifest(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"what it says of itself cannot be read ({error})") from None


def table_entry(table: str) -> str:
    """Where a table's rows are inside: a JSON list a line."""
    return f"tables/{table}.jsonl"


FILES = "blobs/"
