"""Tables as they are in the database, whatever the program knows of them: a backup before an upgrade is made by the
newer one. Rows come as plain values that both databases take: truth as 0 and 1, JSON and moments as text.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

PORTION = 2_000

Rows = list[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """`expressions` select the columns as plain values; `order` is that of the primary key."""

    name: str
    columns: tuple[str, ...]
    expressions: tuple[str, ...]
    order: str


@contextmanager
def snapshot() -> Iterator[None]:
    """All that is read within is of one moment; nobody waits for us. SQLite's own transactions of ours would lock."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN DEFERRED")
        else:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT count(*) FROM django_migrations")  # the snapshot is taken by the first question
        cursor.fetchall()
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def names() -> list[str]:
    """All tables there are."""
    with connection.cursor() as cursor:
        return sorted(connection.introspection.table_names(cursor))


def migrations() -> list[tuple[str, str]]:
    """(app, name) of those applied, in order; none when the database is new."""
    if "django_migrations" not in names():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        return [(app, name) for app, name in cursor.fetchall()]


def ours() -> list[Table]:
    """The tables of the apps whose migrations were applied; others may share the database."""
    apps = {f"{app}_" for app, _ in migrations()} | {"django_"}
    found = (name for name in names() if name.startswith(tuple(apps)))
    return [_table(name) for name in found if name != "django_migrations"]


def _table(name: str) -> Table:
    with connection.cursor() as cursor:
        columns = tuple(column.name for column in connection.introspection.get_table_description(cursor, name))
        keys = connection.introspection.get_primary_key_columns(cursor, name) or columns
        types = _postgresql_types(cursor, name) if connection.vendor == "postgresql" else {}
    quote = connection.ops.quote_name
    expressions = tuple(_PLAIN.get(types.get(one, ""), "{}").format(quote(one)) for one in columns)
    collate = ' COLLATE "C"' if connection.vendor == "postgresql" else ""
    text = ("character varying", "text")
    order = ", ".join(quote(key) + (collate if types.get(key) in text else "") for key in keys)
    return Table(name, columns, expressions, order)


_PLAIN = {
    "boolean": "{}::int",
    "jsonb": "{}::text",
    "timestamp with time zone": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
    "uuid": "{}::text",
    "inet": "host({})",
}
"""How PostgreSQL says a value as SQLite holds it."""


def _postgresql_types(cursor: Any, table: str) -> dict[str, str]:
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = %s",
        [table],
    )
    return dict(cursor.fetchall())


def count(table: Table) -> int:
    """How many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table.name)}")
        return int(cursor.fetchone()[0])


def rows(table: Table) -> Iterator[Rows]:
    """All its rows in portions, by primary key."""
    question = (
        f"SELECT {', '.join(table.expressions)} FROM {connection.ops.quote_name(table.name)} ORDER BY {table.order}"
    )
    # Django's cursors would read PostgreSQL's answer whole, or have it stored whole.
    raw = connection.connection
    with raw.cursor(name="p3s_backup") if connection.vendor == "postgresql" else connection.cursor() as cursor:
        cursor.execute(question)
        while portion := cursor.fetchmany(PORTION):
            yield portion


def last_numbers() -> dict[str, int]:
    """The last number given to a row of each table that numbers its rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
            return {name: int(last) for name, last in cursor.fetchall() if last and name != "django_migrations"}
        found = {}
        for table in names():
            for sequence in connection.introspection.get_sequences(cursor, table):
                place = connection.ops.quote_name(str(sequence["name"]))
                cursor.execute(f"SELECT last_value FROM {place} WHERE is_called")
                row = cursor.fetchone()
                if row and table != "django_migrations":
                    found[table] = int(row[0])
        return found
