"""The published schema of results says what the reader takes: neither more words nor fewer, the same bounds."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from tests.unit.protocol.test_results import GRAPHS, TABLES

from p3s.client import schemas
from p3s.protocol import result_fields, result_kinds, result_reader, results

PAGE = Path(__file__).parents[3] / "docs/results.md"
SCHEMA = json.loads(schemas.text("result"))
PARTS = SCHEMA["$defs"]
JUDGE = jsonschema.Draft202012Validator(SCHEMA)


def result(*items: Any, **more: Any) -> dict[str, Any]:
    return {"p3s_result": 1, "category": "c", "items": list(items), **more}


def test_the_words_are_those_that_are_read() -> None:
    assert set(PARTS["result"]["properties"]) == set(results._TOP)
    assert PARTS["result"]["properties"]["items"]["items"]["properties"]["kind"]["enum"] == list(results.KINDS)
    for kind, words in result_reader.OF_KIND.items():
        ours = {*result_reader.OF_ANY, *words} - {"problem"}  # that is said by us, of what was refused
        assert set(PARTS[kind]["properties"]) == ours
    assert set(PARTS["column"]["properties"]) == set(result_kinds.OF_COLUMN)
    assert set(PARTS["number"]["properties"]["status"]["enum"]) == {*results.STATUSES, None}


def test_the_bounds_are_those_that_are_kept() -> None:
    top, table = PARTS["result"]["properties"], PARTS["table"]["properties"]
    assert top["category"]["maxLength"] == results.MAX_CATEGORY
    assert top["items"]["maxItems"] == results.MAX_ITEMS
    assert top["comment"]["maxLength"] == results.MAX_COMMENT
    assert SCHEMA["anyOf"][1]["maxItems"] == results.MAX_RESULTS
    assert table["values"]["maxProperties"] == result_kinds.MAX_ROWS
    assert table["values"]["additionalProperties"]["maxItems"] == result_kinds.MAX_COLUMNS
    assert table["columns"]["anyOf"][0]["maxProperties"] == result_kinds.MAX_COLUMNS
    assert PARTS["graph"]["properties"]["x"]["maxItems"] == result_kinds.MAX_POINTS
    assert PARTS["number"]["properties"]["unit"]["maxLength"] == result_fields.MAX_UNIT
    assert PARTS["number"]["properties"]["name"]["maxLength"] == result_fields.MAX_TEXT
    assert PARTS["coordinates"]["maxProperties"] == result_fields.MAX_KEYS


def test_the_example_of_the_page_fits() -> None:
    text = PAGE.read_text().split("```json\n")[1].split("```")[0]
    JUDGE.validate(json.loads(text))
    assert {item["kind"] for item in json.loads(text)[0]["items"]} == set(results.KINDS)


@given(TABLES | GRAPHS)
def test_a_table_or_graph_that_is_read_fits(item: dict[str, Any]) -> None:
    if results.check(result(item), []).items[0].problem is None:
        JUDGE.validate(result(item))


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "number", "name": "n", "value": None, "by": None, "good": [None, 1], "comment": None},
        {"kind": "images", "name": "i", "files": ["a.png"], "expect": 0, "rows": None},
        {"kind": "table", "name": "t", "columns": {"a": None}, "values": {}},
        {"kind": "table", "name": "t", "columns": ["a"], "values": {"1": [None]}, "rows": "apa"},
        {"kind": "graph", "name": "g", "x": [], "y": [], "error": None},
        {"kind": "file", "name": "f", "files": "a.png"},
    ],
    ids=lambda item: str(item)[:60],
)
def test_what_is_taken_fits(item: dict[str, Any]) -> None:
    assert results.check(result(item), ["a.png"]).items[0].problem is None
    JUDGE.validate(result(item))


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "movie", "name": "n"},
        {"name": "n", "value": 1},
        {"kind": "number", "name": "n"},
        {"kind": "number", "name": "", "value": 1},
        {"kind": "number", "name": "n", "value": "1"},
        {"kind": "number", "name": "n", "value": 1, "good": [1]},
        {"kind": "number", "name": "n", "value": 1, "gud": [1, 2]},
        {"kind": "number", "name": "n", "value": 1, "by": {"a": 1.5}},
        {"kind": "number", "name": "n", "value": 1, "status": "fine"},
        {"kind": "check", "name": "c", "status": None},
        {"kind": "table", "name": "t", "columns": {}, "values": {}},
        {"kind": "table", "name": "t", "columns": ["a", "a"], "values": {}},
        {"kind": "table", "name": "t", "columns": {"a": {"gud": 1}}, "values": {}},
        {"kind": "table", "name": "t", "columns": ["a"], "values": {"1": ["x"]}},
        {"kind": "graph", "name": "g", "x": [None], "y": [1]},
        {"kind": "file", "name": "f"},
    ],
    ids=lambda item: str(item)[:60],
)
def test_what_is_refused_does_not_fit(item: dict[str, Any]) -> None:
    assert results.check(result(item), ["a.png"]).items[0].problem
    assert not JUDGE.is_valid(result(item))
