"""Upkeep of the database: what its planner knows of the tables, and the length of the write-ahead log."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from p3s.protocol.units import of_bytes

HOT = ("jobs_job", "jobs_joblog", "pilots_pilot", "journal_event", "results_result", "results_item", "data_dataset")

CHANGED = 0.1
"""PostgreSQL counts a table anew when so large a share of it changed since it last did."""

CHANGED_ROWS = 1_000

LOOKED_AT = 1_000
"""SQLite looks at so many rows of an index at most: some milliseconds, in which others wait to write."""

LONG_LOG = 64 * 2**20
"""A write-ahead log of more bytes is cut: it grew while somebody read for long, a backup mostly."""


def tend() -> str:
    """Do what is useful now, on this thread's own connection; says what was done."""
    with connection.cursor() as cursor:
        return _sqlite(cursor) if connection.vendor == "sqlite" else _postgresql(cursor)


def _sqlite(cursor: Any) -> str:
    cursor.execute(f"PRAGMA analysis_limit={LOOKED_AT}")
    cursor.execute("PRAGMA optimize")
    cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
    cut = ""
    if _wal_bytes() > LONG_LOG:
        cut = _cut(cursor)
    pages, free, size = (_number(cursor, f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
    whole, empty, log = map(of_bytes, (pages * size, free * size, _wal_bytes()))
    return f"optimized; {whole}, of which {empty} are free to be used again; write-ahead log {log}{cut}"


def _cut(cursor: Any) -> str:
    """Only when no reader is in the way: who waits for one keeps everybody from writing."""
    before = _number(cursor, "PRAGMA busy_timeout")
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        busy = _number(cursor, "PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {before}")
    return " (a reader is in the way; it is cut later)" if busy else " (cut)"


def _number(cursor: Any, question: str) -> int:
    cursor.execute(question)
    return int(cursor.fetchone()[0])


def _wal_bytes() -> int:
    path = Path(f"{settings.DATABASES['default']['NAME']}-wal")
    return path.stat().st_size if path.exists() else 0


def _postgresql(cursor: Any) -> str:
    cursor.execute(
        "SELECT relname FROM pg_stat_user_tables WHERE relname = ANY(%s) "
        "AND n_mod_since_analyze > %s AND n_mod_since_analyze > %s * n_live_tup ORDER BY relname",
        [list(HOT), CHANGED_ROWS, CHANGED],
    )
    changed = [name for (name,) in cursor.fetchall()]
    for name in changed:
        cursor.execute(f"ANALYZE {connection.ops.quote_name(name)}")
    size = _number(cursor, "SELECT pg_database_size(current_database())")
    done = f"counted {', '.join(changed)}" if changed else "nothing to count"
    return f"{done}; {of_bytes(size)}"
