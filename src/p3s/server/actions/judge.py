"""Judge what comes in by what people set, and lay it down: items as they are shown, values as they are trended."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from p3s.domain.judging import Judged, Standard, judge, standing, trend_name, under
from p3s.protocol.result_items import Cell, Item
from p3s.protocol.result_limits import worst
from p3s.protocol.results import Result, item_to_wire
from p3s.server.results import identity, standards
from p3s.server.results.models import NO_NUMBER, Series
from p3s.server.sql import Row


@dataclass(frozen=True, slots=True)
class Standards:
    """What people set for some categories: limits by category and name, and reference runs by category."""

    limits: dict[str, dict[str, Standard]] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)


def standards_of(categories: Collection[str]) -> Standards:
    """Two short questions to the tables, whatever the number of values."""
    rows = standards.limits_of(categories)
    limits = {category: {name: row.standard for name, row in of.items()} for category, of in rows.items()}
    return Standards(limits, standards.reference_runs(categories))


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """An item under the limits in force, with its status and those of its values."""

    item: Item
    status: str
    values: list[Judged]
    #: Of its values, in their order.
    series: list[int]
    #: Those of its values (by `trend_name`) for which the server's limits stand.
    limited: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A result as the server judges it; `reference`: the run against which."""

    category: str
    items: list[JudgedItem]
    status: str
    reference: int | None


def verdict(result: Result, run: int | None, in_force: Standards) -> Verdict:
    """By the server's limits and the reference run. A run is not judged against itself."""
    limits = in_force.limits.get(result.category, {})
    reference = in_force.references.get(result.category)
    reference = None if reference == run else reference
    items = [under(item, limits) for item in result.items] if limits else result.items
    values = _reference_values(result.category, items, reference)
    judged = [_judged(result.category, item, values, limits) for item in items]
    statuses = [*(one.status for one in judged), "warning" if result.incomplete else "none"]
    return Verdict(result.category, judged, worst(statuses), reference)


def _judged(category: str, item: Item, values: dict[int, float], limits: dict[str, Standard]) -> JudgedItem:
    found = judge(item, lambda cell: values.get(_series(category, item, cell)))
    names = {trend_name(item.name, one.cell.column) for one in found} if limits else set()
    series = [_series(category, item, one.cell) for one in found]
    return JudgedItem(item, standing(item, found), found, series, frozenset(names & limits.keys()))


def _reference_values(category: str, items: Sequence[Item], reference: int | None) -> dict[int, float]:
    """What the reference run has for the values that may drift, by series."""
    if reference is None:
        return {}
    drifting = [_series(category, item, cell) for item in items for cell in item.cells() if cell.drift is not None]
    return standards.reference_values(drifting, reference) if drifting else {}


def _series(category: str, item: Item, cell: Cell) -> int:
    return identity.series(category, item.name, cell.column, cell.by)


# ---- as it is stored


def item_rows(result: int, verdict: Verdict) -> list[Row]:
    """Rows of `queries.ADD_ITEMS`."""
    return [_item_row(result, place, one, verdict.reference) for place, one in enumerate(verdict.items)]


def _item_row(result: int, place: int, judged: JudgedItem, reference: int | None) -> Row:
    item = judged.item
    number = (item.value, item.error) if item.kind == "number" else (None, None)
    return (
        result,
        place,
        item.kind,
        item.name,
        _json(item.by),
        judged.status,
        item.comment,
        item.group,
        *(None if one is None else float(one) for one in number),
        item.unit,
        _json(stored(judged, reference)),
        item.problem or "",
    )


def stored(judged: JudgedItem, reference: int | None) -> dict[str, Any]:
    """An item as pages read it: its wire form under the limits in force, and how each of its values was judged.

    A database may keep the fields of an object in an order of its own: of a table, columns and rows are lists.
    """
    item, document = judged.item, item_to_wire(judged.item)
    if any(one.deviation is not None for one in judged.values):
        document["reference"] = reference
    if item.kind == "number" and not item.problem:
        document |= _of_value(judged.values[0]) | _limits_by(judged, "")
    if item.kind == "table" and not item.problem:
        document["columns"] = [
            {"name": name, **about, **_limits_by(judged, name)} for name, about in document["columns"].items()
        ]
        cells = iter(judged.values)
        document["values"] = [
            {"row": label, "cells": [_cell(next(cells)) for _ in item.table]} for label in item.values
        ]
    return document


def _limits_by(judged: JudgedItem, column: str) -> dict[str, str]:
    return {"limits_by": "server"} if trend_name(judged.item.name, column) in judged.limited else {}


def _cell(judged: Judged) -> dict[str, Any]:
    return {"value": judged.cell.value, "status": judged.status, **_of_value(judged)}


def _of_value(judged: Judged) -> dict[str, Any]:
    return {} if judged.deviation is None else {"deviation": judged.deviation}


# ---- as it is trended


def value_rows(result: int, run: int | None, subrun: int | None, at: float, verdict: Verdict) -> list[Row]:
    """Rows of `queries.ADD_VALUES`."""
    place = (result, NO_NUMBER if run is None else run, NO_NUMBER if subrun is None else subrun, at)
    return [
        (series, *place, *_value(value, verdict.reference))
        for one in verdict.items
        for series, value in zip(one.series, one.values, strict=True)
    ]


def _value(judged: Judged, reference: int | None) -> Row:
    cell = judged.cell
    sides = (cell.value, cell.error), cell.good or (None, None), cell.warn or (None, None)
    (value, error), good, warn = (tuple(None if side is None else float(side) for side in pair) for pair in sides)
    return (
        value,
        error,
        judged.status,
        *good,
        *warn,
        judged.deviation,
        None if judged.deviation is None else reference,
    )


def series_rows(verdict: Verdict) -> list[Row]:
    """Rows of `queries.ADD_SERIES` for what was never seen before; a unit that is another now is written down."""
    seen = {
        series: (one.item, value.cell)
        for one in verdict.items
        for series, value in zip(one.series, one.values, strict=True)
    }
    known = dict(Series.objects.filter(pk__in=seen).values_list("pk", "unit"))
    other: dict[str, list[int]] = defaultdict(list)
    for series, unit in known.items():
        if unit != seen[series][1].unit:
            other[seen[series][1].unit].append(series)
    for unit, all_of_it in other.items():
        Series.objects.filter(pk__in=all_of_it).update(unit=unit)
    return [_series_row(verdict.category, key, *one) for key, one in seen.items() if key not in known]


def _series_row(category: str, series: int, item: Item, cell: Cell) -> Row:
    name = trend_name(item.name, cell.column)
    return series, category, name, item.name, cell.column, _json(cell.by), identity.place(cell.by), cell.unit


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
