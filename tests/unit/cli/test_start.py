"""What `p3s workflow start` makes of its options about single nodes and files."""

import pytest

from p3s.cli.start import _files, _node_changes
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import DatumChange, NodeChange

JOBINFO = '{"fit": {"payload": "old", "env": {"A": "1", "B": "2"}}, "sum": {"payload": "kept"}}'


def test_options_change_single_nodes() -> None:
    found = _node_changes("", ["a=x=y"], ["a.N=1", "a.M=2"], ["a=9", "b=-3"], ["a=20m", "b=0s"])
    assert found == {"a": NodeChange("x=y", {"N": "1", "M": "2"}, 9, 1200.0), "b": NodeChange(None, {}, -3, 0.0)}


def test_options_win_over_jobinfo_and_leave_the_rest_of_it() -> None:
    found = _node_changes(JOBINFO, None, ["fit.A=9"], ["fit=1"], None)
    assert found == {"fit": NodeChange("old", {"A": "9", "B": "2"}, 1), "sum": NodeChange("kept")}


def test_a_path_wins_over_fileinfo_and_leaves_its_comment() -> None:
    fileinfo = '{"a:b": {"name": "x.txt", "comment": "why"}, "b:c": {"name": "y.txt"}}'
    _, found = _files("", fileinfo, ["a:b=/data/z.txt"])
    assert found == {"a:b": DatumChange(path="/data/z.txt", comment="why"), "b:c": DatumChange(name="y.txt")}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("", None, None, ["a=high"], None), "--priority a=high: 'high' is not a whole number"),
        (("", None, None, ["9"], None), "--priority '9': write NODE=N"),
        (("", None, None, None, ["a=20"]), "--time-limit a: '20' is not a duration; write 30s, 20m, 3h or 2d"),
        (("", None, None, None, ["a=1m", "a=2m"]), "--time-limit a is given twice"),
        (("", None, ["X=1"], None, None), "--env X=1: write NODE.NAME=VALUE"),
    ],
)
def test_what_cannot_be_is_told(given: tuple[str, None, None, None, None], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        _node_changes(*given)
    assert said in str(refused.value)
