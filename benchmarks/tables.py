"""Tables with millions of jobs, made by SQL from a few jobs that the server itself wrote.

A copied row holds whatever the server puts into a row of its kind, so this knows few columns and outlives new ones.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

FINISHED = {
    "state": "'finished'",
    "attempt": "1",
    "dispatched_at": "submitted_at",
    "started_at": "submitted_at",
    "ended_at": "submitted_at",
    "exit_code": "0",
    "wall_s": "0.001",
}
"""What a job that has ended well has in other columns than a queued one, as SQL."""

_SERIES = {
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < {count})",
    "postgresql": "WITH series AS (SELECT generate_series(0, {count} - 1) AS n)",
}
_UUID = {"sqlite": "printf('%036d', {id})", "postgresql": "lpad(({id})::text, 36, '0')"}


@dataclass(frozen=True)
class Tables:
    """The database of one server that does not run. `directory` is the server's; `url` is empty for SQLite."""

    directory: Path
    url: str

    @property
    def kind(self) -> str:
        """sqlite or postgresql."""
        return "postgresql" if self.url else "sqlite"

    def copied(self, name: str) -> "Tables":
        """All of it again, under another name."""
        directory = self.directory.with_name(name)
        shutil.copytree(self.directory, directory)
        if not self.url:
            return Tables(directory, "")
        here = urlsplit(self.url)
        with psycopg.connect(here._replace(path="/postgres").geturl(), autocommit=True) as connection:
            template = here.path.removeprefix("/")
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return Tables(directory, here._replace(path=f"/{name}").geturl())

    def cap(self, jobtype: str, cap: int) -> None:
        """Set the cap of a known job type."""
        with self._connection() as connection:
            connection.execute(f"UPDATE jobs_jobtype SET cap = {cap} WHERE name = '{jobtype}'")

    def multiply(self, job: str, count: int, first: int, step: int, changes: Mapping[str, str]) -> None:
        """Insert `count` copies of a job, numbered from `first` in steps of `step`; `changes` is SQL by column."""
        if count <= 0:
            return
        number = f"({first} + n * {step})"
        with self._connection() as connection:
            connection.execute(f"CREATE TEMP TABLE model AS SELECT * FROM jobs_job WHERE uuid = '{job}'")
            names = [column[0] for column in connection.execute("SELECT * FROM model LIMIT 0").description]
            new = {"id": number, "uuid": _UUID[self.kind].format(id=number), **changes}
            columns = ", ".join(f'"{name}"' for name in names)
            values = ", ".join(new.get(name, f'"{name}"') for name in names)
            series = _SERIES[self.kind].format(count=count)
            connection.execute(f"{series} INSERT INTO jobs_job ({columns}) SELECT {values} FROM series, model")

    def settle(self) -> None:
        """What the database's own upkeep would have done to tables that grew in days."""
        if self.url:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if self.url:
            with psycopg.connect(self.url) as connection:
                yield connection
            return
        plain = sqlite3.connect(self.directory / "p3s.sqlite3", isolation_level=None)
        try:
            # A crash here costs a benchmark only; the server asks for its own settings again.
            plain.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000;")
            plain.execute("BEGIN")
            yield plain
            plain.execute("COMMIT")
        finally:
            plain.close()
