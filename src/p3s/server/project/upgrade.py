"""A database of another version: a newer one is refused, an older one is backed up before its tables change."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from p3s.domain.effects import Noted
from p3s.server.archive import tables
from p3s.server.archive.backup import backup
from p3s.server.archive.manifest import Unusable
from p3s.server.journal import queries as journal
from p3s.server.journal import reads

OBJECT = "p3s"


class CannotUpgrade(Exception):
    """One line that says why, and what to do."""


def upgrade(directory: Path, now: float, with_backup: bool, say: Callable[[str], None]) -> None:
    """Bring the tables up to date with this program. Raises CannotUpgrade with the database as it was, or backed up."""
    applied = tables.migrations()
    executor = MigrationExecutor(connection)
    before = _version() if applied else ""
    unknown = [f"{app} {name}" for app, name in applied if (app, name) not in executor.loader.graph.nodes]
    if unknown:
        raise CannotUpgrade(
            f"this database was last used by p3s {before or 'of an unknown version'}, which is newer than this "
            f"p3s {version('p3s')} (it has {unknown[0]}); start that one, or restore a backup from before"
        )
    behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    kept = _keep(directory, before, now, say) if behind and applied and with_backup else None
    try:
        if behind:
            call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        hint = f"; p3s restore {kept} brings back what was" if kept else ""
        raise CannotUpgrade(f"the tables could not be brought up to date ({error}){hint}") from None
    if before != version("p3s"):
        with transaction.atomic():
            journal.add([Noted("server", OBJECT, "version", "server", version("p3s"), now)])


def _version() -> str:
    """That of the program that used this database last; empty when it left no word."""
    if "journal_event" not in tables.names():
        return ""
    return reads.last_word("server", OBJECT, "version")


def _keep(directory: Path, before: str, now: float, say: Callable[[str], None]) -> Path:
    moment = datetime.fromtimestamp(now, UTC)
    target = directory / "backups" / f"before-{version('p3s')}-{moment:%Y%m%d-%H%M%S}.zip"
    say(f"this database is of {f'p3s {before}' if before else 'an older p3s'}; it is backed up to {target} first")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        backup(target, directory / "blobs", now, lambda *_: None)
    except (Unusable, OSError) as error:
        raise CannotUpgrade(
            f"the backup before the upgrade failed ({error}); make room, or upgrade without one by --no-backup"
        ) from None
    return target
