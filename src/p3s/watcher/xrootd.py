"""Files of an XRootD server, through `xrdfs`, the field's own client. Runs in the storage's own process."""

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .local import Entry

CALL_S = 25.0
"""A call of `xrdfs` is given up after so long."""

CHECKSUM_S = 3_600.0
"""Longer for a server that reads the whole file."""

PATIENCE = {"XRD_CONNECTIONWINDOW": "10", "XRD_CONNECTIONRETRY": "1", "XRD_REQUESTTIMEOUT": "20"}
"""The client's own, in seconds, unless the environment says otherwise: it would try for many minutes."""

# Version 5: rights, owner, group, size, time. Version 4: rights, time, size. Times are UTC.
_TIME = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
_LINE = re.compile(rf"(\S{{4,11}})\s+(?:\S+\s+\S+\s+(\d+)\s+{_TIME}|{_TIME}\s+(\d+))\s(/.*)")


class XRootD:
    """The directory `root` of the server at `host`, and `depth` levels of directories below it."""

    def __init__(self, root: str, depth: int, host: str) -> None:
        self.root, self.depth, self.host = root, depth, host
        self.troubles: list[str] = []
        self.odd = 0

    def identity(self) -> str:
        """Raises OSError when the directory is not there."""
        if "IsDir" not in self._ask("stat", self.root):
            raise NotADirectoryError(errno.ENOTDIR, "it is not a directory")
        return ""

    def walk(self, known: Callable[[str], bool]) -> Iterator["Entry | None"]:
        """As that of a local directory."""
        self.troubles, self.odd = [], 0
        yield from self._walk("", self.depth, known)

    def _walk(self, below: str, depth: int, known: Callable[[str], bool]) -> Iterator["Entry | None"]:
        directories = []
        try:
            listed = self._ask("ls", "-l", f"{self.root}/{below}".rstrip("/") or "/")
        except OSError as error:
            if not below:
                raise
            self.troubles.append(f"{self.root}/{below}: {error.strerror}")
            return
        for entry, directory in parsed(listed):
            name = below + entry[0]
            if entry[0].startswith("."):
                continue
            if directory:
                directories.append(f"{name}/")
            else:
                yield None if known(name) else (name, *entry[1:])
        if depth:
            for one in directories:
                yield from self._walk(one, depth - 1, known)

    def look(self, name: str) -> "Entry | None":
        """A file as it is now; None when it is not there."""
        try:
            told = self._ask("ls", "-l", self._path(name))
        except FileNotFoundError:
            return None
        for entry, directory in parsed(told):
            if entry[0] == name.rpartition("/")[2] and not directory:
                return (name, *entry[1:])
        return None

    def there(self, name: str, directory: str) -> bool:
        """Whether a file of this name is below a directory."""
        return self._is(f"{directory.rstrip('/')}/{name}")

    def _is(self, path: str) -> bool:
        try:
            self._ask("stat", path)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str, most: int) -> bytes:
        """A file, as `cat` prints it."""
        return self._ask("cat", self._path(name)).encode("utf-8", "surrogateescape")[:most]

    def adler32(self, name: str, still: Callable[[], None]) -> str:
        """Its checksum, as the server has or makes it."""
        still()
        words = self._ask("query", "checksum", self._path(name), within_s=CHECKSUM_S).split()
        if len(words) != 2 or words[0] != "adler32":
            raise OSError(errno.EOPNOTSUPP, f"the server gives no adler32, but {' '.join(words)[:60]!r}")
        return words[1].rjust(8, "0").lower()

    def move(self, name: str, to: str) -> None:
        """Below the directory `to`; nothing is overwritten by us, but the server has no way to exclude a race."""
        target = f"{to}/{name}"
        if self._is(target):
            raise FileExistsError(errno.EEXIST, "a file of this name is there already", target)
        self._ask("mkdir", "-p", target.rpartition("/")[0])
        self._ask("mv", self._path(name), target)

    def delete(self, name: str) -> None:
        """Take a file away."""
        self._ask("rm", self._path(name))

    def changes(self, *_: Callable[..., None]) -> None:
        """A server tells of no changes: it is read again and again."""
        raise OSError(errno.EOPNOTSUPP, "an XRootD server tells of no changes")

    def _path(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"

    def _ask(self, *words: str, within_s: float = CALL_S) -> str:
        command = ["xrdfs", self.host, *words]
        env = {**PATIENCE, **os.environ, "LC_ALL": "C"}
        try:
            done = subprocess.run(command, capture_output=True, timeout=within_s, env=env, check=False)
        except FileNotFoundError:
            raise OSError(errno.ENOPKG, "xrdfs is not installed here; it is in the package xrootd-client") from None
        except subprocess.TimeoutExpired:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer of {self.host} within {within_s:g} s") from None
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "surrogateescape")
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300] or f"xrdfs ended with {done.returncode}"
        if "[3011]" in said or "no such file" in said.lower():
            raise FileNotFoundError(errno.ENOENT, said)
        raise OSError(errno.EIO, said)


def parsed(listed: str) -> Iterator[tuple["Entry", bool]]:
    """Entries of `ls -l`, named by the last part of their paths, and whether each is a directory."""
    for line in listed.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        rights, size, time, old_time, old_size, path = found.groups()
        moment = datetime.strptime(time or old_time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        entry = (path.rpartition("/")[2], int(size or old_size), int(moment.timestamp()) * 10**9, True)
        yield entry, rights.startswith("d")
