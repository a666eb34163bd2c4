"""`p3s dataset list`, `show`, `taken`, `adjust`, `delete`; the rest of `p3s dataset ...` stands beside it."""

from time import time
from typing import Annotated, Any

import typer

from p3s.client.files import address, by_its_name
from p3s.client.sdk import Client
from p3s.protocol import catalogue_bounds
from p3s.protocol.catalogue import CLEARABLE, DatasetChange
from p3s.protocol.errors import BadInput
from p3s.protocol.units import size as bytes_of

from . import complete, moments, pairs, register, sets, show, verify
from .options import DryRun, Json, Limit, Run, Since, User, Why, words
from .several import each

app = typer.Typer(no_args_is_help=True, help="Files and sets of files: register, list, look at, change, check.")
app.command("register", help=register.REGISTER_HELP)(register.register)

Which = Annotated[str, typer.Argument(metavar="NAME|UUID|URL", help="The dataset.", autocompletion=complete.datasets)]
Several = Annotated[
    list[str], typer.Argument(metavar="NAME|UUID|URL...", help="The datasets.", autocompletion=complete.datasets)
]
Key = Annotated[list[str], typer.Option("--key", "-k", metavar="NAME=VALUE", help="Further numbering; repeatable.")]


@app.command("list")
def list_datasets(
    limit: Limit = 20,
    state: Annotated[str, typer.Option(help="registered, available, dropped or missing.")] = "",
    name: Annotated[str, typer.Option(help="Only names that begin so.")] = "",
    run: Run = None,
    subrun: Annotated[int | None, typer.Option(help="Only of this subrun.")] = None,
    datatype: Annotated[str, typer.Option(help="Only of this data type.", autocompletion=complete.data_types)] = "",
    stream: Annotated[str, typer.Option(help="Only those that this stream was told of.")] = "",
    in_set: Annotated[str, typer.Option("--set", help="Only those in this set.")] = "",
    kind: Annotated[str, typer.Option(metavar="file|set", help="Only files, or only sets.")] = "",
    user: User = "",
    since: Since = "",
    json: Json = False,
) -> None:
    """List the latest datasets. Examples: p3s dataset list --run 4610 | p3s dataset list --kind set"""
    more: dict[str, Any] = {"datatype": datatype, "stream": stream, "set": in_set, "kind": kind, "owner": user}
    moment = moments.since(since)
    found = Client().datasets(limit, state=state, name=name, run=run, subrun=subrun, since=moment, **more)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["uuid"],
            one["name"],
            one["state"],
            one["datatype"],
            one["run"],
            one["subrun"],
            show.size(one["size"]) + ("" if one["members"] is None else f" in {show.count(one['members'], 'file')}"),
            show.age(one["registered_at"], now),
            one["comment"],
        )
        for one in found
    )
    titles = ("dataset", "name", "state", "type", "run", "subrun", "size", "age", "comment")
    chosen = any(value not in ("", None) for value in (state, name, run, subrun, moment, *more.values()))
    empty = (
        "no such datasets" if chosen else "no datasets yet; p3s dataset register FILE, or p3s watcher start FILE.yaml"
    )
    show.table(titles, rows, empty, ("comment", "type", "subrun", "age"))


@app.command("show")
def show_dataset(which: Which, json: Json = False) -> None:
    """All there is about a file or set: its jobs, what each stream made of it. Example: p3s dataset show run7.root"""
    found: dict[str, Any] = {**by_its_name(which, Client().dataset)}
    if json:
        show.as_json(found)
        return
    now = time()
    parts = ("arrivals", "sets", "jobs", "made_by", "results", "events", "taken", "job_states", "says")
    for name, value in found.items():
        said = "" if name in parts or value in (None, "", {}, []) else _said(name, value, now)
        if said:
            print(f"{name:14} {show.plain(said)}")
    print(f"{'taken':14} {'yes' if found['taken'] else 'no'}: {show.plain(found['says'])}")
    for one in found["sets"]:
        print(f"{'in set':14} {show.plain(one['name'])}")
    for title, jobs in (("made by", found["made_by"]), ("job", found["jobs"])):
        for job in jobs:
            reason = f" ({job['reason']})" if job["reason"] else ""
            print(show.plain(f"{title:14} {job['uuid']} {job['jobtype']} {job['state']}{reason}"))
    for one in found["results"]:
        print(show.plain(f"{'result':14} result:{one['id']} {one['category']} {show.judged(one['status'])}"))
    for event in found["events"]:
        why = f": {event['why']}" if event["why"] else ""
        print(show.plain(f"{'event':14} {show.age(event['at'], now)} ago: {event['what']} by {event['who']}{why}"))


def _said(name: str, value: Any, now: float) -> str:
    if name == "size":
        return f"{value} bytes" if value < 1_000 else f"{show.size(value)} ({value} bytes)"
    if name.endswith("_at"):
        return f"{show.age(value, now)} ago"
    return ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else str(value)


@app.command("taken")
def taken(which: Which, json: Json = False) -> None:
    """Was this file taken? Exit code 0: yes; 1: it is known and was not, and why; 4: it is not known.

    A file is taken when a stream made jobs of it, or somebody did.

    Example: p3s dataset taken run4610_1.root || echo "look at it"
    """
    found: dict[str, Any] = {**by_its_name(which, Client().dataset)}
    if json:
        show.as_json({name: found[name] for name in ("uuid", "name", "url", "taken", "says", "processing", "arrivals")})
    else:
        print(f"{'taken' if found['taken'] else 'not taken'}: {show.plain(found['says'])}")
    if not found["taken"]:
        raise typer.Exit(1)


ADJUST_HELP = """Change what is known of datasets; what is not named stays as it is.

Examples:

  p3s dataset adjust run7.root --run 7 --key dl=5 --comment "beam off from event 812"

  p3s dataset adjust UUID --state dropped --why "half a file"

  p3s dataset adjust UUID --clear run,subrun

Jobs and results that were made keep the run that they were made with.
"""


def adjust(
    datasets: Several,
    comment: Annotated[str | None, typer.Option(help="What people should know.")] = None,
    state: Annotated[str, typer.Option(help="available, dropped or missing.")] = "",
    run: Annotated[int | None, typer.Option(help="The run that it is of.")] = None,
    subrun: Annotated[int | None, typer.Option(help="The subrun.")] = None,
    key: Key = [],  # noqa: B006
    datatype: Annotated[str, typer.Option(help="Its data type.", autocompletion=complete.data_types)] = "",
    url: Annotated[str, typer.Option(help="Where it lies now.")] = "",
    size: Annotated[str, typer.Option(metavar="BYTES|7GB", help="Its size.")] = "",
    adler32: Annotated[str, typer.Option(metavar="HEX", help="Its checksum.")] = "",
    clear: Annotated[str, typer.Option(metavar="NAME,...", help=f"To be emptied: {', '.join(CLEARABLE)}.")] = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    change = DatasetChange(
        url=address(url) if url else None,
        state=state or None,
        size=_bytes(size) if size else None,
        adler32=adler32.lower() or None,
        run=run,
        subrun=subrun,
        keys=pairs.keys(key) if key else None,
        datatype=datatype or None,
        comment=comment,
        clear=words(clear),
        why=why,
    )
    catalogue_bounds.check_dataset_change(change)
    if change == DatasetChange(why=why):
        raise BadInput("p3s dataset adjust: say what is to be other; p3s dataset adjust --help names what can be")
    if url and len(datasets) > 1:
        raise BadInput("--url: each file has its own; adjust one at a time")
    client = Client()

    def act(which: str) -> Any:
        found = client.find_dataset(which)
        if dry_run:
            return {"dataset": found["uuid"], "state": state or found["state"], "changed": _others(found, change)}
        return vars(client.adjust_dataset(found["uuid"], change))

    def told(reply: Any) -> str:
        if not reply["changed"]:
            return f"{reply['dataset']}: it is so already"
        return f"{reply['dataset']}: {'would change' if dry_run else 'changed'} {', '.join(reply['changed'])}"

    each(datasets, lambda which: by_its_name(which, act), told, json)


def _others(found: Any, change: DatasetChange) -> list[str]:
    """Which fields would be other."""
    said = {name: value for name, value in vars(change).items() if value is not None and name not in ("clear", "why")}
    if change.keys is not None:
        said["keys"] = {**found["keys"], **change.keys}
    others = [name for name, value in said.items() if found[name] != value]
    return others + [name for name in change.clear if name not in said and found[name] not in (None, "", {})]


def _bytes(text: str) -> int:
    try:
        return bytes_of(text)
    except ValueError as error:
        raise BadInput(f"--size: {error}") from None


DELETE_HELP = """Forget datasets: their record, never the files.

Refused while a job or a set names it; p3s dataset adjust --state dropped says that a file is no longer wanted.

Example: p3s dataset delete run7.root --dry-run
"""


def delete(datasets: Several, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    client = Client()

    def act(which: str) -> Any:
        uuid = client.find_dataset(which)["uuid"]
        return {"dataset": uuid, **vars(client.delete_dataset(uuid, why, dry_run))}

    def told(reply: Any) -> str:
        note = f", {reply['note']}" if reply["note"] else ""
        return f"{reply['name']}: {'would be forgotten' if dry_run else 'forgotten'}{note}"

    each(datasets, lambda which: by_its_name(which, act), told, json)


app.command("adjust", help=ADJUST_HELP)(adjust)
app.command("delete", help=DELETE_HELP)(delete)
app.command("verify", help=verify.VERIFY_HELP)(verify.verify)
app.add_typer(sets.app, name="set")
