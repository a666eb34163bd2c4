"""A directory of files by job, attempt and name."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from p3s.protocol.errors import BadInput, TooLarge, TryLater

_JOB = re.compile(r"[0-9a-f-]{36}\Z")
_PART = re.compile(r"[^\x00-\x1f\x7f/\\]{1,200}\Z")
_DEEPEST = 8

PART = ".part-"
"""Files that begin so are not stored ones: they are being written, or notes of this store."""

_MARK = PART + "purge-"


class Blobs:
    """`root` is made when it is first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, job: str, attempt: int, name: str) -> Path:
        """Where a file lies; raises BadInput for a name that could leave its directory."""
        parts = name.split("/")
        good = _JOB.match(job) and attempt > 0 and len(parts) <= _DEEPEST
        if not good or not all(_PART.match(part) and part not in (".", "..") for part in parts):
            raise BadInput(f"{name[:100]!r} is not a file name here: use a relative path without .., at most 8 deep")
        return self._directory(job, attempt).joinpath(*parts)

    def _directory(self, job: str, attempt: int) -> Path:
        return self.root / job[-2:] / job / str(attempt)

    def put(self, job: str, attempt: int, name: str, chunks: Iterable[bytes], most: int) -> int:
        """Write a file whole or not at all; returns its size in bytes. The same name again replaces it."""
        target = self.path(job, attempt, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=PART)
        try:
            size = _write(handle, chunks, most, name)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return size

    def remove(self, jobs: Iterable[str]) -> None:
        """Remove all files of some jobs. Raises TryLater when the directory does not let it."""
        for job in jobs:
            try:
                shutil.rmtree(self.root / job[-2:] / job)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise TryLater(f"cannot remove the files of job {job}: {error.strerror}") from None

    def mark(self, jobs: Collection[str]) -> Path:
        """Write down, before their rows go, whose files are to be removed after these; to be unlinked then."""
        self.root.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self.root, prefix=_MARK)
        with os.fdopen(handle, "w") as file:
            file.write("\n".join(jobs))
            file.flush()
            os.fsync(file.fileno())
        return Path(path)

    def marks(self) -> list[tuple[Path, list[str]]]:
        """What was begun and not ended, or is under way."""
        found = []
        for path in self.root.glob(f"{_MARK}*"):
            with contextlib.suppress(FileNotFoundError):
                found.append((path, path.read_text().split()))
        return found

    def sizes(self, job: str, attempt: int) -> dict[str, int]:
        """Files there are of an attempt, relative to its directory, and their bytes."""
        top = self._directory(job, attempt)
        found = (path for path in top.rglob("*") if path.is_file() and not path.name.startswith(PART))
        return {path.relative_to(top).as_posix(): path.stat().st_size for path in found}


def _write(handle: int, chunks: Iterable[bytes], most: int, name: str) -> int:
    size = 0
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise TooLarge(f"{name[:100]!r} has more than {most} bytes; publish less of it")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size
