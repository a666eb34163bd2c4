"""Make a server's directory and database from a backup: whole, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from zipfile import ZipFile

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from . import check, manifest, queries, tables
from .manifest import Manifest, Progress, Unusable


def refuse_to_overwrite(directory: Path) -> None:
    """Raise Unusable unless the directory is not there, or empty."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Unusable(f"{directory} is not empty, and nothing is overwritten; name a new directory by --dir")


def restore(path: Path, aside: Path, directory: Path, progress: Progress) -> Manifest:
    """Fill the database of the settings and the directory `aside`, which is theirs and is renamed to `directory`.

    Raises Unusable before anything is changed, and when the restored rows differ; OSError and DatabaseError.
    """
    refuse_to_overwrite(directory)
    said = check.check(path, progress)
    if connection.vendor == "postgresql" and tables.migrations():
        raise Unusable("the database is not empty, and nothing is overwritten; name a new one by --database")
    try:
        with _whole(), ZipFile(path) as archive:
            _migrate(said)
            with transaction.atomic():
                _fill(archive, said, progress)
            _unpack(archive, aside / "blobs", progress)
            if connection.vendor == "sqlite":
                _settle()
            _flush(aside)
            aside.rename(directory)  # before the commit of a PostgreSQL: what fails after it is undone below
    except BaseException:
        if not aside.exists():
            directory.rename(aside)
        raise
    return said


@contextmanager
def _whole() -> Iterator[None]:
    """PostgreSQL takes tables and rows in one transaction; SQLite's file lies aside until it is whole."""
    with transaction.atomic() if connection.vendor == "postgresql" else nullcontext():
        yield


def _migrate(said: Manifest) -> None:
    """Tables as they were: the program that starts on them brings them up to date, as with any older database."""
    executor = MigrationExecutor(connection)
    known = executor.loader.graph.nodes
    newer = [f"{app} {name}" for app, name in said.migrations if (app, name) not in known]
    if newer:
        raise Unusable(f"it was made by p3s {said.p3s}, which is newer ({newer[0]}); restore it with that p3s")
    executor.migrate(said.migrations)


def _fill(archive: ZipFile, said: Manifest, progress: Progress) -> None:
    there = {table.name: table for table in tables.ours()}
    missing = set(said.tables) - set(there)
    if missing:
        raise Unusable(f"this p3s has no table {', '.join(sorted(missing))}; restore it with p3s {said.p3s}")
    queries.empty(there.values())
    queries.take_in_any_order()
    for name, expected in said.tables.items():
        table, done = there[name], 0
        if set(expected.columns) != set(table.columns):
            raise Unusable(f"the columns of {name} differ; restore it with p3s {said.p3s}")

        def counted() -> Iterator[tables.Rows]:
            nonlocal done
            for portion in check.rows(archive, name, expected):  # noqa: B023 - used up at once
                done += len(portion)
                progress(name, done, expected.rows)  # noqa: B023
                yield portion

        queries.fill(table, expected.columns, counted())
        if tables.count(table) != expected.rows:
            raise Unusable(f"{name} has {tables.count(table)} rows instead of {expected.rows}; nothing was restored")
    queries.number_on(said.last)


def _unpack(archive: ZipFile, blobs: Path, progress: Progress) -> None:
    names = check.files(archive)
    for place, name in enumerate(names, 1):
        target = blobs / name.removeprefix(manifest.FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, target.open("xb") as file:
            shutil.copyfileobj(source, file)
        progress("files", place, len(names))


def _settle() -> None:
    """One file without its log, to be renamed as a whole."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("PRAGMA integrity_check")
        (said,) = cursor.fetchone()
    connection.close()
    if said != "ok":
        raise Unusable(f"the restored database is damaged ({said}); is the disk well?")


def _flush(top: Path) -> None:
    """All that is below is on the disk."""
    for path in [top, *top.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
