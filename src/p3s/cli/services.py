"""`p3s service ...`"""

import sys
import time
from typing import Annotated, Any

import typer

from p3s.client.descriptions import duration
from p3s.client.place import server_dir
from p3s.client.sdk import Client
from p3s.protocol import services as bounds
from p3s.protocol.services import ServiceReport

from . import show
from .options import DryRun, Json

app = typer.Typer(no_args_is_help=True, help="What runs every so often, in the server or by cron.")

WAIT_S = 10.0

Service = Annotated[str, typer.Argument(help="Its name; p3s service list shows them.")]


@app.callback()
def service_group() -> None:
    """Services."""


@app.command("list")
def list_services(json: Json = False) -> None:
    """List services: the server's own, and scripts that report. Example: p3s service list"""
    found = Client().services()
    if json:
        show.as_json(found)
        return
    now = time.time()
    titles = ("service", "state", "every", "by", "last", "took", "next", "what it said")
    show.table(titles, (_row(one, now) for one in found), "no services")


def _row(one: dict[str, Any], now: float) -> tuple[Any, ...]:
    until = one["next_at"]
    return (
        one["name"],
        _state(one),
        show.length(one["every_s"]) if one["every_s"] else "",
        one["by"] or one["runs"],
        show.age(one["last_at"], now),
        show.length(one["took_s"]),
        "" if until is None else show.length(max(0.0, until - now)),
        _said(one, now),
    )


def _state(one: dict[str, Any]) -> str:
    if one["running"]:
        return "running"
    if one["error"]:
        return "failed"
    if one["late"]:
        return "stopped" if one["own"] else "silent"
    return "ok" if one["last_at"] else "not yet"


def _said(one: dict[str, Any], now: float) -> str:
    value = "" if one["value"] is None else f" ({one['value']:g}{' ' if one['unit'] else ''}{one['unit']})"
    if one["error"]:
        return str(one["error"])
    past = f"; failed {show.age(one['failed_at'], now)} ago: {one['last_error']}" if one["last_error"] else ""
    return f"{one['said'] or one['what']}{value}{past}"


@app.command("run")
def run_service(name: Service, dry_run: DryRun = False, json: Json = False) -> None:
    """Have one of the server's services run now, and say what it did. Example: p3s service run database"""
    client = Client()
    if dry_run:
        found = client.preview_service(name)
        if found["said"] and not json:
            print(show.plain(f"{name}: {found['said']}"))
        else:
            _would(found if json else client.service(name), "would be run", json)
        return
    found = client.run_service(name, WAIT_S)
    with show.status(f"{name} is running"):
        while found["running"]:
            time.sleep(1.0)
            found = client.service(name)
    if json:
        show.as_json(found)
    if found["error"]:
        print(show.plain(f"p3s: the service {name} failed: {found['error']}"), file=sys.stderr)
        raise typer.Exit(1)
    if not json:
        print(show.plain(f"{name}: {found['said']} (took {show.length(found['took_s'])})"))


REPORT_HELP = """Report for a service of your own. With --every, silence for longer is an alarm, and --error is one too.

Within a job, its own token is enough: nothing needs to be set.

Example: p3s service report storage "4 servers up" --value 3.2 --unit TB --every 30m
"""


@app.command("report", help=REPORT_HELP)
def report_service(
    name: Service,
    text: Annotated[str, typer.Argument(help="How it stands, in a few words.")],
    value: Annotated[float | None, typer.Option(help="A number that goes with it.")] = None,
    unit: Annotated[str, typer.Option(help="Of the number.")] = "",
    every: Annotated[str, typer.Option(metavar="30m", help="The next word comes within so long.")] = "",
    error: Annotated[str, typer.Option(help="What is wrong: an alarm until a report comes without.")] = "",
    dry_run: DryRun = False,
) -> None:
    every_s = duration(every, "--every") if every else 0.0
    report = ServiceReport(text, value, unit, every_s, error)
    bounds.check_name(name)
    bounds.check_report(report)
    if dry_run:
        print(show.plain(f"{name}: would be noted"))
        return
    Client().report_service(name, report)
    print(show.plain(f"{name}: noted{f'; the next word is due within {show.length(every_s)}' if every_s else ''}"))


def _would(found: dict[str, Any], what: str, json: bool = False) -> None:
    if json:
        show.as_json(found)
    else:
        print(show.plain(f"{found['name']}: {what}; it said: {found['said'] or 'nothing yet'}"))


@app.command("forget")
def forget_service(name: Service, dry_run: DryRun = False) -> None:
    """A script will report no more; its alarm goes too. Example: p3s service forget storage"""
    client = Client()
    if dry_run:
        _would(client.service(name), "would be forgotten")
        return
    client.forget_service(name)
    print(show.plain(f"{name}: forgotten"))


@app.command("crontab")
def crontab() -> None:
    """Print crontab entries for the services that the server was told not to run. Example: p3s service crontab"""
    client = Client()
    left = [one for one in client.services() if one["runs"] == "cron"]
    if not left:
        show.note("the server runs all services itself; p3s server start --no-service NAME leaves one to cron")
        return
    if client.found == "P3S_SERVER":
        print(f"P3S_SERVER={client.server}")
        print("# P3S_TOKEN=...   a token with the scope operate, unless this is the server's own machine")
    else:
        print(f"P3S_SERVER_DIR={server_dir().absolute()}")
    for one in left:
        print(f"{_when(one['every_s'])}  {sys.argv[0]} service run {one['name']} > /dev/null")


def _when(every_s: float) -> str:
    """The five fields of a crontab for a period: minutes or hours that divide the next larger, else daily at 3:17."""
    minutes = max(1, int(every_s // 60))
    if minutes < 60:
        return f"*/{minutes} * * * *"
    hours = minutes // 60
    if hours >= 24:
        return "17 3 * * *"
    return f"17 */{hours} * * *" if hours > 1 else "17 * * * *"
