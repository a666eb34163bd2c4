"""The disk guard: looks at the room where the server's directory and its files lie, and refuses in time."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from p3s.domain import room as rules
from p3s.domain.room import Disk, Room
from p3s.domain.silence import Alarm
from p3s.protocol.errors import NoRoom

Probe = Callable[[Path], Disk]


def probe(path: Path) -> Disk:
    """The file system of a path, or of the nearest directory above it that is there. Raises OSError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    return Disk(str(path), found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


class Guard:
    """What was last seen. Any thread may ask; a number is read, no disk."""

    def __init__(self, paths: Sequence[Path], probe: Probe = probe) -> None:
        self.paths = paths
        self.probe = probe
        self.room = Room.ENOUGH
        self.disk: Disk | None = None

    def look(self) -> str:
        """Measure; says how much room there is where there is least. Raises OSError."""
        self.disk = rules.fullest([self.probe(path) for path in self.paths])
        self.room = rules.room_on(self.disk)
        return rules.described(self.disk)

    def alarms(self) -> Mapping[str, Alarm]:
        """The alarm of the last look, by cause."""
        found = rules.alarm(self.disk) if self.disk else None
        return {found.cause: found} if found else {}

    def check_files(self) -> None:
        """Raise NoRoom when no more images, files and logs are kept."""
        if self.room >= Room.TIGHT:
            raise NoRoom(f"the server's disk is nearly full ({self._words()}): no files are kept; numbers are")

    def check_work(self) -> None:
        """Raise NoRoom when no more jobs are taken."""
        if self.room >= Room.NONE:
            raise NoRoom(f"the server's disk is full ({self._words()}): no new jobs are taken; tell its operator")

    def _words(self) -> str:
        assert self.disk is not None
        return rules.described(self.disk)
