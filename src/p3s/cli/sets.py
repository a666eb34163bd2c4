"""`p3s dataset set ...`: named sets of files."""

from typing import Annotated, Any

import typer

from p3s.client.files import named
from p3s.client.sdk import Client
from p3s.protocol import catalogue_bounds
from p3s.protocol.catalogue import SetChanged, SetRequest
from p3s.protocol.errors import BadInput, NotKnown
from p3s.protocol.messages import BOUNDS

from . import complete, show
from .options import DryRun, Json, Limit, Run, Why

app = typer.Typer(no_args_is_help=True, help="Named sets of files: make them, put files in and take them out.")

SetName = Annotated[str, typer.Argument(metavar="NAME", help="The set.", autocompletion=complete.sets)]
Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help="UUIDs, names or URLs.", autocompletion=complete.datasets),
]
OfRun = Annotated[int | None, typer.Option("--run", help="And all files of this run.")]
Begin = Annotated[str, typer.Option("--name", help="And all files whose names begin so.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The set.")],
    files: Files = None,
    run: OfRun = None,
    begin: Begin = "",
    comment: Annotated[str, typer.Option(help="What people should know.")] = "",
    datatype: Annotated[str, typer.Option(help="Its data type.", autocompletion=complete.data_types)] = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a set, of files that are known. Example: p3s dataset set create golden run4610_1.root --run 4611"""
    catalogue_bounds.check_set(name, SetRequest(comment, datatype))
    client = Client()
    members = _members(client, files, run, begin)
    if dry_run:
        _tell_plan(_plan(client, name, members, add=True, may_be_new=True), json)
        return
    made = client.make_set(name, comment, datatype)
    _tell(_changed(client, name, members, add=True, made=made), "made" if made.new else "it was there already", json)


@app.command("add")
def add(
    name: SetName,
    files: Files = None,
    run: OfRun = None,
    begin: Begin = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put files into a set. Example: p3s dataset set add golden run4612_1.root"""
    client = Client()
    _change(client, name, _wanted(client, files, run, begin), True, why, dry_run, json)


@app.command("remove")
def remove(
    name: SetName,
    files: Files = None,
    run: OfRun = None,
    begin: Begin = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take files out of a set; they stay known. Example: p3s dataset set remove golden run4612_1.root"""
    client = Client()
    _change(client, name, _wanted(client, files, run, begin), False, why, dry_run, json)


@app.command("show")
def show_set(name: SetName, limit: Limit = 1_000, json: Json = False) -> None:
    """The files of a set. Example: p3s dataset set show golden"""
    client = Client()
    try:
        row = client.find_dataset(f"set:{name}")
    except NotKnown:
        raise NotKnown(f"there is no set {name}; p3s dataset list --kind set shows them") from None
    found = client.datasets(limit, set=row["uuid"])
    if json:
        show.as_json({**row, "files": found})
        return
    comment = f": {row['comment']}" if row["comment"] else ""
    show.note(f"set {row['name']}, {show.count(row['members'] or 0, 'file')}, {show.size(row['size'])}{comment}")
    rows = ((one["uuid"], one["name"], one["state"], one["run"], show.size(one["size"])) for one in found)
    empty = f"it has no files; p3s dataset set add {name} FILE"
    show.table(("dataset", "name", "state", "run", "size"), rows, empty, ("run",))


def _change(client: Client, name: str, members: list[str], add: bool, why: str, dry_run: bool, json: bool) -> None:
    """Put files in, or take them out."""
    if dry_run:
        _tell_plan(_plan(client, name, members, add=add), json)
    else:
        _tell(_changed(client, name, members, add=add, why=why), "", json)


def _wanted(client: Client, files: list[str] | None, run: Run, begin: str) -> list[str]:
    members = _members(client, files, run, begin)
    if not members and not (run is not None or begin):
        raise BadInput("name the files, or choose them: --run 4610, --name raw_")
    return members


def _members(client: Client, files: list[str] | None, run: int | None, begin: str) -> list[str]:
    members = [named(one) for one in files or []]
    if run is not None or begin:
        members += [one["uuid"] for one in client.datasets(None, run=run, name=begin, kind="file")]
    return members


def _changed(
    client: Client, name: str, members: list[str], *, add: bool, why: str = "", made: SetChanged | None = None
) -> SetChanged:
    """In as few calls as the server takes."""
    most, total = int(BOUNDS["files_per_call"]), made
    for at in range(0, len(members), most):
        part = members[at : at + most]
        done = client.change_set(name, add=part, why=why) if add else client.change_set(name, remove=part, why=why)
        before = (total.added, total.removed) if total else (0, 0)
        new = bool(total and total.new)
        counts = (before[0] + done.added, before[1] + done.removed, done.members)
        total = SetChanged(done.dataset, name, new, *counts)
    if total is None:
        row = client.find_dataset(f"set:{name}")
        total = SetChanged(row["uuid"], name, False, 0, 0, row["members"] or 0)
    return total


def _plan(client: Client, name: str, members: list[str], *, add: bool, may_be_new: bool = False) -> SetChanged:
    """What would come of it."""
    try:
        row = client.find_dataset(f"set:{name}")
    except NotKnown:
        if not may_be_new:
            raise
        return SetChanged("", name, True, len(set(members)), 0, len(set(members)))
    there = {one["uuid"] for one in client.datasets(None, set=row["uuid"])}
    meant = {client.find_dataset(which)["uuid"] for which in members}
    added, removed = (len(meant - there), 0) if add else (0, len(meant & there))
    return SetChanged(row["uuid"], name, False, added, removed, len(there) + added - removed)


def _tell_plan(reply: SetChanged, json: bool) -> None:
    if not json:
        show.note("nothing is done yet: it would be so")
    _tell(reply, "made" if reply.new else "", json)


def _tell(reply: SetChanged, said: str, json: bool) -> None:
    if json:
        show.as_json(vars(reply))
        return
    words: list[Any] = [said] if said else []
    words += [f"{reply.added} added"] if reply.added else []
    words += [f"{reply.removed} removed"] if reply.removed else []
    print(
        show.plain(f"{reply.name}: {', '.join(words) or 'nothing changed'}; it has {show.count(reply.members, 'file')}")
    )
