"""`python -m p3s.server`: what `p3s server start` runs. Flags become environment before Django reads its settings."""

import argparse
import gc
import getpass
import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p3s.server.upkeep import registry


def main() -> int:
    """0 after a clean stop, 1 with one line on stderr when it cannot start."""
    asked = _parser().parse_args()
    if asked.dir:
        os.environ["P3S_SERVER_DIR"] = asked.dir
    if asked.database:
        os.environ["P3S_DATABASE"] = asked.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"
    logging.basicConfig(level=asked.log.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # What is refused we log ourselves; only our own failures are left to Django.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    gc.disable()  # what is imported stays: to look through it again and again is a quarter of the start
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    try:
        django.setup()
        from p3s.server.broker.settings import Settings
        from p3s.server.project.serve import CannotStart, Options, serve
    except (ImproperlyConfigured, OSError) as error:
        return _cannot(error)
    gc.freeze()
    gc.enable()
    options = Options(
        asked.host,
        asked.port,
        asked.standby,
        asked.public,
        tuple(asked.allow_host),
        getpass.getuser(),
        not asked.no_backup,
        asked.reading,
        Settings(asked.lease, asked.grace, min(25.0, asked.lease / 3, asked.silent * 5 / 6), asked.silent),
        _services(asked),
    )
    try:
        serve(options)
    except (CannotStart, ImproperlyConfigured, OSError, DatabaseError) as error:
        return _cannot(error)
    return 0


def _services(asked: argparse.Namespace) -> "registry.Options":
    from p3s.server.upkeep import registry

    return registry.Options(
        tuple(asked.no_service),
        asked.backup_every,
        asked.backup_dir,
        asked.backup_keep,
        asked.purge_after,
        asked.purge_results_after,
    )


def _cannot(error: Exception) -> int:
    print(f"p3s server cannot start: {str(error).strip().splitlines()[0]}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="p3s server start")
    parser.add_argument("--dir", default="")
    parser.add_argument("--database", default="")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8373)
    parser.add_argument("--allow-host", action="append", default=[])
    parser.add_argument("--public", action="store_true")
    parser.add_argument("--reading", default="", choices=("", "open", "login"))
    parser.add_argument("--standby", action="store_true")
    parser.add_argument("--lease", type=float, default=300.0)
    parser.add_argument("--grace", type=float, default=30.0)
    parser.add_argument("--silent", type=float, default=30.0)
    parser.add_argument("--log", default="warning")
    parser.add_argument("--no-service", action="append", default=[])
    parser.add_argument("--no-backup", action="store_true")
    parser.add_argument("--backup-every", type=float, default=0.0)
    parser.add_argument("--backup-dir", default="")
    parser.add_argument("--backup-keep", type=int, default=7)
    parser.add_argument("--purge-after", type=float, default=0.0)
    parser.add_argument("--purge-results-after", type=float, default=0.0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
