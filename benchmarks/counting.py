"""The server as it is, with each row that it reads from the database counted: `python -m benchmarks.counting` and
what follows `p3s server start`. The count is a 64-bit number in the file named by P3S_BENCH_ROWS, for another process
to read at any time."""

import mmap
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COUNT = struct.Struct("=Q")


def rows_read(file: Path) -> int:
    """How many rows the server has read so far."""
    return int(COUNT.unpack(file.read_bytes()[: COUNT.size])[0])


def new_count(file: Path) -> Path:
    """A file that says zero."""
    file.write_bytes(COUNT.pack(0))
    return file


def _counter(file: Path) -> Callable[[int], None]:
    with file.open("r+b") as opened:
        shared = mmap.mmap(opened.fileno(), COUNT.size)
    total = 0

    def count(rows: int) -> None:
        nonlocal total
        total += rows
        COUNT.pack_into(shared, 0, total)

    return count


def install(count: Callable[[int], None]) -> None:
    """Have Django's cursors, through which all reads of the server go, tell `count` what they fetch."""
    from django.db.backends.utils import CursorWrapper

    def fetch(name: str) -> Callable[..., Any]:
        def counted(self: CursorWrapper, *words: Any) -> Any:
            with self.db.wrap_database_errors:
                rows = getattr(self.cursor, name)(*words)
            count(len(rows) if isinstance(rows, list) else rows is not None)
            return rows

        return counted

    def each(self: CursorWrapper) -> Iterator[Any]:
        with self.db.wrap_database_errors:
            for row in self.cursor:
                count(1)
                yield row

    fetchone = fetch("fetchone")  # one row is a tuple, several are a list
    for name, method in {"fetchone": fetchone, "fetchmany": fetch("fetchmany"), "fetchall": fetch("fetchall")}.items():
        setattr(CursorWrapper, name, method)
    setattr(CursorWrapper, "__iter__", each)  # noqa: B010 - mypy takes no assignment to a method


if __name__ == "__main__":
    from p3s.server.__main__ import main

    install(_counter(Path(os.environ["P3S_BENCH_ROWS"])))
    sys.exit(main())
