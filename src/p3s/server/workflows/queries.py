"""The writes of workflows in set-based SQL, the same on SQLite and PostgreSQL; see `jobs.queries`."""

import json
from collections.abc import Sequence

from p3s.domain.effects import OutputsMade, StepEnded, WorkflowMoved
from p3s.protocol.bounds import clean
from p3s.protocol.states import FINAL_WORKFLOW_STATES, JobState, WorkflowState
from p3s.server.sql import Row, Statement

GOOD = str(JobState.FINISHED)

ADD_NODES = Statement(
    """
INSERT INTO workflows_node (workflow_id, place, name, nth, job_id, state, reason, on_failure, inputs, outputs, after)
SELECT {workflow}, {place}, {name}, {nth}, {job}, {state}, {reason}, {on_failure}, {inputs}, {outputs}, {after} {rows}
""",
    workflow="text",
    place="integer",
    name="text",
    nth="integer",
    job="bigint",
    state="text",
    reason="text",
    on_failure="text",
    inputs="jsonb",
    outputs="jsonb",
    after="jsonb",
)

ADD_USES = Statement(
    """
INSERT INTO jobs_use (job_id, dataset_id, role, variable) SELECT {job}, {dataset}, {role}, {variable} {rows}
""",
    job="bigint",
    dataset="text",
    role="text",
    variable="text",
)

STEP_ENDED = Statement(
    """
UPDATE workflows_node SET state = {state}, reason = {reason}
WHERE workflow_id = {workflow} AND place = {place} AND state || '' = ''
""",
    state="text",
    reason="text",
    workflow="text",
    place="integer",
)

OUTPUTS_MADE = Statement(
    """
UPDATE data_dataset SET state = 'available' WHERE uuid = {dataset} AND state || '' <> 'available'
""",
    dataset="text",
)

NEVER_MADE = Statement(
    """
UPDATE data_dataset SET state = 'dropped'
WHERE state || '' = 'registered' AND uuid IN (
  SELECT jobs_use.dataset_id FROM jobs_use JOIN jobs_job ON jobs_job.id = jobs_use.job_id
  WHERE jobs_job.workflow = {workflow} AND jobs_use.role = 'output')
""",
    workflow="text",
)

MOVED = Statement(
    """
UPDATE workflows_workflow SET state = {after}, ending = {ending}, reason = {reason}, counts = {counts},
  cancelled_by = CASE WHEN {by} = '' THEN cancelled_by ELSE {by} END,
  started_at = COALESCE(started_at, {started_at}), ended_at = {ended_at}
WHERE uuid = {workflow} AND state || '' = {before}
""",
    after="text",
    ending="text",
    reason="text",
    counts="jsonb",
    by="text",
    started_at="double precision",
    ended_at="double precision",
    workflow="text",
    before="text",
)


def add_nodes(rows: Sequence[Row]) -> None:
    """Insert nodes: (workflow, place, name, nth, job number, state, reason, on_failure) and lists as JSON text of its
    inputs, its outputs and what it waits for besides."""
    ADD_NODES.run(rows)


def add_uses(rows: Sequence[Row]) -> None:
    """Insert what jobs read and write: (job number, dataset, `input` or `output`, variable)."""
    ADD_USES.run(rows)


def end_steps(effects: Sequence[StepEnded]) -> None:
    """Write that nodes without a job have ended."""
    rows = [(e.state.value, clean(e.reason)[:200], e.workflow, e.place) for e in effects]
    STEP_ENDED.run(rows, "nodes ended")


def make_outputs(effects: Sequence[OutputsMade]) -> None:
    """Write that files that were to come are there."""
    OUTPUTS_MADE.run([(file,) for effect in effects for file in effect.files])


def move(effects: Sequence[WorkflowMoved]) -> None:
    """Write how far workflows have come; with the last node that did not end well, its files will not come."""
    MOVED.run([_moved(effect) for effect in effects], "workflows moved")
    over = [(e.workflow,) for e in effects if e.after in FINAL_WORKFLOW_STATES and set(e.counts) != {GOOD}]
    if over:
        NEVER_MADE.run(over)


def _moved(e: WorkflowMoved) -> Row:
    began = None if e.after in (WorkflowState.HELD, WorkflowState.DEFINED) else e.at
    ended = e.at if e.after in FINAL_WORKFLOW_STATES else None
    told = (e.after.value, e.ending, clean(e.reason)[:400], json.dumps(e.counts), e.by)
    return (*told, began, ended, e.workflow, e.before.value)
