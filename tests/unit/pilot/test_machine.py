"""What a pilot decides: lanes, orders, limits, the lease, the way to the end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p3s.pilot.machine import (
    AHEAD_S,
    KILL,
    KILL_AFTER_S,
    TERM,
    Action,
    Call,
    Ended,
    Finish,
    Kill,
    Machine,
    OpenLane,
    Start,
)
from p3s.protocol.messages import AHEAD_PER_SLOT, ExchangeReply, ExchangeRequest, Instruction, Order, Report, Verdict

LEASE_S = 100.0
LEASE_ENDS = 90.0  # a tenth is kept for the killing
PAUSE_S = 0.5


class Life:
    """A machine and a server that answers as it is told. `actions` are those of the last event.

    By which way a report travels, and after what short pause, is the machine's own affair.
    """

    def __init__(self, slots: int = 2) -> None:
        self.now = 0.0
        self.machine = Machine(slots, LEASE_S, 25.0, heard_at=0.0)
        self.actions: list[Action] = []
        self.on_lane = self.on_call = ExchangeRequest("none")
        self.numbers = 0
        self.did(self.machine.begin(0.0))

    def did(self, actions: list[Action]) -> list[Action]:
        self.actions = actions
        for action in actions:
            if isinstance(action, OpenLane):
                self.on_lane = action.request
            elif isinstance(action, Call):
                self.on_call = action.request
        return actions

    def at(self, now: float) -> list[Action]:
        self.now = now
        return self.did(self.machine.tick(now))

    def pause(self) -> None:
        """Longer than any lingering; what the machine did meanwhile is in `actions`."""
        done: list[Action] = []
        for _ in range(10):
            done += self.at(self.now + PAUSE_S / 10)
        self.actions = done

    # ---- what the server says

    def order(self, *jobs: str, attempt: int = 1, time_limit: float = 0.0) -> list[Action]:
        """The order lane brings jobs."""
        orders = []
        for job in jobs:
            self.numbers += 1
            orders.append(Order(self.numbers, job, attempt, "true", "token", {}, time_limit))
        return self.lane(orders=orders)

    def instruct(self, kind: str, job: str = "", attempt: int = 1) -> list[Action]:
        self.numbers += 1
        return self.lane(instructions=[Instruction(self.numbers, kind, "because", job, attempt)])

    def lane(self, sent_at: float | None = None, verdict: str = "applied", **said: Any) -> list[Action]:
        if not self.machine.lane_open:
            self.pause()
        assert self.machine.lane_open
        verdicts = [Verdict(one.job, one.attempt, verdict) for one in self.on_lane.reports]
        reply = ExchangeReply(verdicts=verdicts, lease_s=LEASE_S, wait_s=25.0, **said)
        return self.did(self.machine.lane_answered(reply, self.now if sent_at is None else sent_at, self.now))

    def lane_fails(self, kind: str = "later") -> list[Action]:
        if not self.machine.lane_open:
            self.pause()
        return self.did(self.machine.lane_failed(kind, self.now))

    def call(self, verdict: str = "applied", **said: Any) -> list[Action]:
        assert self.machine.calling
        verdicts = [Verdict(one.job, one.attempt, verdict) for one in self.on_call.reports]
        reply = ExchangeReply(verdicts=verdicts, lease_s=LEASE_S, wait_s=25.0, **said)
        return self.did(self.machine.call_answered(reply, self.now, self.now))

    def call_fails(self, kind: str = "later") -> list[Action]:
        assert self.machine.calling
        return self.did(self.machine.call_failed(kind, self.now))

    def delivered(self, verdict: str = "applied") -> list[Report]:
        """All reports there are, judged; whichever way they come. Their moments are turned into this clock's."""
        found: list[Report] = []
        for _ in range(10):
            self.pause()
            if self.machine.calling and self.on_call.reports:
                found += [self._absolute(report) for report in self.on_call.reports]
                self.call(verdict)
            if self.machine.lane_open and self.on_lane.reports:
                found += [self._absolute(report) for report in self.on_lane.reports]
                self.lane(verdict=verdict)
            if self.machine.over or not self.machine.outbox:
                return found
        raise AssertionError(f"never delivered: {self.machine.outbox}")

    def _absolute(self, report: Report) -> Report:
        """Sent within the last pause; so its moments are known to that precision."""
        ago = {name: getattr(report, name) for name in ("started_ago_s", "ended_ago_s")}
        return replace(report, **{name: None if one is None else self.now - one for name, one in ago.items()})

    def report(self, verdict: str = "applied") -> Report:
        """The one report there is."""
        (report,) = self.delivered(verdict)
        return report

    # ---- what happens on the node

    def started(self, job: str, attempt: int = 1) -> list[Action]:
        return self.did(self.machine.child_started(job, attempt, self.now))

    def ended(self, job: str, attempt: int = 1, at: float | None = None, **what: Any) -> list[Action]:
        what.setdefault("exit_code", 0)
        ended = Ended(ended_at=self.now if at is None else at, **what)
        return self.did(self.machine.child_ended(job, attempt, ended, self.now))

    def run(self, job: str, **more: Any) -> float:
        """A job is ordered, starts, and the server knows. Returns the moment of the start."""
        self.order(job, **more)
        at = self.now
        self.started(job)
        assert self.report().state == "running"
        if not self.machine.lane_open:
            self.pause()
        return at

    # ---- reading

    def of(self, kind: type) -> list[Any]:
        return [action for action in self.actions if isinstance(action, kind)]

    def lane_request(self) -> ExchangeRequest:
        """The exchange that is open on the order lane."""
        if not self.machine.lane_open:
            self.pause()
        assert self.machine.lane_open
        return self.on_lane

    def kills(self, until: float) -> list[tuple[float, Kill]]:
        """Signals, with their moments, while nobody answers."""
        found: list[tuple[float, Kill]] = []
        while self.machine.wake_at() <= until:
            self.at(max(self.now, self.machine.wake_at()))
            found += [(self.now, kill) for kill in self.of(Kill)]
        self.now = until
        return found


@pytest.fixture
def life() -> Life:
    return Life()


# ---- lanes


def test_it_opens_its_order_lane_and_reconciles_first(life: Life) -> None:
    request = life.lane_request()
    assert (request.lane, request.seq, request.acked, request.wait_s, request.holding) == ("orders", 1, 0, 25.0, [])


def test_it_opens_the_lane_again_at_once_with_a_higher_seq(life: Life) -> None:
    life.lane()
    assert len(life.of(OpenLane)) == 1
    assert (life.on_lane.seq, life.on_lane.holding) == (2, None)


def test_it_confirms_the_highest_number_it_received(life: Life) -> None:
    life.order("a", "b")
    assert life.lane_request().acked == 2
    life.instruct("kill", "a")
    assert life.lane_request().acked == 3


def test_a_kill_outside_the_numbering_confirms_nothing(life: Life) -> None:
    life.order("a")
    life.lane(instructions=[Instruction(0, "kill", "", "stranger", 1)])
    assert life.lane_request().acked == 1


def test_after_a_failure_it_asks_again_later_and_reconciles(life: Life) -> None:
    life.run("a")
    seq = life.on_lane.seq
    life.lane_fails()
    assert life.of(OpenLane) == []
    assert life.machine.wake_at() > life.now
    life.at(life.machine.wake_at())
    request = life.lane_request()
    assert request.seq > seq
    assert [(one.job, one.attempt) for one in request.holding or []] == [("a", 1)]


def test_failures_in_a_row_are_asked_again_ever_more_seldom(life: Life) -> None:
    waits = []
    for _ in range(8):
        life.lane_fails()
        waits.append(life.machine.wake_at() - life.now)
        life.at(life.machine.wake_at())
    assert waits == [pytest.approx(wait) for wait in sorted(waits)]
    assert waits[-1] > 10 * waits[0]


def test_what_it_holds_includes_ends_that_are_not_confirmed(life: Life) -> None:
    life.run("a")
    life.ended("a")
    life.lane_fails()
    life.pause()
    assert [one.job for one in life.lane_request().holding or []] == ["a"]


def test_told_to_come_back_it_waits_a_moment(life: Life) -> None:
    life.lane(come_back=True)
    assert life.of(OpenLane) == []
    assert 0 < life.machine.wake_at() - life.now < 1


def test_a_full_pilot_keeps_its_lane_open_for_instructions(life: Life) -> None:
    life.run("a")
    life.run("b")
    assert life.lane_request().wait_s == 25.0


# ---- orders


def test_an_order_is_started(life: Life) -> None:
    life.order("a")
    (start,) = life.of(Start)
    assert (start.order.job, start.order.attempt) == ("a", 1)


def test_an_order_that_comes_twice_is_started_once(life: Life) -> None:
    life.order("a")
    life.order("a")
    assert life.of(Start) == []
    assert life.delivered() == []


def test_an_order_that_comes_again_after_its_end_is_not_started(life: Life) -> None:
    life.run("a")
    life.ended("a")
    life.delivered()
    life.order("a")
    assert life.of(Start) == []


def test_a_higher_attempt_is_an_order_of_its_own_and_a_lower_one_is_none(life: Life) -> None:
    life.order("a", attempt=2)
    life.started("a", 2)
    life.order("a", attempt=1)
    assert life.of(Start) == []
    life.ended("a", 2)
    life.order("a", attempt=3)
    assert len(life.of(Start)) == 1


def test_orders_beyond_its_slots_start_as_slots_become_free(life: Life) -> None:
    life.order("a", "b", "c", "d")
    assert [start.order.job for start in life.of(Start)] == ["a", "b"]
    life.started("a")
    life.started("b")
    life.ended("a")
    assert [start.order.job for start in life.of(Start)] == ["c"]
    life.ended("b")
    assert [start.order.job for start in life.of(Start)] == ["d"]


def test_an_order_for_which_no_slot_becomes_free_is_given_back(life: Life) -> None:
    life.order("a", "b", "c")
    life.started("a")
    life.started("b")
    life.at(life.now + AHEAD_S)
    (report,) = [one for one in life.delivered() if one.state == "refused"]
    assert (report.job, report.detail) == ("c", "no slot became free in time")
    life.order("c")
    assert life.of(Start) == []
    life.ended("a")
    assert life.of(Start) == []


def test_no_more_orders_are_taken_ahead_than_can_start_soon(life: Life) -> None:
    life.order(*[f"job{number}" for number in range(2 + 2 * AHEAD_PER_SLOT + 1)])
    refused = [one for one in life.delivered() if one.state == "refused" and one.detail == "its slots are full"]
    assert [one.job for one in refused] == [f"job{2 + 2 * AHEAD_PER_SLOT}"]


@pytest.mark.parametrize("hard", [False, True])
def test_a_pilot_that_ends_gives_back_what_it_has_not_started(life: Life, hard: bool) -> None:
    life.order("a", "b", "c")
    life.started("a")
    life.started("b")
    life.did(life.machine.ask_to_end("Ctrl-C", life.now, hard))
    assert [one.job for one in life.delivered() if one.state == "refused"] == ["c"]
    life.ended("a")
    assert life.of(Start) == []


def test_a_kill_of_an_order_that_waits_for_a_slot_gives_it_back(life: Life) -> None:
    life.order("a", "b", "c")
    life.started("a")
    life.started("b")
    life.delivered()
    life.order("c2")
    life.instruct("kill", "c2")
    assert life.of(Kill) == []
    assert "c2" in [one.job for one in life.delivered() if one.state == "refused"]


def test_orders_that_wait_for_a_slot_are_named_when_the_server_asks_what_is_held(life: Life) -> None:
    life.order("a", "b", "c")
    life.lane_fails()
    life.pause()
    assert {one.job for one in life.lane_request().holding or []} == {"a", "b", "c"}


def test_reports_wait_for_company_while_many_orders_are_in_stock(life: Life) -> None:
    life.order("a", "b", "c", "d", "e", "f")
    for job in "ab":
        life.started(job)
    life.ended("a")
    assert life.of(OpenLane) == []
    assert life.of(Call) == []
    life.started("c")
    life.ended("b")
    life.started("d")
    assert [one.job for one in life.on_lane.reports] == ["a", "b"], "two are left in stock: time to ask for more"


def test_an_answer_that_comes_after_the_lease_starts_nothing(life: Life) -> None:
    """The server may have given the job up: the lease counts from the sending."""
    life.now = LEASE_ENDS + 1
    life.lane(sent_at=0.0, orders=[Order(1, "a", 1, "true", "token")])
    assert life.of(Start) == []


# ---- reports


def test_the_report_of_a_start_counts_back_from_its_sending(life: Life) -> None:
    life.order("a")
    life.now = 3.0
    life.started("a")
    life.now = 9.0
    report = life.report()
    assert (report.state, report.started_ago_s) == ("running", pytest.approx(3.0, abs=PAUSE_S))


def test_the_report_of_an_end_has_what_was_measured(life: Life) -> None:
    at = life.run("a")
    life.now = 7.0
    life.ended("a", at=6.0, exit_code=3, wall_s=6.0, cpu_s=1.5, peak_memory=9, stdout="out", stderr="err")
    report = life.report()
    assert report.started_ago_s == pytest.approx(at, abs=PAUSE_S)
    assert report.ended_ago_s == pytest.approx(6.0, abs=PAUSE_S)
    measured = replace(report, started_ago_s=None, ended_ago_s=None)
    assert measured == Report("a", 1, "failed", "exit code", "", 3, None, None, None, 6.0, 1.5, 9, "out", "err")


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ({"exit_code": 0}, ("finished", "")),
        ({"exit_code": 2}, ("failed", "exit code")),
        ({"exit_code": None, "signal": 11}, ("failed", "signal")),
        ({"exit_code": None, "reason": "nonstarter"}, ("failed", "nonstarter")),
        ({"exit_code": 0, "reason": "stage-out"}, ("failed", "stage-out")),
    ],
)
def test_how_a_process_ended_says_the_state_and_the_reason(
    life: Life, ended: dict[str, Any], expected: tuple[str, str]
) -> None:
    life.run("a")
    life.ended("a", **ended)
    report = life.report()
    assert (report.state, report.reason) == expected


def test_a_report_goes_again_until_it_is_judged(life: Life) -> None:
    life.run("a")
    life.ended("a", stdout="out")
    for _ in range(3):
        life.pause()
        if life.machine.calling:
            life.call_fails()
        life.lane_fails()
    report = life.report()
    assert (report.job, report.state, report.stdout) == ("a", "finished", "out")
    assert life.delivered() == []


@pytest.mark.parametrize("verdict", ["applied", "repeated", "refused"])
def test_any_verdict_ends_the_duty(life: Life, verdict: str) -> None:
    life.run("a")
    life.ended("a")
    life.report(verdict)
    assert life.delivered() == []


def test_a_verdict_on_the_start_does_not_cover_the_end_that_was_said_since(life: Life) -> None:
    life.order("a")
    life.started("a")
    life.pause()
    on_lane = bool(life.on_lane.reports) and life.machine.lane_open
    assert [one.state for one in (life.on_lane if on_lane else life.on_call).reports] == ["running"]
    life.ended("a")
    life.lane() if on_lane else life.call()
    assert [report.state for report in life.delivered()] == ["finished"]


def test_the_latest_word_of_each_attempt_counts(life: Life) -> None:
    life.order("a", "b")
    life.started("a")
    life.started("b")
    life.ended("a")
    said = {report.job: report.state for report in life.delivered()}
    assert said == {"a": "finished", "b": "running"}


def test_a_poison_report_is_set_aside_and_does_not_hold_up_the_rest(life: Life) -> None:
    life.run("a")
    life.run("b")
    life.ended("a", stdout="poison")
    life.ended("b")
    judged: list[str] = []
    for _ in range(20):
        life.pause()
        for request, fails, answers in (
            (life.on_call if life.machine.calling else None, life.call_fails, life.call),
            (life.on_lane if life.machine.lane_open else None, life.lane_fails, life.lane),
        ):
            if request is None or not request.reports:
                continue
            if any(report.stdout == "poison" for report in request.reports):
                fails("refused")
            else:
                judged += [report.job for report in request.reports]
                answers()
    assert judged == ["b"]
    assert not life.machine.outbox


# ---- time limits


def test_past_its_limit_a_process_is_asked_and_then_made_to_end(life: Life) -> None:
    at = life.run("a", time_limit=30.0)
    limit = at + 30.0
    assert life.kills(until=limit - 0.01) == []
    assert life.kills(until=limit + KILL_AFTER_S - 0.01) == [(limit, Kill("a", 1, TERM))]
    assert life.kills(until=limit + KILL_AFTER_S) == [(limit + KILL_AFTER_S, Kill("a", 1, KILL))]
    life.ended("a", exit_code=None, signal=9)
    report = life.report()
    assert (report.state, report.reason) == ("failed", "timelimit")
    assert report.detail == "ran longer than its limit of 30 s"


def test_a_kill_that_does_not_help_is_repeated(life: Life) -> None:
    life.run("a", time_limit=1.0)
    kills = [kill.signal for _, kill in life.kills(until=1.0 + 3 * KILL_AFTER_S)]
    assert kills == [TERM, KILL, KILL, KILL]


def test_a_limit_of_0_is_none(life: Life) -> None:
    life.run("a", time_limit=0.0)
    assert life.kills(until=life.machine.lease_ends_at() - 1) == []


def test_the_limit_counts_from_the_start_of_the_process(life: Life) -> None:
    life.order("a", time_limit=5.0)
    life.now = 4.0
    life.started("a")
    life.delivered()
    assert life.kills(until=9.0) == [(9.0, Kill("a", 1, TERM))]


def test_a_process_that_ended_well_before_the_signal_has_finished(life: Life) -> None:
    at = life.run("a", time_limit=30.0)
    life.at(at + 30.0)
    life.ended("a", at=at + 29.5)
    assert life.report().state == "finished"


def test_a_process_that_failed_by_itself_before_the_signal_says_so(life: Life) -> None:
    """Its results were being delivered when the limit passed: the signal met nobody."""
    at = life.run("a", time_limit=30.0)
    life.at(at + 35.0)
    life.ended("a", at=at + 29.5, exit_code=3)
    report = life.report()
    assert (report.state, report.reason) == ("failed", "exit code")


def test_a_process_that_ended_well_after_the_signal_has_still_broken_its_limit(life: Life) -> None:
    at = life.run("a", time_limit=30.0)
    life.at(at + 30.0)
    life.ended("a", at=at + 31.0)
    report = life.report()
    assert (report.state, report.reason) == ("failed", "timelimit")


# ---- cancelling


def test_a_kill_instruction_ends_the_attempt_and_no_other(life: Life) -> None:
    life.run("a")
    life.run("b")
    life.instruct("kill", "a")
    assert life.of(Kill) == [Kill("a", 1, TERM)]
    life.ended("a", exit_code=None, signal=15)
    report = life.report()
    assert (report.state, report.reason, report.detail) == ("cancelled", "by person", "because")


@pytest.mark.parametrize(("job", "attempt"), [("a", 2), ("nobody", 1)])
def test_a_kill_of_what_it_does_not_run_does_nothing(life: Life, job: str, attempt: int) -> None:
    life.run("a")
    life.instruct("kill", job, attempt)
    assert life.of(Kill) == []


def test_a_kill_that_comes_twice_is_one(life: Life) -> None:
    life.run("a")
    life.instruct("kill", "a")
    life.instruct("kill", "a")
    assert life.of(Kill) == []


# ---- the lease


def test_unheard_it_kills_what_runs_before_the_lease_ends(life: Life) -> None:
    life.run("a")
    life.run("b")
    ends = life.machine.lease_ends_at()
    assert ends < life.machine.heard_at + LEASE_S
    assert life.kills(until=ends) == [(ends, Kill("a", 1, KILL)), (ends, Kill("b", 1, KILL))]
    life.ended("a", exit_code=None, signal=9)
    report = life.report()
    assert (report.state, report.reason) == ("lost", "lease ended")


def test_the_lease_counts_from_the_sending_of_what_was_answered(life: Life) -> None:
    life.run("a")
    life.now = 50.0
    life.lane(sent_at=30.0)
    assert life.machine.lease_ends_at() == 30.0 + LEASE_ENDS
    life.lane(sent_at=20.0)
    assert life.machine.lease_ends_at() == 30.0 + LEASE_ENDS


def test_answers_beside_the_lane_renew_the_lease_too(life: Life) -> None:
    life.run("a")
    life.did(life.machine.ask_to_end("SIGINT", life.now, hard=False))
    life.pause()
    life.now = 40.0
    life.call()
    assert life.machine.lease_ends_at() == 40.0 + LEASE_ENDS


def test_failures_do_not_renew_the_lease(life: Life) -> None:
    life.run("a")
    before = life.machine.lease_ends_at()
    life.now = 40.0
    life.lane_fails()
    assert life.machine.lease_ends_at() == before


def test_a_cut_off_pilot_goes_on_running_until_then(life: Life) -> None:
    life.run("a")
    while life.now < 80.0:
        life.lane_fails()
        life.at(life.machine.wake_at())
        assert life.of(Kill) == []


# ---- the end


def test_asked_to_end_it_drains_and_then_says_goodbye(life: Life) -> None:
    life.run("a")
    life.did(life.machine.ask_to_end("SIGINT", life.now, hard=False))
    assert life.of(Kill) == []
    life.pause()
    assert (life.on_call.lane, life.on_call.draining, life.on_call.goodbye) == ("orders", True, "")
    life.call()
    life.order("b")
    assert life.of(Start) == []
    assert life.report().state == "refused"
    life.ended("a")
    assert life.report().state == "finished"
    life.pause()
    assert life.on_call.goodbye == "SIGINT"
    life.call()
    assert life.of(Finish) == [Finish("SIGINT", again=False)]


def test_asked_hard_it_ends_what_runs_first(life: Life) -> None:
    life.run("a")
    asked_at = life.now
    life.did(life.machine.ask_to_end("SIGTERM", asked_at, hard=True))
    assert life.of(Kill) == [Kill("a", 1, TERM)]
    life.pause()
    life.call()
    assert life.kills(until=asked_at + KILL_AFTER_S) == [(asked_at + KILL_AFTER_S, Kill("a", 1, KILL))]
    life.ended("a", exit_code=None, signal=9)
    report = life.report()
    assert (report.state, report.reason) == ("lost", "pilot stopped")


def test_drain_and_stop_can_be_instructed(life: Life) -> None:
    life.run("a")
    life.instruct("drain")
    assert life.of(Kill) == []
    life.instruct("stop")
    assert life.of(Kill) == [Kill("a", 1, TERM)]


def test_a_goodbye_that_is_not_heard_is_said_again(life: Life) -> None:
    life.did(life.machine.ask_to_end("SIGINT", life.now, hard=False))
    life.call_fails()
    assert life.of(Finish) == []
    life.pause()
    assert life.machine.calling
    assert life.on_call.goodbye == "SIGINT"


@pytest.mark.parametrize("kind", ["gone", "unknown", "refused", "conflict"])
def test_a_goodbye_that_is_refused_is_the_end_all_the_same(life: Life, kind: str) -> None:
    life.did(life.machine.ask_to_end("SIGINT", life.now, hard=False))
    life.call_fails(kind)
    assert life.of(Finish) == [Finish("SIGINT", again=False)]


def test_given_up_it_ends_what_runs_delivers_and_registers_anew(life: Life) -> None:
    life.run("a")
    life.lane_fails("gone")
    assert life.of(Kill) == [Kill("a", 1, KILL)]
    life.ended("a", exit_code=None, signal=9)
    assert life.of(Finish) == []
    assert life.report().state == "lost"
    (finish,) = life.of(Finish)
    assert finish.again is True


def test_given_up_while_idle_it_registers_anew_at_once(life: Life) -> None:
    life.lane_fails("gone")
    (finish,) = life.of(Finish)
    assert finish.again is True


def test_given_up_after_it_was_asked_to_end_it_ends(life: Life) -> None:
    life.run("a")
    life.did(life.machine.ask_to_end("SIGINT", life.now, hard=False))
    life.pause()
    life.call()
    life.lane_fails("gone")
    life.ended("a", exit_code=None, signal=9)
    life.delivered()
    (finish,) = life.of(Finish)
    assert finish.again is False


def test_unknown_to_the_server_it_has_nobody_to_report_to(life: Life) -> None:
    life.run("a")
    life.lane_fails("unknown")
    life.ended("a")
    life.pause()
    life.call_fails("unknown")
    (finish,) = life.of(Finish)
    assert finish.again is True


def test_over_it_does_nothing_more(life: Life) -> None:
    life.lane_fails("gone")
    life.at(1000.0)
    assert life.actions == []
    assert life.machine.wake_at() == float("inf")


# ---- never a busy loop

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["lane", "lane failed", "call", "call failed", "tick", "start", "end", "ask"]),
        st.integers(0, 999),
    ),
    max_size=60,
)
KINDS = ["later", "later", "conflict", "refused", "gone", "unknown"]


class Chaos:
    """Feeds a machine whatever may come, and only that: a lane that is not open cannot answer."""

    def __init__(self, slots: int) -> None:
        self.life = Life(slots)
        self.waiting: list[tuple[str, int]] = []
        self.running: list[tuple[str, int]] = []
        self.starts: list[tuple[str, int]] = []
        self.note()

    def note(self) -> None:
        for action in self.life.actions:
            if isinstance(action, Start):
                key = (action.order.job, action.order.attempt)
                self.starts.append(key)
                self.waiting.append(key)

    def event(self, what: str, n: int) -> None:
        life, machine = self.life, self.life.machine
        life.actions = []
        if machine.over:
            return
        if what == "lane" and machine.lane_open:
            self.answer(n)
        elif what == "lane failed" and machine.lane_open:
            life.did(machine.lane_failed(KINDS[n % 6], life.now))
        elif what == "call" and machine.calling:
            life.call(["applied", "repeated", "refused"][n % 3])
        elif what == "call failed" and machine.calling:
            life.did(machine.call_failed(KINDS[n % 6], life.now))
        elif what == "tick":
            life.at(life.now + n / 10)
        elif what == "start" and self.waiting:
            self.begin(n)
        elif what == "end" and self.running:
            job, attempt = self.running.pop(n % len(self.running))
            life.ended(job, attempt, exit_code=n % 2)
        elif what == "ask":
            life.did(machine.ask_to_end("asked", life.now, hard=n % 2 == 0))
        self.note()

    def begin(self, n: int) -> None:
        job, attempt = self.waiting.pop(n % len(self.waiting))
        if n % 5:
            self.running.append((job, attempt))
            self.life.started(job, attempt)
        else:
            self.life.ended(job, attempt, exit_code=None, reason="nonstarter")

    def answer(self, n: int) -> None:
        if n % 4 == 0:
            self.life.instruct(["kill", "drain", "stop", "kill"][n // 4 % 4], f"job{n % 7}")
        elif n % 4 == 1:
            self.life.lane(come_back=n % 8 == 1)
        else:
            self.life.order(f"job{n % 7}", attempt=1 + n // 500, time_limit=float(n % 3 * 20))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(events=EVENTS, slots=st.integers(1, 3))
def test_whatever_happens_it_never_loops_without_doing_something(events: list[tuple[str, int]], slots: int) -> None:
    chaos = Chaos(slots)
    life, machine = chaos.life, chaos.life.machine
    for what, n in events:
        chaos.event(what, n)
        assert len(machine.children) <= slots
        assert len(chaos.starts) == len(set(chaos.starts)), "an attempt was started twice"
        turns = 0
        while machine.wake_at() <= life.now:
            before = machine.wake_at()
            life.did(machine.tick(life.now))
            chaos.note()
            turns += 1
            assert life.actions or machine.wake_at() > before, f"woken at {before} for nothing, after {what}"
            assert turns < 10, f"it is woken again and again, after {what}"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(events=EVENTS, slots=st.integers(1, 3))
def test_whatever_happened_a_kind_server_lets_it_come_to_its_end(events: list[tuple[str, int]], slots: int) -> None:
    chaos = Chaos(slots)
    for what, n in events:
        chaos.event(what, n)
    chaos.event("ask", 1)
    for _ in range(100):
        chaos.event("start", 1)
        chaos.event("end", 1)
        chaos.event("call", 0)
        if chaos.life.machine.lane_open and chaos.life.on_lane.wait_s == 0:
            chaos.life.lane()
            chaos.note()
        chaos.event("tick", 60)
    assert chaos.life.machine.over
