"""`p3s run ...`: runs of the experiment."""

from datetime import datetime
from time import time
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol import catalogue_bounds
from p3s.protocol.catalogue import RunChange, RunChanged, RunEnd, RunStart
from p3s.protocol.errors import BadInput, Conflict, NotKnown

from . import complete, covered, moments, show
from .options import DryRun, Json, Limit, Since, Why

app = typer.Typer(no_args_is_help=True, help="Runs of the experiment: start, end, list, look at, change, forget.")

Number = Annotated[int, typer.Argument(metavar="N", help="Its number.", min=0, autocompletion=complete.runs)]
Type = Annotated[str | None, typer.Option(metavar="cosmic", help="What kind of run it is.")]
Comment = Annotated[str | None, typer.Option(help="What people should know.")]

START_HELP = """Start a run. The first file of a run opens it too; then what it lacks is filled in.

Examples:

  p3s run start 4610 --type cosmic --comment "HV at 180 kV"

  p3s run start 4611 --end-others

Other runs stay open unless --end-others says that they are over.
"""


@app.command("start", help=START_HELP)
def start(
    number: Number,
    type: Type = None,
    comment: Comment = None,
    reopen: Annotated[bool, typer.Option("--reopen", help="Also when it has ended.")] = False,
    end_others: Annotated[bool, typer.Option("--end-others", help="And end every other open run.")] = False,
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    request = RunStart(type or "", comment or "", reopen, end_others, why)
    catalogue_bounds.check_run(number, request)
    client = Client()
    _tell(_would_start(client, number, request) if dry_run else client.start_run(number, request), dry_run, json)


def _would_start(client: Client, number: int, request: RunStart) -> RunChanged:
    known = _known(client, number)
    if known is not None and not known["open"] and not request.reopen:
        raise Conflict(f"run {number} has ended; --reopen takes its end back")
    note = "started" if known is None else "it is open already" if known["open"] else "reopened"
    others = client.runs(None, open=True) if request.end_others else []
    ended = [one["run"] for one in others if one["run"] != number]
    return RunChanged(number, True, known is None or not known["open"], note, ended)


@app.command("end")
def end(number: Number, comment: Comment = None, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """End a run: what gathers its results does so once more. Example: p3s run end 4610 --comment "beam off" """
    request = RunEnd(comment or "", why)
    catalogue_bounds.check_run(number, request)
    client = Client()
    if dry_run:
        is_open = client.run(number)["open"]
        note = "ended" if is_open else "it had ended already"
        _tell(RunChanged(number, False, is_open, note, [number] if is_open else []), dry_run, json)
        return
    _tell(client.end_run(number, request.comment, why), dry_run, json)


@app.command("list")
def list_runs(
    limit: Limit = 20,
    type: Annotated[str, typer.Option(help="Only of this type.")] = "",
    open: Annotated[
        bool | None, typer.Option("--open/--ended", help="Only those that are open, or have ended.")
    ] = None,
    since: Since = "",
    json: Json = False,
) -> None:
    """List runs, the open ones first. Examples: p3s run list --open | p3s run list --type cosmic"""
    found = Client().runs(limit, type=type, open=open, since=moments.since(since), coverage=True)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["run"],
            "open" if one["open"] else "ended",
            one["type"],
            one["files"],
            show.size(one["size"]),
            covered.processed_of(one["coverage"]),
            covered.left_out_of(one["coverage"]) or "",
            covered.wrong_of(one["coverage"]) or "",
            show.age(one["started_at"], now),
            show.length((one["ended_at"] or now) - one["started_at"]),
            one["comment"].replace("\n", "; "),
        )
        for one in found
    )
    titles = (
        "run",
        "state",
        "type",
        "files",
        "size",
        "processed",
        "left out",
        "went wrong",
        "started",
        "took",
        "comment",
    )
    empty = "no such runs" if type or since or open is not None else "no runs yet; p3s run start 1, or a file opens one"
    show.table(titles, rows, empty, ("comment", "took", "size", "started"))


@app.command("show")
def show_run(number: Number, json: Json = False) -> None:
    """A run with what came of its files. Example: p3s run show 4610"""
    found: dict[str, Any] = {**Client().run(number)}
    if json:
        show.as_json(found)
        return
    now = time()
    for name, value in found.items():
        for row in value if name == "coverage" else ():
            print(f"{name:14} {show.plain(covered.in_words(row))}")
        said = "" if name in ("coverage", "events") or value in (None, "", {}) else _said(name, value, now)
        if said:
            print(f"{name:14} {show.plain(said)}")
    for event in found["events"]:
        why = f": {event['why']}" if event["why"] else ""
        print(show.plain(f"{'event':14} {show.age(event['at'], now)} ago: {event['what']} by {event['who']}{why}"))


def _said(name: str, value: Any, now: float) -> str:
    if name == "size":
        return show.size(value)
    if name.endswith("_at"):
        return f"{datetime.fromtimestamp(value).astimezone():%Y-%m-%d %H:%M:%S}, {show.age(value, now)} ago"
    if isinstance(value, dict):
        return ", ".join(f"{count} {state}" for state, count in value.items())
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).replace("\n", "\n" + " " * 15)


@app.command("adjust")
def adjust(
    number: Number,
    type: Type = None,
    comment: Comment = None,
    started: Annotated[str, typer.Option(metavar="WHEN", help="02:00, 2026-05-04T18:30, or 6h ago.")] = "",
    ended: Annotated[str, typer.Option(metavar="WHEN", help="The same, of a run that has ended.")] = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Change what is known of a run; what is not named stays. Example: p3s run adjust 4610 --type calibration"""
    request = RunChange(type, comment, moments.since(started, "--started"), moments.since(ended, "--ended"), why)
    catalogue_bounds.check_run(number, request)
    if request == RunChange(why=why):
        raise BadInput("p3s run adjust: say what is to be other: --type, --comment, --started, --ended")
    client = Client()
    if dry_run:
        found: dict[str, Any] = {**client.run(number)}
        said = {name: value for name, value in vars(request).items() if value is not None and name != "why"}
        others = [f"{name} -> {value}" for name, value in said.items() if found[name] != value]
        _tell(RunChanged(number, found["open"], bool(others), "; ".join(others) or "it is so already"), dry_run, json)
        return
    _tell(client.adjust_run(number, request), dry_run, json)


@app.command("delete")
def delete(number: Number, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Forget a run started by mistake; refused while files, jobs or results are of it. Example: p3s run delete 46100"""
    reply = Client().delete_run(number, why, dry_run)
    if json:
        show.as_json(vars(reply))
        return
    print(f"run {reply.name}: {'would be forgotten' if dry_run else 'forgotten'}")


def _known(client: Client, number: int) -> Any:
    try:
        return client.run(number)
    except NotKnown:
        return None


def _tell(reply: RunChanged, dry_run: bool, json: bool) -> None:
    if json:
        show.as_json(vars(reply))
        return
    begin = ("would set " if "->" in reply.note else "would be ") if dry_run and reply.changed else ""
    print(show.plain(f"run {reply.run}: {begin}{reply.note}"))
    others = [str(one) for one in reply.ended if one != reply.run]
    if others:
        print(f"{'would end' if dry_run else 'ended'} too: {', '.join(others)}")
