"""What the server makes of a result's values: its limits in place of the payload's, drift, the worst of all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.judging import Standard, judge, standing, trend_name, under
from p3s.protocol.result_items import Column, Item
from p3s.protocol.result_limits import STATUSES, worst


def number(value: float | None = 5.0, **more: Any) -> Item:
    return Item("number", "n", value=value, **more)


def table(*columns: Column, **rows: Any) -> Item:
    return Item("table", "t", rows="apa", table=columns, values=rows)


def test_a_column_is_named_by_its_table() -> None:
    assert (trend_name("n", ""), trend_name("t", "dead")) == ("n", "t/dead")


@pytest.mark.parametrize(
    ("standard", "limits"),
    [
        (Standard(good=(0, 9)), ((0, 9), None, (0.1, 0.2))),
        (Standard(warn=(0, 9)), (None, (0, 9), (0.1, 0.2))),
        (Standard(drift=(0.3, 0.4)), ((0, 1), (0, 2), (0.3, 0.4))),
        (Standard((0, 9), (0, 99), (0.3, 0.4)), ((0, 9), (0, 99), (0.3, 0.4))),
    ],
)
def test_good_and_warn_are_one_thing_and_drift_another(standard: Standard, limits: Any) -> None:
    own = {"good": (0, 1), "warn": (0, 2), "drift": (0.1, 0.2)}
    found = under(number(**own), {"n": standard})
    assert (found.good, found.warn, found.drift) == limits
    [column] = under(table(Column("a", **own), **{"1": (5.0,)}), {"t/a": standard}).table  # type: ignore[arg-type]
    assert (column.good, column.warn, column.drift) == limits


def test_what_has_no_limits_on_the_server_stays_as_it_is() -> None:
    others = {"m": Standard(good=(0, 1)), "t": Standard(good=(0, 1)), "t/b": Standard(good=(0, 1))}
    hole = Item("number", "m", problem="refused")
    for item in (number(), table(Column("a"), **{"1": (5.0,)}), hole, Item("check", "m", word="bad")):
        assert under(item, others) == item


def test_each_value_is_judged_by_limits_and_drift() -> None:
    item = table(Column("a", good=(0, 10)), Column("b", drift=(0.1, 0.5)), **{"1": (11.0, 2.0), "2": (3.0, None)})
    found = judge(item, lambda cell: 1.0 if cell.by == {"apa": 1} else None)
    assert [(one.cell.column, one.status, one.deviation) for one in found] == [
        ("a", "warning", None),
        ("b", "bad", 1.0),
        ("a", "good", None),
        ("b", "none", None),
    ]
    assert standing(item, found) == "bad"


def test_the_reference_is_asked_of_what_may_drift_alone() -> None:
    asked = []
    judge(
        table(Column("a"), Column("b", drift=(0.1, 0.5)), **{"1": (1.0, 2.0)}), lambda cell: asked.append(cell.column)
    )
    assert asked == ["b"]


VALUES = st.none() | st.floats(-9, 9)
PAIRS = st.none() | st.tuples(st.floats(-9, 0), st.floats(0, 9))


@given(VALUES, VALUES, PAIRS, st.sampled_from(STATUSES))
def test_an_item_is_never_better_than_its_word_nor_than_its_values(
    value: Any, reference: Any, good: Any, word: str
) -> None:
    item = number(value, good=good, drift=(0.1, 0.5), word=word)
    found = judge(item, lambda _: reference)
    assert standing(item, found) == worst([word, found[0].status])
