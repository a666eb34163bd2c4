"""People hold, release and adjust what waits, and run again what has ended; each on the record."""

from typing import Any

import pytest

from p3s.domain.effects import JobAdded, Noted, Spec
from p3s.domain.rerun import still_fresh
from p3s.protocol.errors import Conflict
from p3s.protocol.states import JobState

Office = Any


def test_a_held_job_is_not_handed_out_until_it_is_released(office: Office) -> None:
    office.register("p", slots=3)
    office.submit(3)
    assert office.hold("job2") == "it will not run until it is released"
    assert [order.job for order in office.lane("p", 1).orders] == ["job1", "job3"]
    office.lane("p", 2, acked=2)
    office.release("job2")
    assert office.ordered() == ["job2"]
    assert [(one.what, one.who, one.why) for one in office.effects if isinstance(one, Noted)] == [
        ("released", "ana", "looked")
    ]


def test_a_job_may_be_submitted_held(office: Office) -> None:
    office.register("p")
    office.submit(1, state=JobState.HELD)
    office.lane("p", 1)
    assert office.state("job1") is JobState.HELD
    office.release("job1")
    assert office.ordered() == ["job1"]


def test_holding_again_and_releasing_what_is_not_held_change_nothing(office: Office) -> None:
    office.submit(1)
    assert office.release("job1") == "it was not held"
    office.hold("job1")
    assert office.hold("job1") == "it was held already"
    assert office.effects == []


def test_a_held_job_can_be_cancelled(office: Office) -> None:
    office.submit(1)
    office.hold("job1")
    office.cancel("job1")
    assert office.state("job1") is JobState.CANCELLED


@pytest.mark.parametrize("act", ["hold", "release", "adjust"])
def test_what_a_pilot_holds_is_beyond_holding(office: Office, act: str) -> None:
    office.register("p")
    office.submit(1)
    office.lane("p", 1)
    with pytest.raises(Conflict, match="job1 is dispatched; only a job that waits"):
        getattr(office, act)("job1", *([3] if act == "adjust" else []))


def test_a_higher_priority_goes_first_at_once_also_from_beyond_the_head(make_office: Any) -> None:
    office = make_office(window=2)
    office.submit(9)
    assert office.adjust("job8", 5) == "priority 5, was 0"
    office.register("p", slots=2)
    assert [order.job for order in office.lane("p", 1).orders] == ["job8", "job1"]


def test_a_held_job_keeps_the_priority_it_was_given(office: Office) -> None:
    office.submit(2)
    office.hold("job2")
    office.adjust("job2", 7)
    office.release("job2")
    office.register("p")
    assert [order.job for order in office.lane("p", 1).orders] == ["job2"]


# ---- re-runs


def rerun(office: Office, job: str) -> str:
    name = f"job{office.book.next_id}"
    added = JobAdded(office.book.next_id, name, "plain", 0, JobState.DEFINED, Spec(name), office.now, {"rerun_of": job})
    office.act(lambda desk: desk.rerun(job, office.store.past(job), added, "ana", "repaired"))
    return name


def test_an_ended_job_is_run_again_as_a_new_one(office: Office) -> None:
    office.submit(1)
    office.cancel("job1")
    assert rerun(office, "job1") == "job2"
    assert office.kinds() == ["JobAdded", "Noted"]
    assert (office.state("job1"), office.state("job2")) == (JobState.CANCELLED, JobState.DEFINED)


def test_what_has_not_ended_or_was_run_again_is_not(office: Office) -> None:
    office.submit(1)
    with pytest.raises(Conflict, match="job1 is defined; only a job that has ended"):
        rerun(office, "job1")
    office.cancel("job1")
    rerun(office, "job1")
    with pytest.raises(Conflict, match="run again already"):
        rerun(office, "job1")


def test_the_amendment_is_refused_once_a_rerun_exists(office: Office) -> None:
    office.register("p")
    office.submit(1)
    office.lane("p", 1)
    office.death("p")
    rerun(office, "job1")
    verdict = office.report("p", "job1", 1, "finished")
    assert (verdict.verdict, verdict.why) == ("refused", "the job was run again since it was lost")
    assert office.state("job1") is JobState.LOST


@pytest.mark.parametrize(("stale_at", "expected"), [(None, True), (11.0, True), (10.0, False)])
def test_what_is_stale_is_not_fresh(stale_at: float | None, expected: bool) -> None:
    assert still_fresh(stale_at, 10.0) == expected
