"""Workflows as shown: the list, and one with its nodes, a page of them at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from p3s.domain.workflows import dag
from p3s.domain.workflows.expansion import OWN
from p3s.protocol.codec import from_object
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_WORKFLOW_STATES
from p3s.protocol.workflow_views import NodeFile, NodeGroup, NodeRow, Workflow, WorkflowRow
from p3s.protocol.workflows import TemplateSpec
from p3s.server.data import reads as data
from p3s.server.jobs import reads as jobs
from p3s.server.monitor import commands, cursors
from p3s.server.monitor.dag_picture import HEIGHT, WIDTH, Box, picture
from p3s.server.monitor.states import (
    JOB_STATES,
    WORKFLOW_STATES,
    Group,
    Mark,
    count_groups,
    job_mark,
    workflow_mark,
)
from p3s.server.workflows import links, reads
from p3s.server.workflows.reads import Choice

PAGE = 50
NODES = 100
"""Nodes of one page."""

FILES = 3
"""Of what a node reads, and of what it writes, so many are named."""

MOST_INPUTS = 200
MOST_TEMPLATES = 500
LETTERS = 18
"""Of a node's name, so many fit into its box."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of all nodes have ended; `shares`: of those, by colour, for a bar."""

    ended: int
    nodes: int
    shares: list[tuple[Group, int]]


@dataclass(frozen=True, slots=True)
class Line:
    """A workflow of the list."""

    row: WorkflowRow
    mark: Mark
    progress: Progress
    took: float | None


def workflow_list(state: str, template: str, name: str, after: str, run: int | None) -> dict[str, Any]:
    """`name`: a part of one, or with `*` at an end as the command line has it; `after`: the last one seen."""
    state = state if state in WORKFLOW_STATES else ""
    part = name if "*" in name or not name else f"*{name}*"
    choice = Choice((state,) if state else (), template=template, name=part, run=run)
    rows = reads.page(choice, PAGE + 1, cursors.parse(after))
    counts = reads.counts()
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return {
        "lines": [_line(row) for row in rows[:PAGE]],
        "next": cursors.after(last["created_at"], last["uuid"]) if last else None,
        "counts": [(name, mark, counts[name]) for name, mark in WORKFLOW_STATES.items() if counts.get(name)],
        "total": sum(counts.values()),
        "templates": reads.template_names(MOST_TEMPLATES),
        # The counts are of all workflows: beside a choice they would mislead.
        "chosen": bool(template or name) or run is not None,
        "asked": {"state": state, "template": template, "name": name, "run": run},
        "after": after,
        "commands": commands.ALL,
    }


def _line(row: WorkflowRow) -> Line:
    return Line(row, workflow_mark(row["state"]), _progress(row), _took(row))


def _progress(row: WorkflowRow) -> Progress:
    shares = {**count_groups(row["counts"]), "plain": row["nodes"] - sum(row["counts"].values())}
    ordered: tuple[Group, ...] = ("done", "left", "wrong", "plain")
    return Progress(sum(row["counts"].values()), row["nodes"], [(one, shares[one]) for one in ordered if shares[one]])


def _took(row: WorkflowRow) -> float | None:
    started, ended = row["started_at"], row["ended_at"]
    return None if started is None or ended is None else max(0.0, ended - started)


# ---- one of them


@dataclass(frozen=True, slots=True)
class File:
    """A file that a node reads or writes; `dataset` is its UUID, where it is known, `variable` "" for its own input."""

    variable: str
    name: str
    path: str
    dataset: str


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the table. `more`: how many files are not named."""

    row: NodeRow
    mark: Mark
    reads: list[File]
    writes: list[File]
    more: int
    took: float | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A node of the picture: `said` of its jobs, `called` as far as it fits."""

    box: Box
    called: str
    said: str
    mark: Mark
    selected: bool


def one_workflow(row: Workflow, state: str, node: str, after: int) -> dict[str, Any]:
    """Nodes after place `after`, of one state, of one node of the template; '' is all."""
    states = _states(row["groups"])
    chosen = [group for group in row["groups"] if group["node"] == node]
    node, counts = (node, _states(chosen)) if chosen else ("", states)
    state = state if state in counts else ""
    found = links.nodes(row["uuid"], (state,) if state else (), node, after, NODES + 1)
    return {
        "workflow": row,
        "mark": workflow_mark(row["state"]),
        "explanation": explain(row, states),
        "progress": _progress(row),
        "took": _took(row),
        "state_counts": [(name, mark, counts[name]) for name, mark in JOB_STATES.items() if counts.get(name)],
        "state": state,
        "node": node,
        "after": after,
        "steps": _steps(found[:NODES]),
        "next": found[NODES - 1]["place"] if len(found) > NODES else None,
        "picture": _picture(row, node),
        "inputs": row["inputs"][:MOST_INPUTS],
        "of": data.find(row["dataset"]) if row["dataset"] else None,
        "events": jobs.events("workflow", row["uuid"]),
    }


def _states(groups: Iterable[NodeGroup]) -> dict[str, int]:
    found: dict[str, int] = {}
    for group in groups:
        for state, count in group["states"].items():
            found[state] = found.get(state, 0) + count
    return found


def explain(row: Workflow, states: Mapping[str, int]) -> str:
    """How it stands, in a sentence."""
    if row["state"] == "held":
        return f"Held: it begins with `p3s workflow release {row['uuid']}`."
    if row["state"] == "cancelled":
        return f"Cancelled by {row['cancelled_by'] or 'a person'}."
    if row["state"] in FINAL_WORKFLOW_STATES:
        return row["reason"] or f"All of its {row['nodes']} nodes have ended."
    if row["ending"]:
        return f"It is brought to its end: {row['reason'] or 'a person cancelled it'}."
    open_ones = {state: count for state, count in states.items() if state not in FINAL_JOB_STATES}
    words = [f"{count} {job_mark(state).word}" for state, count in open_ones.items()]
    return f"Of its {row['nodes']} nodes {', '.join(words)}." if words else ""


def _steps(rows: list[NodeRow]) -> list[Step]:
    shown = [file["path"] for row in rows for file in (*row["inputs"][:FILES], *row["outputs"][:FILES])]
    known = data.known(set(shown))
    return [_step(row, known) for row in rows]


def _step(row: NodeRow, known: Mapping[str, str]) -> Step:
    reads_, writes = (_files(row[way], known) for way in ("inputs", "outputs"))
    started, ended = row["started_at"], row["ended_at"]
    took = None if started is None or ended is None else max(0.0, ended - started)
    more = row["files"] - len(reads_) - len(writes)
    return Step(row, job_mark(row["state"], row["reason"]), reads_, writes, more, took)


def _files(files: Iterable[NodeFile], known: Mapping[str, str]) -> list[File]:
    return [
        File(
            "" if one["variable"] == OWN else one["variable"],
            PurePosixPath(one["path"]).name or one["path"],
            one["path"],
            known.get(one["path"], ""),
        )
        for one in list(files)[:FILES]
    ]


# ---- the picture


def _picture(row: Workflow, selected: str) -> dict[str, Any] | None:
    """The nodes of its template, each with what became of its jobs; None where there are too many."""
    template: TemplateSpec = from_object(TemplateSpec, reads.spec_of(row["template"], row["version"]))
    states = {group["node"]: group["states"] for group in row["groups"]}
    order = [name for name in dag.order(template) if name in states]
    waits = {name: [one for one in _before(template, name) if one in states] for name in order}
    found = picture(waits)
    if found is None:
        return None
    drawn = [_drawn(box, states[box.name], box.name == selected) for box in found.boxes]
    return {"shape": found, "boxes": drawn, "box_width": WIDTH, "box_height": HEIGHT}


_WORST_FIRST: tuple[Group, ...] = ("wrong", "busy", "left", "done")


def _before(template: TemplateSpec, name: str) -> list[str]:
    return list(dict.fromkeys(dag.before(template, template.nodes[name])))


def _drawn(box: Box, states: Mapping[str, int], selected: bool) -> Drawn:
    called = box.name if len(box.name) <= LETTERS else box.name[: LETTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    total = sum(states.values())
    by_group = count_groups(states)
    group = next((one for one in _WORST_FIRST if by_group[one]), _WORST_FIRST[-1])
    if len(states) == 1:
        mark = job_mark(next(iter(states)))
        said = mark.word if total == 1 else f"{total} {mark.word}"
        return Drawn(box, called, said, mark, selected)
    words = ", ".join(f"{count} {job_mark(state).word}" for state, count in states.items())
    ended = sum(count for state, count in states.items() if state in FINAL_JOB_STATES)
    short = f"{ended} of {total} ended" if by_group["busy"] else f"{by_group['done']} of {total} finished"
    return Drawn(box, called, short, Mark(group, words), selected)
