"""Files of an XRootD server, through `xrdfs`, the field's own client. Runs in the storage's own process."""

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from subprocess import PIPE
from time import monotonic
from typing import TYPE_CHECKING

from .local import utf8

if TYPE_CHECKING:
    from .local import Entry

CALL_S = 25.0
"""A call of `xrdfs` is given up after so long."""

CHECKSUM_S = 3_600.0
"""Longer for a server that reads the whole file."""

PATIENCE = {"XRD_CONNECTIONWINDOW": "10", "XRD_CONNECTIONRETRY": "1"}
"""The client's own, in seconds, unless the environment says otherwise: it would try for many minutes."""

FEW = 3
"""More files of a directory are looked at by one listing of it."""

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
            entries = self._listed(below)
        except OSError as error:
            if not below:
                raise
            if not isinstance(error, FileNotFoundError):  # one that went meanwhile
                self.troubles.append(f"{self.root}/{below}: {error.strerror}")
            return
        for entry, directory in entries:
            base, name = entry[0], below + entry[0]
            if base.startswith("."):
                continue
            if not utf8(name):
                self.odd += 1
            elif directory:
                directories.append(f"{name}/")
            else:
                yield None if known(name) else (name, *entry[1:])
        if depth:
            for one in directories:
                yield from self._walk(one, depth - 1, known)

    def _listed(self, below: str) -> "list[tuple[Entry, bool]]":
        """What lies in a directory. A line that is not understood is trouble: its file must not pass for gone."""
        where = f"{self.root}/{below}".rstrip("/") or "/"
        odd = lambda line: self.troubles.append(f"{where}: its listing says {line[:80]!a}")  # noqa: E731
        return list(parsed(self._ask("ls", "-l", where), odd))

    def looks(self, names: Sequence[str]) -> "Iterator[tuple[str, Entry | None]]":
        """Files as they are now, each as `look` has it. A call costs as much for a directory as for one file."""
        together: dict[str, list[str]] = {}
        for name in names:
            together.setdefault(name.rpartition("/")[0], []).append(name)
        for directory, some in together.items():
            there = self._files(directory) if len(some) > FEW else None
            for name in some:
                yield name, self.look(name) if there is None else there.get(name)

    def _files(self, directory: str) -> "dict[str, Entry]":
        """Those of a directory by name; none of one that went."""
        below = f"{directory}/" if directory else ""
        try:
            listed = self._listed(below)
        except FileNotFoundError:
            if not below:
                raise
            listed = []
        return {below + entry[0]: (below + entry[0], *entry[1:]) for entry, directory in listed if not directory}

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
        words = self._ask("query", "checksum", self._path(name), within_s=CHECKSUM_S, still=still).split()
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

    def _ask(self, *words: str, within_s: float = CALL_S, still: Callable[[], None] = lambda: None) -> str:
        """What `xrdfs` says. `still` is called as long as it is waited for."""
        env = {**PATIENCE, "XRD_REQUESTTIMEOUT": f"{within_s - 5:.0f}", **os.environ, "LC_ALL": "C"}
        try:
            process = subprocess.Popen(["xrdfs", self.host, *words], stdout=PIPE, stderr=PIPE, env=env)
        except FileNotFoundError:
            raise OSError(errno.ENOPKG, "xrdfs is not installed here; it is in the package xrootd-client") from None
        try:
            out, err = _ended(process, within_s, still)
        except subprocess.TimeoutExpired:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer of {self.host} within {within_s:g} s") from None
        if process.returncode == 0:
            return out.decode("utf-8", "surrogateescape")
        said = " ".join(err.decode("utf-8", "replace").split())[:300] or f"xrdfs ended with {process.returncode}"
        if "[3011]" in said or "no such file" in said.lower():
            raise FileNotFoundError(errno.ENOENT, said)
        raise OSError(errno.EIO, said)


def _ended(process: "subprocess.Popen[bytes]", within_s: float, still: Callable[[], None]) -> tuple[bytes, bytes]:
    """What a process said when it has ended; one that has not by then is killed."""
    end = monotonic() + within_s
    while True:
        try:
            return process.communicate(timeout=min(1.0, within_s))
        except subprocess.TimeoutExpired:
            if monotonic() > end:
                process.kill()
                process.communicate()
                raise
            still()


def parsed(listed: str, odd: Callable[[str], None] = lambda _: None) -> Iterator[tuple["Entry", bool]]:
    """Entries of `ls -l`, named by the last part of their paths, and whether each is a directory. `odd` is called with
    a line that is none."""
    for line in filter(None, listed.split("\n")):
        found = _LINE.fullmatch(line)
        if found is None:
            odd(line)
            continue
        rights, size, time, old_time, old_size, path = found.groups()
        moment = datetime.strptime(time or old_time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        entry = (path.rpartition("/")[2], int(size or old_size), int(moment.timestamp()) * 10**9, True)
        yield entry, rights.startswith("d")
