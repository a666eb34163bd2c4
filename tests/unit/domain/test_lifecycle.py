"""Every state has a way in and a way out, and no move outside the tables is made."""

from itertools import product
from pathlib import Path

import pytest

from p3s.domain import lifecycle
from p3s.domain.lifecycle import JOB_MOVES, PILOT_MOVES, InvalidMove, check_job_move, check_pilot_move
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_PILOT_STATES, OUT_JOB_STATES, JobState, PilotState

ROOT = Path(__file__).parents[3]
FIRST = {JobState.HELD, JobState.WAITING, JobState.DEFINED}


@pytest.mark.parametrize("state", JobState)
def test_every_job_state_has_a_way_in(state: JobState) -> None:
    assert state in FIRST or any(after is state for _, after in JOB_MOVES)


@pytest.mark.parametrize("state", [state for state in JobState if state not in FINAL_JOB_STATES])
def test_every_job_state_that_is_not_final_leads_to_a_final_one(state: JobState) -> None:
    reached, before = {state}, set[JobState]()
    while reached != before:
        before = set(reached)
        reached |= {after for start, after in JOB_MOVES if start in reached}
    assert reached & FINAL_JOB_STATES


def test_final_job_states_stay_but_for_the_one_amendment() -> None:
    moves = {move for move in JOB_MOVES if move[0] in FINAL_JOB_STATES}
    assert moves == {(JobState.LOST, JobState.FINISHED), (JobState.LOST, JobState.FAILED)}


@pytest.mark.parametrize("state", PilotState)
def test_pilots_begin_active_and_end_for_good(state: PilotState) -> None:
    assert state is PilotState.ACTIVE or any(after is state for _, after in PILOT_MOVES)
    assert any(before is state for before, _ in PILOT_MOVES) == (state not in FINAL_PILOT_STATES)


@pytest.mark.parametrize(("before", "after"), list(product(JobState, JobState)))
def test_a_job_move_is_refused_unless_the_table_has_it(before: JobState, after: JobState) -> None:
    if (before, after) in JOB_MOVES:
        check_job_move("job1", before, after)
    else:
        with pytest.raises(InvalidMove, match=f"job1: {before} may not become {after}"):
            check_job_move("job1", before, after)


@pytest.mark.parametrize(("before", "after"), list(product(PilotState, PilotState)))
def test_a_pilot_move_is_refused_unless_the_table_has_it(before: PilotState, after: PilotState) -> None:
    if (before, after) in PILOT_MOVES:
        check_pilot_move("pilot1", before, after)
    else:
        with pytest.raises(InvalidMove, match=f"pilot1: {before} may not become {after}"):
            check_pilot_move("pilot1", before, after)


def test_what_a_pilot_holds_can_be_lost_and_nothing_else_can() -> None:
    assert {before for before, after in JOB_MOVES if after is JobState.LOST} == OUT_JOB_STATES


def test_the_docs_page_of_states_is_the_table() -> None:
    page = ROOT / "docs" / "states.md"
    assert page.exists(), "make it: uv run python -m p3s.domain.lifecycle > docs/states.md"
    assert page.read_text() == lifecycle.render()
