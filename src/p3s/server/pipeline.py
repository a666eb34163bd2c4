"""Statements for PostgreSQL in one go: one way there and back, each planned once a connection.

By psycopg's layer of libpq: its cursors cost more for a row than PostgreSQL itself takes.
"""

import select
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

Value = str | int | float | bool | None


class Pipeline:
    """Of one connection of psycopg. Nothing is sent before `send`; what is sent outside of a transaction is one by
    itself."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self._commands: list[tuple[str, list[bytes | None]]] = []

    def add(self, sql: str, values: Sequence[Value]) -> None:
        """SQL with $1, $2... for the values, each cast to its type. Raises ValueError for text that is none."""
        self._commands.append((sql, [_written(value) for value in values]))

    def send(self) -> None:
        """Raises the psycopg error of the first that failed: then none of them counts."""
        if not self._commands:
            return
        pg = self.raw.pgconn
        self._find_by_keys(pg)
        pg.enter_pipeline_mode()
        try:
            names = self._prepared(pg)
            if not self.raw.autocommit and pg.transaction_status == _idle():
                pg.send_query_params(b"BEGIN", None)
            for sql, values in self._commands:
                pg.send_query_prepared(names[sql], values)
            _synced(self.raw)
        finally:
            if pg.status == 0:  # else the connection is lost
                pg.exit_pipeline_mode()

    def _find_by_keys(self, pg: Any) -> None:
        """All that is sent here finds its rows by a key. PostgreSQL plans it while the tables are small, where walking
        one looks cheaper, and keeps to that plan while they grow."""
        if self.raw in _BY_KEYS:
            return
        pg.exec_(b"SET enable_seqscan = off")
        if pg.transaction_status == _idle():  # else a rollback takes it back
            _BY_KEYS.add(self.raw)

    def _prepared(self, pg: Any) -> dict[str, bytes]:
        """The names of the statements, which outlive the transaction that they were first used in."""
        names = _NAMES.setdefault(self.raw, {})
        new = list(dict.fromkeys(sql for sql, _ in self._commands if sql not in names))
        for place, sql in enumerate(new, len(names)):
            pg.send_prepare(b"p3s_%d" % place, sql.encode())
            _synced(self.raw)
            names[sql] = b"p3s_%d" % place
        return names


_NAMES: "WeakKeyDictionary[Any, dict[str, bytes]]" = WeakKeyDictionary()

_BY_KEYS: "WeakSet[Any]" = WeakSet()
"""Connections that were told."""


def _written(value: Value) -> bytes | None:
    """A value as PostgreSQL reads it."""
    if value is None:
        return None
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("text with a zero byte cannot be stored")
        return value.encode()
    return str(value).encode()


def _idle() -> Any:
    from psycopg.pq import TransactionStatus

    return TransactionStatus.IDLE


def _synced(raw: Any) -> None:
    """Send what was queued, wait until all of it is answered; raises the first error."""
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    pg, wrong = raw.pgconn, None
    pg.pipeline_sync()
    _flushed(pg)
    waits = select.poll()
    waits.register(pg.socket, select.POLLIN)
    while True:
        while pg.is_busy():
            waits.poll()
            pg.consume_input()
        result = pg.get_result()
        if result is None:
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            break
        if result.status == ExecStatus.FATAL_ERROR and wrong is None:
            wrong = result
    if wrong is not None:
        raise error_from_result(wrong, raw.info.encoding)


def _flushed(pg: Any) -> None:
    """Send all; what PostgreSQL answers meanwhile is taken in, or both would wait for each other."""
    if not pg.flush():
        return
    waits = select.poll()
    waits.register(pg.socket, select.POLLIN | select.POLLOUT)
    while pg.flush():
        for _, events in waits.poll():
            if events & ~select.POLLOUT:
                pg.consume_input()
