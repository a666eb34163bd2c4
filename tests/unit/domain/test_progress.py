"""How workflows go on: whatever ends how, in whatever order, each ends exactly once and nobody waits for ever."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from p3s.domain.lifecycle import check_workflow_move
from p3s.domain.workflows import progress
from p3s.domain.workflows.flows import CANCEL, STOP, Flow, Flows, Step
from p3s.domain.workflows.plan import PlannedNode, kept
from p3s.domain.workflows.progress import Moves
from p3s.protocol.messages import JobSpec
from p3s.protocol.states import FINAL_JOB_STATES, JobState, WorkflowState

J = JobState
W = WorkflowState
BAD = [J.FAILED, J.DROPPED, J.LOST, J.CANCELLED]


def steps(**nodes: tuple[str, str]) -> list[Step]:
    """By name: its word on failure and what it reads, `X=a,b` being one variable with the files of a and b."""
    places = {name: place for place, name in enumerate(nodes)}
    found = []
    for name, (policy, reads) in nodes.items():
        variables = dict(one.split("=") for one in reads.split())
        links = {variable: tuple(places.get(one) for one in said.split(",")) for variable, said in variables.items()}
        found.append(Step(name, "" if name.startswith("noop") else f"job-{name}", policy, links))
    return found


def flow_of(held: bool = False, **nodes: tuple[str, str]) -> Flow:
    flow = Flow("w", W.HELD, steps(**nodes))
    if not held:
        progress.begin(flow)
    return flow


def named(flow: Flow, moves: Moves) -> dict[str, list[str]]:
    return {
        "ready": [flow.steps[place].name for place, _ in moves.ready],
        "skipped": [flow.steps[place].name for place, _ in moves.skipped],
        "cancelled": [flow.steps[place].name for place in moves.cancelled],
    }


def end(flow: Flow, name: str, state: JobState) -> Moves:
    return progress.ended(flow, {flow.places[f"job-{name}"]: state})


def test_a_node_may_run_when_the_last_that_it_waits_for_has_ended_well() -> None:
    flow = flow_of(a=("stop", ""), b=("stop", ""), c=("stop", "X=a Y=b"))
    assert end(flow, "a", J.FINISHED).ready == []
    assert named(flow, end(flow, "b", J.FINISHED))["ready"] == ["c"]
    moves = end(flow, "c", J.FINISHED)
    assert (moves.before, flow.state, moves.reason) == (W.RUNNING, W.FINISHED, "")


@pytest.mark.parametrize("state", BAD)
def test_stop_cancels_the_rest(state: JobState) -> None:
    flow = flow_of(a=("stop", ""), b=("skip", ""), c=("skip", "X=a"))
    moves = end(flow, "a", state)
    assert named(flow, moves)["cancelled"] == ["c"]
    assert moves.ended_early == [1]
    assert (flow.state, flow.ending) == (W.RUNNING, STOP)
    end(flow, "b", J.FINISHED)
    assert flow.state is W.FAILED


@pytest.mark.parametrize("state", BAD)
def test_skip_skips_what_depends_on_it_at_once_and_all_that_depends_on_that(state: JobState) -> None:
    flow = flow_of(a=("skip", ""), b=("stop", ""), c=("stop", "X=a Y=b"), d=("stop", "X=c"), e=("stop", "X=b"))
    moves = end(flow, "a", state)
    assert named(flow, moves)["skipped"] == ["c", "d"]
    assert moves.skipped[0][1] == f"a {state}: X will never come"
    assert named(flow, end(flow, "b", J.FINISHED))["ready"] == ["e"]
    end(flow, "e", J.FINISHED)
    assert flow.state is W.FAILED
    assert progress.told(flow) == f"a {state}; " + ", ".join(sorted([f"1 {state}", "2 skipped"]))


def test_continue_runs_what_depends_on_it_on_what_exists() -> None:
    flow = flow_of(a=("continue", ""), b=("continue", ""), c=("stop", "X=a,b"))
    end(flow, "a", J.FAILED)
    moves = end(flow, "b", J.FINISHED)
    assert moves.ready == [(2, frozenset({0}))]
    end(flow, "c", J.FINISHED)
    assert flow.state is W.FINISHED


def test_a_node_without_any_file_for_one_of_its_variables_is_skipped() -> None:
    flow = flow_of(a=("continue", ""), b=("continue", ""), c=("skip", "X=a Y=b"), d=("stop", "Y=b"))
    end(flow, "b", J.FINISHED)
    assert named(flow, end(flow, "a", J.FAILED))["skipped"] == ["c"]
    end(flow, "d", J.FINISHED)
    assert flow.state is W.FINISHED, "a may fail, and something came of it"


def test_a_file_that_nobody_writes_is_enough_to_run_on() -> None:
    flow = flow_of(a=("continue", ""), c=("stop", "X=a,given"))
    assert end(flow, "a", J.LOST).ready == [(1, frozenset({0}))]


def test_a_workflow_of_which_nothing_came_failed_even_when_every_failure_was_allowed() -> None:
    flow = flow_of(a=("continue", ""), c=("skip", "X=a"))
    end(flow, "a", J.FAILED)
    assert flow.state is W.FAILED


def test_nodes_with_nothing_to_run_pass_on_in_the_same_breath() -> None:
    flow = Flow("w", W.HELD, steps(noop1=("stop", ""), a=("stop", "X=noop1"), noop2=("stop", "Y=a")))
    moves = progress.begin(flow)
    assert (moves.done, [place for place, _ in moves.ready]) == ([0], [1])
    assert end(flow, "a", J.FINISHED).done == [2]
    assert flow.state is W.FINISHED


def test_a_held_workflow_lets_nothing_go_until_it_begins() -> None:
    flow = flow_of(held=True, a=("continue", ""), b=("continue", ""), c=("stop", "X=a,b"))
    moves = end(flow, "a", J.CANCELLED)  # a person gave up a job that waits
    assert (moves.ready, flow.state) == ([], W.HELD)
    assert named(flow, progress.begin(flow))["ready"] == ["b"]
    assert named(flow, end(flow, "b", J.FINISHED))["ready"] == ["c"]


def test_a_workflow_of_which_a_job_was_cancelled_while_it_was_held_runs_when_it_is_released() -> None:
    flow = flow_of(held=True, a=("skip", ""), b=("stop", ""))
    end(flow, "a", J.CANCELLED)
    assert flow.state is W.HELD
    assert progress.begin(flow).before is W.HELD
    assert flow.state is W.RUNNING


def test_what_an_earlier_workflow_finished_is_taken_over() -> None:
    flow = Flow("w", W.HELD, steps(a=("stop", ""), b=("stop", "X=a"), c=("stop", "X=b")))
    flow.restore([J.FINISHED, J.WAITING, J.WAITING])
    assert named(flow, progress.begin(flow))["ready"] == ["b"]


def test_what_follows_something_that_must_be_done_again_is_not_kept() -> None:
    spec = JobSpec("true")
    after = [(), (), (0, 1), (2,), (), (4,)]
    nodes = [PlannedNode(f"n{place}", None, None if place == 4 else spec, one) for place, one in enumerate(after)]
    assert kept(nodes, [0, 1, 2, 3, 5]) == {0, 1, 2, 3, 4, 5}
    assert kept(nodes, [0, 2, 3, 5]) == {0, 4, 5}, "2 ran without what 1 writes"


def test_a_start_is_heard_once() -> None:
    flow = flow_of(a=("stop", ""), b=("stop", ""))
    assert flow.state is W.DEFINED
    assert progress.started(flow).before is W.DEFINED
    assert progress.started(flow).before is None
    assert flow.state is W.RUNNING


def test_the_one_amendment_counts_until_conclusions_were_drawn() -> None:
    flow = flow_of(a=("continue", ""), b=("continue", ""), c=("stop", "X=a,b"), d=("skip", ""), e=("stop", "X=d"))
    end(flow, "a", J.LOST)
    assert progress.too_late(flow, 0) == ""
    end(flow, "a", J.FINISHED)
    assert flow.counts == {J.FINISHED: 1, J.LOST: 0}
    assert end(flow, "b", J.FINISHED).ready == [(2, frozenset())]
    end(flow, "d", J.LOST)
    assert progress.too_late(flow, 3) == "e, which depends on it, was skipped since it was lost"
    end(flow, "c", J.FAILED)
    assert flow.state is W.FAILED
    assert progress.too_late(flow, 3) == "its workflow has ended: failed"


def test_workflows_that_were_not_heard_of_for_longest_make_room() -> None:
    flows = Flows(most_steps=3)
    for name in ("one", "two", "three"):
        flows.keep(Flow(name, W.DEFINED, steps(a=("stop", ""))))
    flows.get("one")
    flows.keep(Flow("four", W.DEFINED, steps(a=("stop", ""))))
    assert [name for name in ("one", "two", "three", "four") if flows.get(name)] == ["one", "three", "four"]
    large = Flow("large", W.DEFINED, steps(a=("stop", ""), b=("stop", ""), c=("stop", ""), d=("stop", "")))
    flows.keep(large)
    assert flows.get("large") is large


# ---- anything, in any order


@dataclass
class Shape:
    """A graph with its words, as hypothesis draws it."""

    steps: list[Step]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    found = []
    for place in range(draw(st.integers(1, 9))):
        reads: dict[str, tuple[int | None, ...]] = {}
        for variable in draw(st.lists(st.sampled_from(["", "X", "Y"]), unique=True, max_size=2)) if place else []:
            writers = draw(st.lists(st.integers(0, place - 1), unique=True, min_size=1, max_size=3))
            given: list[int | None] = [None] if variable and draw(st.integers(0, 4)) == 0 else []
            reads[variable] = (*writers, *given)
        policy = draw(st.sampled_from(["stop", "skip", "continue"]))
        job = "" if draw(st.integers(0, 5)) == 0 else f"job-{place}"
        found.append(Step(f"n{place}", job, policy, reads))
    return Shape(found)


class Progress(RuleBasedStateMachine):
    """A server that may forget, jobs that end as they like, a person who may cancel."""

    @initialize(shape=shapes(), held=st.booleans())
    def make(self, shape: Shape, held: bool) -> None:
        self.steps = shape.steps
        self.stored: list[JobState] = [J.WAITING] * len(shape.steps)
        self.flow = Flow("w", W.HELD, shape.steps)
        self.state = W.HELD
        self.finals: list[WorkflowState] = []
        self.lost: set[int] = set()
        if not held:
            self.obey(progress.begin(self.flow))

    def obey(self, moves: Moves) -> None:
        """What the server does with decisions: store them, and check that each could be."""
        for place in moves.done:
            self.move(place, {J.WAITING}, J.FINISHED)
        for place, _ in moves.skipped:
            self.move(place, {J.WAITING}, J.SKIPPED)
        for place in moves.cancelled:
            self.move(place, {J.WAITING}, J.CANCELLED)
        for place, missing in moves.ready:
            step = self.steps[place]
            assert step.job
            assert not self.flow.ending
            assert all(self.stored[one] in FINAL_JOB_STATES for one in step.after()), "all that it waits for has ended"
            bad = {one for one in step.after() if self.stored[one] is not J.FINISHED}
            assert missing == bad
            assert all(self.steps[one].on_failure == "continue" for one in bad)
            assert all(set(places) - bad for name, places in step.reads.items() if name), "each variable holds a file"
            self.move(place, {J.WAITING}, J.DEFINED)
        assert set(moves.ended_early) == {p for p, state in enumerate(self.stored) if state is J.DEFINED} or (
            not moves.ended_early
        )
        if moves.before is not None and moves.before is not self.flow.state:
            assert moves.before is self.state
            check_workflow_move("w", moves.before, self.flow.state)
        self.state = self.flow.state
        if self.flow.over:
            self.finals.append(self.flow.state)

    def move(self, place: int, before: set[JobState], after: JobState) -> None:
        assert self.stored[place] in before, f"{place} is {self.stored[place]} and becomes {after}"
        self.stored[place] = after

    def let_go(self) -> list[int]:
        return [place for place, state in enumerate(self.stored) if state is J.DEFINED]

    @precondition(lambda self: self.state is W.HELD)
    @rule()
    def release(self) -> None:
        self.obey(progress.begin(self.flow))

    @precondition(lambda self: self.let_go())
    @rule(data=st.data())
    def jobs_end(self, data: st.DataObject) -> None:
        """Some at once, as a batch brings them."""
        chosen = data.draw(st.lists(st.sampled_from(self.let_go()), unique=True, min_size=1, max_size=3))
        ends = {place: data.draw(st.sampled_from([J.FINISHED, J.FINISHED, *BAD])) for place in chosen}
        for place, state in ends.items():
            self.move(place, {J.DEFINED}, state)
        self.obey(progress.ended(self.flow, ends))

    @precondition(lambda self: not self.finals)
    @rule(data=st.data())
    def a_person_gives_up_a_job_that_waits(self, data: st.DataObject) -> None:
        waiting = [p for p, state in enumerate(self.stored) if state is J.WAITING and self.steps[p].job]
        if waiting:
            place = data.draw(st.sampled_from(waiting))
            self.move(place, {J.WAITING}, J.CANCELLED)
            self.obey(progress.ended(self.flow, {place: J.CANCELLED}))

    @precondition(lambda self: J.LOST in self.stored)
    @rule(data=st.data())
    def a_late_report_comes(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from([p for p, state in enumerate(self.stored) if state is J.LOST]))
        if not progress.too_late(self.flow, place):
            after = data.draw(st.sampled_from([J.FINISHED, J.FAILED]))
            self.move(place, {J.LOST}, after)
            self.obey(progress.ended(self.flow, {place: after}))

    @precondition(lambda self: not self.finals and not self.flow.ending)
    @rule(chance=st.integers(0, 4))
    def a_person_cancels(self, chance: int) -> None:
        if not chance:
            self.obey(progress.cancel(self.flow))
            assert J.WAITING not in self.stored

    @precondition(lambda self: self.finals)
    @rule()
    def nothing_more_follows(self) -> None:
        assert not self.let_go()

    @precondition(lambda self: not self.finals)
    @rule()
    def the_server_forgets(self) -> None:
        """Read anew from what is stored, it is where it was, and nothing more follows."""
        before = self.flow
        self.flow = Flow("w", self.state, self.steps, before.ending)
        self.flow.restore(self.stored)
        moves = progress.catch_up(self.flow)
        assert (moves.ready, moves.skipped, moves.done, moves.cancelled) == ([], [], [], [])
        assert (self.flow.states, self.flow.open, self.flow.state) == (before.states, before.open, before.state)
        assert +self.flow.counts == +before.counts
        if self.state is not W.HELD:
            waits = [p for p, state in enumerate(self.stored) if state is J.WAITING]
            assert [self.flow.pending[p] for p in waits] == [before.pending[p] for p in waits]

    @invariant()
    def the_memory_is_what_is_stored(self) -> None:
        if hasattr(self, "flow"):
            assert self.flow.states == self.stored
            ended = [state for state in self.stored if state in FINAL_JOB_STATES]
            assert self.flow.open == len(self.stored) - len(ended)
            assert +self.flow.counts == {state: ended.count(state) for state in set(ended)}

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        if hasattr(self, "flow") and self.state is not W.HELD:
            for place, state in enumerate(self.stored):
                if state is J.WAITING:
                    assert any(self.stored[one] not in FINAL_JOB_STATES for one in self.steps[place].after())

    @invariant()
    def it_is_over_when_all_have_ended_and_only_once(self) -> None:
        if hasattr(self, "flow"):
            over = all(state in FINAL_JOB_STATES for state in self.stored)
            assert self.flow.over == over
            assert len(self.finals) == int(over)

    @invariant()
    def its_final_state_is_what_its_nodes_say(self) -> None:
        if getattr(self, "finals", None):
            wrong = any(
                state in BAD and step.on_failure != "continue"
                for step, state in zip(self.steps, self.stored, strict=True)
            )
            if self.flow.ending == CANCEL:
                assert self.state is W.CANCELLED
            elif wrong or self.flow.ending == STOP:
                assert self.state is W.FAILED
            elif J.SKIPPED not in self.stored:
                assert self.state is W.FINISHED


def test_every_workflow_ends_once_whatever_happens() -> None:
    run_machine(
        Progress,
        settings=settings(
            max_examples=150, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.nightly
def test_every_workflow_ends_once_whatever_happens_at_length() -> None:
    run_machine(
        Progress,
        settings=settings(
            max_examples=20_000, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
