"""`python -m p3s.server.archive`: what `p3s backup` and `p3s restore` run, on the server's own machine."""

import argparse
import os
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TextColumn, TimeElapsedColumn

from p3s.protocol.units import counted, of_bytes

if TYPE_CHECKING:
    from .manifest import Manifest


def main() -> int:
    """0 when done, 1 with one line on stderr, and nothing left behind."""
    asked = _parser().parse_args()
    os.umask(0o077)  # tables and backups hold the secret
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is half done is taken away on the way out
    directory = Path(asked.dir).absolute()
    aside = directory.with_name(f".{directory.name}.restoring-{os.getpid()}")
    os.environ["P3S_SERVER_DIR"] = str(aside if asked.act == "restore" else directory)
    os.environ["P3S_DATABASE"] = asked.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    from .manifest import Unusable

    try:
        django.setup()
        print({"backup": _backup, "check": _check, "restore": _restore}[asked.act](asked, directory, aside))
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (Unusable, ImproperlyConfigured, DatabaseError) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return 130
    finally:
        if asked.act == "restore":
            shutil.rmtree(aside, ignore_errors=True)
    return 0


def _failed(why: str) -> int:
    print(f"p3s: {why.strip().splitlines()[0]}", file=sys.stderr)
    return 1


def _backup(asked: argparse.Namespace, directory: Path, _: Path) -> str:
    from . import backup
    from .manifest import Unusable

    if not asked.database and not (directory / "p3s.sqlite3").exists():
        raise Unusable(
            f"there is no database in {directory}; name the server's --dir, and its --database if it has one"
        )
    with _Shown() as shown:
        made = backup.backup(Path(asked.file).absolute(), directory / "blobs", time.time(), shown.progress)
    return f"{asked.file}: {_content(made)}"


def _check(asked: argparse.Namespace, _: Path, __: Path) -> str:
    from . import check

    with _Shown() as shown:
        said = check.check(Path(asked.file), shown.progress)
    made = datetime.fromtimestamp(said.made_at, UTC)
    return f"{asked.file} is whole: {_content(said)}; made {made:%Y-%m-%d %H:%M} UTC by p3s {said.p3s}"


def _restore(asked: argparse.Namespace, directory: Path, aside: Path) -> str:
    from . import restore

    restore.refuse_to_overwrite(directory)
    if asked.dry_run:
        return _check(asked, directory, aside)
    directory.parent.mkdir(parents=True, exist_ok=True)
    aside.mkdir()
    with _Shown() as shown:
        said = restore.restore(Path(asked.file), aside, directory, shown.progress)
    database = " --database ..." if asked.database else ""
    return f"{directory}: {_content(said)} restored; start it: p3s server start --dir {directory}{database}"


def _content(said: "Manifest") -> str:
    jobs = said.tables["jobs_job"].rows if "jobs_job" in said.tables else 0
    files = f"{counted(said.files, 'file')} of {of_bytes(said.file_bytes)}"
    return f"{counted(jobs, 'job')}, {counted(said.rows, 'row')} in all, {files}"


class _Shown:
    """Progress on a terminal, one line; nothing in a pipe."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), TextColumn("{task.fields[count]}"), TimeElapsedColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("reading", count="")

    def progress(self, what: str, done: int, total: int) -> None:
        """Of a table, or of the files."""
        self._bar.update(self._task, description=what, count=f"{done:,} of {total:,}" if total else "")

    def __enter__(self) -> "_Shown":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="p3s")
    parser.add_argument("act", choices=("backup", "check", "restore"))
    parser.add_argument("file")
    parser.add_argument("--dir", required=True)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--database", default=os.environ.get("P3S_DATABASE", ""))
    return parser


if __name__ == "__main__":
    sys.exit(main())
