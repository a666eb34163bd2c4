"""Workflows as the rules know them, read from the tables: at the first word of one of their jobs after a start."""

from collections.abc import Iterable, Sequence
from typing import Any

from p3s.domain.flows import Flow, Step
from p3s.protocol.states import JobState, WorkflowState

from .models import Node, Workflow


def flow(workflow: str) -> Flow | None:
    """How far it has come by what is written; None for one that is not there."""
    row = Workflow.objects.filter(uuid=workflow).values("state", "ending").first()
    if row is None:
        return None
    columns = ("name", "nth", "state", "on_failure", "inputs", "outputs", "after", "job__uuid", "job__state")
    nodes = list(Node.objects.filter(workflow=workflow).order_by("place").values_list(*columns))
    found = Flow(workflow, WorkflowState(row["state"]), [_step(*node) for node in nodes], row["ending"])
    found.restore(JobState(node[2] or node[8] or JobState.WAITING) for node in nodes)
    return found


def _step(
    name: str,
    nth: int | None,
    state: str,  # noqa: ARG001 - as the columns come
    on_failure: str,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    after: Sequence[int],
    job: str | None,
    job_state: str | None,  # noqa: ARG001
) -> Step:
    return step(name, nth, job or "", on_failure, inputs, after, bool(outputs))


def step(
    name: str, nth: int | None, job: str, on_failure: str, inputs: Iterable[Any], after: Sequence[int], writes: bool
) -> Step:
    """A node for the rules: `inputs` are lists of [variable, path, place or None], as in its row."""
    reads: dict[str, list[int | None]] = {}
    for variable, _, place in inputs:
        reads.setdefault(variable, []).append(place)
    if after:
        reads.setdefault("", []).extend(after)
    shown = name if nth is None else f"{name}[{nth}]"
    return Step(shown, job, on_failure, {variable: tuple(places) for variable, places in reads.items()}, writes)
