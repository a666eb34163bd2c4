"""`p3s dataset register`: files here, URLs, and 2018's descriptions of files."""

import sys
from dataclasses import replace
from typing import Annotated, Any

import typer

from p3s.client import files
from p3s.client.sdk import Client
from p3s.protocol import data_bounds
from p3s.protocol.data import DatasetReply, DatasetRequest
from p3s.protocol.errors import BadInput, NotKnown

from . import complete, pairs, show
from .options import DryRun, Json

REGISTER_HELP = """Make files known: by path, by URL, or as descriptions of 2018 (FILE.json) say.

Examples:

  p3s dataset register run4610_1.root --run 4610 --subrun 1 --key dl=5 --datatype ROOT --checksum

  p3s dataset register root://storage.example//eos/run4610_1.root --stream raw     (its jobs are made too)

  p3s dataset register samplefile.json

A file that is known already stays as it is. One that is not there yet is registered with --state registered.
"""


def register(
    names: Annotated[list[str], typer.Argument(metavar="FILE|URL|FILE.json...", help="Several, too.")],
    run: Annotated[int | None, typer.Option(help="The run that it is of.")] = None,
    subrun: Annotated[int | None, typer.Option(help="The subrun.")] = None,
    key: Annotated[
        list[str], typer.Option("--key", "-k", metavar="NAME=VALUE", help="Further numbering; repeatable.")
    ] = [],  # noqa: B006
    datatype: Annotated[str, typer.Option(help="Its data type.", autocompletion=complete.data_types)] = "",
    comment: Annotated[str, typer.Option(help="What people should know.")] = "",
    name: Annotated[str, typer.Option(help="Instead of the file's own.")] = "",
    state: Annotated[str, typer.Option(metavar="available|registered", help="Is it there, or only named?")] = "",
    stream: Annotated[str, typer.Option(help="Make this stream's jobs of it.")] = "",
    checksum: Annotated[bool, typer.Option("--checksum", help="Read it and record its adler32.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but what is refused.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    said: dict[str, Any] = {
        "run": run,
        "subrun": subrun,
        "keys": pairs.keys(key),
        "datatype": datatype,
        "comment": comment,
    }
    said |= {"name": name, "state": state, "stream": stream}
    if name and len(names) > 1:
        raise BadInput("--name: each file has its own; register one at a time")
    requests = [
        replace(one, **{field: value for field, value in said.items() if value not in (None, "", {})})
        for given in names
        for one in _described(given, state)
    ]
    requests = [_measured(one, checksum) for one in requests]
    for one in requests:
        data_bounds.check_dataset(one)
    if dry_run:
        _tell_plan(requests, json)
        return
    _tell(requests, Client().register_datasets(requests), json, quiet)


def _described(given: str, state: str) -> list[DatasetRequest]:
    path = files.local_path(given)
    described = files.described(path) if path is not None else None
    if described is not None:
        return described
    if path is not None and not files.is_there(path) and not state:
        hint = "--state registered names one to come, --state available one that others see"
        raise NotKnown(f"there is no file {given} here; {hint}")
    if path is not None and path.is_dir():
        raise BadInput(f"{given} is a directory; name its files: p3s dataset register {given.rstrip('/')}/*")
    return [DatasetRequest(files.address(given))]


def _measured(request: DatasetRequest, checksum: bool) -> DatasetRequest:
    """With the size, the time and, if wanted, the checksum of a file that is here."""
    path = files.local_path(request.url)
    if path is None or not files.is_file(path):
        if checksum:
            raise BadInput(f"--checksum: {request.url} cannot be read from here; leave it out, or run it where it can")
        return request
    try:
        stat = path.stat()
        with show.progress(f"reading {path.name}", stat.st_size, checksum) as advance:
            found = files.adler32(path, lambda done: advance(done, "")) if checksum else ""
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    return replace(request, size=stat.st_size, modified_at=stat.st_mtime, adler32=found or request.adler32)


def _tell_plan(requests: list[DatasetRequest], json: bool) -> None:
    if json:
        show.as_json([{"url": one.url, "name": one.name or one.url.rpartition("/")[2]} for one in requests])
        return
    for one in requests:
        size = f", {show.size(one.size)}" if one.size is not None else ""
        print(show.plain(f"would register {one.url} ({one.state}{size})"))


def _tell(requests: list[DatasetRequest], replies: list[DatasetReply], json: bool, quiet: bool) -> None:
    if json:
        show.as_json([vars(reply) for reply in replies])
    for request, reply in zip(requests, replies, strict=True):
        if reply.problem:
            print(f"p3s: {show.plain(request.url)}: {show.plain(reply.problem)}", file=sys.stderr)
        elif not (json or quiet):
            name = request.name or request.url.rpartition("/")[2]
            said = "registered" if reply.new else "known already"
            print(show.plain(f"{reply.dataset} {name}: {said}{_fate(reply)}{_stays(reply)}"))
    if any(reply.problem for reply in replies):
        raise typer.Exit(NotKnown.exit_code)


def _fate(reply: DatasetReply) -> str:
    words = f", {reply.fate}" if reply.fate else ""
    words += f" ({reply.reason})" if reply.reason else ""
    words += f", {show.count(len(reply.jobs), 'job')}" if reply.jobs else ""
    return words + (f", workflow {reply.workflow}" if reply.workflow else "")


def _stays(reply: DatasetReply) -> str:
    """A file that was written anew is not what jobs were made of."""
    return f"; other than said now, as it was: {', '.join(reply.stays)} (p3s dataset adjust)" if reply.stays else ""
