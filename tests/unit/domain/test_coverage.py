"""One word for what became of a file, and which of its jobs a person may have made now."""

import pytest

from p3s.domain.data.coverage import UNKNOWN, missing, ranked, spoken, word_of, word_of_workflow, worst
from p3s.protocol.states import FINAL_JOB_STATES, JobState


def test_every_state_of_a_job_makes_a_word_and_only_the_final_ones_an_end() -> None:
    words = {state: word_of(state) for state in JobState}
    assert {state for state, word in words.items() if word != "in progress"} == FINAL_JOB_STATES
    assert words[JobState.FINISHED] == "processed"
    assert word_of("dropped", "stale") == "dropped: stale"
    assert word_of("failed", "exit code") == "failed"


def test_the_worst_counts_and_a_job_under_way_before_all() -> None:
    assert worst(["processed", "failed", "in progress"]) == "in progress"
    assert worst(["processed", "dropped: stale", "failed"]) == "failed"
    assert worst(["processed", "dropped: stale", "dropped: overflow"]) == "dropped: overflow"
    assert worst([]) == UNKNOWN


def test_what_tables_keep_is_ordered_as_the_words_are() -> None:
    words = [
        "in progress",
        "failed",
        "lost",
        "dropped: overflow",
        "dropped: stale",
        "cancelled",
        "skipped",
        "processed",
    ]
    assert sorted(map(ranked, words)) == [ranked(word) for word in words]
    assert [spoken(ranked(word)) for word in words] == words
    assert min(map(ranked, words[2:5])) == ranked(worst(words[2:5]))


@pytest.mark.parametrize(
    ("last", "more", "wanted"),
    [
        ({}, {}, ["a", "b"]),
        ({"a": "finished"}, {}, ["b"]),
        ({"a": "finished", "b": "dropped"}, {}, ["b"]),
        ({"a": "lost", "b": "skipped", "old": "failed"}, {}, ["a", "b"]),
        ({"a": "finished", "b": "running"}, {"again": True}, ["a"]),
        ({}, {"purged": "processed"}, []),
        ({}, {"purged": "processed", "again": True}, ["a", "b"]),
        ({"a": "failed"}, {"purged": "processed"}, ["a"]),
        ({"b": "finished"}, {"gone": {"a": "processed"}}, []),
        ({}, {"gone": {"a": "cancelled", "b": "processed"}}, ["a"]),
    ],
)
def test_what_is_missing_is_made(last: dict[str, str], more: dict[str, object], wanted: list[str]) -> None:
    assert missing(["a", "b"], last, **more)[0] == wanted  # type: ignore[arg-type]


def test_what_is_left_says_why() -> None:
    assert missing(["a"], {"a": "finished"}) == ([], "processed")
    assert missing(["a"], {"a": "held"}) == ([], "in progress")


@pytest.mark.parametrize(
    ("state", "words", "expected"),
    [
        ("held", [], "in progress"),
        ("running", ["failed"], "in progress"),
        ("finished", ["dropped: stale"], "processed"),
        ("cancelled", ["failed"], "cancelled"),
        ("failed", [], "failed"),
        ("failed", ["cancelled", "skipped", "dropped: stale"], "dropped: stale"),
        ("failed", ["cancelled", "lost"], "lost"),
        ("failed", ["dropped: shed", "failed"], "failed"),
    ],
)
def test_a_workflow_makes_of_its_file_what_it_is_or_the_worst_that_made_it_fail(
    state: str, words: list[str], expected: str
) -> None:
    """`words` are of those of its jobs that did not finish."""
    assert word_of_workflow(state, words) == expected
