"""Run a workflow that has ended again: the whole, or what did not end well and what depends on it."""

from dataclasses import replace

from p3s.domain.workflows.plan import kept
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import WorkflowRerun

from .change_workflow import ended_one, finished_jobs
from .rerun import Who
from .workflow_plans import Planned, plan_again


def rerun_plan(workflow: str, request: WorkflowRerun, who: Who) -> Planned:
    """Not for the writer's thread: what has ended changes no more. Raises Conflict for one that has not ended, BadInput
    when all of it ended well."""
    row = ended_one(workflow, who)
    planned = plan_again(row, request.failed, row.owner)
    nodes = planned.plan.nodes
    finished = finished_jobs(row) if request.failed else {}
    if request.failed and all(place in finished for place, node in enumerate(nodes) if node.spec is not None):
        raise BadInput(f"failed: all of workflow {workflow} finished; leave it out to run the whole again")
    good = kept(nodes, finished)
    done = {place: job for place, job in finished.items() if place in good}
    key = f"{who.name}:{request.key}" if request.key else ""
    return replace(planned, done=done, key=key, fingerprint=f"{workflow}:{int(request.failed)}"[:64])
