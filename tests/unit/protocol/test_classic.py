"""2018's summaries and file lists become results: real ones where they are at hand, and every turn of their manner."""

import contextlib
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.protocol import classic
from p3s.protocol.results import MAX_ITEMS, Result, ResultError, check

SHARED = Path(__file__).parents[3].parent / "shared/data/classic"


def at_cern(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


def translated(
    summaries: dict[str, Any] | None = None, lists: dict[str, Any] | None = None, names: Any = ()
) -> list[Result]:
    found = classic.translate(summaries or {}, lists or {}, frozenset(names), at_cern)
    return [check(document, frozenset(names)) for _, document in found]


def summary(**fields: Any) -> Result:
    [result] = translated({"a_summary.json": [{"run": "run005077_0045_dl08", "Type": "monitor", **fields}]})
    return result


def real(name: str) -> Any:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"the collection of 2018's files is not at {SHARED}")
    return json.loads(path.read_text())


# ---- the real files


def cells(result: Result, quantity: str) -> dict[Any, Any]:
    """The values of a quantity by the coordinates of each."""
    found = [cell for item in result.items for cell in item.cells() if cell.column == quantity]
    return {tuple(cell.by.values()): cell.value for cell in found}


def test_a_real_summary_is_a_table_by_apa() -> None:
    entries = real("run003907_0001_tpcmonitor_summary.json")
    [result] = translated({"run003907_0001_tpcmonitor_summary.json": entries})
    assert (result.category, result.run, result.subrun, result.keys) == ("monitor", 3907, 1, {"dl": 5})
    assert result.time == "2018-08-31T06:40:22Z"
    [table] = result.items
    assert (result.incomplete, table.kind, table.name, table.rows) == (False, "table", "Summary", "apa")
    assert (len(table.table), list(table.values)) == (18, ["1", "2", "3", "4", "5", "6"])
    assert cells(result, "NDead Channels") == {(apa,): 2560 for apa in range(1, 7)}
    assert "NNoisy Channels 6Sigma away from mean value of the ADC RMS" in {column.name for column in table.table}


def test_a_real_file_list_keeps_its_groups_and_its_order() -> None:
    entries = real("sample_FileList.json")
    names = [name for files in entries[0]["Files"].values() for name in files.split(",")]
    [result] = translated({}, {"run005863_0001_dl01_FileList.json": entries}, names)
    assert (result.category, result.run, result.subrun) == ("Raw 2D Event Display", 5863, 1)
    assert [(item.name, len(item.files)) for item in result.items] == [
        ("Raw 2D Event Display", 18),
        ("ADC Pedestals", 6),
        ("ADC pedestal peak bin excess", 6),
        ("ADC pedestal out-of-range fraction", 6),
    ]
    assert [file.path for item in result.items for file in item.files] == names
    assert not result.incomplete


# ---- where it comes from


@pytest.mark.parametrize(
    ("text", "run", "subrun", "keys"),
    [
        ("run005077_0045_dl08", 5077, 45, (("dl", 8),)),
        ("np04_raw_run003907_0001_dl1.root", 3907, 1, (("dl", 1),)),
        ("run005863_evt012678", 5863, None, ()),
        ("Run 7", None, None, ()),
        ("4610", 4610, None, ()),
        (4610, 4610, None, ()),
        ("", None, None, ()),
        (None, None, None, ()),
        (True, None, None, ()),
        ("run" + "9" * 400, 10**18 - 1, None, ()),
    ],
)
def test_run_subrun_and_data_logger_are_read_from_2018s_word(
    text: Any, run: int | None, subrun: int | None, keys: tuple[tuple[str, int], ...]
) -> None:
    assert classic.origin_of(text).place == (run, subrun, keys)


@pytest.mark.parametrize(
    ("text", "time", "comment"),
    [
        ("Fri Aug 31 08:40:22 2018", "2018-08-31T06:40:22Z", ""),
        ("Fri Aug 31 08:40:22 UTC 2018", "2018-08-31T08:40:22Z", ""),
        ("Fri Aug  3 08:40:22 CEST 2018", "2018-08-03T06:40:22Z", ""),
        ("Fri Aug 31 08:40:22 PM UTC 2018", "2018-08-31T20:40:22Z", ""),
        ("2018-08-31 08:40:22.123456+00:00", "2018-08-31T08:40:22Z", ""),
        ("2018-08-31T08:40", "2018-08-31T06:40:00Z", ""),
        ("Fri Feb 31 08:40:22 2018", "", "time as written: Fri Feb 31 08:40:22 2018"),
        ("Fri Jan 1 00:00:00 0001", "", "time as written: Fri Jan 1 00:00:00 0001"),
        ("yesterday", "", "time as written: yesterday"),
        (17, "", ""),
    ],
)
def test_the_time_of_the_data_is_read_or_kept_as_words(text: Any, time: str, comment: str) -> None:
    result = summary(TimeStamp=text)
    assert (result.time, result.comment) == (time, comment)


def test_a_file_list_is_of_the_run_of_the_summary_beside_it() -> None:
    lists = {"x_FileList.json": [{"Category": "C", "Files": {"g": "a.png"}}]}
    summaries = {
        "x_summary.json": [{"run": "run000007_0002", "Type": "T"}],
        "y_summary.json": [{"run": "run000009_0001", "Type": "T"}],
    }
    found = {(one.category, one.run, one.subrun) for one in translated(summaries, lists, ["a.png"])}
    assert found == {("T", 7, 2), ("T", 9, 1), ("C", 7, 2)}


def test_a_file_list_of_no_run_is_of_that_of_the_only_summary() -> None:
    lists = {"files_FileList.json": [{"Category": "C", "Files": {"g": "a.png"}}]}
    _, listed = translated({"x_summary.json": [{"run": "run7_2", "Type": "T"}]}, lists, ["a.png"])
    assert (listed.category, listed.run, listed.subrun) == ("C", 7, 2)


def test_what_several_files_say_of_one_category_is_one_result() -> None:
    lists = {
        f"run7_1_{name}_FileList.json": [{"Category": "monitor", "Files": {name: f"{name}.png"}}] for name in ("a", "b")
    }
    summaries = {"run7_1_a_summary.json": [{"run": "run7_1", "Type": "monitor", "dead": "3"}]}
    [result] = translated(summaries, lists, ["a.png", "b.png"])
    assert [(item.kind, item.name) for item in result.items] == [("number", "dead"), ("images", "a"), ("images", "b")]


# ---- quantities


def test_commas_separate_apas_and_missing_values_are_none() -> None:
    result = summary(APA="1, 2, 3", dead=" 5,nan, ")
    assert cells(result, "dead") == {(1,): 5, (2,): None, (3,): None}


def test_values_without_an_axis_are_numbered_as_apas() -> None:
    assert cells(summary(dead="5,6"), "dead") == {(1,): 5, (2,): 6}


def test_each_axis_has_a_table() -> None:
    result = summary(APA="1,2,3", TPC="5,6", dead="1,2,3", lifetime="4,5", noisy="7,8,9", total="3")
    assert [(item.kind, item.name, item.rows, len(item.table)) for item in result.items] == [
        ("table", "Summary", "apa", 2),
        ("table", "Summary 2", "tpc", 1),
        ("number", "total", "", 0),
    ]
    assert cells(result, "noisy") == {(1,): 7, (2,): 8, (3,): 9}


def test_what_two_dictionaries_of_a_summary_say_is_all_there() -> None:
    [result] = translated(
        {"a_summary.json": [{"run": "run7_1", "Type": "m", "a": "1,2"}, {"run": "run7_1", "Type": "m", "a": "3,4"}]}
    )
    assert [(item.name, item.values) for item in result.items] == [
        ("Summary", {"1": (1,), "2": (2,)}),
        ("Summary 2", {"1": (3,), "2": (4,)}),
    ]


def test_a_quantity_that_spoils_a_table_stands_for_itself() -> None:
    """One bad name must not cost the others: two of one name, no name, one too long; and an axis with a twin."""
    quantities = {"dead": "1,2", "dead ": "3,4", " ": "5,6", "x" * 300: "7,8"}
    result = summary(**quantities)
    assert cells(result, "dead") == {(1,): 1, (2,): 2}
    holes = [item for item in result.items if item.problem]
    assert len(holes) == 4
    assert {item.kind for item in holes} == {"number"}
    twins = summary(APA="1,1", dead="1,2").items
    assert [(item.kind, bool(item.problem)) for item in twins] == [("number", False), ("number", True)]


def test_many_quantities_make_several_tables_within_the_bounds() -> None:
    result = summary(**{f"q{n}": "1,2" for n in range(250)})
    assert [(item.name, len(item.table)) for item in result.items] == [
        ("Summary", 100),
        ("Summary 2", 100),
        ("Summary 3", 50),
    ]
    assert not result.incomplete


def test_a_single_value_has_no_coordinate() -> None:
    [item] = summary(APA="1,2", total=-2.5e3).items
    assert (item.by, item.value) == ({}, -2500.0)


def test_as_many_values_as_no_axis_has_is_a_hole_that_says_so() -> None:
    [item] = summary(APA="1,2,3", dead="1,2").items
    assert item.problem == "2 values for 3 of APA; write one value for each"


def test_words_among_the_quantities_are_shown_as_words() -> None:
    [item] = summary(Beam="off, cosmics").items
    assert (item.kind, item.status, item.comment) == ("check", "none", "off, cosmics")


def test_a_summary_of_too_many_values_is_refused_and_costs_little() -> None:
    with pytest.raises(ResultError, match=f"{MAX_ITEMS + 1} items; at most {MAX_ITEMS}"):
        summary(dead=",".join("1" * 1_000_000))


def test_values_beyond_the_bound_of_tables_are_numbers() -> None:
    result = summary(**{f"q{n}": ",".join("1" * 500) for n in range(11)})
    assert [item.kind for item in result.items] == ["table", *["number"] * 500]


# ---- files


def test_a_picture_that_is_not_there_is_seen_to_be_missing() -> None:
    lists = {"run7_1_FileList.json": [{"Category": "C", "Files": {"g": "a.png, ./b.png,a.png", "h": "c.png"}}]}
    [result] = translated({}, lists, ["a.png"])
    assert [item.note for item in result.items] == [
        "1 of 2 expected files are missing",
        "none of its 1 files is there: c.png",
    ]
    assert result.incomplete


def test_names_that_look_like_patterns_are_names() -> None:
    lists = {"run7_1_FileList.json": [{"Category": "C", "Files": {"g": "a{x}.png,*.png"}}]}
    [result] = translated({}, lists, ["a{x}.png", "b.png"])
    assert [file.path for file in result.items[0].files] == ["a{x}.png"]


def test_root_files_are_drawn_as_such() -> None:
    lists = {"run7_1_FileList.json": [{"Category": "C", "Files": {"g": ["a.png", "h.root"]}}]}
    [result] = translated({}, lists, ["a.png", "h.root"])
    assert [(item.kind, item.name) for item in result.items] == [("images", "g"), ("root", "g")]


def test_no_path_leaves_the_directory() -> None:
    lists = {"run7_1_FileList.json": [{"Category": "C", "Files": {"g": "/etc/passwd,../x.png"}}]}
    [result] = translated({}, lists, ["a.png"])
    assert result.items[0].problem == "none of its 2 files is there: /etc/passwd, ../x.png"


@pytest.mark.parametrize(
    ("name", "documents", "ours"),
    [
        ("a_summary.json", [{"run": "run1"}], True),
        ("a_summary.json", [{"chi2": 3}], False),
        ("a_summary.json", [], False),
        ("a_FileList.json", [{"Category": "C", "Files": {}}], True),
        ("a_FileList.json", [{"run": "run1"}], False),
    ],
)
def test_files_that_are_only_named_so_are_told_apart(name: str, documents: list[Any], ours: bool) -> None:
    assert classic.is_written_so(name, documents) is ours


WORDS = st.text("run0123456789,_- :.pngé\x00", max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(WORDS, SCALARS | st.lists(WORDS), max_size=3)
NAMES = st.sampled_from(["run", "Type", "TimeStamp", "APA", "TPC", "dead", "Category", "Files"])
ENTRIES = st.lists(st.dictionaries(NAMES, VALUES, max_size=8), max_size=3)


@given(ENTRIES, ENTRIES)
def test_whatever_stands_in_them_is_judged_or_refused(summaries: list[Any], lists: list[Any]) -> None:
    found = classic.translate({"a_summary.json": summaries}, {"a_FileList.json": lists}, frozenset({"a.png"}), at_cern)
    for _, document in found:
        with contextlib.suppress(ResultError):
            assert check(document, {"a.png"}).category
