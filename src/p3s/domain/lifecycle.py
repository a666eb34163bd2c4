"""Which state may follow which, who moves it, and the check that every move passes.

`docs/states.md` is generated from these tables and a test holds it equal.
"""

from typing import TypeVar

from p3s.protocol.states import (
    FINAL_JOB_STATES,
    FINAL_PILOT_STATES,
    FINAL_WORKFLOW_STATES,
    DatasetState,
    JobState,
    PilotState,
    Word,
    WorkflowState,
)

J = JobState
P = PilotState
D = DatasetState
W = WorkflowState

JOB_MOVES: dict[tuple[JobState, JobState], str] = {
    (J.HELD, J.DEFINED): "a person releases it",
    (J.HELD, J.CANCELLED): "a person cancels it",
    (J.WAITING, J.DEFINED): "the workflow: its inputs are there",
    (J.WAITING, J.SKIPPED): "the workflow: an input will never come",
    (J.WAITING, J.CANCELLED): "a person cancels it or its workflow, or a node failed that stops the workflow",
    (J.DEFINED, J.DISPATCHED): "brokerage orders it of a pilot",
    (J.DEFINED, J.HELD): "a person holds it",
    (J.DEFINED, J.DROPPED): "it is stale, shed or superseded, or too many wait",
    (J.DEFINED, J.CANCELLED): "a person cancels it",
    (J.DISPATCHED, J.DEFINED): "the pilot refused the order, or its node failed and a retry is left",
    (J.DISPATCHED, J.RUNNING): "the pilot reports the start of its process",
    (J.DISPATCHED, J.FINISHED): "the pilot reports its end (start and end in one report)",
    (J.DISPATCHED, J.FAILED): "the pilot reports its end, or that it could not start",
    (J.DISPATCHED, J.CANCELLED): "the pilot reports that it obeyed a kill",
    (J.DISPATCHED, J.LOST): "its pilot is gone",
    (J.RUNNING, J.DEFINED): "its node failed and a retry is left",
    (J.RUNNING, J.FINISHED): "the pilot reports exit code 0",
    (J.RUNNING, J.FAILED): "the pilot reports another end",
    (J.RUNNING, J.CANCELLED): "the pilot reports that it obeyed a kill",
    (J.RUNNING, J.LOST): "its pilot is gone",
    (J.LOST, J.FINISHED): "a late report of the same attempt (the one amendment)",
    (J.LOST, J.FAILED): "a late report of the same attempt (the one amendment)",
}

PILOT_MOVES: dict[tuple[PilotState, PilotState], str] = {
    (P.ACTIVE, P.DRAINING): "the pilot says so, or a person tells it to drain or to stop",
    (P.ACTIVE, P.STOPPED): "the pilot says goodbye",
    (P.ACTIVE, P.LOST): "its lease ended unheard, or its guardian saw it die",
    (P.DRAINING, P.STOPPED): "the pilot says goodbye",
    (P.DRAINING, P.LOST): "its lease ended unheard, or its guardian saw it die",
}

DATASET_MOVES: dict[tuple[DatasetState, DatasetState], str] = {
    (D.REGISTERED, D.AVAILABLE): "it is registered as there, or what makes it has ended well",
    (D.REGISTERED, D.DROPPED): "a person gives it up, or what makes it has not ended well",
    (D.AVAILABLE, D.DROPPED): "a person, the watcher that deleted it after its use, or its workflow's `keep` ran out",
    (D.AVAILABLE, D.MISSING): "the watcher no longer finds it, or a person",
    (D.DROPPED, D.AVAILABLE): "a person, or the watcher that finds it again",
    (D.MISSING, D.AVAILABLE): "the watcher finds it again, or a person",
    (D.MISSING, D.DROPPED): "a person gives it up",
}


WORKFLOW_MOVES: dict[tuple[WorkflowState, WorkflowState], str] = {
    (W.HELD, W.DEFINED): "a person releases it",
    (W.HELD, W.RUNNING): "a person releases it, one of whose jobs a person had cancelled",
    (W.HELD, W.CANCELLED): "a person cancels it",
    (W.HELD, W.FINISHED): "a person cancelled its jobs, all of which may fail",
    (W.HELD, W.FAILED): "a person cancelled one of its jobs, and what follows upon that ended the others",
    (W.DEFINED, W.RUNNING): "a node starts, or ends",
    (W.DEFINED, W.FINISHED): "all nodes end at once",
    (W.DEFINED, W.FAILED): "all nodes end at once, and one went wrong that must not",
    (W.DEFINED, W.CANCELLED): "a person cancels it",
    (W.RUNNING, W.FINISHED): "its last node ends, and none went wrong that must not",
    (W.RUNNING, W.FAILED): "its last node ends, and one went wrong that must not",
    (W.RUNNING, W.CANCELLED): "its last node ends, after a person cancelled it",
}


class InvalidMove(Exception):
    """A move that the tables do not have: a defect of p3s, never a person's mistake."""


def check_job_move(job: str, before: JobState, after: JobState) -> None:
    """Raise InvalidMove unless the table allows it."""
    if (before, after) not in JOB_MOVES:
        raise InvalidMove(f"job {job}: {before} may not become {after}")


def check_pilot_move(pilot: str, before: PilotState, after: PilotState) -> None:
    """Raise InvalidMove unless the table allows it."""
    if (before, after) not in PILOT_MOVES:
        raise InvalidMove(f"pilot {pilot}: {before} may not become {after}")


def check_workflow_move(workflow: str, before: WorkflowState, after: WorkflowState) -> None:
    """Raise InvalidMove unless the table allows it."""
    if (before, after) not in WORKFLOW_MOVES:
        raise InvalidMove(f"workflow {workflow}: {before} may not become {after}")


def following(state: DatasetState) -> list[DatasetState]:
    """What a dataset in this state may become."""
    return [after for before, after in DATASET_MOVES if before == state]


Some = TypeVar("Some", bound=Word)


def _table(moves: dict[tuple[Some, Some], str]) -> str:
    rows = [f"| `{before}` | `{after}` | {who} |" for (before, after), who in moves.items()]
    return "\n".join(["| from | to | who moves it |", "| --- | --- | --- |", *rows])


def render() -> str:
    """The docs page of the states, in Markdown."""
    final_jobs = ", ".join(f"`{state}`" for state in JobState if state in FINAL_JOB_STATES)
    final_pilots = ", ".join(f"`{state}`" for state in PilotState if state in FINAL_PILOT_STATES)
    final_workflows = ", ".join(f"`{state}`" for state in WorkflowState if state in FINAL_WORKFLOW_STATES)
    return (
        "# States\n\n"
        "<!-- Generated from p3s.domain.lifecycle by `uv run python -m p3s.domain.lifecycle`. -->\n\n"
        "A state says where an object is, its reason why. Every move not listed here is refused.\n\n"
        f"## Job\n\n{_table(JOB_MOVES)}\n\nFinal: {final_jobs}.\n\n"
        f"## Workflow\n\n{_table(WORKFLOW_MOVES)}\n\nFinal: {final_workflows}.\n\n"
        f"## Pilot\n\n{_table(PILOT_MOVES)}\n\nFinal: {final_pilots}. "
        "*Idle*, *running* and *silent* are computed from slots and the last exchange, never stored.\n\n"
        f"## Dataset\n\n{_table(DATASET_MOVES)}\n\n"
        "None is final. *Processing* and *processed* are computed from its jobs, and from the latest workflow that "
        "each stream has started of it, never stored.\n"
    )


if __name__ == "__main__":
    print(render(), end="")
