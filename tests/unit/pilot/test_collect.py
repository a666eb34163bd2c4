"""Collecting what a payload published, hostile payloads included."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from p3s.pilot.collect import MAX_JSON_BYTES, MAX_JSON_FILES, MAX_PROBLEMS, Collected, collect
from p3s.protocol.results import MAX_FILE_BYTES, Result, check


def publish(directory: Path, *items: Any, name: str = "p3s-result.json", **top: Any) -> None:
    document = {"p3s_result": 1, "category": "TPC", "items": list(items), **top}
    (directory / name).write_text(json.dumps(document))


def images(files: Any, name: str = "i") -> dict[str, Any]:
    return {"kind": "images", "name": name, "files": files}


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)


def judged(collected: Collected) -> Result:
    (document,) = collected.results
    return check(json.loads(json.dumps(document)), collected.files)


def test_a_directory_without_results_is_empty(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("x")
    assert collect(tmp_path) == Collected()


def test_a_directory_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    (problem,) = collect(tmp_path / "gone").problems
    assert problem.startswith("result directory: cannot be read")


def test_only_files_that_items_name_are_uploaded_and_each_once(tmp_path: Path) -> None:
    for name in ("a1.png", "a2.png", "unused.png", ".a3.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "h.root").write_bytes(b"x")
    publish(
        tmp_path, images("a{n:d}.png"), images("a1.png", "again"), {"kind": "root", "name": "h", "files": "sub/*.root"}
    )
    collected = collect(tmp_path)
    assert list(collected.files) == ["a1.png", "a2.png", "sub/h.root"]
    assert collected.problems == []
    result = judged(collected)
    assert not result.incomplete
    assert [entry.by for entry in result.items[0].files] == [{"n": 1}, {"n": 2}]


def test_several_result_files_and_lists_are_all_taken(tmp_path: Path) -> None:
    publish(tmp_path, name="p3s-result-a-1.json", category="A")
    one = {"p3s_result": 1, "items": []}
    (tmp_path / "p3s-result-b.json").write_text(json.dumps([{**one, "category": "B"}, {**one, "category": "C"}]))
    (tmp_path / "other.json").write_text("{")
    assert [result["category"] for result in collect(tmp_path).results] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON at line 1 column 1"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"p3s_result": 1, "items": []}', "category: missing"),
        (b"[" + b"9" * 100_000 + b"]", "100000 digits"),
        (b" " * (MAX_JSON_BYTES + 1), "more than 5 MB"),
    ],
)
def test_a_bad_result_file_is_one_line_and_costs_no_other(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "p3s-result-bad.json").write_bytes(content)
    publish(tmp_path, name="p3s-result-good.json")
    collected = collect(tmp_path)
    (problem,) = collected.problems
    assert problem.startswith("p3s-result-bad.json: ")
    assert says in problem
    assert "\n" not in problem
    assert len(collected.results) == 1


def test_a_named_pipe_does_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p3s-result.json")
    os.mkfifo(tmp_path / "a.png")
    publish(tmp_path, images("*.png"), name="p3s-result-2.json")
    collected = collect(tmp_path)
    assert "is no regular file" in collected.problems[0]
    assert "nothing fits" in (judged(collected).items[0].problem or "")


def test_links_that_lead_outside_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.png").write_text("secret")
    publish(secret, name="p3s-result.json")
    inside = tmp_path / "result"
    inside.mkdir()
    (inside / "x.png").symlink_to(secret / "key.png")
    (inside / "directory").symlink_to(secret)
    (inside / "p3s-result-link.json").symlink_to(secret / "p3s-result.json")
    publish(inside, images(["x.png", "directory/key.png", "directory/*"]))
    collected = collect(inside)
    assert list(collected.files) == []
    assert any("x.png: is a link that leads out" in problem for problem in collected.problems)
    assert any("p3s-result-link.json: is a link" in problem for problem in collected.problems)
    assert "nothing fits" in (judged(collected).items[0].problem or "")


def test_a_link_to_a_file_inside_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "latest.png").symlink_to("a.png")
    publish(tmp_path, images("latest.png"))
    assert list(collect(tmp_path).files) == ["latest.png"]


def test_loops_of_links_and_deep_trees_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to("self.png")
    deep = tmp_path.joinpath(*["d"] * 12)
    deep.mkdir(parents=True)
    (deep / "a.png").write_bytes(b"x")
    publish(tmp_path, images("d/d/d/d/d/d/d/d/d/d/d/d/a.png"))
    collected = collect(tmp_path)
    assert list(collected.files) == []
    assert any("directories deep" in problem for problem in collected.problems)


def test_names_that_are_no_text_are_said_in_plain_letters(tmp_path: Path) -> None:
    for name in (b"caf\xe9.png", b"two\nlines.png", b"back\\slash.png"):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_bytes(b"x")
    publish(tmp_path, images("*.png"))
    collected = collect(tmp_path)
    assert list(collected.files) == []
    assert len(collected.problems) == 3
    assert all(problem.isascii() and "\n" not in problem for problem in collected.problems)


def test_a_file_too_big_leaves_a_hole_and_the_rest_appears(tmp_path: Path) -> None:
    sparse(tmp_path / "big.png", MAX_FILE_BYTES + 1)
    sparse(tmp_path / "small.png", MAX_FILE_BYTES)
    publish(tmp_path, images("big.png", "big"), images("small.png", "small"))
    collected = collect(tmp_path)
    big, small = judged(collected).items
    assert "big.png has 20.0 MB; at most 20 MB a file" in (big.problem or "")
    assert small.problem is None
    assert list(collected.files) == ["small.png"]


def test_the_item_that_passes_the_limit_of_a_result_is_a_hole(tmp_path: Path) -> None:
    for index in range(11):
        sparse(tmp_path / f"{index}.png", MAX_FILE_BYTES)
    items = [images(f"{index}.png", str(index)) for index in range(11)] + [images("0.png", "again")]
    publish(tmp_path, *items)
    holes = [item.name for item in judged(collect(tmp_path)).items if item.problem]
    assert holes == ["10"]


def test_a_flood_of_result_files_and_problems_is_cut(tmp_path: Path) -> None:
    for index in range(MAX_JSON_FILES + 20):
        (tmp_path / f"p3s-result-{index:03d}.json").write_text("{")
    problems = collect(tmp_path).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1] == f"and {MAX_JSON_FILES + 1 - MAX_PROBLEMS} more problems"


def test_directories_named_as_result_files_are_no_results(tmp_path: Path) -> None:
    (tmp_path / "p3s-result.json").mkdir()
    assert collect(tmp_path) == Collected()


def test_the_result_with_which_there_are_too_many_values_is_left_out(tmp_path: Path) -> None:
    """The server would refuse them all."""
    columns = [str(n) for n in range(5)]
    for name in "abcdef":
        table = {"kind": "table", "name": "t", "columns": columns, "values": {str(n): [1] * 5 for n in range(999)}}
        document = {"p3s_result": 1, "category": name, "items": [table]}
        (tmp_path / f"p3s-result-{name}.json").write_text(json.dumps(document))
    collected = collect(tmp_path)
    assert [one["category"] for one in collected.results] == ["a", "b", "c", "d"]
    assert [problem.split(";")[0] for problem in collected.problems] == [
        f"p3s-result-{name}.json: more than 20000 numbers and table cells in one job" for name in "ef"
    ]


# ---- what payloads of 2018 leave

PAIR = [{"Category": "TPC monitor", "Files": {"Hits": "hits_U1.png,hits_V1.png"}}]


def classic_pair(directory: Path, dead: str = "4,0,0", stem: str = "run003907_0001_dl01_monitor") -> None:
    entry = {"run": "run003907_0001_dl01", "Type": "monitor", "APA": "1, 2, 3", "NDead  Channels": dead}
    (directory / f"{stem}_summary.json").write_text(json.dumps([entry]))
    (directory / f"{stem}_FileList.json").write_text(json.dumps(PAIR))
    for name in ("hits_U1.png", "hits_V1.png"):
        (directory / name).write_bytes(b"\x89PNG")


@pytest.fixture
def berth(tmp_path: Path) -> tuple[Path, Path]:
    """(result directory, working directory)."""
    for name in ("results", "work"):
        (tmp_path / name).mkdir()
    return tmp_path / "results", tmp_path / "work"


@pytest.mark.parametrize("place", [0, 1], ids=["result directory", "working directory"])
def test_a_pair_of_2018_is_published_from_either_directory(berth: tuple[Path, Path], place: int) -> None:
    classic_pair(berth[place])
    collected = collect(*berth)
    assert collected.problems == []
    assert [(one["category"], one["run"], one["subrun"], one["keys"]) for one in collected.results] == [
        ("monitor", 3907, 1, {"dl": 1}),
        ("TPC monitor", 3907, 1, {"dl": 1}),
    ]
    assert judged_item(collected, 0)["values"] == {"1": [4], "2": [0], "3": [0]}
    assert collected.files == {name: berth[place] / name for name in ("hits_U1.png", "hits_V1.png")}


def test_a_pair_in_both_directories_is_published_once_from_that_for_results(berth: tuple[Path, Path]) -> None:
    results, work = berth
    classic_pair(results, dead="1,1,1")
    classic_pair(work, dead="9,9,9")
    collected = collect(results, work)
    assert judged_item(collected, 0)["values"] == {"1": [1], "2": [1], "3": [1]}
    assert len(collected.results) == 2
    assert set(collected.files.values()) == {results / "hits_U1.png", results / "hits_V1.png"}


def test_the_working_directory_is_the_payloads_own_but_for_2018s_files(berth: tuple[Path, Path]) -> None:
    results, work = berth
    publish(work, {"kind": "number", "name": "n", "value": 1})
    (work / "fit_summary.json").write_text('{"chi2": 3}')
    (work / "data").symlink_to("/etc")
    (work / "passwd").symlink_to("/etc/passwd")
    assert collect(results, work) == Collected()


def test_a_broken_summary_is_one_line_and_costs_no_list(berth: tuple[Path, Path]) -> None:
    results, work = berth
    classic_pair(work)
    (work / "run003907_0001_dl01_monitor_summary.json").write_text('[ { "run": "run003907_0001')
    collected = collect(results, work)
    [problem] = collected.problems
    assert problem.startswith("run003907_0001_dl01_monitor_summary.json: not JSON at line 1")
    assert [(one["category"], one["run"]) for one in collected.results] == [("TPC monitor", 3907)]


def test_no_link_of_a_pair_leads_outside(berth: tuple[Path, Path], tmp_path: Path) -> None:
    results, work = berth
    classic_pair(work)
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (work / "hits_U1.png").unlink()
    (work / "hits_U1.png").symlink_to(secret)
    (work / "hits_V1.png").unlink()
    os.mkfifo(work / "hits_V1.png")
    collected = collect(results, work)
    assert collected.files == {}
    assert judged_item(collected, 1)["problem"] == "none of its 2 files is there: hits_U1.png, hits_V1.png"


def judged_item(collected: Collected, result: int) -> dict[str, Any]:
    [item] = collected.results[result]["items"]
    return dict(item)
