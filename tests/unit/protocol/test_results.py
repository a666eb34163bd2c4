"""The rules of the result format: what is taken, what becomes a hole, what is refused whole."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p3s.protocol import patterns
from p3s.protocol.results import (
    KINDS,
    MAX_FILES,
    MAX_ITEMS,
    FileRef,
    Item,
    ResultError,
    check,
    decode,
    number_status,
    refuse,
    to_wire,
    with_items,
    worst,
)

NAMES = [f"raw_NHitsAPA{plane}{apa}.png" for plane in "UVZ" for apa in range(1, 7)] + ["hist.root", "sub/x.png"]


def result_with(*items: Any, **top: Any) -> dict[str, Any]:
    return {"p3s_result": 1, "category": "TPC", "items": list(items), **top}


def only_item(*items: Any, names: Any = NAMES) -> Item:
    return check(result_with(*items), names).items[0]


def number(**fields: Any) -> dict[str, Any]:
    return {"kind": "number", "name": "n", "value": 1, **fields}


def images(files: Any, **fields: Any) -> dict[str, Any]:
    return {"kind": "images", "name": "i", "files": files, **fields}


def test_the_example_of_the_format_is_taken() -> None:
    text = """[{"p3s_result": 1, "category": "TPC monitor", "run": 3611, "subrun": 1, "keys": {"dl": 5},
      "time": "2018-08-23T21:03:34Z", "comment": "beam off", "items": [
     {"kind": "images", "name": "Hits", "files": "*_NHitsAPA{plane:a}{apa:d}.png", "rows": "apa",
      "columns": "plane", "expect": 18},
     {"kind": "number", "name": "lifetime", "by": {"tpc": 1}, "value": 2.99, "error": 0.33, "unit": "ms",
      "good": [0.3, null], "warn": [0.1, null]},
     {"kind": "table", "name": "Channels", "rows": "apa", "columns": {"dead": {"unit": "ch", "good": [0, 40]},
      "noisy": {"drift": [0.2, 0.5]}}, "values": {"1": [2432, 128], "2": [2560, null]}},
     {"kind": "root", "name": "ADC", "files": "hist.root", "objects": ["adc/h{plane:a}{apa:d}"],
      "draw": "colz", "log": "z"},
     {"kind": "graph", "name": "HV", "x": [1, 2], "y": [3, 4], "error": [0.1, 0.1], "x_unit": "s", "unit": "kV"},
     {"kind": "check", "name": "FEMBs", "status": "bad", "comment": "119 of 120 from event 7"},
     {"kind": "file", "name": "lar log", "files": "lar.log"}]}]"""
    result = check(decode(text)[0], [*NAMES, "lar.log"])
    assert (result.category, result.run, result.subrun, result.keys) == ("TPC monitor", 3611, 1, {"dl": 5})
    hits, lifetime, table, adc, hv, fembs, log = result.items
    assert len(hits.files) == 18
    assert hits.files[0] == FileRef("raw_NHitsAPAU1.png", {"plane": "U", "apa": 1})
    assert (lifetime.status, lifetime.by, lifetime.good) == ("good", {"tpc": 1}, (0.3, None))
    assert (table.rows, table.status) == ("apa", "warning")
    assert [(one.name, one.unit, one.good, one.drift) for one in table.table] == [
        ("dead", "ch", (0, 40), None),
        ("noisy", "", None, (0.2, 0.5)),
    ]
    assert table.values == {"1": (2432, 128), "2": (2560, None)}
    assert (hv.x, hv.y, hv.errors, hv.x_unit, hv.unit) == ((1, 2), (3, 4), (0.1, 0.1), "s", "kV")
    assert log.files == (FileRef("lar.log"),)
    assert adc.objects == ("adc/h{plane:a}{apa:d}",)
    assert fembs.status == "bad"
    assert result.status == "bad"
    assert not result.incomplete


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"category": None}, "category: missing"),
        ({"category": "x" * 81}, "81 characters; at most 80"),
        ({"category": 3}, "category: 3 is not allowed"),
        ({"category": "a\nb"}, "U+000A"),
        ({"category": "\ud800"}, "U+D800"),
        ({"run": True}, "run: true is not allowed here; write an integer"),
        ({"run": "3611"}, "run: the text '3611' is not allowed"),
        ({"run": 1.5}, "run: 1.5 is not allowed"),
        ({"run": 2**63}, "more than 64 bits"),
        ({"runn": 1}, "did you mean run?"),
        ({"keys": {"dl": 1.5}}, "keys.dl: 1.5 is not allowed here; write an integer or a text"),
        ({"keys": [1]}, "keys: a list is not allowed"),
        ({"time": "yesterday"}, "RFC 3339"),
        ({"time": "2018-13-23T21:03:34Z"}, "RFC 3339"),
        ({"items": {}}, "items: an object is not allowed"),
        ({"items": [{}] * (MAX_ITEMS + 1)}, "1001 items; at most 1000"),
        ({"p3s_result": 2}, "version 2 is not known here"),
        ({"p3s_result": None}, 'write "p3s_result": 1'),
    ],
)
def test_a_bad_result_is_refused_with_its_place(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ResultError) as caught:
        check(result_with() | change, NAMES)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (number(value=True), "items[0].value: true is not allowed here; write a number"),
        (number(value="3"), "items[0].value: the text '3'"),
        (number(value=math.nan), "nan is not a finite number; write null"),
        (number(value=10**400), "an integer of more than 64 bits"),
        ({"kind": "number", "name": "n"}, "items[0].value: missing"),
        (number(good=[1]), "items[0].good: a list is not allowed here; write [low, high]"),
        (number(good=[2, 1]), "the low limit 2 is above the high limit 1"),
        (number(good=[0, 10], warn=[2, 8]), "items[0].warn: narrower than good"),
        (number(gud=[0, 1]), "did you mean good?"),
        (number(files="x"), "unknown field 'files'"),
        (number(by={"apa": None}), "items[0].by.apa"),
        (number(name=""), "items[0].name: missing"),
        (number(status="fine"), "one of none, good, warning, bad"),
        (number(drift=[0.5, 0.2]), "items[0].drift"),
        ({"kind": "check", "name": "c"}, "items[0].status: missing"),
        ({"kind": "check", "name": "c", "status": None}, "items[0].status: missing"),
        ({"kind": "movie", "name": "m"}, "the text 'movie' is not allowed here; write one of images"),
        ({"name": "m"}, "items[0].kind: null is not allowed"),
        ([], "a list is not an item"),
        (images("/etc/passwd"), "absolute"),
        (images("../x.png"), "'..'"),
        (images("sub\\x.png"), "backslash"),
        (images("a\x00.png"), "control characters"),
        (images("{x.png"), "braces stand for fields"),
        (images("{x}{x}.png"), "stands twice"),
        (images("{a}{b}{c}{d}{e}{f}{g}{h}{i}"), "more than 8 fields"),
        (images(3), "items[0].files: 3 is not allowed"),
        (images(["hist.root", None]), "items[0].files[1]: null"),
        (images("nothing*.png"), "nothing fits the text 'nothing*.png'; the result directory has hist.root"),
        (images("nothing*.png", expect=4), "none of 4 expected files is there"),
        (images("hist.root", expect=-1), "an integer from 0 to 1000"),
        (images([{"path": "gone.png"}]), "'gone.png' is not among the files"),
        (images([{"path": "hist.root", "bi": {}}]), "did you mean by?"),
        ({"kind": "root", "name": "r", "files": "hist.root", "log": "q"}, "logarithmic scale"),
    ],
)
def test_a_bad_item_alone_becomes_a_named_hole(item: Any, says: str) -> None:
    result = check(result_with(item, {"kind": "check", "name": "other", "status": "good"}), NAMES)
    hole, other = result.items
    assert says in (hole.problem or "")
    assert "\n" not in hole.note
    assert hole.name
    assert (hole.status, hole.files) == ("none", ())
    assert other.problem is None
    assert result.incomplete
    assert result.status == "warning"


def test_a_second_item_of_the_same_identity_is_refused_and_the_same_name_with_other_coordinates_is_not() -> None:
    items = [number(by={"p": "U"}), number(by={"p": "V"}), number(by={"p": "U"})]
    holes = [item.problem for item in check(result_with(*items), []).items]
    assert holes[:2] == [None, None]
    assert "items[0] has the same kind, name and by" in (holes[2] or "")


def test_missing_files_are_counted_and_said() -> None:
    item = only_item(images("*_NHitsAPA{plane:a}{apa:d}.png", expect=20))
    assert (item.missing, item.note) == (2, "2 of 20 expected files are missing")
    assert check(result_with(images("*.png", expect=19)), NAMES).incomplete
    assert not check(result_with(images("*.png", expect=18)), NAMES).incomplete


def test_expecting_no_file_makes_it_optional() -> None:
    item = only_item(images("nothing*.png", expect=0))
    assert (item.problem, item.files, item.note) == (None, (), "")


def test_a_result_refers_to_a_thousand_files_and_the_item_beyond_is_a_hole() -> None:
    names = [f"a{index}.png" for index in range(MAX_FILES)]
    first, second = check(result_with(images("*.png"), images("a1.png", name="more")), names).items
    assert len(first.files) == MAX_FILES
    assert "0 more are allowed" in (second.problem or "")


@pytest.mark.parametrize(
    ("pattern", "name", "by"),
    [
        ("a{x:d}.png", "a007.png", {"x": 7}),
        ("a{x:d}.png", "a.png", None),
        ("a{x:d}.png", "a1b.png", None),
        ("a{x:d}.png", "a\u0663.png", None),
        ("{p:a}{n:d}.png", "UV12.png", {"p": "UV", "n": 12}),
        ("{run}_{what}.png", "a_b_c.png", {"run": "a_b", "what": "c"}),
        ("{x}", "a/b", None),
        ("*/b", "a/b", {}),
        ("*.png", "sub/a.png", None),
        ("a*b", "ab", {}),
        ("*", "anything", {}),
        ("x{n:d}", "x" + "9" * 30, {"n": "9" * 30}),
        ("{a:d}{b:d}", "123", {"a": 12, "b": 3}),
        ("./a*.png", "a1.png", {}),
        ("a.c", "abc", None),
    ],
)
def test_patterns_take_what_they_say(pattern: str, name: str, by: dict[str, Any] | None) -> None:
    assert patterns.parse(pattern).match(name) == by


def test_files_come_in_the_order_of_their_numbers() -> None:
    item = only_item(images("p{n:d}.png"), names=["p10.png", "p9.png", "p1.png"])
    assert [entry.by["n"] for entry in item.files] == [1, 9, 10]


def test_patterns_made_to_be_slow_are_refused_by_their_work_not_by_a_clock() -> None:
    names = ["a" * 250 + f"{index:03d}b" for index in range(900)]
    slow = "{a}a{b}a{c}a{d}a{e}a{f}a{g}a{h}b"
    items = [images(slow, name=str(index), expect=0) for index in range(3)]
    problems = [item.problem or "" for item in check(result_with(*items), names).items]
    assert "too many patterns for too many files" in problems[-1]


@pytest.mark.parametrize(
    ("value", "good", "warn", "status"),
    [
        (1, None, None, "none"),
        (None, (0, 1), (0, 2), "none"),
        (1, (None, None), None, "none"),
        (1, (0, 1), None, "good"),
        (1.1, (0, 1), None, "warning"),
        (1.1, (0, 1), (0, 2), "warning"),
        (2.1, (0, 1), (0, 2), "bad"),
        (-0.1, (0, None), None, "warning"),
        (5, None, (0, 2), "bad"),
        (1, None, (0, 2), "good"),
    ],
)
def test_limits_give_a_number_its_status(value: Any, good: Any, warn: Any, status: str) -> None:
    assert number_status(value, good, warn) == status


def test_a_status_given_with_a_number_counts_only_when_worse_than_its_limits() -> None:
    assert only_item(number(value=5, good=[0, 1], status="good")).status == "warning"
    assert only_item(number(value=0, good=[0, 1], status="bad")).status == "bad"
    assert only_item(number(value=0, status="warning")).status == "warning"


def test_the_worst_of_statuses_is_bad_and_of_none_none() -> None:
    assert worst(["good", "none", "bad", "warning"]) == "bad"
    assert worst(["good", "none"]) == "good"
    assert worst([]) == "none"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON at line 1 column 1"),
        ('{"a": 1,}', "not JSON at line 1"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ("[" * 100_000, "nested too deeply"),
        ("3", "[0]: 3 is not a result"),
        ("[[]]", "[0]: a list is not a result"),
        ("[" + "9" * 5000 + "]", "an integer of 5000 digits"),
        ("[" + "{}," * 200 + "{}]", "201 results in one file"),
    ],
)
def test_text_that_is_no_result_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ResultError) as caught:
        decode(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_json_has_no_number_for_costs_its_item_alone(word: str) -> None:
    text = json.dumps(result_with(number(name="bad", value="HERE"), number(name="limits", good=[0, "HERE"]), number()))
    [document] = decode(text.replace('"HERE"', word))
    bad, limits, well = check(document, NAMES).items
    assert str(bad.problem).startswith("items[0].value: ")
    assert str(bad.problem).endswith("is not a finite number; write null")
    assert str(limits.problem).startswith("items[1].good: ")
    assert (well.problem, well.value) == (None, 1)


def test_an_object_and_a_list_of_objects_are_decoded_alike() -> None:
    assert decode('{"a": 1}') == decode('\ufeff[{"a": 1}]') == [{"a": 1}]


def test_a_refused_item_keeps_its_identity_and_one_line() -> None:
    hole = refuse(only_item(number(by={"p": "U"})), "two\nlines")
    assert hole == Item("number", "n", {"p": "U"}, problem="two?lines")


def test_a_hole_on_the_wire_stays_a_hole() -> None:
    result = check(result_with(number(value=True), images("*.png", expect=30)), NAMES)
    again = check(json.loads(json.dumps(to_wire(result))), NAMES)
    assert again == result
    assert again.incomplete
    assert with_items(again, []).incomplete is False


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELD_NAMES = st.sampled_from(
    [
        *("kind", "name", "by", "status", "comment", "group", "value", "error", "unit", "good", "warn", "drift"),
        *("files", "objects", "draw", "log", "rows", "columns", "expect", "problem", "run", "values", "x", "y"),
    ]
)
WORDS = st.sampled_from([*KINDS, "movie", "bad", "good", "*.png", "{a:a}.png", "z"])
LOOSE = ANY_JSON | WORDS | st.lists(st.floats(-9, 9) | st.none(), min_size=2, max_size=2)
ITEMS = st.dictionaries(FIELD_NAMES, LOOSE, max_size=8)
NUMBERS = st.floats(-1e6, 1e6) | st.integers(-5, 5) | st.none()
ROWS = st.dictionaries(st.sampled_from(["1", "2", "03", "U", "-4"]), st.lists(NUMBERS, min_size=2, max_size=2))
COLUMNS = st.fixed_dictionaries({"a": st.just({"good": [0, 1]}), "b": st.just({}) | st.just({"drift": [0.1, 0.2]})})
TABLES = st.fixed_dictionaries(
    {"kind": st.just("table"), "name": st.just("t"), "columns": COLUMNS, "values": ROWS},
    optional={"rows": st.sampled_from(["apa", ""]), "by": st.just({"apa": 1}), "status": WORDS},
)
LISTS = st.lists(NUMBERS, min_size=2, max_size=3)
GRAPHS = st.fixed_dictionaries(
    {"kind": st.just("graph"), "name": st.just("g"), "x": LISTS, "y": LISTS}, optional={"error": LISTS, "unit": WORDS}
)
NEARLY = st.builds(
    lambda kind, rest: {**rest, "kind": kind, "name": rest.get("name", "n")},
    st.sampled_from(KINDS),
    ITEMS,
)


def refusal(call: Callable[[], object]) -> str:
    """The message of the ResultError that `call` raises, '' if it raises none."""
    try:
        call()
    except ResultError as error:
        return str(error)
    return ""


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(ANY_JSON)
def test_arbitrary_json_raises_nothing_but_a_result_error(document: Any) -> None:
    assert "\n" not in refusal(lambda: check(document, NAMES))


@given(st.text() | ANY_JSON.map(json.dumps))
def test_arbitrary_text_decodes_or_is_refused(text: str) -> None:
    assert "\n" not in refusal(lambda: decode(text))


@given(st.lists(NEARLY | TABLES | GRAPHS | ITEMS | ANY_JSON, max_size=6))
def test_whatever_the_items_are_the_wire_form_reads_back_equal(items: list[Any]) -> None:
    result = check(result_with(*items, run=1, keys={"dl": 5}), NAMES)
    assert len(result.items) == len(items)
    wire = json.loads(json.dumps(to_wire(result), allow_nan=False))
    assert check(wire, NAMES) == result
    assert to_wire(check(wire, NAMES)) == to_wire(result)


@given(
    st.lists(st.sampled_from(["a", "1", "_", "{x}", "{y:d}", "{z:a}", "*", ".png"]), min_size=1, max_size=7),
    st.text("a1_/.png", min_size=1, max_size=12),
)
def test_patterns_agree_with_regular_expressions(pieces: list[str], name: str) -> None:
    classes = {"{x}": "(?P<x>[^/]+)", "{y:d}": "(?P<y>[0-9]+)", "{z:a}": "(?P<z>[A-Za-z]+)", "*": "[^/]*"}
    text = "".join(pieces)
    if any(pieces.count(piece) > 1 for piece in ("{x}", "{y:d}", "{z:a}")):
        return
    try:
        pattern = patterns.parse(text)
    except patterns.PatternError:
        return
    expected = re.fullmatch("".join(classes.get(piece, re.escape(piece)) for piece in pieces), name)
    found = pattern.match(name)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == {key: int(part) if key == "y" else part for key, part in expected.groupdict().items()}
