"""`p3s gather ...`, and `p3s job inputs`."""

from time import time
from typing import Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.gatherings import Gathering, Input

from . import show
from .options import Job, Json, Limit, Run

app = typer.Typer(no_args_is_help=True, help="What streams gather: one job over the results of many.")

INPUTS_HELP = """List what a job reads: its file, or other jobs and the files that these were made of.

Examples:

  p3s job inputs UUID

  p3s job inputs UUID --files        (what each of the other jobs has published)
"""


@app.callback()
def gather_group() -> None:
    """Gatherings."""


@app.command("list")
def list_gatherings(
    stream: Annotated[str, typer.Option(help="Only of this stream.")] = "",
    run: Run = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List how far each gathering has come. Example: p3s gather list --stream np04 --run 4610"""
    found = Client().gatherings(limit, stream=stream, run=run)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["stream"],
            one["name"],
            f"{one['by']} {one['value']}".strip(),
            one["gathered"],
            one["pending"],
            show.age(one["since"], now),
            _next(one, now),
            f"{one['job']} {one['job_state']}" if one["job"] else "",
        )
        for one in found
    )
    titles = ("stream", "gathers", "of", "gathered", "pending", "since", "next", "latest job")
    empty = "nothing is gathered yet; a stream with gather: begins when the first of its jobs has finished"
    if stream or run is not None:
        empty = "nothing of this stream and run is gathered; p3s gather list shows what is"
    show.table(titles, rows, empty, ("since", "next"))


def _next(one: Gathering, now: float) -> str:
    if one["due_at"] is None:
        return ""
    return f"in {show.length(one['due_at'] - now)}" if one["due_at"] > now else "now"


def list_inputs(
    job: Job,
    files: Annotated[bool, typer.Option("--files", help="With the files of each.")] = False,
    json: Json = False,
) -> None:
    found = Client().inputs(job)
    if json:
        show.as_json(found)
        return
    if files:
        titles: tuple[str, ...] = ("file", "size", "category", "job", "of")
        rows = [row for one in found for row in _files(one)]
        show.table(titles, rows, "no other job's files are read", ("of",))
        return
    rows = [
        (one["job"] or "", one["variable"], one["name"], one["url"], one["run"], one["subrun"], len(one["files"]))
        for one in found
    ]
    titles = ("job", "variable", "name", "place", "run", "subrun", "files")
    show.table(titles, rows, "it reads no file and no other job", ("place",))


def _files(one: Input) -> list[tuple[object, ...]]:
    return [
        (file["path"], "gone" if file["size"] is None else file["size"], file["category"], one["job"], one["name"])
        for file in one["files"]
    ]
