"""Release or cancel a workflow; which one may be run again, and what of it need not."""

from p3s.domain.effects import Noted
from p3s.domain.workflows import progress
from p3s.domain.workflows.flows import Flow
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.protocol.states import FINAL_WORKFLOW_STATES, JobState, WorkflowState
from p3s.protocol.workflows import WorkflowChange
from p3s.server.workflows.models import Node, Workflow

from .advance import carry_out, remembered
from .rerun import Who
from .work import Work


def release_workflow(work: Work, *, workflow: str, who: Who, why: str) -> WorkflowChange:
    """Let a held one begin. Raises Conflict for one that has ended."""
    flow = _owned(work, workflow, who, "release")
    if flow.over:
        raise Conflict(f"workflow {workflow} is {flow.state}; only a held one is released")
    if flow.state is not WorkflowState.HELD:
        return WorkflowChange(workflow, str(flow.state), "it was not held")
    moves = progress.begin(flow)
    work.desk.do([Noted("workflow", workflow, "released", who.name, why, work.now)])
    carry_out(work, flow, moves)
    return WorkflowChange(workflow, str(flow.state), "it may run now")


def cancel_workflow(work: Work, *, workflow: str, who: Who, why: str) -> WorkflowChange:
    """What waits will not run; of what runs the pilots are told to end it, and then it has ended."""
    flow = _owned(work, workflow, who, "cancel")
    if flow.over:
        return WorkflowChange(workflow, str(flow.state), f"it had already ended as {flow.state}")
    if flow.ending:
        return WorkflowChange(workflow, str(flow.state), "it is already being brought to its end")
    moves = progress.cancel(flow)
    work.desk.do([Noted("workflow", workflow, "cancelled", who.name, why, work.now)])
    carry_out(work, flow, moves, who.name)
    work.settle()  # queued jobs have ended with this, and with them perhaps the workflow
    note = "it will not go on" if flow.over else "its pilots are told to end what runs"
    return WorkflowChange(workflow, str(flow.state), note)


def finished_jobs(workflow: Workflow) -> dict[int, int | None]:
    """By place, the numbers of the jobs that finished, its own or those that it took over."""
    nodes = Node.objects.filter(workflow=workflow).values_list("place", "state", "job__state", "job")
    finished = str(JobState.FINISHED)
    return {place: job for place, state, of_job, job in nodes if job is not None and finished in (state, of_job)}


def ended_one(workflow: str, who: Who) -> Workflow:
    """The row of a workflow that is to be run again. Raises NotKnown, NotAllowed or Conflict."""
    row = _row(workflow, who, "run it again")
    if row.state not in FINAL_WORKFLOW_STATES:
        raise Conflict(f"workflow {workflow} is {row.state}; only one that has ended is run again")
    return row


def _row(workflow: str, who: Who, what: str) -> Workflow:
    row = Workflow.objects.filter(uuid=workflow).first()
    if row is None:
        raise NotKnown(f"there is no workflow {workflow}; p3s workflow list shows the latest")
    if row.owner != who.name and not who.all_jobs:
        raise NotAllowed(f"workflow {workflow} belongs to {row.owner}; only they or an operator can {what}")
    return row


def _owned(work: Work, workflow: str, who: Who, what: str) -> Flow:
    work.flush()
    _row(workflow, who, f"{what} it")
    work.settle()  # what its jobs ended as in this transaction, it has heard
    flow, _ = remembered(work, workflow)
    assert flow is not None
    return flow
