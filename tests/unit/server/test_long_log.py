"""The write-ahead log is cut only when no reader is in the way."""

import sqlite3
from pathlib import Path

from p3s.server.upkeep.database import _cut


def test_nobody_waits_for_a_reader(tmp_path: Path) -> None:
    one = sqlite3.connect(tmp_path / "x", isolation_level=None)
    one.execute("PRAGMA journal_mode=WAL")
    one.execute("PRAGMA busy_timeout = 20000")
    one.execute("CREATE TABLE t (x)")
    reader = sqlite3.connect(tmp_path / "x", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t").fetchall()
    one.execute("INSERT INTO t VALUES (1)")
    assert "a reader is in the way" in _cut(one.cursor())
    assert one.execute("PRAGMA busy_timeout").fetchone() == (20000,)
    reader.execute("COMMIT")
    assert _cut(one.cursor()) == " (cut)"
    assert (tmp_path / "x-wal").stat().st_size == 0
