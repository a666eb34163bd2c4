"""The hot path's way to the database: one statement for many rows, beneath Django's cursors, which cost more than the
rows themselves. Within Django's transaction and on its connection.

A statement is written once for both databases. SQLite runs it for each row in one call. PostgreSQL plans it once a
connection and is sent several statements in one go; new rows come to it as one JSON text, and so do the keys of rows
that all change alike. Changes that differ go row by row (joined to a list of rows, its planner would walk the table
while that is small, and keep to that plan).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import orjson
from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.models.expressions import RawSQL

from p3s.server.pipeline import Pipeline

Row = Sequence[Any]


_AWAY = ("08", "57P")
"""SQLSTATEs of lost connections, and of a server that stops or starts. A full disk and the like have others."""


def outage(error: BaseException) -> str:
    """Why PostgreSQL did not answer, in a line; "" for other errors. No defect: a traceback would tell nothing."""
    if connection.vendor != "postgresql" or not isinstance(error, (OperationalError, InterfaceError)):
        return ""
    code = getattr(error.__cause__, "sqlstate", None)  # none when the connection was lost
    if code and not code.startswith(_AWAY):
        return ""
    return next(iter(str(error).strip().splitlines()), "it ended the connection")


class Disagreement(Exception):
    """A row was not in the state that the book expected."""


class Statement:
    """SQL that names its values as {name}. `types` are the values' SQL types, in order of the rows' values; one of type
    jsonb is given as JSON text. An INSERT selects its values and says {rows} where its FROM would be. Of a change with
    one value that value is the key, compared once as `= {name}`.
    """

    def __init__(self, text: str, **types: str) -> None:
        self.text = text
        self.types = types
        names = list(types)
        columns = ", ".join(f"_{name} {type}" for name, type in types.items())
        self._names = [f"_{name}" for name in names]
        self._json = [f"_{name}" for name, type in types.items() if type == "jsonb"]
        self._sqlite = _NAMED.sub(lambda one: "" if one[1] == "rows" else f"?{names.index(one[1]) + 1}", text)
        rows = f"FROM json_to_recordset($1::json) AS v({columns})"
        at_once = _NAMED.sub(lambda one: rows if one[1] == "rows" else f"v._{one[1]}", text)
        self._all_rows = at_once if "{rows}" in text else ""
        self._each_row = _NAMED.sub(
            lambda one: "" if one[1] == "rows" else f"${names.index(one[1]) + 1}::{types[one[1]]}", text
        )
        self._checked = _CHECKED.format(text=self._each_row, count="1", what=len(names) + 1)
        self._all_keys = ""
        if len(names) == 1 and not self._all_rows:
            any_key = text.replace(f"= {{{names[0]}}}", _ANY_KEY.format(type=types[names[0]]))
            self._all_keys = _CHECKED.format(text=any_key, count="$2::int", what=3)

    def run(self, rows: Sequence[Row], what: str = "") -> None:
        """With `what`, raises Disagreement unless each row of values changed one of the table."""
        db = connections[DEFAULT_DB_ALIAS]  # of this thread; Django's `connection` looks it up at each use
        if db.vendor == "sqlite":
            db.ensure_connection()
            with db.wrap_database_errors:
                changed = db.connection.executemany(self._sqlite, rows).rowcount
            if what and changed != len(rows):
                raise Disagreement(f"{what}: {changed} of {len(rows)}{_AS_EXPECTED}")
            return
        with _pipeline() as pipeline:
            if self._all_rows and len(rows) > 1:
                pipeline.add(self._all_rows, [self._text(rows)])
                return
            if self._all_keys and len(rows) > 1:
                keys = orjson.dumps([key for (key,) in rows]).decode()
                pipeline.add(self._all_keys, [keys, len(rows) if what else None, what])
                return
            checked = what and not self._all_rows  # a row that is not inserted is an error of itself
            text, last = (self._checked, (what,)) if checked else (self._each_row, ())
            for row in rows:
                pipeline.add(text, (*row, *last))

    def _text(self, rows: Sequence[Row]) -> str:
        """The rows as a JSON list of objects."""
        objects = [dict(zip(self._names, row, strict=True)) for row in rows]
        for name in self._json:
            for one in objects:
                one[name] = orjson.Fragment(one[name])
        return orjson.dumps(objects).decode()


_NAMED = re.compile(r"\{(\w+)\}")


_ANY_KEY = "= ANY (ARRAY(SELECT key::{type} FROM json_array_elements_text($1::json) AS keys(key)))"

_AS_EXPECTED = " rows were as expected"

_CHECKED = f"""
WITH changed AS ({{text}} RETURNING 1)
SELECT CASE count(*) WHEN coalesce({{count}}, count(*)) THEN 1
  ELSE (${{what}}::text || ': ' || count(*) || ' of ' || {{count}} || '{_AS_EXPECTED}')::int END FROM changed
"""
"""A change that fails in the database itself, and with it all that was sent in one go, when its row is not there. What
is said then is no number: the one way to an error of one's own without a function in the database."""


@contextmanager
def _judged() -> Iterator[None]:
    """Errors of PostgreSQL as Django's; that of a checked change as Disagreement."""
    try:
        with connection.wrap_database_errors:
            yield
    except DataError as error:
        if _AS_EXPECTED in str(error):
            raise Disagreement(str(error).split('"')[1]) from None
        raise


_open_pipeline: Pipeline | None = None
"""What the writer, which is one thread, is about to send."""


@contextmanager
def _pipeline() -> Iterator[Pipeline]:
    """The one that is open already, or one that is sent at the end."""
    global _open_pipeline
    if _open_pipeline is not None:
        yield _open_pipeline
        return
    connection.ensure_connection()
    _open_pipeline = Pipeline(connection.connection)
    try:
        with _judged():
            yield _open_pipeline
            _open_pipeline.send()
    finally:
        _open_pipeline = None


# ---- many values in a question


def among(values: "Sequence[int] | Sequence[str]") -> RawSQL:
    """Many values for `COLUMN__in`, as one: Django looks at each value of a list by itself, which costs more than to
    find its row. All of them are integers, or texts."""
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", [orjson.dumps(list(values)).decode()])
    type = "bigint" if values and isinstance(values[0], int) else "text"
    return RawSQL(f"SELECT unnest(%s::{type}[])", [list(values)])


# ---- transactions


class Transaction:
    """The writer's. It begins when the tables are first read in it (`begin`), else with `last`, which then writes and
    commits in one go: to PostgreSQL that is one way there and back, to SQLite the fewest calls.

    >>> with Transaction() as transaction, transaction.last():
    ...     END.run(rows, "jobs ended")
    """

    def __init__(self) -> None:
        self._open: transaction.Atomic | None = None

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(self, *error: Any) -> None:
        """Raises OperationalError when all was undone within, by an error that did not come as far as here."""
        if self._open is None:
            return
        undone = connection.needs_rollback or connection.closed_in_transaction
        self._open.__exit__(*error)
        if undone and error[0] is None:
            raise OperationalError("the transaction was undone before its end")

    def begin(self) -> None:
        """From here on the tables may be read, and Django's models be used."""
        if self._open is None:
            self._open = transaction.atomic()
            self._open.__enter__()

    def write(self) -> AbstractContextManager[None]:
        """Statements within are sent without waiting for one another's answers."""
        self.begin()
        return _together()

    def last(self) -> AbstractContextManager[None]:
        """As `write`, and nothing follows: only Statements within."""
        return _together() if self._open is not None else _at_one_go()


@contextmanager
def _together() -> Iterator[None]:
    if connection.vendor == "sqlite":
        yield
    else:
        with _pipeline():
            yield


@contextmanager
def _at_one_go() -> Iterator[None]:
    """Without Django's transaction, so its cursors are barred."""
    connection.ensure_connection()
    with connection.execute_wrapper(_barred):
        if connection.vendor == "sqlite":
            with _sqlite_transaction(connection.connection):
                yield
        else:
            with _pipeline():
                yield


@contextmanager
def _sqlite_transaction(raw: Any) -> Iterator[None]:
    with connection.wrap_database_errors:
        raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        with connection.wrap_database_errors:
            raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


def _barred(*_: Any) -> Any:
    raise AssertionError("write with Statements here, or `begin` the transaction first")
