"""What joins the nodes of a workflow: which wait for which, by which files."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from p3s.protocol.states import FINAL_JOB_STATES
from p3s.protocol.workflow_views import NodeFile, NodeRow

from .models import Node, Workflow
from .reads import STATE

SHOWN = 20
"""Of a node's files, and of those that it waits for, so many are named."""

_COLUMNS = ("place", "name", "nth", "on_failure", "reason", "inputs", "outputs", "after")
_JOB = ("job__uuid", "job__reason", "job__exit_code", "job__started_at", "job__ended_at")


def nodes(workflow: str, states: Sequence[str], node: str, after: int, limit: int) -> list[NodeRow]:
    """In the order of the plan, from the one after place `after`; `node`: those of this node of the template."""
    rows = Node.objects.filter(workflow=workflow, place__gt=after).annotate(shown=STATE)
    if states:
        rows = rows.filter(shown__in=states)
    if node:
        rows = rows.filter(name=node)
    found = list(rows.order_by("place").values("shown", *_COLUMNS, *_JOB)[:limit])
    named = _named(workflow, {place for row in found for place in _before(row)})
    return [_row(row, named) for row in found]


def _before(row: dict[str, Any]) -> list[int]:
    return list(dict.fromkeys([place for _, _, place in row["inputs"] if place is not None] + row["after"]))


def _named(workflow: str, places: Iterable[int]) -> dict[int, tuple[str, str]]:
    """By place, what a node is called, and its state."""
    rows = Node.objects.filter(workflow=workflow, place__in=list(places)).annotate(shown=STATE)
    return {place: (_called(name, nth), state) for place, name, nth, state in rows.values_list(*_NAMED)}


_NAMED = ("place", "name", "nth", "shown")


def _called(name: str, nth: int | None) -> str:
    return name if nth is None else f"{name}[{nth}]"


def _row(row: dict[str, Any], named: dict[int, tuple[str, str]]) -> NodeRow:
    waiting = row["shown"] == "waiting"
    open_ones = [named[place][0] for place in _before(row) if named[place][1] not in FINAL_JOB_STATES]
    found = {
        "place": row["place"],
        "name": _called(row["name"], row["nth"]),
        "node": row["name"],
        "job": row["job__uuid"],
        "state": row["shown"],
        "reason": row["reason"] or row["job__reason"] or "",
        "on_failure": row["on_failure"],
        "exit_code": row["job__exit_code"],
        "started_at": row["job__started_at"],
        "ended_at": row["job__ended_at"],
        "waits_for": open_ones[:SHOWN] if waiting else [],
        "inputs": [_file(one, named) for one in row["inputs"][:SHOWN]],
        "outputs": [_file([*one[:2], None, one[2]], named) for one in row["outputs"][:SHOWN]],
        "files": len(row["inputs"]) + len(row["outputs"]),
    }
    return cast(NodeRow, found)


def _file(one: Sequence[Any], named: dict[int, tuple[str, str]]) -> NodeFile:
    variable, path, place, *kind = one
    node = "" if place is None else named[place][0]
    return {"variable": variable, "path": path, "type": kind[0] if kind else "", "node": node}


def waits(job: str, now: float) -> list[str]:
    """What a job that waits in a workflow waits for, in words."""
    node = Node.objects.filter(job__uuid=job).values("workflow", *_COLUMNS).first()
    if node is None:
        return []
    workflow = node["workflow"]
    if Workflow.objects.values_list("state", flat=True).get(uuid=workflow) == "held":
        return [f"workflow {workflow} is held; p3s workflow release {workflow} lets it begin"]
    rows = Node.objects.filter(workflow=workflow, place__in=_before(node)).annotate(shown=STATE).order_by("place")
    columns = (*_NAMED, "job__started_at", "job__uuid")
    open_ones = [row for row in rows.values_list(*columns) if row[3] not in FINAL_JOB_STATES]
    lines = [_waited(node, workflow, row, now) for row in open_ones[:SHOWN]]
    return [*lines, *([f"and {len(open_ones) - SHOWN} nodes more"] if len(open_ones) > SHOWN else [])]


def _waited(node: dict[str, Any], workflow: str, row: Sequence[Any], now: float) -> str:
    place, name, nth, state, started_at, job = row
    variables = ", ".join(dict.fromkeys(variable for variable, _, writer in node["inputs"] if writer == place))
    what = f"input {variables} of " if variables else ""
    doing = (
        f"running for {now - started_at:.0f} s" if state == "running" and started_at else _SHOWN_AS.get(state, state)
    )
    return (
        f"waiting for {what}workflow {workflow}: node {_called(name, nth)} is {doing}{f' (job {job})' if job else ''}"
    )


_SHOWN_AS = {"defined": "queued", "waiting": "waiting too"}
