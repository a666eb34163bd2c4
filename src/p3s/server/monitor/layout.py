"""From the items of results to what a page shows: tables of numbers and checks, figures in grids, named holes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from p3s.protocol.patterns import natural
from p3s.server.monitor import links
from p3s.server.monitor.blocks import Block, FileList, Graph, Table, file_list, graph, head, missing_of, table
from p3s.server.monitor.measures import drift, limits, number
from p3s.server.monitor.scales import Scales
from p3s.server.monitor.states import Mark, status_mark, worst_status
from p3s.server.results.reads import ItemRow, ResultRow

#: A grid of coordinates larger than this is shown as a plain sequence: mostly holes help nobody.
MOST_CELLS = 400

MOST_THINGS = 20_000
"""Items, files, cells and points of all results of a page; of those beyond only the head is shown."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One image, histogram, or set of histograms still to be looked up in its file."""

    kind: str  # image, histogram, histogram-set
    id: str
    url: str
    caption: str
    object: str = ""
    objects: list[str] = field(default_factory=list)
    draw: str = ""
    log: str = ""

    @property
    def objects_json(self) -> str:
        """The patterns, for a data attribute."""
        return json.dumps(self.objects)


@dataclass(frozen=True, slots=True)
class GridRow:
    label: str
    #: A cell without figures is a hole.
    cells: list[list[Figure]]


@dataclass(frozen=True, slots=True)
class FigureGroup(Block):
    """The figures of one item, in a grid by coordinates or in a row."""

    shape = "figures"

    columns: list[str]
    rows: list[GridRow]
    figures: list[Figure]
    missing: str


@dataclass(frozen=True, slots=True)
class Line:
    """A number or check in a table."""

    name: str
    where: Mapping[str, object]
    group: str
    mark: Mark
    value: str
    unit: str
    limits: str
    comment: str


@dataclass(frozen=True, slots=True)
class ResultBlock:
    """One result as shown."""

    row: ResultRow
    mark: Mark
    lines: list[Line]
    #: All that is no line, in the order of the payload.
    sections: list[FigureGroup | Table | Graph | FileList]
    holes: list[ItemRow]
    #: The page has no room for its items.
    left_out: bool


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    anchor: str
    mark: Mark
    blocks: list[ResultBlock]


def categories(
    rows: Iterable[ResultRow], items: Mapping[int, list[ItemRow]], scales: Scales | None = None
) -> list[Category]:
    """By name, so that a category keeps its place on the page; within one the lowest keys first. Results that are not
    in `items` are shown without."""
    ordered = sorted(rows, key=lambda row: (natural(row.category), row.subrun or 0, natural(str(row.keys)), row.id))
    return [
        Category(
            name=name,
            anchor=f"category-{number}",
            mark=status_mark(worst_status([row.status for row in group])),
            blocks=[block(row, items.get(row.id), scales or Scales()) for row in group],
        )
        for number, (name, group) in enumerate(
            (name, list(group)) for name, group in groupby(ordered, key=lambda row: row.category)
        )
    ]


def block(row: ResultRow, found: list[ItemRow] | None, scales: Scales) -> ResultBlock:
    """`found`: its items, None where they are left out."""
    items = found or []
    whole = [item for item in items if not item.problem]
    return ResultBlock(
        row=row,
        mark=status_mark(row.status),
        lines=[line(item) for item in whole if item.kind in ("number", "check")],
        sections=[section(item, scales) for item in whole if item.kind not in ("number", "check")],
        holes=[item for item in items if item.problem],
        left_out=found is None,
    )


def section(item: ItemRow, scales: Scales) -> FigureGroup | Table | Graph | FileList:
    """An item that stands for itself."""
    if item.kind == "table":
        return table(item, scales)
    if item.kind == "graph":
        return graph(item)
    if item.kind == "file":
        return file_list(item)
    return figure_group(item, scales)


def line(item: ItemRow) -> Line:
    value = "" if item.kind == "check" else number(item.value)
    if value and item.error is not None:
        value += f" ± {number(item.error)}"
    return Line(
        name=item.name,
        where=item.by,
        group=item.group,
        mark=status_mark(item.status),
        value=value,
        unit=item.unit,
        limits=", ".join(filter(None, (limits(item.detail), drift(item.detail, item.detail.get("reference"))))),
        comment=item.comment,
    )


def figure_group(item: ItemRow, scales: Scales) -> FigureGroup:
    detail = item.detail
    files = [entry for entry in detail.get("files", []) if isinstance(entry, dict) and "path" in entry]
    placed = [(_by(entry), figures(item, index, entry)) for index, entry in enumerate(files)]
    columns, rows = grid(placed, str(detail.get("rows", "")), str(detail.get("columns", "")), scales)
    return FigureGroup(
        **head(item),
        columns=columns,
        rows=rows,
        figures=[] if rows else [figure for _, several in placed for figure in several],
        missing=missing_of(detail.get("expect"), len(files)),
    )


def _by(entry: Mapping[str, Any]) -> dict[str, Any]:
    by = entry.get("by")
    return by if isinstance(by, dict) else {}


def figures(item: ItemRow, index: int, entry: Mapping[str, Any]) -> list[Figure]:
    """What one file of an item gives: an image, or its histograms."""
    path = str(entry["path"])
    url = links.result_file(item.result, path)
    identity = f"item-{item.id}-{index}"
    where = ", ".join(f"{name} {value}" for name, value in _by(entry).items())
    if item.kind == "images":
        return [Figure("image", identity, url, where or path)]
    objects = [str(name) for name in item.detail.get("objects", [])]
    draw, log = str(item.detail.get("draw", "")), str(item.detail.get("log", ""))
    patterns = [name for name in objects if "{" in name or "*" in name]
    made = [
        Figure("histogram", f"{identity}-{n}", url, f"{where} {name}".strip(), object=name, draw=draw, log=log)
        for n, name in enumerate(objects)
        if name not in patterns
    ]
    if patterns or not objects:
        made.append(Figure("histogram-set", f"{identity}-set", url, where, objects=patterns, draw=draw, log=log))
    return made


def _values(placed: list[tuple[dict[str, Any], list[Figure]]], name: str, scales: Scales) -> list[str]:
    return scales.ordered(name, {str(by[name]) for by, _ in placed if name in by})


def grid(
    placed: list[tuple[dict[str, Any], list[Figure]]], row_name: str, column_name: str, scales: Scales
) -> tuple[list[str], list[GridRow]]:
    """Figures laid out by two coordinates. Empty where there is no sensible grid: then they stand in a row."""
    rows, columns = _values(placed, row_name, scales), _values(placed, column_name, scales)
    everywhere = all(row_name in by and (not column_name or column_name in by) for by, _ in placed)
    if not rows or not everywhere or len(rows) * max(1, len(columns)) > MOST_CELLS:
        return [], []
    cells: dict[tuple[str, str], list[Figure]] = {}
    for by, several in placed:
        cells.setdefault((str(by[row_name]), str(by.get(column_name, ""))), []).extend(several)
    labels = [scales.label(row_name, row) for row in rows]
    if not columns:
        # Rows alone: one row of cells each as long as it has figures.
        alone = zip(labels, rows, strict=True)
        return [], [GridRow(label, [[figure] for figure in cells[row, ""]]) for label, row in alone]
    grid_rows = [
        GridRow(label, [cells.get((row, column), []) for column in columns])
        for label, row in zip(labels, rows, strict=True)
    ]
    return [scales.label(column_name, column) for column in columns], grid_rows
