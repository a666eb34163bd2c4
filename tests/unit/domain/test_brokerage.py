"""Which job goes to which pilot: priority, age, caps, slots; and the heads of long queues."""

from collections.abc import Callable
from typing import Any

import pytest

from p3s.protocol.messages import ANYWHERE
from p3s.protocol.states import JobState

Office = Any
MakeOffice = Callable[..., Any]


def test_a_job_goes_out_in_the_act_that_submits_it(office: Office) -> None:
    office.register("p")
    office.lane("p", 1)
    office.submit()
    assert office.ordered() == ["job1"]


def test_higher_priority_goes_first_whatever_its_age(office: Office) -> None:
    office.submit(1, priority=0)
    office.submit(1, priority=-5)
    office.submit(1, jobtype="urgent", priority=7)
    office.register("p", slots=3)
    assert [order.job for order in office.lane("p", 1).orders] == ["job3", "job1", "job2"]


def test_types_of_equal_priority_take_turns_whatever_their_backlogs(office: Office) -> None:
    office.submit(4, "a")
    office.submit(2, "b")
    office.register("p", slots=6)
    assert [order.job for order in office.lane("p", 1).orders] == ["job1", "job5", "job2", "job6", "job3", "job4"]


def test_a_higher_class_whose_window_is_used_up_is_read_on_before_lower_ones_go(make_office: MakeOffice) -> None:
    office = make_office(window=2)
    office.submit(6, priority=5)
    office.submit(6, jobtype="other", priority=0)
    office.register("p", slots=6)
    assert [order.job for order in office.lane("p", 1).orders] == [f"job{number}" for number in range(1, 7)]


def test_a_refused_job_keeps_its_place_before_younger_ones(office: Office) -> None:
    office.register("p", slots=1)
    office.submit(3)
    office.lane("p", 1)
    office.lane("p", 2, acked=1)
    office.report("p", "job1", 1, "refused")
    assert office.ordered() == ["job1"]


def test_several_refused_jobs_go_out_again_oldest_first(office: Office) -> None:
    office.register("p", slots=2)
    office.submit(2)
    office.lane("p", 1)
    office.report("p", "job1", 1, "refused")
    office.report("p", "job2", 1, "refused")
    office.register("q", slots=1)
    assert [order.job for order in office.lane("q", 1).orders] == ["job1"]


def test_a_pilot_never_gets_more_than_its_slots(office: Office) -> None:
    office.register("p", slots=3)
    office.submit(10)
    assert len(office.lane("p", 1).orders) == 3
    assert office.lane("p", 2, acked=3) is None
    office.report("p", "job2", 1, "finished", exit_code=0)
    assert office.ordered() == ["job4"]


def test_a_full_pilot_keeps_its_lane_open_for_instructions(office: Office) -> None:
    office.register("p", slots=1)
    office.submit(1)
    office.lane("p", 1)
    assert office.lane("p", 2, acked=1) is None
    office.cancel("job1")
    (answer,) = office.answers("p")
    assert [(one.kind, one.job) for one in answer.instructions] == [("kill", "job1")]


def test_waiting_pilots_are_served_in_the_order_in_which_they_became_ready(office: Office) -> None:
    for name in ("p", "q"):
        office.register(name)
        office.lane(name, 1)
    office.submit()
    assert office.answers("p")
    office.submit()
    assert office.answers("q")


def test_a_pilot_without_an_open_lane_gets_nothing(office: Office) -> None:
    office.register("p")
    office.submit()
    assert office.state("job1") is JobState.DEFINED


def test_a_cap_holds_in_a_burst(make_office: MakeOffice) -> None:
    office = make_office(caps={"capped": 2})
    for name in ("p", "q"):
        office.register(name, slots=5)
        office.lane(name, 1)
    office.submit(20, "capped")
    assert len(office.ordered()) == 2


def test_a_cap_counts_what_is_ordered_and_what_runs(make_office: MakeOffice) -> None:
    office = make_office(caps={"capped": 2})
    office.register("p", slots=9)
    office.submit(3, "capped")
    office.lane("p", 1)
    office.report("p", "job1", 1, "running")
    office.lane("p", 2, acked=2)
    assert office.ordered() == []
    office.report("p", "job1", 1, "finished", exit_code=0)
    assert office.ordered() == ["job3"]


def test_a_cap_of_0_is_a_brake(make_office: MakeOffice) -> None:
    office = make_office(caps={"braked": 0})
    office.register("p", slots=5)
    office.submit(2, "braked")
    office.submit(1)
    assert [order.job for order in office.lane("p", 1).orders] == ["job3"]


def test_no_cap_is_no_limit(office: Office) -> None:
    office.register("p", slots=50)
    office.submit(50)
    assert len(office.lane("p", 1).orders) == 50


def test_a_type_at_its_cap_does_not_hold_up_lower_priorities(make_office: MakeOffice) -> None:
    office = make_office(caps={"capped": 1})
    office.submit(2, "capped", priority=9)
    office.submit(1, priority=0)
    office.register("p", slots=5)
    assert [order.job for order in office.lane("p", 1).orders] == ["job1", "job3"]


def test_a_cap_spans_the_priorities_of_its_type(make_office: MakeOffice) -> None:
    office = make_office(caps={"capped": 1})
    office.submit(1, "capped", priority=1)
    office.submit(1, "capped", priority=2)
    office.register("p", slots=5)
    assert [order.job for order in office.lane("p", 1).orders] == ["job2"]


def test_a_lost_pilot_frees_what_it_used_under_the_cap(make_office: MakeOffice) -> None:
    office = make_office(caps={"capped": 1})
    for name in ("p", "q"):
        office.register(name)
        office.lane(name, 1)
    office.submit(2, "capped")
    assert office.ordered() == ["job1"]
    office.death("p")
    assert office.ordered() == ["job2"]


@pytest.mark.parametrize("count", [3, 4, 5, 17])
def test_a_queue_longer_than_its_head_is_handed_out_whole_and_in_order(make_office: MakeOffice, count: int) -> None:
    office = make_office(window=4)
    office.submit(count)
    office.register("p", slots=count)
    assert [order.job for order in office.lane("p", 1).orders] == [f"job{n + 1}" for n in range(count)]


def test_a_head_that_is_used_up_is_hungry_and_filled_from_the_rows(make_office: MakeOffice) -> None:
    office = make_office(window=2)
    office.submit(4)
    office.register("p", slots=2)
    office.lane("p", 1)
    assert office.book.queues.hungry() == [("plain", 0, ANYWHERE, 0.0)]
    office.submit(1)
    office.register("q", slots=3)
    assert [order.job for order in office.lane("q", 1).orders] == ["job3", "job4", "job5"]
    assert office.book.queues.hungry() == []


def test_a_job_cancelled_beyond_the_head_never_goes_out(make_office: MakeOffice) -> None:
    office = make_office(window=2)
    office.submit(4)
    office.cancel("job3")
    office.register("p", slots=9)
    assert [order.job for order in office.lane("p", 1).orders] == ["job1", "job2", "job4"]


def test_a_job_refused_while_the_head_is_used_up_goes_out_once(make_office: MakeOffice) -> None:
    office = make_office(window=2)
    office.submit(4)
    office.register("p", slots=2)
    office.lane("p", 1)
    office.report("p", "job1", 1, "refused")
    office.register("q", slots=4)
    orders = office.lane("q", 1).orders
    assert [(order.job, order.attempt) for order in orders] == [("job1", 2), ("job3", 1), ("job4", 1)]


def test_a_restart_keeps_the_queue_and_the_counts(make_office: MakeOffice) -> None:
    office = make_office(caps={"capped": 1}, window=2)
    office.submit(3, "capped")
    office.submit(5)
    office.register("p", slots=3)
    office.lane("p", 1)
    office.restart()
    office.register("q", slots=9)
    assert [order.job for order in office.lane("q", 1).orders] == ["job6", "job7", "job8"]
