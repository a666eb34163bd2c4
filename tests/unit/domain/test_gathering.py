"""When results are gathered, by which job."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.data.gathering import NEVER, Standing, Value, due, due_at, job_of, same_of, value_of
from p3s.protocol.data import Gather, StreamJob, StreamSpec

ALL = Gather("merge", "monitor", every=20, or_after=300.0, at_run_end=True)


@pytest.mark.parametrize(
    ("rule", "pending", "age_s", "over", "expected"),
    [
        (ALL, 0, 1000, True, False),  # nothing new
        (ALL, 19, 299, False, False),
        (ALL, 20, 0, False, True),
        (ALL, 1, 300, False, True),
        (ALL, 1, 0, True, True),
        (Gather("merge", "monitor", every=2), 1, 1e6, True, False),
        (Gather("merge", "monitor", or_after=5.0), 1000, 4, True, False),
        (Gather("merge", "monitor", at_run_end=True), 1000, 1e6, False, False),
        (Gather("merge", "monitor", at_run_end=True), 1, 0, True, True),
    ],
)
def test_it_is_due_after_so_many_after_so_long_or_at_the_end(
    rule: Gather, pending: int, age_s: float, over: bool, expected: bool
) -> None:
    assert due(rule, Standing(pending, 1000.0 if pending else None, over), 1000.0 + age_s) is expected


@given(every=st.integers(0, 5), or_after=st.sampled_from([0.0, 5.0]), pending=st.integers(0, 9), age_s=st.floats(0, 20))
def test_the_clock_alone_makes_it_due_at_the_moment_that_is_said(
    every: int, or_after: float, pending: int, age_s: float
) -> None:
    """So that waking then, and no earlier, misses nothing."""
    rule = Gather("merge", "monitor", every=every, or_after=or_after)
    standing = Standing(pending, 100.0 if pending else None)
    at = due_at(rule, standing)
    if due(rule, standing, 100.0 + age_s) and not due(rule, standing, 100.0):
        assert 100.0 < at <= 100.0 + age_s
    if at != NEVER:
        assert due(rule, standing, at)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("run", Value("7", 7)),
        ("subrun", Value("7/2", 7, 2)),
        ("dl", Value("5", key=("dl", 5))),
        ("beam", Value("off", key=("beam", "off"))),
        ("other", None),
    ],
)
def test_a_job_belongs_to_a_value(by: str, expected: Value | None) -> None:
    assert value_of(by, 7, 2, {"dl": 5, "beam": "off"}) == expected


@pytest.mark.parametrize(("run", "subrun"), [(None, None), (None, 1)])
def test_a_job_without_a_run_belongs_to_none(run: Any, subrun: Any) -> None:
    assert value_of("run", run, subrun, {}) is value_of("subrun", run, subrun, {}) is None
    assert value_of("subrun", 7, None, {}) is None


def test_its_job_has_the_stream_s_environment_and_its_own() -> None:
    rule = Gather("merge.py", "monitor", every=1, env={"B": "own"}, priority=7, time_limit=60.0)
    stream = StreamSpec("np04", {"monitor": StreamJob("m")}, env={"A": "a", "B": "b"}, gather={"summary": rule})
    job = job_of(stream, "summary", Value("7", 7))
    assert (job.name, job.jobtype, job.payload, job.input) == ("np04 summary run 7", "summary", "merge.py", "")
    assert (job.env, job.priority, job.time_limit) == ({"A": "a", "B": "own"}, 7, 60.0)


def test_gatherings_of_other_streams_names_and_values_are_others() -> None:
    places = [(stream, name, value) for stream in "ab" for name in "ab" for value in "12"]
    assert len({same_of(*place) for place in places}) == len(places)
