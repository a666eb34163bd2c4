"""Filling empty tables from a backup."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from .tables import Rows, Table


def empty(tables: Iterable[Table]) -> None:
    """What migrations themselves put there goes: the backup has it."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table.name)}")


def take_in_any_order() -> None:
    """A row may name one of a table that is filled later. Migrations of the same transaction have PostgreSQL look at
    once; SQLite looks at the commit."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def fill(table: Table, columns: Sequence[str], rows: Iterable[Rows]) -> None:
    """Insert rows, whose values are in the order of `columns`."""
    name = connection.ops.quote_name(table.name)
    listed = ", ".join(connection.ops.quote_name(column) for column in columns)
    raw: Any = connection.connection
    with connection.wrap_database_errors:
        if connection.vendor == "sqlite":
            places = ", ".join("?" * len(columns))
            for portion in rows:
                raw.executemany(f"INSERT INTO {name} ({listed}) VALUES ({places})", portion)
            return
        with raw.cursor() as cursor, cursor.copy(f"COPY {name} ({listed}) FROM STDIN") as copy:
            for portion in rows:
                for row in portion:
                    copy.write_row(row)


def number_on(last: dict[str, int]) -> None:
    """Let each table go on numbering its rows from where the other left off."""
    with connection.cursor() as cursor:
        for table, number in last.items():
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, number])
                continue
            for sequence in connection.introspection.get_sequences(cursor, table):
                place = connection.ops.quote_name(str(sequence["name"]))
                cursor.execute("SELECT setval(%s::regclass, %s)", [place, number])
