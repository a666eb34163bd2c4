"""Workflows as the rules know them, read from the tables: at the first word of one of their jobs after a start."""

from collections.abc import Iterable, Sequence
from typing import Any

from p3s.domain.workflows.flows import Flow, Step
from p3s.protocol.states import JobState, WorkflowState
from p3s.server.jobs.models import Use

from .models import Node, Workflow


def flow(workflow: str) -> Flow | None:
    """How far it has come by what is written; None for one that is not there."""
    row = Workflow.objects.filter(uuid=workflow).values("state", "ending").first()
    if row is None:
        return None
    columns = ("name", "nth", "state", "on_failure", "inputs", "after", "job__uuid", "job__state")
    nodes = list(Node.objects.filter(workflow=workflow).order_by("place").values_list(*columns))
    written = _written(workflow)
    steps = [
        step(name, nth, job or "", on_failure, inputs, after, written.get(job, ()))
        for name, nth, _, on_failure, inputs, after, job, _ in nodes
    ]
    found = Flow(workflow, WorkflowState(row["state"]), steps, row["ending"])
    found.restore(JobState(node[2] or node[7] or JobState.WAITING) for node in nodes)
    return found


def _written(workflow: str) -> dict[str | None, tuple[str, ...]]:
    """Datasets that jobs of a workflow write, by job."""
    found: dict[str | None, tuple[str, ...]] = {}
    rows = Use.objects.filter(job__workflow=workflow, role="output").order_by("id")
    for job, dataset in rows.values_list("job__uuid", "dataset"):
        found[job] = (*found.get(job, ()), str(dataset))
    return found


def step(
    name: str,
    nth: int | None,
    job: str,
    on_failure: str,
    inputs: Iterable[Any],
    after: Sequence[int],
    writes: tuple[str, ...],
) -> Step:
    """A node for the rules: `inputs` are lists of [variable, path, place or None], as in its row."""
    reads: dict[str, list[int | None]] = {}
    for variable, _, place in inputs:
        reads.setdefault(variable, []).append(place)
    if after:
        reads.setdefault("", []).extend(after)
    shown = name if nth is None else f"{name}[{nth}]"
    return Step(shown, job, on_failure, {variable: tuple(places) for variable, places in reads.items()}, writes)
