"""`p3s result list`, `show` and `get`: what payloads published."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import time
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput, NotKnown, Refused
from p3s.protocol.patterns import PatternError, name_problem, parse
from p3s.protocol.result_views import Dimension
from p3s.protocol.results import STATUSES
from p3s.protocol.views import Item, Result

from . import complete, moments, show, standards, trend
from .options import JobType, Json, Limit, Run, Since

app = typer.Typer(no_args_is_help=True, help="List, look at and fetch results; trends, limits, reference runs.")

Which = Annotated[int, typer.Argument(metavar="ID", min=0, help="Its number; p3s result list shows it.")]


@app.command("list")
def list_results(
    limit: Limit = 20,
    run: Run = None,
    category: Annotated[str, typer.Option(help="Only of this category.")] = "",
    status: Annotated[
        str, typer.Option(metavar="|".join(STATUSES), help="Only so judged.", autocompletion=complete.statuses)
    ] = "",
    job: Annotated[str, typer.Option(help="Only of this job, older attempts too.", autocompletion=complete.jobs)] = "",
    jobtype: JobType = "",
    stream: Annotated[str, typer.Option(help="Only of jobs of this stream.")] = "",
    since: Since = "",
    every: Annotated[bool, typer.Option("--all", help="Older attempts too.")] = False,
    json: Json = False,
) -> None:
    """List the latest results. Examples: p3s result list --run 3611 | p3s result list --status bad --since 6h"""
    choice: dict[str, Any] = {"run": run, "category": category, "status": status, "job": job, "jobtype": jobtype}
    choice |= {"stream": stream, "since": moments.since(since), "every": every}
    found = Client().results(limit, **choice, items=False)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["id"],
            one["category"],
            one["run"],
            one["subrun"],
            coordinates(one["keys"]),
            show.judged(one["status"]),
            "incomplete" if one["incomplete"] else "",
            show.age(one["published_at"], now),
            one["jobtype"],
            one["dataset_name"],
        )
        for one in found
    )
    titles = ("id", "category", "run", "subrun", "keys", "status", "", "age", "job type", "file")
    chosen = any(value not in ("", None, False) for value in choice.values())
    empty = "no such results" if chosen else "no results yet; p3s payload new shows how a payload publishes"
    show.table(titles, rows, empty, ("file", "keys", "job type"))


def coordinates(by: Mapping[str, object]) -> str:
    """`apa 3, plane U`."""
    return ", ".join(f"{name} {value}" for name, value in by.items())


# ---- show


@app.command("show")
def show_result(result: Which, json: Json = False) -> None:
    """All of a result: its values, limits, drift, files, and what is missing why. Example: p3s result show 12"""
    client = Client()
    found = client.result(result)
    if json:
        show.as_json(found)
        return
    scales = {one["name"]: one for one in client.dimensions()}
    for line in (*_head(found, time()), *(line for item in found["items"] for line in _item(item, scales))):
        print(show.plain(line).replace("\n", " "))


def _head(found: Result, now: float) -> Iterator[str]:
    place = [f"{name} {found[name]}" for name in ("run", "subrun") if found[name] is not None]
    place += [coordinates(found["keys"])] if found["keys"] else []
    holes = sum(1 for item in found["items"] if item["problem"])
    status = show.judged(found["status"]) + (", incomplete" if found["incomplete"] else "")
    yield f"{', '.join([found['category'], *place])}: {status}" + (f", {show.count(holes, 'hole')}" if holes else "")
    attempt = f", attempt {found['attempt']}" if found["attempt"] > 1 else ""
    yield f"published   {show.age(found['published_at'], now)} ago" + (f" on {found['host']}" if found["host"] else "")
    yield f"job         {found['job']} ({found['jobtype']}{attempt})"
    if found["dataset"]:
        yield f"file        {found['dataset_name']}  ({found['dataset']})"
    if found["data_time"]:
        yield f"data of     {found['data_time']}"
    if found["comment"]:
        yield f"comment     {found['comment']}"


Scales = Mapping[str, Dimension]


def _item(item: Item, scales: Scales) -> Iterator[str]:
    name = " > ".join(part for part in (item["group"], item["name"]) if part)
    name += f"  {coordinates(item['by'])}" if item["by"] else ""
    if item["problem"]:
        yield f"hole        {name}: {item['problem']}"
        return
    comment = f"  ({item['comment']})" if item["comment"] else ""
    yield f"{item['kind']:11} {name}{_content(item)}{comment}"
    if item["kind"] == "table":
        yield from _rows(item, scales.get(str(item["detail"].get("rows"))))
    for entry in item["detail"].get("files", ()):
        yield f"              {entry['path']}"


def _content(item: Item) -> str:
    """What stands behind an item's name."""
    detail, status = item["detail"], "" if item["status"] == "none" else f"  [{item['status']}]"
    if item["kind"] == "number":
        said = f": {value_of(item['value'], item['error'], item['unit'])}{status}"
        return said + "".join(f", {words}" for words in _measures(detail))
    if item["kind"] == "graph":
        units = f"{detail.get('unit') or 'y'} over {detail.get('x_unit') or 'x'}"
        return f": {show.count(len(detail['x']), 'point')}, {units}{status}"
    expect, there = detail.get("expect"), len(detail.get("files", ()))
    missing = f", {expect - there} of {expect} expected are missing" if expect is not None and there < expect else ""
    return f": {show.count(there, 'file')}{missing}{status}" if "files" in detail else status


def value_of(value: float | None, error: float | None, unit: str) -> str:
    """`2.99 ± 0.33 ms`."""
    said = "no value" if value is None else f"{value:.6g}"
    return said + ("" if error is None else f" ± {error:.3g}") + (f" {unit}" if unit and value is not None else "")


def _measures(about: Mapping[str, Any]) -> Iterator[str]:
    """Limits in force, by whom, and the drift."""
    limits = standards.in_words(about.get("good"), about.get("warn"), about.get("drift"))
    if limits:
        yield limits + (" (set on the server)" if about.get("limits_by") else "")
    if about.get("deviation") is not None:
        yield f"{about['deviation']:+.1%} of run {about.get('reference')}"


def _rows(item: Item, scale: Dimension | None) -> Iterator[str]:
    """A table in columns as wide as need be; a cell that is not good says so. Rows in the order and with the names that
    people set for their coordinate."""
    detail = item["detail"]
    units = [f"{one['name']} [{one['unit']}]" if one.get("unit") else one["name"] for one in detail["columns"]]
    lines = [[str(detail.get("rows", "")), *units]]
    places = {value: place for place, value in enumerate(scale["order"])} if scale else {}
    labels = scale["labels"] if scale else {}
    for row in sorted(detail["values"], key=lambda row: places.get(row["row"], len(places))):
        lines.append([labels.get(row["row"], row["row"]), *(_cell(cell) for cell in row["cells"])])
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        yield "              " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
    for column in detail["columns"]:
        measures = ", ".join(_measures(column))
        if measures:
            yield f"              {column['name']}: {measures}"


def _cell(cell: Mapping[str, Any]) -> str:
    drift = f" {cell['deviation']:+.0%}" if "deviation" in cell else ""
    status = f" {cell['status']}" if cell["status"] in ("warning", "bad") else ""
    return ("no value" if cell["value"] is None else f"{cell['value']:.6g}") + drift + status


# ---- get


GET_HELP = """Fetch the files of a result, all or those that fit a pattern, into a directory of its own.

Examples:

  p3s result get 12

  p3s result get 12 '*_NHitsAPA{plane:a}3.png' -o plots

A file that is there already is left alone, and the exit code is 6; --force replaces it.
"""


@app.command("get", help=GET_HELP)
def get(
    result: Which,
    pattern: Annotated[str, typer.Argument(help="Only files whose name fits, as in results.")] = "",
    into: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Default: result-ID.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which, fetch nothing.")] = False,
    json: Json = False,
) -> None:
    client = Client()
    names = _chosen(client.result(result), pattern)
    directory = Path(into or f"result-{result}")
    paths = {} if dry_run else {name: _place(directory, name) for name in names}
    there = [] if force else [str(path) for path in paths.values() if os.path.lexists(path)]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise Refused(f"{show.plain(there[0])}{more} is there already; --force replaces, -o DIR puts them elsewhere")
    with show.progress("fetching", len(paths)) as advance:
        for count, (name, path) in enumerate(paths.items(), 1):
            _write(path, client.result_file(result, name))
            advance(count, show.plain(name)[-40:])
    if json:
        show.as_json([{"name": name, "path": str(paths[name]) if name in paths else None} for name in names])
        return
    for name in names:
        print(show.plain(str(directory / name)))


def _chosen(found: Result, pattern: str) -> list[str]:
    """The files of a result that fit, once each, in its order. Raises NotKnown when there are none."""
    names = dict.fromkeys(entry["path"] for item in found["items"] for entry in item["detail"].get("files", ()))
    if not names:
        raise NotKnown(f"result {found['id']} has no files; p3s result show {found['id']} shows what it has")
    if not pattern:
        return list(names)
    try:
        fits = parse(pattern)
    except PatternError as error:
        raise BadInput(f"{show.plain(pattern)}: {error}") from None
    chosen = [name for name in names if name == pattern or fits.match(name) is not None]
    if not chosen:
        some = ", ".join(show.plain(name) for name in list(names)[:3])
        raise NotKnown(f"no file of result {found['id']} fits {show.plain(pattern)}; it has {some}")
    return chosen


def _place(directory: Path, name: str) -> Path:
    """Where a file goes: names come from payloads, and links may lie in the directory. Raises Refused."""
    path = directory / name
    top = directory.resolve()
    if name_problem(name) or not path.parent.resolve().is_relative_to(top):
        raise Refused(f"{show.plain(name)} would leave {show.plain(str(directory))}; nothing was fetched")
    return path


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, never through a link. Raises Refused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".p3s-") as beside:
            part = Path(beside, "part")
            part.write_bytes(data)
            part.replace(path)
    except OSError as error:
        raise Refused(f"{show.plain(str(path))} cannot be written: {error.strerror}") from None


app.command("trend", help=trend.TREND_HELP)(trend.show_trend)
app.command("reference", help=standards.REFERENCE_HELP)(standards.reference)
app.command("dimension", help=standards.DIMENSION_HELP)(standards.dimension)
app.add_typer(standards.limits, name="limits")
