"""Where an attempt lives on the node: an empty working directory, an empty result directory, and two logs.

Making and removing these costs more than starting a process. A berth that a job left exactly as it found it serves the
next one; any other is removed with what is in it.
"""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from p3s.protocol.messages import MAX_TAIL_BYTES

LOGS = ("stdout", "stderr")

LONG_AGO_NS = 10**9
"""Set as the time of change of a new directory, because real ones are coarse: a job may write within one tick."""


class Berth:
    """Use it for one job, then ask `untouched`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.work = directory / "work"
        self.results = directory / "results"
        self.work.mkdir()
        self.results.mkdir()
        # Appending: whatever else holds the file, what this job writes comes after it.
        self.logs: dict[str, BinaryIO] = {name: open(directory / name, "ab", buffering=0) for name in LOGS}
        for path in (self.work, self.results):
            os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
        self._as_made = (_mark(self.work), _mark(self.results))

    def untouched(self) -> bool:
        """Whether a job left no trace: nothing written, made, removed or changed."""
        try:
            silent = not any(os.fstat(log.fileno()).st_size for log in self.logs.values())
            return silent and (_mark(self.work), _mark(self.results)) == self._as_made
        except OSError:
            return False

    def has_results(self) -> bool:
        """Whether there is anything in the result directory."""
        try:
            if _mark(self.results) == self._as_made[1]:
                return False
            with os.scandir(self.results) as entries:
                return next(entries, None) is not None
        except OSError:
            return False

    def log(self, name: str) -> Path:
        """The file of `stdout` or `stderr`."""
        return self.directory / name

    def tail(self, name: str) -> str:
        """The end of a log, at most MAX_TAIL_BYTES; when it was cut, it begins at a line."""
        size = self.log_size(name)
        if not size:
            return ""
        try:
            with open(self.log(name), "rb") as file:
                file.seek(max(0, size - MAX_TAIL_BYTES))
                data = file.read(MAX_TAIL_BYTES)
        except OSError:
            return ""
        if size > MAX_TAIL_BYTES:
            data = data.split(b"\n", 1)[-1]
        return data.decode("utf-8", "replace")

    def log_size(self, name: str) -> int:
        """Bytes in a log."""
        return os.fstat(self.logs[name].fileno()).st_size

    def close(self, keep: bool) -> None:
        """Give it up; with `keep` its files stay for a look."""
        for log in self.logs.values():
            log.close()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)


def _mark(path: Path) -> "tuple[int, int, int]":
    """What any entry made or removed in a directory, or a change of its mode or owner, leaves a trace in."""
    facts = os.stat(path)
    return facts.st_mtime_ns, facts.st_mode, facts.st_uid


class Berths:
    """The berths of a pilot: as many ready as it has slots."""

    def __init__(self, directory: Path, slots: int, keep: bool) -> None:
        self.directory = directory
        self.keep = keep
        self._made = 0
        self._ready = [self._make() for _ in range(slots)]

    def _make(self) -> Berth:
        self._made += 1
        return Berth(self.directory / f"berth{self._made}")

    def take(self) -> Berth:
        """An empty one."""
        return self._ready.pop() if self._ready else self._make()

    def give_back(self, berth: Berth) -> None:
        """After a job."""
        if berth.untouched():
            self._ready.append(berth)
        else:
            berth.close(self.keep)

    def close(self) -> None:
        """Give all ready ones up."""
        while self._ready:
            self._ready.pop().close(keep=False)
