"""`p3s result trend`: a number, or the cells of a column, over runs."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput, NotKnown
from p3s.protocol.result_views import Point, Trend

from . import complete, show
from .options import Json
from .standards import Category, in_words, split

WIDTH = 40
"""Columns of a drawing."""

MOST = 20
"""Trends that are shown at once."""

TREND_HELP = """A number over runs, or each cell of a table's column. Without a name, or with a slash behind a category,
what is trended.

Examples:

  p3s result trend Purity/lifetime --last 50

  p3s result trend "TPC monitor/Channels/dead" --by apa=3 --csv > dead.csv

  p3s result trend Purity/

Each line is a value, drawn between the lowest and the highest: o good, ! warning, X bad, + not judged, | a limit.
"""


def show_trend(
    name: Annotated[
        str,
        typer.Argument(metavar="CATEGORY/ITEM[/COLUMN]", help="What is trended.", autocompletion=complete.trends),
    ] = "",
    by: Annotated[str, typer.Option(metavar="tpc=1,...", help="Only with these coordinates.")] = "",
    last: Annotated[int, typer.Option("--last", "-n", min=1, max=1000, help="So many values of each.")] = 30,
    since_run: Annotated[int | None, typer.Option(min=0, help="Only from this run on.")] = None,
    until_run: Annotated[int | None, typer.Option(min=0, help="Only up to this run.")] = None,
    category: Category = "",
    every: Annotated[bool, typer.Option("--all", help="Older attempts' values too.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for programs.")] = False,
    json: Json = False,
) -> None:
    client = Client()
    if not name or (name.endswith("/") and not category):
        _list(client, name.rstrip("/"), json)
        return
    of, item = split(name, category)
    span: dict[str, Any] = {"since_run": since_run, "until_run": until_run, "every": every}
    found = client.trends(of, item, by=_coordinates(by), last=last, limit=MOST + 1, **span)
    if not found:
        raise NotKnown(f"nothing of the name {show.plain(name)} is trended; p3s result trend lists what is")
    if json:
        show.as_json(found[:MOST])
    elif as_csv:
        _print_csv(found[:MOST])
    else:
        for place, one in enumerate(found[:MOST]):
            print("\n".join(["", *_lines(one)] if place else _lines(one)))
    if len(found) > MOST:
        show.note(f"note: only the first {MOST} are shown; choose some with --by")


def _coordinates(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")] if text else []
    for key, equals, value in pairs:
        if not (key and equals and value):
            raise BadInput(f"--by: {show.plain(text)!r}: write NAME=VALUE, several separated by commas")
    return {key: value for key, _, value in pairs}


def _list(client: Client, category: str, json: bool) -> None:
    found = client.trend_names(category)
    if json:
        show.as_json(found)
        return
    rows = []
    for (of, name), group in groupby(found, key=lambda one: (one["category"], one["name"])):
        several = list(group)
        coordinates = sorted({key for one in several for key in one["by"]})
        rows.append((f"{of}/{name}", several[0]["unit"], len(several), ", ".join(coordinates)))
    empty = (
        f"nothing of {category} is trended" if category else "nothing is trended yet: no number or table is published"
    )
    show.table(("what", "unit", "trends", "by"), rows, empty)


# ---- for people


def _lines(trend: Trend) -> list[str]:
    """One trend: its name and limits, and a line for each value."""
    by = "".join(f"  {name} {value}" for name, value in trend["by"].items())
    unit = f"  [{trend['unit']}]" if trend["unit"] else ""
    head = f"{trend['category']}/{trend['name']}{by}{unit}{_limits(trend)}"
    points = trend["points"]
    if not points:
        return [show.plain(head), "  no values of such runs"]
    cells = [_cells(point) for point in points]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = [show.plain(head)]
    for row, line in zip(cells, drawing(points), strict=True):
        columns = "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        lines.append(show.plain(f"  {columns}  {line}".rstrip()))
    return lines


def _limits(trend: Trend) -> str:
    limits = trend["limits"]
    if limits is None:
        return ""
    return f"  set on the server: {in_words(limits['good'], limits['warn'], limits['drift'])}"


def _cells(point: Point) -> tuple[str, ...]:
    run = "-" if point["run"] is None else str(point["run"])
    place = run if point["subrun"] is None else f"{run}/{point['subrun']}"
    value = "no value" if point["value"] is None else f"{point['value']:.5g}"
    error = "" if point["error"] is None else f"± {point['error']:.2g}"
    drift = "" if point["deviation"] is None else f"{point['deviation']:+.0%}"
    return place, value, error, drift, "" if point["status"] == "none" else point["status"]


_MARKS = {"good": "o", "warning": "!", "bad": "X", "none": "+"}


def drawing(points: Sequence[Point]) -> list[str]:
    """A line for each point: its place between the lowest and the highest value, and its limits where they are."""
    values = [point["value"] for point in points if point["value"] is not None]
    if not values:
        return ["" for _ in points]
    low, high = min(values), max(values)
    return [_line(point, low, high) for point in points]


def _line(point: Point, low: float, high: float) -> str:
    canvas = [" "] * WIDTH
    for pair in (point["good"], point["warn"]):
        for side in pair or ():
            if side is not None and low <= side <= high:
                canvas[_column(side, low, high)] = "|"
    if point["value"] is not None:
        canvas[_column(point["value"], low, high)] = _MARKS.get(point["status"], "+")
    return f"[{''.join(canvas)}]"


def _column(value: float, low: float, high: float) -> int:
    """In halves, so that the widest span does not overflow."""
    span = high / 2 - low / 2
    part = (value / 2 - low / 2) / span if span > 0 else 0.5
    return min(WIDTH - 1, max(0, math.floor(part * WIDTH)))


# ---- for programs

COLUMNS = (
    *("category", "name", "by", "unit", "run", "subrun", "at", "value", "error", "status", "good_low", "good_high"),
    *("warn_low", "warn_high", "deviation", "reference", "result", "job"),
)


def _print_csv(trends: Sequence[Trend]) -> None:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for trend in trends:
        writer.writerows(_records(trend))
    show.text(written.getvalue())


def _records(trend: Trend) -> Iterator[list[Any]]:
    by = ",".join(f"{name}={value}" for name, value in trend["by"].items())
    for point in trend["points"]:
        limits = [side for pair in (point["good"], point["warn"]) for side in (pair or (None, None))]
        measured = [point["run"], point["subrun"], point["at"], point["value"], point["error"], point["status"]]
        origin = [point["deviation"], point["reference"], point["result"], point["job"]]
        yield [trend["category"], trend["name"], by, trend["unit"], *measured, *limits, *origin]
