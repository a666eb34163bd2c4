"""Delete one file of a workflow: a plain file, below a given place, that was written while its workflow ran.

No link is followed: the way down from the place is gone directory by directory, each opened in the one before.
"""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from p3s.domain.workflows.keeping import inside, plain

SLACK_S = 300.0
"""By so much the clock of a file system may be wrong."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Left(Exception):
    """The file stays; says why."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file at `path`, below `place`. Its workflow was made at `since` and ended at `until`, epoch seconds."""

    place: str
    path: str
    since: float
    until: float


def examine(file: Doomed) -> int | None:
    """Bytes of a file that may be deleted; None when it is not there. Raises Left, or OSError."""
    return _at(file, _examined)


def delete(file: Doomed) -> int | None:
    """The same, and it is deleted."""
    return _at(file, _deleted)


def _at(file: Doomed, act: Callable[[Doomed, int, str], int]) -> int | None:
    if not inside(file.path, file.place):
        raise Left(f"it is not below {file.place}")
    *parts, name = plain(file.path).removeprefix(f"{plain(file.place)}/").split("/")
    above = os.open(file.place, _DIRECTORY)
    try:
        for part in parts:
            below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
            os.close(above)
            above = below
        return act(file, above, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise Left("a link, or a file, stands where a directory should") from None
    finally:
        os.close(above)


def _examined(file: Doomed, above: int, name: str) -> int:
    found = os.stat(name, dir_fd=above, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise Left("it is a directory, a link or something else than a plain file")
    if found.st_ctime < file.since - SLACK_S:
        raise Left("it was there before its workflow")
    if found.st_mtime > file.until + SLACK_S:
        raise Left("it was changed after its workflow had ended")
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=above):
        raise PermissionError(errno.EACCES, "the server may not write in the file's directory")
    return found.st_size


def _deleted(file: Doomed, above: int, name: str) -> int:
    found = _examined(file, above, name)
    os.unlink(name, dir_fd=above)
    return found
