"""The server's own services, and what keeps them."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from p3s.server.blobs import Blobs
from p3s.server.broker import Broker

from . import database
from .backup import Backups
from .disk import Guard
from .purge import Purge
from .rounds import EXPIRY, REAPER, ROUND_S
from .services import Service, Services
from .tidy import Tidy

DISK_EVERY_S = 10.0
PURGE_EVERY_S = 3_600.0
TIDY_EVERY_S = 3_600.0
DATABASE_EVERY_S = 6 * 3_600.0
BACKUP_BY_CRON_S = 24 * 3_600.0

LEFT_TO_CRON = ("purge", "tidy", "database", "backup")
"""What may be left to cron; the rest runs too often, or others rely on it."""


@dataclass(frozen=True, slots=True)
class Options:
    """`left_to_cron`: services that the server does not start by itself. Backups are made every `backup_every_s`
    seconds (0: only when asked for), into `backup_dir` (empty: below the server's own), and so many are kept. Records
    of what ended `purge_after_s` seconds ago go, those with results after `purge_results_after_s` (0: they stay)."""

    left_to_cron: tuple[str, ...] = ()
    backup_every_s: float = 0.0
    backup_dir: str = ""
    backup_keep: int = 7
    purge_after_s: float = 0.0
    purge_results_after_s: float = 0.0


def build(broker: Broker, directory: Path, options: Options) -> Services:
    """All of them, over what the tables say of their last runs."""
    place = Path(options.backup_dir) if options.backup_dir else directory / "backups"
    backups = Backups(directory, place, options.backup_keep, broker.clock)
    backup_every_s = options.backup_every_s or (BACKUP_BY_CRON_S if "backup" in options.left_to_cron else 0.0)
    purge = Purge(broker.ask, Blobs(directory / "blobs"), options.purge_after_s, options.purge_results_after_s)
    purge_every_s = PURGE_EVERY_S if options.purge_after_s or options.purge_results_after_s else 0.0
    tidy = Tidy(broker.ask, settings.TIDY_PLACES, str(directory.resolve()))
    guard = Guard([directory, directory / "blobs"])
    own = [
        Service(
            REAPER,
            "gives up pilots past their lease, tells of silent ones, sheds and probes",
            ROUND_S,
            first_after_s=0.0,
        ),
        Service(EXPIRY, "drops queued jobs that are stale", ROUND_S, first_after_s=0.0),
        Service("disk", "looks whether there is room on the disk", DISK_EVERY_S, guard.look, first_after_s=0.0),
        Service("purge", "removes old records of jobs and pilots", purge_every_s, purge.run),
        Service("tidy", "deletes files of workflows whose keep ran out", TIDY_EVERY_S, tidy.run, preview=tidy.preview),
        Service("database", "keeps the database's statistics and log in order", DATABASE_EVERY_S, database.tend),
        Service("backup", f"backs up into {place}", backup_every_s, backups.make),
    ]
    guard.look()
    return Services(broker, guard, own, options.left_to_cron)
