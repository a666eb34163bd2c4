"""Reading the items that hold numbers: numbers, tables and graphs."""

from dataclasses import replace
from typing import Any, Optional

from p3s.protocol.patterns import Coordinate
from p3s.protocol.result_fields import MAX_KEY, MAX_TEXT, MAX_UNIT, Fields, bad_character, describe
from p3s.protocol.result_items import Column, Item
from p3s.protocol.result_limits import Drift, Limits, contains

MAX_ROWS = 1000  # of a table
MAX_COLUMNS = 100
MAX_CELLS = 5000  # of all tables of a result: each is trended
MAX_POINTS = 20_000  # of all graphs of a result

OF_COLUMN = ("unit", "good", "warn", "drift")
DEFAULT_ROWS = "row"
_WRITE_COLUMNS = 'an object such as {"dead": {"unit": "ch"}}, or a list of names'


def read_number(fields: Fields, item: Item) -> Item:
    """A value with what it is measured against."""
    if "value" not in fields.document:
        raise fields.error("value", "missing; write a number, or null where there is none")
    good, warn, drift = _standard(fields)
    value, error = fields.number("value"), fields.number("error")
    read = replace(
        item, value=value, error=error, unit=fields.text("unit", MAX_UNIT), good=good, warn=warn, drift=drift
    )
    return replace(read, status=read.judged())


def read_table(fields: Fields, item: Item, cells_left: int) -> Item:
    """Rows of values by label; `cells_left`: how many more the result may have."""
    rows = fields.text("rows", MAX_KEY) or DEFAULT_ROWS
    if rows in item.by:
        raise fields.error("rows", f"{describe(rows)} stands in 'by' too; name the rows by another coordinate")
    columns = _columns(fields)
    values = _values(fields, len(columns), cells_left)
    read = replace(item, rows=rows, table=columns, values=values)
    return replace(read, status=read.judged())


def read_graph(fields: Fields, item: Item, points_left: int) -> Item:
    """Points; `points_left`: how many more the result may have."""
    for name in ("x", "y"):
        if fields.document.get(name) is None:
            raise fields.error(name, f'missing; write a list of numbers, such as "{name}": [1, 2.5]')
    x = fields.numbers("x", points_left)
    y, errors = (fields.numbers(name, points_left, holes=True) for name in ("y", "error"))
    for name, values in (("y", y), ("error", errors)):
        if len(values) != len(x) and (values or name == "y"):
            raise fields.error(name, f"{len(values)} for {len(x)} of x; write one for each, null where there is none")
    return replace(
        item, x=x, y=y, errors=errors, x_unit=fields.text("x_unit", MAX_UNIT), unit=fields.text("unit", MAX_UNIT)
    )


def _standard(fields: Fields) -> tuple[Optional[Limits], Optional[Limits], Optional[Drift]]:
    good, warn = fields.limits("good"), fields.limits("warn")
    if good and warn and not contains(warn, good):
        raise fields.error("warn", "narrower than good; outside good is a warning, outside the wider warn is bad")
    return good, warn, fields.pair("drift")


def _columns(fields: Fields) -> tuple[Column, ...]:
    value = fields.document.get("columns")
    if isinstance(value, (list, tuple)):  # names alone
        names = fields.texts("columns", MAX_COLUMNS)
        value = {name: {} for name in names}
        if len(value) != len(names):
            raise fields.error("columns", "a name stands twice; give each column its own")
    if not isinstance(value, dict):
        raise fields.wrong("columns", value, _WRITE_COLUMNS)
    if not value:
        raise fields.error("columns", f"empty; write {_WRITE_COLUMNS}")
    if len(value) > MAX_COLUMNS:
        raise fields.error("columns", f"{len(value)} columns; at most {MAX_COLUMNS} are allowed")
    return tuple(_column(fields, name, about) for name, about in value.items())


def _column(fields: Fields, name: str, about: Any) -> Column:
    if not name.strip() or len(name) > MAX_TEXT or bad_character(name, lines=False):
        raise fields.error("columns", f"{describe(name)} as a name; write 1 to {MAX_TEXT} plain characters")
    if about is None:
        return Column(name)
    if not isinstance(about, dict):
        raise fields.wrong("columns", about, f'{{}} or {{"unit": "ch", "good": [0, 40]}} for {describe(name)[9:]}')
    inner = Fields(about, f"{fields.path('columns')}[{describe(name)[9:]}]")
    inner.only(OF_COLUMN)
    return Column(name, inner.text("unit", MAX_UNIT), *_standard(inner))


def _values(fields: Fields, columns: int, cells_left: int) -> dict[str, tuple[Optional[float], ...]]:
    value = fields.document.get("values")
    if not isinstance(value, dict):
        raise fields.wrong("values", value, 'an object of rows such as {"1": [2432, 128], "2": [2560, null]}')
    if len(value) > MAX_ROWS:
        raise fields.error("values", f"{len(value)} rows; at most {MAX_ROWS} are allowed: put them into a file")
    if len(value) * columns > cells_left:
        raise fields.error(
            "values", f"{len(value)} rows of {columns} values; {cells_left} more values are allowed in this result"
        )
    return {label: _row(fields, label, value, columns) for label in value}


def _row(fields: Fields, label: str, rows: dict[str, Any], columns: int) -> tuple[Optional[float], ...]:
    if not 1 <= len(label) <= MAX_TEXT or bad_character(label, lines=False):
        raise fields.error("values", f"{describe(label)} as a row; write 1 to {MAX_TEXT} plain characters")
    inner = Fields(rows, fields.path("values"))
    if not isinstance(rows[label], (list, tuple)):
        raise inner.wrong(label, rows[label], "a list of numbers, one for each column")
    found = inner.numbers(label, columns, holes=True)
    if len(found) != columns:
        raise inner.error(label, f"{len(found)} values for {columns} columns; write null where there is none")
    return found


def identity(kind: str, name: str, by: dict[str, Coordinate]) -> tuple[Any, ...]:
    """What makes an item the same as another."""
    return kind, name, tuple(sorted(by.items(), key=repr))
