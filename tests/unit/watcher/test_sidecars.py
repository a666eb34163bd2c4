"""What a side-car says becomes the dataset's; what it should not say costs nothing but itself."""

import json
from typing import Any

import pytest

from p3s.protocol.data import DatasetRequest
from p3s.protocol.data_bounds import check_dataset
from p3s.watcher.sidecars import PROBLEM, with_sidecar

FILE = DatasetRequest("/d/x.root", "s", "x.root", 10, run=7, keys={"dl": 5})


def test_its_fields_become_the_dataset_s_where_the_name_does_not_say_otherwise() -> None:
    said = {"run": 8, "subrun": 3, "keys": {"dl": 1, "beam": "on"}, "adler32": "0x1A2B3C", "events": [1, 2]}
    found = with_sidecar(FILE, json.dumps({**said, "comment": "c", "datatype": "ROOT"}))
    assert (found.run, found.subrun, found.keys) == (7, 3, {"dl": 5, "beam": "on"})
    assert (found.adler32, found.comment, found.datatype) == ("001a2b3c", "c", "ROOT")
    assert found.metadata["events"] == [1, 2]


HOSTILE: list[Any] = [
    {"run": "7", "subrun": -1, "keys": [1], "adler32": "no", "datatype": 3, "comment": ["x"]},
    {"run": True, "subrun": 2**70, "keys": {"a b": 1, "c": 1.5, "d": "x" * 300, "e": 2**70}},
    {"comment": "x" * 10**5, "datatype": "y" * 100},
    {"comment": "\u0000\u001b[31m", "datatype": "a\nb", "keys": {"k": "\u0000"}},
    {"deep": [[[[[[[[[[[[1]]]]]]]]]]]]},
    [1, 2],
    "text",
    None,
]


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_it_says_the_file_can_be_registered(said: Any) -> None:
    found = with_sidecar(FILE, json.dumps(said))
    check_dataset(found)
    assert (found.url, found.run, found.keys["dl"]) == ("/d/x.root", 7, 5)


@pytest.mark.parametrize("text", ["{", "", "NaN", '{"a": NaN}', '{"a": 1e999}', "[" * 100_000])
def test_what_is_no_json_is_said_in_the_metadata(text: str) -> None:
    found = with_sidecar(FILE, text)
    check_dataset(found)
    assert found.metadata[PROBLEM]


def test_one_that_cannot_be_read_is_said_too() -> None:
    assert with_sidecar(FILE, None, "Permission denied").metadata == {PROBLEM: "Permission denied"}
