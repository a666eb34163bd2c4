"""`p3s datatype ...`: kinds of data."""

from dataclasses import replace
from pathlib import Path
from time import time
from typing import Annotated

import typer

from p3s.client.files import described_types, is_file
from p3s.client.sdk import Client
from p3s.protocol import catalogue_bounds
from p3s.protocol.catalogue import DataTypeSpec
from p3s.protocol.errors import BadInput, Conflict, NotKnown

from . import complete, show
from .options import DryRun, Json, Why

app = typer.Typer(no_args_is_help=True, help="Data types: kinds of data, and what their files' names end in.")

TypeName = Annotated[str, typer.Argument(metavar="NAME", help="The data type.", autocompletion=complete.data_types)]
Ext = Annotated[str | None, typer.Option(metavar=".root", help="What its files' names end in.")]
Comment = Annotated[str | None, typer.Option(help="What people should know.")]

ADD_HELP = """Make data types: one by name, or those that a description of 2018 (FILE.json) describes.

Examples:

  p3s datatype add ROOT --ext .root --comment "raw data"

  p3s datatype add txtDataType.json
"""


@app.command("add", help=ADD_HELP)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE.json", help="Its name, or a description of 2018.")],
    ext: Ext = None,
    comment: Comment = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if name.endswith(".json"):
        if not is_file(name):
            raise BadInput(f"cannot read {name}: there is no such file")
        if ext is not None or comment is not None:
            raise BadInput(f"--ext, --comment: {name} says them; change it there, or give a name")
        specs = described_types(Path(name))
    else:
        specs = [DataTypeSpec(name, ext or "", comment or "")]
    for spec in specs:
        catalogue_bounds.check_datatype(spec)
    client, replies = Client(), []
    for spec in specs:
        known = _known(client, spec.name)
        wanted = spec if known is None else _filled(known, spec)
        if not dry_run and wanted != known:
            client.set_data_type(wanted)
        replies.append({"name": spec.name, "new": known is None, "changed": wanted != known})
        if not json:
            print(f"{show.plain(spec.name)}: {_said(known is None, wanted != known, dry_run)}")
    if json:
        show.as_json(replies)


def _said(new: bool, changed: bool, dry_run: bool) -> str:
    if not changed:
        return "it is there already"
    return ("would be " if dry_run else "") + ("made" if new else "filled in: it was made by its first file")


def _known(client: Client, name: str) -> DataTypeSpec | None:
    try:
        found = client.data_type(name)
    except NotKnown:
        return None
    return DataTypeSpec(found["name"], found["ext"], found["comment"])


def _filled(known: DataTypeSpec, spec: DataTypeSpec) -> DataTypeSpec:
    """A type that a file's registration made lacks a comment. Raises Conflict for one that is otherwise."""
    for before, after in ((known.ext, spec.ext), (known.comment, spec.comment)):
        if before and after and before != after:
            raise Conflict(f"there is a data type {spec.name} already; p3s datatype adjust {spec.name} changes it")
    return replace(known, ext=known.ext or spec.ext, comment=known.comment or spec.comment)


@app.command("list")
def list_datatypes(json: Json = False) -> None:
    """List data types. Example: p3s datatype list"""
    found = Client().data_types()
    if json:
        show.as_json(found)
        return
    rows = ((one["name"], one["ext"], one["datasets"], one["comment"]) for one in found)
    show.table(
        ("data type", "ext", "datasets", "comment"), rows, "no data types yet; p3s datatype add ROOT --ext .root"
    )


@app.command("show")
def show_datatype(name: TypeName, json: Json = False) -> None:
    """One data type. Example: p3s datatype show ROOT"""
    found = Client().data_type(name)
    if json:
        show.as_json(found)
        return
    now = time()
    for field, value in found.items():
        if value not in ("", None):
            said = f"{show.age(found['updated_at'], now)} ago" if field == "updated_at" else str(value)
            print(f"{field:14} {show.plain(said)}")


@app.command("adjust")
def adjust(
    name: TypeName, ext: Ext = None, comment: Comment = None, dry_run: DryRun = False, json: Json = False
) -> None:
    """Change a data type; what is not named stays. Example: p3s datatype adjust ROOT --comment "raw and simulated" """
    if ext is None and comment is None:
        raise BadInput("p3s datatype adjust: say what is to be other: --ext, --comment")
    client = Client()
    found = client.data_type(name)
    before = DataTypeSpec(found["name"], found["ext"], found["comment"])
    after = replace(
        before, ext=before.ext if ext is None else ext, comment=before.comment if comment is None else comment
    )
    catalogue_bounds.check_datatype(after)
    if not dry_run:
        client.set_data_type(after)
    changed = after != before
    if json:
        show.as_json({"name": name, "changed": changed})
        return
    print(f"{show.plain(name)}: {('would be set' if dry_run else 'set') if changed else 'it is so already'}")


@app.command("delete")
def delete(name: TypeName, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Remove a data type; refused while datasets are of it. Example: p3s datatype delete TXT"""
    reply = Client().delete_data_type(name, why, dry_run)
    if json:
        show.as_json(vars(reply))
        return
    print(f"{show.plain(reply.name)}: {'would be removed' if dry_run else 'removed'}")
