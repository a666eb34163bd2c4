"""Read a backup from end to end: is it whole?"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

import orjson

from . import manifest
from .manifest import Manifest, Progress, TableSum, Unusable
from .tables import PORTION, Rows

CHUNK = 1 << 20

DAMAGED = (BadZipFile, ZlibError, EOFError, KeyError, NotImplementedError)


def check(path: Path, progress: Progress) -> Manifest:
    """Every row and every file; returns what it says of itself. Raises Unusable, and OSError of the disk."""
    try:
        with ZipFile(path) as archive:
            said = manifest.decoded(archive.read(manifest.NAME))
            for name, expected in said.tables.items():
                for portion in rows(archive, name, expected):
                    progress(f"checking {name}", len(portion), 0)
            _check_files(archive, said, progress)
            return said
    except DAMAGED as error:
        raise Unusable(f"{path} is damaged or no backup of p3s ({error}); use another") from None
    except Unusable as error:
        raise Unusable(f"{path}: {error}") from None


def rows(archive: ZipFile, table: str, expected: TableSum) -> Iterator[Rows]:
    """A table's rows in portions. At the end raises Unusable unless they are as many and the same as were written."""
    digest, count, portion = hashlib.sha256(), 0, []
    with archive.open(manifest.table_entry(table)) as file:
        for line in file:
            digest.update(line)
            row = orjson.loads(line)
            if len(row) != len(expected.columns):
                raise Unusable(f"a row of {table} is damaged; use another backup")
            portion.append(row)
            if len(portion) == PORTION:
                count += len(portion)
                yield portion
                portion = []
    if portion:
        yield portion
    count += len(portion)
    if (count, digest.hexdigest()) != (expected.rows, expected.sha256):
        raise Unusable(f"the rows of {table} are not those that were written; use another backup")


def files(archive: ZipFile) -> list[str]:
    """Names of the files of results inside. Raises Unusable for one that could leave its directory."""
    found = [name for name in archive.namelist() if name.startswith(manifest.FILES)]
    for name in found:
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise Unusable(f"it holds a file named {name[:100]!r}; it was not made by p3s")
    return found


def _check_files(archive: ZipFile, said: Manifest, progress: Progress) -> None:
    found = files(archive)
    if len(found) != said.files:
        raise Unusable(f"{said.files} files should be there, {len(found)} are; use another backup")
    for place, name in enumerate(found, 1):
        with archive.open(name) as file:
            while file.read(CHUNK):  # the last read compares the checksum
                pass
        progress("checking files", place, len(found))
