"""What is too late to matter is dropped on the record; newer work supersedes older; critical work is given way to."""

from collections.abc import Callable
from typing import Any

from p3s.domain.desk import DROPS
from p3s.domain.effects import JobEnded, Noted
from p3s.domain.shedding import MOST_A_ROUND
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.states import JobState

Office = Any
MakeOffice = Callable[..., Any]


def runs(office: Office, jobtype: str, wall_s: float, count: int = 3) -> None:
    """Runs of a type, on a pilot of their own that ends."""
    office.register("teacher", slots=1)
    for seq in range(1, count + 1):
        (job,) = office.submit(1, jobtype, priority=1000)
        office.lane("teacher", seq, acked=seq - 1)
        office.report("teacher", job, 1, "finished", wall_s=wall_s)
    office.death("teacher")


def why(office: Office) -> list[str]:
    return [one.why for one in office.effects if isinstance(one, Noted) and one.what == "dropped"]


def test_a_stale_job_is_dropped_when_its_turn_comes_and_says_how_late(office: Office) -> None:
    office.submit(1, stale_at=office.now + 10)
    office.submit(1)
    office.now += 25
    office.register("p")
    assert [order.job for order in office.lane("p", 1).orders] == ["job2"]
    assert (office.state("job1"), office.store.jobs["job1"].reason) == (JobState.DROPPED, "stale")
    assert why(office) == ["stale for 15 s"]


def test_a_job_that_could_not_end_in_time_is_dropped_by_the_usual_run_of_its_type(office: Office) -> None:
    runs(office, "t", 30.0)
    (late,) = office.submit(1, "t", stale_at=office.now + 100)
    office.now += 80
    office.register("p")
    assert office.lane("p", 1) is None
    assert office.state(late) is JobState.DROPPED
    assert why(office) == ["stale in 20 s, jobs of t take 30 s"]


def test_a_type_whose_runs_became_too_long_is_still_tried(office: Office) -> None:
    runs(office, "t", 300.0)
    (job,) = office.submit(1, "t", stale_at=office.now + 100)
    office.register("p")
    assert [order.job for order in office.lane("p", 1).orders] == [job]


def test_a_running_job_is_never_ended_for_that(office: Office) -> None:
    office.register("p")
    office.submit(1, stale_at=office.now + 10)
    office.lane("p", 1)
    office.report("p", "job1", 1, "running")
    office.now += 30
    office.tend()
    assert office.state("job1") is JobState.RUNNING


def test_handing_out_drops_so_many_and_other_classes_go_on(office: Office) -> None:
    office.submit(DROPS + 50, "old", stale_at=office.now + 10, priority=5)
    (new,) = office.submit(1, "new")
    office.now += 20
    office.register("p")
    assert [order.job for order in office.lane("p", 1).orders] == [new]
    dropped = [job for job, row in office.store.jobs.items() if row.state is JobState.DROPPED]
    assert len(dropped) == DROPS


def test_upkeep_drops_what_is_stale_wherever_it_stands(make_office: MakeOffice) -> None:
    office = make_office(window=2)
    office.submit(20, stale_at=office.now + 10)
    office.submit(1)
    office.now += 20
    office.tend(limit=15)
    office.tend(limit=15)
    assert [office.state(f"job{number}") for number in (1, 20, 21)] == [
        JobState.DROPPED,
        JobState.DROPPED,
        JobState.DEFINED,
    ]
    office.register("p")
    assert [order.job for order in office.lane("p", 1).orders] == ["job21"]


# ---- superseding


def test_a_new_job_drops_older_ones_of_its_keys_that_wait(make_office: MakeOffice) -> None:
    office = make_office(window=2)
    office.submit(6, "t", same="run7")
    office.submit(1, "t", same="run8")
    assert [job for job, row in office.store.jobs.items() if row.state is JobState.DEFINED] == ["job6", "job7"]
    office.register("p", slots=9)
    assert [order.job for order in office.lane("p", 1).orders] == ["job6", "job7"]


def test_what_comes_back_to_the_queue_is_dropped_when_a_newer_one_has_come(make_office: MakeOffice) -> None:
    office = make_office(types=[JobTypeSpec("t", retries=3, supersedes=("run",))])
    office.register("p", slots=2)
    office.submit(2, "t", same="run7")
    office.submit(1, "t", same="run8")
    office.lane("p", 1)
    office.submit(1, "t", same="run8")
    office.death("p")
    assert [office.state(f"job{number}") for number in (1, 2, 3, 4)] == [
        JobState.DROPPED,
        JobState.DEFINED,
        JobState.DROPPED,
        JobState.DEFINED,
    ]
    assert "superseded by job4" in why(office)
    assert (office.store.jobs["job3"].reason, office.store.jobs["job3"].retried) == ("superseded", 1)


def test_what_a_person_did_to_it_in_the_same_transaction_stands(make_office: MakeOffice) -> None:
    office = make_office(types=[JobTypeSpec("t", retries=3, supersedes=("run",))])
    office.register("p")
    office.submit(1, "t", same="run7")
    office.lane("p", 1)
    office.submit(1, "t", same="run7")

    def story(desk: Any) -> None:
        desk.death("p", "seen")
        office.store.write(desk.effects)
        desk.effects = []
        desk.cancel("job1", office.store.past("job1"), "ana", "")

    office.act(story)
    assert office.state("job1") is JobState.CANCELLED


def test_what_runs_is_not_superseded(office: Office) -> None:
    office.register("p")
    office.submit(1, "t", same="run7")
    office.lane("p", 1)
    office.submit(1, "t", same="run7")
    assert (office.state("job1"), office.state("job2")) == (JobState.DISPATCHED, JobState.DEFINED)


# ---- shedding


def overloaded(office: Office, waiting: int, eta_s: float) -> None:
    """A critical type whose runs take 10 s, `waiting` of it queued behind a full pilot of one slot."""
    office.declare("vital", critical=True, priority=5)
    runs(office, "vital", 10.0)
    runs(office, "cheap", 10.0)
    office.register("p", slots=1)
    office.submit(1, "vital", priority=5)
    office.lane("p", 1)
    office.submit(waiting, "vital", priority=5, eta_at=office.now + eta_s)
    office.submit(20, "cheap", priority=1)
    office.submit(20, "dear", priority=2)


def shed(office: Office) -> list[str]:
    return [one.job for one in office.effects if isinstance(one, JobEnded) and one.reason == "shed"]


def test_nothing_is_shed_while_etas_are_met(office: Office) -> None:
    overloaded(office, waiting=3, eta_s=60.0)
    office.tend()
    assert shed(office) == []


def test_lowest_priority_is_shed_first_no_more_than_is_missing_and_the_beneficiary_named(office: Office) -> None:
    overloaded(office, waiting=6, eta_s=35.0)
    office.tend()
    gone = shed(office)
    assert [office.store.jobs[job].jobtype for job in gone] == ["cheap"] * 3
    assert all("vital" in line and "would miss its ETA" in line for line in why(office))
    office.tend()
    assert shed(office) == [], "what was shed for it counts"


def test_critical_jobs_are_never_shed(office: Office) -> None:
    overloaded(office, waiting=500, eta_s=11.0)
    for _ in range(3):
        office.tend()
        assert len(shed(office)) <= MOST_A_ROUND
    states = {row.jobtype: row.state for row in office.store.jobs.values() if row.state is not JobState.FINISHED}
    assert states["vital"] is JobState.DEFINED
    assert {states["cheap"], states["dear"]} == {JobState.DROPPED}
