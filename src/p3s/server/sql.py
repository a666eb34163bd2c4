"""The hot path's way to the database: one statement for many rows, beneath Django's cursors, which cost more than the
rows themselves. Within Django's transaction and on its connection.

A statement is written once for both databases. SQLite runs it for each row in one call. PostgreSQL plans it once a
connection and is sent several statements in one go (`together`); new rows come to it as one JSON text, changes row by
row (joined to a list of rows, its planner would walk the table while that is small, and keep to that plan).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from django.db import connection

Row = Sequence[Any]


class Disagreement(Exception):
    """A row was not in the state that the book expected."""


class Statement:
    """SQL that names its values as {name}. `types` are the values' SQL types, in order of the rows' values; one of type
    jsonb is given as JSON text. An INSERT selects its values and says {rows} where its FROM would be.
    """

    def __init__(self, text: str, **types: str) -> None:
        self.text = text
        self.types = types
        names = list(types)
        columns = ", ".join(f"_{name} {type}" for name, type in types.items())
        self._names = [f"_{name}" for name in names]
        self._json = [f"_{name}" for name, type in types.items() if type == "jsonb"]
        self._order = [names.index(name) for name in _NAMED.findall(text) if name != "rows"]
        self._at_once = "{rows}" in text
        self._sqlite = _NAMED.sub(lambda one: "" if one[1] == "rows" else f"?{names.index(one[1]) + 1}", text)
        rows = f"FROM json_to_recordset(%s) AS v({columns})"
        self._all_rows = _NAMED.sub(lambda one: rows if one[1] == "rows" else f"v._{one[1]}", text)
        self._each_row = _NAMED.sub(lambda one: "" if one[1] == "rows" else f"%s::{types[one[1]]}", text)

    def run(self, rows: Sequence[Row], what: str = "") -> None:
        """With `what`, raises Disagreement unless each row of values changed one of the table."""
        connection.ensure_connection()
        raw = connection.connection
        with connection.wrap_database_errors:
            if connection.vendor == "sqlite":
                _check(raw.executemany(self._sqlite, rows).rowcount, len(rows), what)
                return
            cursor = _cursor(raw)
            if len(rows) == 1:
                cursor.execute(self._each_row, [rows[0][place] for place in self._order], prepare=True)
            elif self._at_once:
                cursor.execute(self._all_rows, [self._text(rows)], prepare=True)
            else:
                cursor.executemany(self._each_row, [[row[place] for place in self._order] for row in rows])
        _later(lambda: _check(cursor.rowcount, len(rows), what))

    def _text(self, rows: Sequence[Row]) -> str:
        """The rows as a JSON list of objects."""
        objects = [dict(zip(self._names, row, strict=True)) for row in rows]
        for name in self._json:
            for one in objects:
                one[name] = orjson.Fragment(one[name])
        return orjson.dumps(objects).decode()


_NAMED = re.compile(r"\{(\w+)\}")


def _check(changed: int, expected: int, what: str) -> None:
    if what and changed != expected:
        raise Disagreement(f"{what}: {changed} of {expected} rows were as expected")


def _cursor(raw: Any) -> Any:
    """Of psycopg itself: its values go beside the statement, which is planned once."""
    import psycopg

    return psycopg.Cursor(raw)


# ---- several statements in one go

_checks: list[Callable[[], None]] | None = None
"""Of the statements that were sent and not yet answered. The writer is one thread."""


def _later(check: Callable[[], None]) -> None:
    if _checks is None:
        check()
    else:
        _checks.append(check)


@contextmanager
def together() -> Iterator[None]:
    """Statements within are sent without waiting for one another's answers; Disagreement comes at the end."""
    global _checks
    connection.ensure_connection()
    if connection.vendor == "sqlite" or _checks is not None:
        yield
        return
    _checks = []
    try:
        with connection.wrap_database_errors, connection.connection.pipeline():
            yield
        for check in _checks:
            check()
    finally:
        _checks = None
