"""Databases whose tables are made already: a first start makes them, and two hundred of these take minutes."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FILE = "p3s.sqlite3"

MAKE = "import django; django.setup(); from django.core import management as m; m.call_command('migrate', verbosity=0)"


def make(directory: Path, database: str = "") -> None:
    """Make the tables, as a server does."""
    settings = {"DJANGO_SETTINGS_MODULE": "p3s.server.project.settings", "P3S_SERVER_DIR": str(directory)}
    env = {name: value for name, value in os.environ.items() if not name.startswith("P3S_")}
    subprocess.run([sys.executable, "-c", MAKE], env={**env, **settings, "P3S_DATABASE": database}, check=True)


@functools.cache
def _made() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="p3s-tables-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    make(directory)
    assert not (directory / f"{FILE}-wal").exists()
    return directory / FILE


def put_into(directory: Path) -> None:
    """The tables for SQLite, in a server directory that nobody has started on."""
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True)
        shutil.copyfile(_made(), directory / FILE)
