"""Make a backup: one zip file with a JSON list a row, the files of results, and what it says of itself."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import orjson
from django.db import connection

from . import check, manifest, tables
from .manifest import Manifest, Progress, TableSum, Unusable
from .tables import Table


def backup(target: Path, blobs: Path, now: float, progress: Progress) -> Manifest:
    """Write a backup to `target`, which must not be there; it appears there whole and checked, or not at all.

    Raises Unusable, and OSError or DatabaseError when disk or database fail.
    """
    if target.exists():
        raise Unusable(f"{target} is there already; name another file, or move it away")
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        with _created(part) as archive:
            made = _write(archive, blobs, now, progress)
        check.check(part, progress)
        _place(part, target)
        return made
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unusable(f"there is no room for it in {target.parent.resolve()}; name a file elsewhere") from None
        raise
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _created(part: Path) -> Iterator[ZipFile]:
    """A zip file that nobody else may read: it holds the server's secret. On the disk when it is closed."""
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    with os.fdopen(handle, "w+b") as file:
        with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            yield archive
        file.flush()
        os.fsync(file.fileno())


def _place(part: Path, target: Path) -> None:
    """Give it its name, unless somebody took that meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise Unusable(f"{target} is there already; name another file, or move it away") from None
    except OSError:  # a file system without links
        part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(archive: ZipFile, blobs: Path, now: float, progress: Progress) -> Manifest:
    with tables.snapshot():
        made = Manifest(version("p3s"), now, connection.vendor, tables.migrations())
        if not made.migrations:
            raise Unusable("there is no p3s database here yet; name the server's directory by --dir")
        made.last = tables.last_numbers()
        for table in tables.ours():
            made.tables[table.name] = _write_table(archive, table, progress)
    # Files are never changed; those that the tables name were there before the snapshot.
    _write_files(archive, blobs, made, progress)
    archive.writestr(manifest.NAME, made.encoded())
    return made


def _write_table(archive: ZipFile, table: Table, progress: Progress) -> TableSum:
    digest, done, total = hashlib.sha256(), 0, tables.count(table)
    with archive.open(manifest.table_entry(table.name), "w", force_zip64=True) as file:
        for portion in tables.rows(table):
            lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in portion)
            digest.update(lines)
            file.write(lines)
            done += len(portion)
            progress(table.name, done, total)
    return TableSum(list(table.columns), done, digest.hexdigest())


def _write_files(archive: ZipFile, blobs: Path, made: Manifest, progress: Progress) -> None:
    found = sorted(files_below(blobs))
    for path in found:
        with contextlib.suppress(FileNotFoundError):  # purged meanwhile, with its job
            archive.write(path, manifest.FILES + path.relative_to(blobs).as_posix(), ZIP_STORED)
            made.files += 1
            made.file_bytes += path.stat().st_size
            progress("files", made.files, len(found))


def files_below(blobs: Path) -> Iterator[Path]:
    """All whole files; directories that a purge takes away meanwhile are passed over."""
    for folder, _, names in os.walk(blobs):
        for path in (Path(folder, name) for name in names if not name.startswith(".part-")):
            if path.is_file():
                yield path
