"""A person cancels a job: queued, ordered, running or over."""

from typing import Any

import pytest

from p3s.domain.effects import Noted
from p3s.protocol.states import JobState, Reason

Office = Any


@pytest.fixture
def running(office: Office) -> Office:
    office.register("p", slots=2)
    office.submit()
    office.lane("p", 1)
    office.report("p", "job1", 1, "running")
    return office


def test_a_queued_job_ends_at_once_and_never_goes_out(office: Office) -> None:
    office.submit(2)
    assert office.cancel("job1") == "it will not run"
    assert (office.state("job1"), office.store.jobs["job1"].reason) == (JobState.CANCELLED, Reason.BY_PERSON)
    office.register("p", slots=2)
    assert [order.job for order in office.lane("p", 1).orders] == ["job2"]


def test_the_record_says_who_and_why(office: Office) -> None:
    office.submit()
    office.cancel("job1")
    (note,) = [one for one in office.effects if isinstance(one, Noted)]
    assert (note.object_id, note.what, note.who, note.why) == ("job1", "cancelled", "ana", "not needed")


def test_a_running_job_ends_when_its_pilot_has_ended_it(running: Office) -> None:
    running.lane("p", 2, acked=1)
    assert "told to end it" in running.cancel("job1")
    (answer,) = running.answers("p")
    (kill,) = answer.instructions
    assert (kill.kind, kill.job, kill.attempt, kill.number, kill.why) == ("kill", "job1", 1, 2, "cancelled by ana")
    assert running.state("job1") is JobState.RUNNING
    running.report("p", "job1", 1, "cancelled", reason="by person")
    assert running.state("job1") is JobState.CANCELLED


def test_a_kill_goes_again_until_it_is_confirmed_even_over_a_restart(running: Office) -> None:
    running.lane("p", 2, acked=1)
    running.cancel("job1")
    first = running.answers("p")[0].instructions
    running.restart()
    assert running.lane("p", 3, acked=1).instructions == first
    assert running.lane("p", 4, acked=2) is None


def test_a_job_that_finished_first_has_finished(running: Office) -> None:
    running.cancel("job1")
    running.report("p", "job1", 1, "finished", exit_code=0)
    assert running.state("job1") is JobState.FINISHED


def test_asking_twice_says_who_asked_first(running: Office) -> None:
    running.cancel("job1")
    assert running.cancel("job1") == "already being cancelled, asked by ana"
    assert running.effects == []


@pytest.mark.parametrize("end", ["finished", "failed"])
def test_a_job_that_is_over_stays_as_it_is(running: Office, end: str) -> None:
    running.report("p", "job1", 1, end, exit_code=0)
    assert running.cancel("job1") == f"it had already ended as {end}"
    assert running.effects == []


def test_a_kill_of_an_earlier_attempt_does_not_reach_the_next(office: Office) -> None:
    """A cancelled job whose order was refused ends; nothing of the kill is left for later orders."""
    office.register("p")
    office.submit(2)
    office.lane("p", 1)
    office.cancel("job1")
    office.report("p", "job1", 1, "refused")
    answer = office.lane("p", 2, acked=1)
    assert [order.job for order in answer.orders] == ["job2"]
    assert answer.instructions == []
