"""Where an attempt lives on the node: an empty working directory, an empty result directory, and two logs.

Making and removing these costs more than starting a process. A berth that a job left exactly as it found it serves the
next one; any other is removed with what is in it.
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from p3s.protocol.messages import MAX_TAIL_BYTES

from .collect import has_classic

LOGS = ("stdout", "stderr")

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC

LONG_AGO_NS = 86_399_123_456_789
"""A moment that nothing else uses, set as the time of change of a new directory: real ones are coarse, and a job may
write within one tick."""


class Berth:
    """Use it for one job, then ask `untouched`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.work = directory / "work"
        self.results = directory / "results"
        self.work.mkdir()
        self.results.mkdir()
        self._paths = [str(directory / name) for name in LOGS]
        for name in LOGS:
            (directory / name).touch()
        #: For reading only: what a job writes to is opened for it alone, so that its end can be seen.
        self.logs: dict[str, BinaryIO] = {name: open(directory / name, "rb", buffering=0) for name in LOGS}
        for path in (self.work, self.results):
            os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
        self._directories = (str(self.work), str(self.results))
        self._as_made = tuple(_mark(path) for path in self._directories)

    def untouched(self) -> bool:
        """Whether a job left no trace: nothing written, made, removed or changed."""
        try:
            silent = not any(os.fstat(log.fileno()).st_size for log in self.logs.values())
            clean = tuple(_mark(path) for path in self._directories) == self._as_made
            return silent and clean and not any(_being_written(log) for log in self.logs.values())
        except OSError:
            return False

    def has_results(self) -> bool:
        """Whether there is anything in the result directory, or beside the job what those of 2018 left."""
        try:
            worked, published = (_mark(path) != mark for path, mark in zip(self._directories, self._as_made))
            if published:
                with os.scandir(self.results) as entries:
                    if next(entries, None) is not None:
                        return True
            return worked and has_classic(self.work)
        except OSError:
            return False

    def writers(self) -> "tuple[int, int]":
        """Descriptors of stdout and stderr for a job to write to; close them once the job has them."""
        out = os.open(self._paths[0], _APPEND, 0o600)
        try:
            return out, os.open(self._paths[1], _APPEND, 0o600)
        except OSError:
            os.close(out)
            raise

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
            data = data.split(b"\n", 1)[-1] or data
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


def _mark(path: str) -> "tuple[int, int, int]":
    """What any entry made or removed in a directory, or a change of its mode or owner, leaves a trace in."""
    facts = os.stat(path)
    return facts.st_mtime_ns, facts.st_mode, facts.st_uid


def _being_written(log: BinaryIO) -> bool:
    """Whether something a job left behind has the log open for writing: then no lease for reading is to be had."""
    try:
        fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:  # or the file system knows no leases: then it is not known, and the berth not used again
        return True
    return False


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
