"""An attempt that its node spoiled is tried again while retries are left; what is said late of it is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.states import JobState

Office = Any
MakeOffice = Callable[..., Any]


@pytest.fixture
def again(make_office: MakeOffice) -> Office:
    """A pilot with one slot holds the first attempt of a job with one retry."""
    office = make_office(types=[JobTypeSpec("t", retries=1)])
    office.submit(1, "t")
    office.register("p")
    office.lane("p", 1)
    return office


def test_by_default_nothing_is_tried_again(office: Office) -> None:
    office.register("p")
    office.submit(1)
    office.lane("p", 1)
    office.report("p", "job1", 1, "failed", reason="nonstarter")
    assert office.state("job1") is JobState.FAILED


@pytest.mark.parametrize("reason", ["nonstarter", "stage-in", "stage-out"])
def test_a_failure_of_the_node_is_tried_again_and_ends_when_no_retry_is_left(again: Office, reason: str) -> None:
    again.lane("p", 2, acked=1)
    again.report("p", "job1", 1, "failed", reason=reason)
    (order,) = again.answers("p")[0].orders
    assert (order.job, order.attempt) == ("job1", 2)
    again.report("p", "job1", 2, "failed", reason=reason)
    assert (again.state("job1"), again.store.jobs["job1"].reason) == (JobState.FAILED, reason)


@pytest.mark.parametrize("reason", ["exit code", "signal", "timelimit"])
def test_a_failure_of_the_payload_is_not(again: Office, reason: str) -> None:
    again.report("p", "job1", 1, "failed", reason=reason)
    assert again.state("job1") is JobState.FAILED


def test_a_lost_job_goes_to_another_pilot(again: Office) -> None:
    again.report("p", "job1", 1, "running")
    again.death("p")
    assert again.state("job1") is JobState.DEFINED
    again.register("q")
    assert [(order.job, order.attempt) for order in again.lane("q", 1).orders] == [("job1", 2)]
    again.death("q")
    assert again.state("job1") is JobState.LOST


def test_a_late_report_of_an_attempt_that_was_given_up_is_refused_and_recorded(again: Office) -> None:
    again.death("p")
    verdict = again.report("p", "job1", 1, "finished")
    assert verdict.verdict == "refused"
    assert again.kinds() == ["Noted"]
    assert again.state("job1") is JobState.DEFINED
    again.register("q")
    again.lane("q", 1)
    assert again.report("p", "job1", 1, "finished").verdict == "refused"


def test_refusals_use_up_no_retry(again: Office) -> None:
    for attempt in (1, 2, 3):
        again.lane("p", attempt + 1, acked=attempt)
        again.report("p", "job1", attempt, "refused")
    again.death("p")
    assert again.state("job1") is JobState.DEFINED


def test_a_cancelled_job_is_not_tried_again(again: Office) -> None:
    again.cancel("job1")
    again.death("p")
    assert again.state("job1") is JobState.LOST


def test_the_count_outlives_a_restart(again: Office) -> None:
    again.death("p")
    again.restart()
    again.register("q")
    again.lane("q", 1)
    again.restart()
    again.death("q")
    assert again.state("job1") is JobState.LOST
