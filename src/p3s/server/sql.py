"""The hot path's way to the database: one statement over many rows, beneath Django's cursors, which cost more than the
rows themselves. Within Django's transaction and on its connection."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


class Disagreement(Exception):
    """A row was not in the state that the book expected."""


def many(statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run a statement (its values as %s) for each row; how many rows of the table it changed in all."""
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors:
        if connection.vendor == "sqlite":
            return int(raw.executemany(statement.replace("%s", "?"), rows).rowcount)
        return _prepared(raw, statement, rows)


def each(statement: str, rows: Sequence[Sequence[Any]], what: str) -> None:
    """As `many`; raises Disagreement unless each row of values changed one of the table."""
    changed = many(statement, rows)
    if changed != len(rows):
        raise Disagreement(f"{what}: {changed} of {len(rows)} rows were as expected")


def _prepared(raw: Any, statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Planned once a connection, then sent in one go."""
    import psycopg

    with psycopg.Cursor(raw) as cursor:
        cursor.executemany(statement, rows)
        return int(cursor.rowcount)
