"""What became of a run's files, in few words."""

from typing import Any

from p3s.cli.covered import in_words, left_out_of, processed_of, wrong_of

ROW: Any = {
    "stream": "np04",
    "run": 7,
    "files": 100,
    "taken": 12,
    "sampled_out": 85,
    "ignored": {"below 7 GB": 3},
    "processed": 7,
    "in_progress": 1,
    "failed": 1,
    "lost": 0,
    "dropped": {"overflow": 2},
    "cancelled": 1,
    "skipped": 0,
    "unknown": 0,
    "manual": 1,
    "last_at": 0.0,
}


def test_few_numbers_add_up() -> None:
    assert (processed_of([ROW, ROW]), left_out_of([ROW]), wrong_of([ROW])) == ("14 of 24", 91, 1)
    assert left_out_of([ROW]) + wrong_of([ROW]) + ROW["processed"] + ROW["in_progress"] == ROW["files"]
    assert (processed_of([]), left_out_of([]), wrong_of([])) == ("", 0, 0)


def test_a_row_is_told_whole() -> None:
    assert in_words(ROW) == (
        "np04: 100 files, 85 sampled out, 3 ignored (below 7 GB), 12 taken: 7 processed, 1 in progress, 1 failed, "
        "1 cancelled, 2 dropped (overflow); 1 by hand"
    )
