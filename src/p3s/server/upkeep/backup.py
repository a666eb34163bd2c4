"""The service that backs up: in a process of its own, so that the broker does not share its interpreter."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from p3s.domain import room
from p3s.domain.room import Room

from .disk import probe

_MADE = re.compile(r"p3s-\d{8}-\d{6}-\d{6}\.zip")
"""Names that `make` gives, which sort by time. Whatever else lies in the directory is somebody's, and stays."""


class Failed(Exception):
    """What the process said, one line."""


@dataclass(frozen=True, slots=True)
class Backups:
    """A directory of backups, of which the newest are kept."""

    server: Path
    directory: Path
    keep: int
    clock: Callable[[], float]

    def make(self) -> str:
        """A new one; then those beyond `keep` go. Raises Failed, and OSError. Says what was made."""
        self.directory.mkdir(parents=True, exist_ok=True)
        disk = probe(self.directory)
        if room.room_on(disk) >= Room.TIGHT:
            raise Failed(f"{room.described(disk)}: too little for a backup; free some, or name another --backup-dir")
        target = self.directory / f"p3s-{datetime.fromtimestamp(self.clock(), UTC):%Y%m%d-%H%M%S-%f}.zip"
        command = [sys.executable, "-m", "p3s.server.archive", "backup", str(target), "--dir", str(self.server)]
        environment = {**os.environ, "P3S_DATABASE": settings.DATABASE_URL}  # not on a command line: it has a password
        done = subprocess.run(
            ["nice", "-n", "10", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode} and said nothing"]
            raise Failed(said[-1].removeprefix("p3s: "))
        made = sorted(path for path in self.directory.iterdir() if _MADE.fullmatch(path.name))
        for path in made[: -self.keep]:
            path.unlink(missing_ok=True)
        return done.stdout.strip()
