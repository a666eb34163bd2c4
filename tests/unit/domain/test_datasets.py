"""What is computed of a dataset: is it being processed, was it taken, and why not."""

import pytest

from p3s.domain.data.datasets import processing, taken


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ({}, ""),
        ({"finished": 2}, "processed"),
        ({"failed": 1, "dropped": 1, "cancelled": 1, "lost": 1, "skipped": 1}, "processed"),
        ({"finished": 2, "running": 1}, "processing"),
        ({"defined": 1}, "processing"),
        ({"held": 1}, "processing"),
        ({"waiting": 1}, "processing"),
    ],
)
def test_it_is_processed_when_all_its_jobs_have_ended(states: dict[str, int], word: str) -> None:
    assert processing(states) == word


@pytest.mark.parametrize(
    ("states", "flows", "word"),
    [
        ({"finished": 1}, ["in progress"], "processing"),
        ({}, ["in progress"], "processing"),
        ({"finished": 1}, ["processed"], "processed"),
        ({}, ["failed"], "processed"),
        ({"finished": 1}, ["dropped: stale", "in progress"], "processing"),
        ({"running": 1}, ["cancelled"], "processing"),
    ],
)
def test_it_is_processed_when_its_workflows_have_ended_too(states: dict[str, int], flows: list[str], word: str) -> None:
    assert processing(states, flows) == word


def test_it_is_taken_when_some_stream_took_it_or_somebody_made_a_job_of_it() -> None:
    sampled = ("raw", "sampled out", "")
    assert taken([], {}) == (False, "no stream was told of it")
    assert taken([sampled], {}) == (False, "raw: sampled out")
    assert taken([sampled, ("calib", "ignored", "paused")], {}) == (False, "raw: sampled out; calib: ignored (paused)")
    assert taken([sampled, ("calib", "taken", "")], {})[0]
    assert taken([sampled], {"finished": 1}) == (True, "raw: sampled out; jobs: 1 finished")
    assert taken([], {"finished": 1}) == (True, "jobs: 1 finished")
    assert taken([], {"finished": 1}, ["in progress"]) == (True, "jobs: 1 finished; workflow: in progress")
    assert taken([("raw", "taken", "")], {}, ["failed"]) == (True, "raw: taken; workflow: failed")
    assert taken([("raw", "taken", "")], {}) == (True, "raw: taken; no job of it is left")
