"""`p3s stream coverage`: what became of every file."""

from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol.streams import CoverageRow

from . import complete, show
from .covered import reasons
from .options import Json, Limit, Run

SomeName = Annotated[str, typer.Argument(help="Only this stream.", autocompletion=complete.streams)]

COVERAGE_HELP = """What became of every file, by run and stream, the newest run first.

Examples:

  p3s stream coverage

  p3s stream coverage np04 --run 4610

files = sampled out + ignored + taken; taken = processed + in progress + failed + lost + dropped + cancelled +
skipped + unknown (what was purged before such things were kept).
A file with several jobs is counted by the worst of them; "by hand" are those of the taken that a person had processed.
"""


def coverage(name: SomeName = "", run: Run = None, limit: Limit = 20, json: Json = False) -> None:
    client = Client()
    if name:
        client.stream(name)  # says so when it is none
    found = client.coverage(name, run, limit)
    if json:
        show.as_json(found)
        return
    rows = [_covered(row) for row in found]
    shown = [place for place, title in enumerate(COLUMNS) if title in _ALWAYS or any(row[place] for row in rows)]
    titles = list(COLUMNS)
    show.table([titles[at] for at in shown], [[row[at] for at in shown] for row in rows], _no_files(name, run))


def _no_files(name: str, run: int | None) -> str:
    if run is None:
        return "no files yet"
    return f"stream {name} has seen no file of run {run}" if name else f"no stream has seen a file of run {run}"


COLUMNS = {
    "run": "run",
    "stream": "stream",
    "files": "files",
    "sampled out": "sampled_out",
    "ignored": "ignored",
    "taken": "taken",
    "processed": "processed",
    "in progress": "in_progress",
    "failed": "failed",
    "lost": "lost",
    "dropped": "dropped",
    "cancelled": "cancelled",
    "skipped": "skipped",
    "unknown": "unknown",
    "by hand": "manual",
}


_ALWAYS = ("run", "stream", "files", "taken", "processed")
"""Columns that are shown when they are empty, too."""


def _covered(row: CoverageRow) -> list[Any]:
    cells: list[Any] = []
    for field in COLUMNS.values():
        value = row[field]  # type: ignore[literal-required] # one of its fields
        cells.append(reasons(value) if isinstance(value, dict) else "none" if value is None else value or "")
    return cells
