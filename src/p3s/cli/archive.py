"""`p3s backup`, `p3s restore`: a server's database and files as one file. They need no server to run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from p3s.client.place import server_dir
from p3s.protocol.errors import BadInput

from .options import DryRun

Database = Annotated[str, typer.Option(help="postgresql://... (default: SQLite in the directory).")]

BACKUP_HELP = """Write a server's database, files and secret into one new FILE, on the server's own machine.

The server goes on meanwhile, or need not run. What was acknowledged before is inside. The file is read again when it is
written; --check reads one that is there. Keep it from others: who has it can speak for every pilot and job.

Examples:

  p3s backup /backups/p3s-monday.zip

  p3s backup --check /backups/p3s-monday.zip
"""


def backup(
    file: Annotated[Path, typer.Argument(help="The backup: a new file, or with --check one that is there.")],
    directory: Annotated[Path | None, typer.Option("--dir", help="The server's (default: P3S_SERVER_DIR).")] = None,
    database: Database = "",
    check: Annotated[bool, typer.Option("--check", help="Only read FILE: is it whole?")] = False,
) -> None:
    if not file.absolute().parent.is_dir():
        raise BadInput(f"there is no directory {file.absolute().parent}; make it, or name another file")
    _become("check" if check else "backup", file, directory or server_dir(), database)


RESTORE_HELP = """Make a server's directory anew from a backup: whole, or not at all. Nothing is overwritten.

A backup of SQLite can be restored into an empty PostgreSQL by --database, and the other way round.

Example: p3s restore /backups/p3s-monday.zip --dir /srv/p3s-again
"""


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    directory: Annotated[Path, typer.Option("--dir", help="A new directory, or an empty one.")],
    database: Database = "",
    dry_run: DryRun = False,
) -> None:
    _become("restore", file, directory, database, *(["--dry-run"] if dry_run else []))


def _become(act: str, file: Path, directory: Path, database: str, *more: str) -> None:
    """The server's own program does it: nothing else touches its tables."""
    if database:
        os.environ["P3S_DATABASE"] = database  # not on a command line that others can read
    words = ["-m", "p3s.server.archive", act, str(file), "--dir", str(directory.resolve()), *more]
    os.execv(sys.executable, [sys.executable, *words])
