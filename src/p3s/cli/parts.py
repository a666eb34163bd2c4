"""`p3s server ...`, `p3s pilot ...`: the parts, started by hand."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from p3s.client import pyz
from p3s.client.descriptions import duration
from p3s.client.place import Place, find, server_dir
from p3s.protocol.errors import BadInput, TryLater

from . import pilots

LOG_LEVELS = ("debug", "info", "warning", "error")

server = typer.Typer(no_args_is_help=True, help="Run the server.")
pilot = typer.Typer(no_args_is_help=True, help="Run pilots, list them, and end them.")


@server.command("start")
def start_server(
    directory: Annotated[Path | None, typer.Option("--dir", help="Its directory (default: P3S_SERVER_DIR).")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8373,
    database: Annotated[str, typer.Option(help="postgresql://... (default: SQLite in the directory).")] = "",
    standby: Annotated[
        bool, typer.Option("--standby", help="Wait for the active server to go, then take over.")
    ] = False,
    public: Annotated[bool, typer.Option("--public", help="Listen beyond this machine without TLS.")] = False,
    reading: Annotated[
        str, typer.Option(metavar="open|login", help="Whether all may read (default: on this machine alone).")
    ] = "",
    allow_host: Annotated[list[str], typer.Option(help="A name under which it is reached.")] = [],  # noqa: B006
    lease: Annotated[float, typer.Option(min=1, help="Seconds a pilot may act unheard.")] = 300.0,
    grace: Annotated[float, typer.Option(min=0, help="Seconds beyond the lease until it is given up.")] = 30.0,
    silent: Annotated[float, typer.Option(min=1, help="Seconds unheard until a pilot is called silent.")] = 30.0,
    log: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "warning",
    backup_every: Annotated[str, typer.Option(metavar="24h", help="Back up so often.")] = "",
    backup_dir: Annotated[Path | None, typer.Option(help="Where to (default: backups in its directory).")] = None,
    backup_keep: Annotated[int, typer.Option(min=1, help="Of these backups, keep the newest.")] = 7,
    purge_after: Annotated[str, typer.Option(metavar="90d", help="Remove old jobs without results.")] = "",
    purge_results_after: Annotated[str, typer.Option(metavar="700d", help="And those with results.")] = "",
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Upgrade an older database without one.")] = False,
    no_service: Annotated[list[str], typer.Option(help="A service that cron runs; repeatable.")] = [],  # noqa: B006
) -> None:
    """Start the server; Ctrl-C ends it. Nothing else is needed: SQLite, this machine only.

    Examples: p3s server start | p3s server start --port 8400 --database postgresql://p3s@db/p3s
    """
    if log not in LOG_LEVELS:
        raise BadInput(f"--log {log}: must be one of {', '.join(LOG_LEVELS)}")
    if reading not in ("", "open", "login"):
        raise BadInput(f"--reading {reading}: must be open or login")
    words = ["--host", host, "--port", str(port), "--lease", str(lease), "--grace", str(grace), "--log", log]
    words += ["--silent", str(silent), "--dir", str((directory or server_dir()).resolve())]
    words += ["--database", database] if database else []
    words += ["--reading", reading] if reading else []
    words += ["--standby"] if standby else []
    words += ["--public"] if public else []
    for name in allow_host:
        words += ["--allow-host", name]
    for name in no_service:
        words += ["--no-service", name]
    every_s = duration(backup_every, "--backup-every") if backup_every else 0.0
    words += ["--backup-every", str(every_s), "--backup-keep", str(backup_keep)]
    words += ["--backup-dir", str(backup_dir.resolve())] if backup_dir else []
    words += ["--purge-after", str(duration(purge_after, "--purge-after"))] if purge_after else []
    if purge_results_after:
        words += ["--purge-results-after", str(duration(purge_results_after, "--purge-results-after"))]
    words += ["--no-backup"] if no_backup else []
    os.execv(sys.executable, [sys.executable, "-m", "p3s.server", *words])


@pilot.command("start")
def start_pilot(
    slots: Annotated[int, typer.Option(min=1, max=1024, help="Jobs at once.")] = os.cpu_count() or 1,
    site: Annotated[str, typer.Option(help="Name of the place where it runs.")] = "local",
    directory: Annotated[str, typer.Option("--dir", help="Where jobs get their directories.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the jobs' directories, for a look.")] = False,
    cores: Annotated[int, typer.Option(min=0, max=1024, help="For all jobs; 0: as many as slots.")] = 0,
    memory: Annotated[str, typer.Option(metavar="16GB", help="For all jobs; without it, not known.")] = "",
    gpus: Annotated[int, typer.Option(min=0, max=64, help="For all jobs.")] = 0,
    tag: Annotated[list[str], typer.Option(help="A word that jobs may need; repeatable.")] = [],  # noqa: B006
    runtime: Annotated[list[str], typer.Option(help="A container runtime that is here.")] = [],  # noqa: B006
    life: Annotated[str, typer.Option(metavar="8h", help="After so long it ends, after its jobs.")] = "",
    batch_id: Annotated[str, typer.Option(help="The batch system's id of it.")] = "",
) -> None:
    """Start a pilot here; Ctrl-C ends it after its jobs, twice at once. Example: p3s pilot start --slots 4"""
    found = place()
    os.environ.update(P3S_SERVER=found.server, P3S_TOKEN=found.token)
    words = ["--slots", str(slots), "--site", site, *(["--keep"] if keep else [])]
    words += ["--dir", directory] if directory else []
    told = {"cores": cores, "gpus": gpus, "memory": memory, "life": life, "batch-id": batch_id}
    for name, value in told.items():
        words += [f"--{name}", str(value)] if value else []
    words += [f"--tag={word}" for word in tag] + [f"--runtime={word}" for word in runtime]
    os.execv(sys.executable, [sys.executable, "-m", "p3s.pilot", *words])


def place() -> Place:
    """Where the server is; a part that is started before its server waits for it."""
    said = False
    while True:
        try:
            return find()
        except TryLater as error:
            if not said:
                print(f"{error}; waiting for one", file=sys.stderr, flush=True)
                said = True
            time.sleep(0.5)


@pilot.command("build")
def build_pilot(target: Annotated[Path, typer.Argument(help="The file to write.")] = Path("p3s-pilot.pyz")) -> None:
    """Write the pilot as one file for other machines. Example: p3s pilot build /shared/p3s-pilot.pyz"""
    try:
        print(pyz.build(target))
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}") from None


pilot.command("list")(pilots.list_pilots)
pilot.command("hosts")(pilots.list_hosts)
pilot.command("trust")(pilots.trust_host)
pilot.command(help=pilots.DRAIN_HELP)(pilots.drain)
pilot.command(help=pilots.STOP_HELP)(pilots.stop)
pilot.command(help=pilots.DELETE_HELP)(pilots.delete)


@server.callback()
def server_group() -> None:
    """The server."""
