"""The pilot protocol, rule by rule."""

from collections.abc import Callable
from typing import Any

import pytest

from p3s.domain.effects import JobEnded, JobStarted, LaneAnswered, Noted
from p3s.protocol.errors import Conflict, Gone
from p3s.protocol.messages import Report
from p3s.protocol.states import JobState, PilotState, Reason

Office = Any


@pytest.fixture
def holding(office: Office) -> Office:
    """Pilot `p` (two slots) was ordered job1 by exchange 1, as number 1, and has not confirmed it."""
    office.register("p", slots=2)
    office.submit()
    assert [order.job for order in office.lane("p", 1).orders] == ["job1"]
    return office


# ---- the order lane


def test_an_idle_lane_stays_open_until_there_is_a_job(office: Office) -> None:
    office.register("p")
    assert office.lane("p", 1) is None
    office.submit()
    (answer,) = office.answers("p")
    assert (answer.seq, [order.job for order in answer.orders]) == (1, ["job1"])


@pytest.mark.parametrize("seq", [3, 2, 0, -1])
def test_a_seq_that_is_not_above_the_last_is_refused(office: Office, seq: int) -> None:
    office.register("p")
    office.lane("p", 3)
    with pytest.raises(Conflict, match="not above 3"):
        office.lane("p", seq)
    assert office.book.pilots["p"].lane == 3


def test_a_lower_seq_stays_refused_after_a_restart_once_it_delivered_something(holding: Office) -> None:
    holding.restart()
    with pytest.raises(Conflict):
        holding.lane("p", 1)


def test_a_higher_seq_ends_the_older_wait_with_nothing_in_it(office: Office) -> None:
    office.register("p")
    office.lane("p", 1)
    assert office.lane("p", 5) is None
    (ended,) = office.answers("p")
    assert ended == LaneAnswered("p", 1, 0, [], [])
    assert office.book.pilots["p"].lane == 5


def test_unconfirmed_orders_go_again_unchanged(holding: Office) -> None:
    first = holding.lane("p", 2).orders
    again = holding.lane("p", 3).orders
    assert first == again
    assert [(order.job, order.attempt, order.number) for order in again] == [("job1", 1, 1)]


def test_unconfirmed_orders_go_again_after_a_restart_with_the_same_attempt(holding: Office) -> None:
    before = holding.lane("p", 2).orders
    holding.restart()
    assert holding.lane("p", 3).orders == before


def test_confirmed_orders_do_not_go_again(holding: Office) -> None:
    assert holding.lane("p", 2, acked=1) is None


def test_an_empty_renewal_leaves_nothing_to_write(holding: Office) -> None:
    holding.lane("p", 2, acked=1)
    row = holding.store.pilots["p"]
    before = (row.seq, row.acked)
    holding.lane("p", 3, acked=1)
    written = [one for one in holding.effects if not (isinstance(one, LaneAnswered) and not one.orders)]
    assert written == []
    assert (row.seq, row.acked) == before


def test_seq_and_acked_are_written_with_the_orders_they_go_with(holding: Office) -> None:
    holding.submit()
    holding.lane("p", 2, acked=1)
    row = holding.store.pilots["p"]
    assert (row.seq, row.acked, row.numbered) == (2, 1, 2)


def test_an_order_says_what_the_pilot_must_know(holding: Office) -> None:
    (order,) = holding.lane("p", 2).orders
    assert (order.payload, order.token) == ("job1", "token of job1.1")


def test_a_pilot_that_is_not_in_service_is_told_so(office: Office) -> None:
    with pytest.raises(Gone, match="register anew"):
        office.lane("nobody", 1)


def test_registering_again_with_the_same_token_changes_nothing(office: Office) -> None:
    office.register("p", slots=2, token_hash="one")
    office.register("p", slots=2, token_hash="one")
    assert office.effects == []


def test_another_pilot_under_the_same_name_is_refused(office: Office) -> None:
    office.register("p", token_hash="one")
    with pytest.raises(Conflict, match="another pilot"):
        office.register("p", token_hash="two")


# ---- reports


def test_reports_move_a_job_from_order_to_end(holding: Office) -> None:
    holding.now += 10
    assert holding.report("p", "job1", 1, "running", started_ago_s=4.0).verdict == "applied"
    (started,) = [one for one in holding.effects if isinstance(one, JobStarted)]
    assert started.at == holding.now - 4.0
    assert holding.report("p", "job1", 1, "finished", exit_code=0, ended_ago_s=1.0).verdict == "applied"
    (ended,) = [one for one in holding.effects if isinstance(one, JobEnded)]
    assert (ended.before, ended.after, ended.at) == (JobState.RUNNING, JobState.FINISHED, holding.now - 1.0)


def test_start_and_end_may_come_in_one_report(holding: Office) -> None:
    holding.now += 10
    holding.report("p", "job1", 1, "failed", started_ago_s=5.0, ended_ago_s=2.0, exit_code=3, reason="exit code")
    (ended,) = [one for one in holding.effects if isinstance(one, JobEnded)]
    assert (ended.started_at, ended.at) == (holding.now - 5.0, holding.now - 2.0)
    assert holding.state("job1") is JobState.FAILED


def test_moments_in_the_future_count_as_now(holding: Office) -> None:
    holding.report("p", "job1", 1, "running", started_ago_s=-100.0)
    (started,) = [one for one in holding.effects if isinstance(one, JobStarted)]
    assert started.at == holding.now


@pytest.mark.parametrize("state", ["running", "finished", "failed"])
def test_a_repeated_report_changes_nothing(holding: Office, state: str) -> None:
    holding.report("p", "job1", 1, state)
    assert holding.report("p", "job1", 1, state).verdict == "repeated"
    assert holding.effects == []


def test_a_running_report_that_comes_after_the_end_changes_nothing(holding: Office) -> None:
    holding.report("p", "job1", 1, "finished", exit_code=0)
    assert holding.report("p", "job1", 1, "running").verdict == "repeated"
    assert holding.state("job1") is JobState.FINISHED


def test_a_second_end_does_not_replace_the_first(holding: Office) -> None:
    holding.report("p", "job1", 1, "finished", exit_code=0)
    assert holding.report("p", "job1", 1, "failed", exit_code=1).verdict == "repeated"
    assert holding.state("job1") is JobState.FINISHED


@pytest.mark.parametrize("state", ["running", "finished", "failed", "lost", "cancelled", "refused"])
def test_a_foreign_report_is_refused_and_recorded(holding: Office, state: str) -> None:
    holding.register("q")
    verdict = holding.report("q", "job1", 1, state)
    assert verdict.verdict == "refused"
    assert holding.kinds() == ["Noted"]
    assert holding.state("job1") is JobState.DISPATCHED


@pytest.mark.parametrize("attempt", [0, 2, -1])
def test_a_report_of_an_attempt_that_is_not_in_force_is_refused(holding: Office, attempt: int) -> None:
    assert holding.report("p", "job1", attempt, "finished").verdict == "refused"
    assert holding.state("job1") is JobState.DISPATCHED


def test_a_report_of_a_superseded_attempt_is_refused_recorded_and_not_applied(holding: Office) -> None:
    holding.lane("p", 2, acked=1)
    holding.report("p", "job1", 1, "refused")
    assert holding.store.jobs["job1"].attempt == 2
    assert holding.report("p", "job1", 1, "finished", exit_code=0).verdict == "refused"
    assert "Noted" in holding.kinds()
    assert holding.state("job1") is JobState.DISPATCHED


@pytest.mark.parametrize("state", ["defined", "dropped", "nonsense", ""])
def test_a_state_that_no_pilot_may_report_is_refused(holding: Office, state: str) -> None:
    assert holding.report("p", "job1", 1, state).verdict == "refused"
    assert holding.effects == []


def test_a_report_of_an_unknown_job_is_refused(holding: Office) -> None:
    verdict = holding.report("p", "job77", 1, "finished")
    assert (verdict.verdict, verdict.why) == ("refused", "the server knows no such job")


def test_a_report_that_rides_on_the_order_lane_is_judged_and_answered_at_once(holding: Office) -> None:
    answer = holding.lane("p", 2, acked=1, reports=[Report("job1", 1, "finished", exit_code=0)])
    assert [(one.job, one.verdict) for one in answer.verdicts] == [("job1", "applied")]


# ---- a refused order


def test_a_refused_order_returns_to_the_queue_and_goes_out_again_as_attempt_2(holding: Office) -> None:
    holding.lane("p", 2, acked=1)
    holding.register("q")
    assert holding.report("p", "job1", 1, "refused", detail="its slots are full").verdict == "applied"
    notes = [one for one in holding.effects if isinstance(one, Noted)]
    assert [(note.what, note.why) for note in notes] == [("order refused", "its slots are full")]
    (answer,) = holding.answers("p")
    assert [(order.job, order.attempt, order.number) for order in answer.orders] == [("job1", 2, 2)]


def test_a_refusal_told_twice_returns_the_job_once(holding: Office) -> None:
    holding.report("p", "job1", 1, "refused")
    assert holding.state("job1") is JobState.DEFINED
    assert holding.report("p", "job1", 1, "refused").verdict == "repeated"
    assert holding.effects == []


def test_an_order_cannot_be_refused_once_it_was_reported_running(holding: Office) -> None:
    holding.report("p", "job1", 1, "running")
    assert holding.report("p", "job1", 1, "refused").verdict == "refused"
    assert holding.state("job1") is JobState.RUNNING


def test_a_refused_order_that_a_person_cancelled_ends(holding: Office) -> None:
    holding.cancel("job1")
    holding.report("p", "job1", 1, "refused")
    assert holding.state("job1") is JobState.CANCELLED


# ---- reconciling


def test_what_a_pilot_confirmed_and_no_longer_holds_is_lost(holding: Office) -> None:
    holding.lane("p", 2, acked=1, holding=[])
    assert (holding.state("job1"), holding.store.jobs["job1"].reason) == (JobState.LOST, Reason.NOT_HELD)


def test_what_a_pilot_has_not_confirmed_is_not_missed_but_ordered_again(holding: Office) -> None:
    answer = holding.lane("p", 2, acked=0, holding=[])
    assert [order.job for order in answer.orders] == ["job1"]


def test_what_a_pilot_holds_by_the_book_goes_on(holding: Office) -> None:
    assert holding.lane("p", 2, acked=1, holding=[("job1", 1)]) is None
    assert holding.state("job1") is JobState.DISPATCHED


def test_without_a_list_nothing_is_reconciled(holding: Office) -> None:
    holding.lane("p", 2, acked=1, holding=None)
    assert holding.state("job1") is JobState.DISPATCHED


@pytest.mark.parametrize("stranger", [("job77", 1), ("job1", 2)])
def test_strangers_get_a_kill(holding: Office, stranger: tuple[str, int]) -> None:
    answer = holding.lane("p", 2, acked=1, holding=[("job1", 1), stranger])
    (instruction,) = answer.instructions
    assert (instruction.kind, instruction.job, instruction.attempt, instruction.number) == ("kill", *stranger, 0)


def test_a_kill_of_a_stranger_does_not_move_what_is_confirmed(holding: Office) -> None:
    holding.lane("p", 2, acked=1, holding=[("job1", 1), ("job77", 1)])
    assert holding.book.pilots["p"].acked == 1
    holding.restart()
    assert holding.lane("p", 3, acked=1) is None


# ---- the end of a pilot


def test_a_draining_pilot_gets_no_orders(office: Office) -> None:
    office.register("p", slots=2)
    office.lane("p", 1, draining=True)
    office.submit()
    assert office.ordered() == []
    assert office.book.pilots["p"].state is PilotState.DRAINING
    office.lane("p", 2, draining=True)
    assert office.ordered() == []


def test_a_draining_pilot_still_gets_what_it_has_not_confirmed(holding: Office) -> None:
    answer = holding.lane("p", 2, acked=0, draining=True)
    assert [order.job for order in answer.orders] == ["job1"]


def test_draining_survives_a_restart(office: Office) -> None:
    office.register("p")
    office.lane("p", 1, draining=True)
    office.restart()
    office.lane("p", 2)
    office.submit()
    assert office.ordered() == []


def test_goodbye_stops_the_pilot_and_is_answered(office: Office) -> None:
    office.register("p")
    office.lane("p", 1)
    answer = office.lane("p", 2, goodbye="asked to")
    assert (answer.orders, answer.instructions) == ([], [])
    assert office.store.pilots["p"].state is PilotState.STOPPED
    with pytest.raises(Gone):
        office.lane("p", 3)


def test_what_a_pilot_holds_when_it_says_goodbye_is_lost(holding: Office) -> None:
    holding.lane("p", 2, acked=1, goodbye="asked to")
    assert (holding.state("job1"), holding.store.jobs["job1"].reason) == (JobState.LOST, Reason.PILOT_STOPPED)


def test_a_guardian_s_word_ends_the_pilot_and_its_jobs_at_once(holding: Office) -> None:
    assert holding.death("p") is True
    assert (holding.state("job1"), holding.store.jobs["job1"].reason) == (JobState.LOST, Reason.GUARDIAN)
    assert holding.store.pilots["p"].state is PilotState.LOST
    assert holding.death("p") is False
    assert holding.effects == []


# ---- late reports


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_a_late_report_of_the_same_attempt_amends_a_lost_job_once(holding: Office, state: str) -> None:
    holding.death("p")
    assert holding.report("p", "job1", 1, state, exit_code=0).verdict == "applied"
    assert (holding.state("job1"), holding.store.jobs["job1"].reason) == (JobState(state), Reason.LATE)
    assert holding.kinds() == ["JobEnded", "Noted"]
    assert holding.report("p", "job1", 1, "failed", exit_code=1).verdict == "repeated"
    assert holding.state("job1") is JobState(state)


@pytest.mark.parametrize("state", ["running", "lost", "cancelled", "refused"])
def test_other_late_reports_leave_a_lost_job_lost(holding: Office, state: str) -> None:
    holding.death("p")
    assert holding.report("p", "job1", 1, state).verdict == "repeated"
    assert holding.state("job1") is JobState.LOST


def test_a_late_report_of_another_attempt_or_pilot_amends_nothing(holding: Office) -> None:
    holding.register("q")
    holding.death("p")
    assert holding.report("p", "job1", 2, "finished").verdict == "refused"
    assert holding.report("q", "job1", 1, "finished").verdict == "refused"
    assert holding.state("job1") is JobState.LOST


def test_reports_count_as_being_heard(make_office: Callable[..., Office]) -> None:
    office = make_office()
    office.register("p")
    office.submit()
    office.lane("p", 1)
    office.now += 45
    office.report("p", "job1", 1, "running")
    office.now += 45
    office.expire()
    assert office.state("job1") is JobState.RUNNING
