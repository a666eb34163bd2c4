"""How the server judges the values of a result: its own limits win, drift is measured, the worst stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from p3s.protocol.result_items import Cell, Column, Item
from p3s.protocol.result_limits import Drift, Limits, deviation, drift_status, worst


@dataclass(frozen=True, slots=True)
class Standard:
    """What people set on the server for a number or a column."""

    good: Limits | None = None
    warn: Limits | None = None
    drift: Drift | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A value with its status, by limits and drift. `deviation` from the reference as a fraction, None without one."""

    cell: Cell
    status: str
    deviation: float | None


def trend_name(item: str, column: str) -> str:
    """How people name what is trended within a category: a number by its name, a column as `table/column`."""
    return f"{item}/{column}" if column else item


def under(item: Item, standards: Mapping[str, Standard]) -> Item:
    """The item with the server's limits in place of its own, where there are any, by `trend_name`.

    `good` and `warn` are one thing: setting either of them sets both.
    """
    if item.problem:
        return item
    if item.kind == "number":
        standard = standards.get(trend_name(item.name, ""))
        if standard is None:
            return item
        good, warn, drift = _in_force(item, standard)
        return replace(item, good=good, warn=warn, drift=drift)
    if item.kind == "table":
        names = [trend_name(item.name, column.name) for column in item.table]
        if standards.keys() & set(names):
            columns = zip(item.table, map(standards.get, names), strict=True)
            return replace(item, table=tuple(_column(column, standard) for column, standard in columns))
    return item


def _column(column: Column, standard: Standard | None) -> Column:
    if standard is None:
        return column
    good, warn, drift = _in_force(column, standard)
    return replace(column, good=good, warn=warn, drift=drift)


def _in_force(own: Item | Column, standard: Standard) -> tuple[Limits | None, Limits | None, Drift | None]:
    limits = (standard.good, standard.warn) if standard.good or standard.warn else (own.good, own.warn)
    return *limits, standard.drift or own.drift


def judge(item: Item, reference_of: Callable[[Cell], float | None]) -> list[Judged]:
    """Every value of an item. `reference_of`: the same value in the reference run, None without one."""
    judged = []
    for cell in item.cells():
        reference = reference_of(cell) if cell.drift is not None else None
        status = worst([cell.status, drift_status(cell.value, reference, cell.drift)])
        judged.append(Judged(cell, status, deviation(cell.value, reference)))
    return judged


def standing(item: Item, judged: list[Judged]) -> str:
    """The status of an item: the worst of its own word and of its values."""
    return worst([item.word, *(one.status for one in judged)])
