"""Tables, graphs and files of results as a page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from p3s.server.monitor import links
from p3s.server.monitor.measures import drift, limits, number
from p3s.server.monitor.scales import Scales
from p3s.server.monitor.states import Mark, status_mark
from p3s.server.results.reads import ItemRow


def item_mark(item: ItemRow) -> Mark | None:
    """How an item is judged, None for not at all."""
    return None if item.status == "none" else status_mark(item.status)


@dataclass(frozen=True, slots=True)
class Block:
    """What each has, whatever it shows."""

    name: str
    where: Mapping[str, object]
    anchor: str
    group: str
    mark: Mark | None
    comment: str


def head(item: ItemRow) -> dict[str, Any]:
    """The fields of a Block."""
    return {
        "name": item.name,
        "where": item.by,
        "anchor": f"item-{item.id}",
        "group": item.group,
        "mark": item_mark(item),
        "comment": item.comment,
    }


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a column: what its values are measured in and against."""

    name: str
    unit: str
    limits: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value. `mark` where it is judged."""

    value: str
    mark: Mark | None
    note: str


@dataclass(frozen=True, slots=True)
class TableRow:
    label: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Table(Block):
    """A table of numbers."""

    shape = "table"

    columns: list[Heading]
    rows: list[TableRow]


def table(item: ItemRow, scales: Scales) -> Table:
    """Rows in the order of their coordinate, where people set one, else as the payload wrote them."""
    detail, name = item.detail, str(item.detail.get("rows", ""))
    rows = {str(row["row"]): row["cells"] for row in detail.get("values", [])}
    labels = scales.ordered(name, rows) if name in scales.dimensions else list(rows)
    return Table(
        **head(item),
        columns=[_heading(column) for column in detail.get("columns", [])],
        rows=[
            TableRow(scales.label(name, label), [_cell(cell, detail.get("reference")) for cell in rows[label]])
            for label in labels
        ],
    )


def _heading(column: Mapping[str, Any]) -> Heading:
    return Heading(str(column.get("name", "")), str(column.get("unit", "")), limits(column))


def _cell(cell: Mapping[str, Any], reference: object) -> Cell:
    status = cell.get("status", "none")
    mark = None if status == "none" else status_mark(status)
    return Cell(number(cell.get("value")), mark, drift(cell, reference))


# ---- graphs

WIDTH, HEIGHT = 600, 220
MOST_POINTS = 600
"""Of a line that is drawn; of more, the highest and the lowest of each part are."""

MOST_BARS = 120
"""Points whose errors are drawn."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The error of a point."""

    x: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Graph(Block):
    """Points, as lines in a picture of WIDTH x HEIGHT; a hole in y parts them."""

    shape = "graph"

    said: str
    lines: list[str]
    bars: list[Bar]
    dots: list[Dot]
    #: (lowest, highest) with units, as people read them.
    x: tuple[str, str]
    y: tuple[str, str]


Point = tuple[float, float]


def graph(item: ItemRow) -> Graph:
    """A line from point to point; nothing is drawn where there are none."""
    detail = item.detail
    xs, ys = (list(detail.get(name, [])) for name in ("x", "y"))
    errors = list(detail.get("error") or [None] * len(xs))
    points = [(x, y, error) for x, y, error in zip(xs, ys, errors, strict=False) if y is not None]
    few = len(points) <= MOST_BARS
    span_x = _span([x for x, _, _ in points])
    span_y = _span([end for _, y, error in points for end in _reach(y, error if few else None)])

    def place(x: float, y: float) -> tuple[str, str]:
        return _share(x, span_x, WIDTH), _share(y, span_y, HEIGHT, up=True)

    holes = len(xs) - len(points)
    return Graph(
        **head(item),
        said=f"{len(points)} points" + (f", {holes} without a value" if holes else ""),
        lines=[" ".join(",".join(place(*point)) for point in part) for part in _parts(xs, ys) if len(part) > 1],
        bars=[_bar(x, y, error, span_x, span_y) for x, y, error in points if error and few],
        dots=[Dot(*place(x, y)) for x, y, _ in points] if few else [],
        x=_ends(span_x, str(detail.get("x_unit", ""))),
        y=_ends(span_y, str(detail.get("unit", ""))),
    )


def _reach(y: float, error: float | None) -> tuple[float, float]:
    return (y, y) if error is None else (y - abs(error), y + abs(error))


def _parts(xs: Sequence[float], ys: Sequence[float | None]) -> list[list[Point]]:
    """Points without a hole between them; of very many, those that show their course."""
    parts: list[list[Point]] = [[]]
    for x, y in zip(xs, ys, strict=False):
        if y is None:
            parts.append([])
        else:
            parts[-1].append((x, y))
    most = max(2, MOST_POINTS * 2 // (len(xs) + 1)) if len(parts) > MOST_POINTS else MOST_POINTS
    return [_thinned(part, most) for part in parts]


def _thinned(points: list[Point], most: int) -> list[Point]:
    if len(points) <= most:
        return points
    edges = [len(points) * place // (most // 2) for place in range(most // 2 + 1)]
    kept: list[Point] = []
    for start, end in pairwise(edges):
        part = points[start:end]
        low, high = (pick(range(len(part)), key=lambda at: part[at][1]) for pick in (min, max))
        kept += [part[at] for at in sorted({low, high})]
    return kept


def _span(values: Sequence[float]) -> tuple[float, float] | None:
    return (min(values), max(values)) if values else None


def _share(value: float, span: tuple[float, float] | None, size: int, up: bool = False) -> str:
    """A place in the picture. In halves, so that the widest span does not overflow."""
    low, high = span or (0.0, 0.0)
    width = high / 2 - low / 2
    share = (value / 2 - low / 2) / width if width > 0 else 0.5
    share = min(max(share, 0.0), 1.0)
    return f"{(1 - share if up else share) * size:.1f}"


def _bar(
    x: float, y: float, error: float, span_x: tuple[float, float] | None, span_y: tuple[float, float] | None
) -> Bar:
    ends = (_share(end, span_y, HEIGHT, up=True) for end in _reach(y, error))
    return Bar(_share(x, span_x, WIDTH), *ends)


def _ends(span: tuple[float, float] | None, unit: str) -> tuple[str, str]:
    if span is None:
        return "", ""
    low, high = (f"{number(end)} {unit}".strip() for end in span)
    return low, high


# ---- files


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class FileList(Block):
    """Files to be fetched."""

    shape = "files"

    missing: str
    links: list[Link]


def file_list(item: ItemRow) -> FileList:
    """The files of one item, as links."""
    names = [str(entry["path"]) for entry in item.detail.get("files", []) if "path" in entry]
    return FileList(
        **head(item),
        missing=missing_of(item.detail.get("expect"), len(names)),
        links=[Link(name, links.result_file(item.result, name)) for name in names],
    )


def missing_of(expect: object, there: int) -> str:
    """How many files are not there, in words."""
    if isinstance(expect, int) and there < expect:
        return f"{expect - there} of {expect} expected files missing"
    return ""
