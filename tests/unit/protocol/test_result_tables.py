"""Tables, graphs and what their values are measured against."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.protocol.result_kinds import MAX_CELLS, MAX_COLUMNS, MAX_POINTS, MAX_ROWS
from p3s.protocol.result_limits import deviation, drift_status
from p3s.protocol.results import Item, check, to_wire


def items_of(*items: Any) -> tuple[Item, ...]:
    return check({"p3s_result": 1, "category": "TPC", "items": list(items)}, []).items


def table(**fields: Any) -> dict[str, Any]:
    given_fields = {"rows": "apa", "columns": {"dead": {}, "noisy": {}}, "values": {"1": [1, 2], "2": [3, None]}}
    return {"kind": "table", "name": "t", **given_fields, **fields}


def graph(**fields: Any) -> dict[str, Any]:
    return {"kind": "graph", "name": "g", "x": [1, 2], "y": [3, None], **fields}


def test_each_cell_of_a_table_is_a_value_of_its_own() -> None:
    [item] = items_of(table(by={"side": "US"}, columns={"dead": {"unit": "ch", "good": [0, 2]}, "noisy": None}))
    assert [(cell.column, cell.by, cell.value, cell.unit, cell.status) for cell in item.cells()] == [
        ("dead", {"side": "US", "apa": 1}, 1, "ch", "good"),
        ("noisy", {"side": "US", "apa": 1}, 2, "", "none"),
        ("dead", {"side": "US", "apa": 2}, 3, "ch", "warning"),
        ("noisy", {"side": "US", "apa": 2}, None, "", "none"),
    ]
    assert item.status == "warning"


def test_columns_may_be_names_alone() -> None:
    [item] = items_of(table(columns=["dead", "noisy"]))
    assert [column.name for column in item.table] == ["dead", "noisy"]
    assert list(to_wire_items(item)["columns"]) == ["dead", "noisy"]


def to_wire_items(item: Item) -> dict[str, Any]:
    from p3s.protocol.results import Result

    wire: dict[str, Any] = to_wire(Result("c", items=(item,)))["items"][0]
    return wire


@pytest.mark.parametrize(
    ("label", "coordinate"),
    [("3", 3), ("0", 0), ("-4", -4), ("03", "03"), ("U", "U"), ("9" * 19, "9" * 19), ("٣", "٣")],
)
def test_rows_are_coordinates_as_in_the_names_of_files(label: str, coordinate: Any) -> None:
    [item] = items_of(table(columns={"a": {}}, values={label: [1]}))
    assert [cell.by for cell in item.cells()] == [{"apa": coordinate}]


def test_without_a_name_rows_are_called_row() -> None:
    [item] = items_of({"kind": "table", "name": "t", "columns": ["a"], "values": {"x": [1]}})
    assert [cell.by for cell in item.cells()] == [{"row": "x"}]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (table(columns=None), "columns: null is not allowed here; write an object such as"),
        (table(columns={}), "columns: empty; write an object"),
        (table(columns=["a", "a"]), "columns: a name stands twice"),
        (table(columns=[]), "columns: empty"),
        (table(columns={"": {}}), "the text '' as a name"),
        (table(columns={"a\n": {}}), "as a name; write 1 to 200 plain characters"),
        (table(columns={"dead": 3, "noisy": {}}), "columns: 3 is not allowed here; write {}"),
        (table(columns={"d": {"gud": [0, 1]}}), "columns['d']: unknown field 'gud'; did you mean good?"),
        (table(columns={"d": {"good": [0, 9], "warn": [1, 2]}}), "columns['d'].warn: narrower than good"),
        (table(columns={"d": {"drift": [1]}}), "columns['d'].drift: a list is not allowed"),
        (table(values=None), "values: null is not allowed here; write an object of rows"),
        (table(values=[[1, 2]]), "values: a list is not allowed"),
        (table(values={"1": 3}), "values.1: 3 is not allowed here; write a list of numbers, one for each column"),
        (table(values={"1": [1]}), "values.1: 1 values for 2 columns; write null where there is none"),
        (table(values={"1": [1, 2, 3]}), "values.1: 3 numbers; at most 2"),
        (table(values={"1": [1, "2"]}), "values.1[1]: the text '2' is not allowed here; write a number"),
        (table(values={"1": [1, True]}), "values.1[1]: true is not allowed"),
        (table(values={"1": [1, math.nan]}), "values.1[1]: nan is not a finite number; write null"),
        (table(values={"1": [1, 10**30]}), "more than 64 bits"),
        (table(values={"": [1, 2]}), "the text '' as a row"),
        (table(values={"a\0": [1, 2]}), "as a row; write 1 to 200 plain characters"),
        (table(values={str(n): [1, 2] for n in range(MAX_ROWS + 1)}), "1001 rows; at most 1000"),
        (table(columns=[str(n) for n in range(MAX_COLUMNS + 1)]), "101 entries; at most 100"),
        (table(columns={str(n): {} for n in range(MAX_COLUMNS + 1)}), "101 columns; at most 100"),
        (table(by={"apa": 7}), "rows: the text 'apa' stands in 'by' too"),
        (table(rows="x" * 41), "41 characters; at most 40"),
        (table(good=[0, 1]), "unknown field 'good'"),
        ({"kind": "graph", "name": "g", "y": [1]}, 'x: missing; write a list of numbers, such as "x": [1, 2.5]'),
        ({"kind": "graph", "name": "g", "x": [1]}, "y: missing"),
        (graph(x=[1, None]), "x[1]: null is not allowed here"),
        (graph(x=[1, math.inf]), "x[1]: inf is not a finite number"),
        (graph(x=3), "x: 3 is not allowed here; write a list of numbers"),
        (graph(y=[1]), "y: 1 for 2 of x; write one for each"),
        (graph(y=[]), "y: 0 for 2 of x"),
        (graph(error=[1]), "error: 1 for 2 of x"),
        (graph(error=[1, "x"]), "error[1]: the text 'x'"),
        (graph(x=[0] * (MAX_POINTS + 1)), "20001 numbers; at most 20000"),
        ({"kind": "file", "name": "f"}, "files: null is not allowed"),
        ({"kind": "file", "name": "f", "files": "../x"}, "'..'"),
        ({"kind": "file", "name": "f", "files": "x", "draw": "z"}, "unknown field 'draw'"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_wrong_with_a_table_or_graph_is_said(item: dict[str, Any], says: str) -> None:
    [hole] = items_of(item)
    assert says in (hole.problem or "")
    assert list(hole.cells()) == []


def test_the_tables_of_a_result_have_a_bound_together() -> None:
    wide = {"columns": [str(n) for n in range(100)], "values": {str(n): [1] * 100 for n in range(30)}}
    first, second = items_of(table(**wide), table(**{**wide, "name": "u"}))
    assert (first.problem, len(list(first.cells()))) == (None, 3000)
    assert f"{MAX_CELLS - 3000} more values are allowed in this result" in (second.problem or "")


def test_the_graphs_of_a_result_have_a_bound_together() -> None:
    many = {"x": [0.0] * 15_000, "y": [0.0] * 15_000}
    first, second = items_of(graph(**many), graph(**{**many, "name": "h"}))
    assert first.problem is None
    assert "15000 numbers; at most 5000" in (second.problem or "")


def test_the_payloads_own_word_is_kept_apart_from_what_limits_say() -> None:
    """The server may set other limits: what the payload's said must not stay."""
    [item] = items_of({"kind": "number", "name": "n", "value": 9, "good": [0, 1], "status": "good"})
    assert (item.word, item.status) == ("good", "warning")
    assert to_wire_items(item)["status"] == "good"


# ---- drift


@pytest.mark.parametrize(
    ("value", "reference", "drift", "status"),
    [
        (110, 100, (0.2, 0.5), "good"),
        (120.1, 100, (0.2, 0.5), "warning"),
        (79.9, 100, (0.2, 0.5), "warning"),
        (49, 100, (0.2, 0.5), "bad"),
        (-110, -100, (0.2, 0.5), "good"),
        (100, -100, (0.2, 0.5), "bad"),
        (1, None, (0.2, 0.5), "none"),
        (None, 1, (0.2, 0.5), "none"),
        (1, 1, None, "none"),
        (0, 0, (0.2, 0.5), "none"),
        (1e308, 1e-308, (0.2, 0.5), "bad"),
    ],
)
def test_drift_is_the_distance_from_the_reference_as_a_fraction_of_it(
    value: Any, reference: Any, drift: Any, status: str
) -> None:
    assert drift_status(value, reference, drift) == status


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_deviation_is_a_number_that_a_database_holds(value: float, reference: float) -> None:
    found = deviation(value, reference)
    assert found is None or math.isfinite(found)
    assert (deviation(reference, reference) == 0) == (reference != 0)
