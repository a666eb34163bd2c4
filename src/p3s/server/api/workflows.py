"""Cold routes of workflows."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, workflow_bounds, workflow_routes
from p3s.protocol.acts import WhyRequest
from p3s.protocol.errors import NotKnown
from p3s.protocol.states import JobState, WorkflowState
from p3s.protocol.workflows import StartReply, StartRequest, WorkflowChange, WorkflowRerun
from p3s.server.actions.change_workflow import cancel_workflow, release_workflow
from p3s.server.actions.rerun import Who
from p3s.server.actions.rerun_workflow import rerun_plan
from p3s.server.actions.start_workflow import start, would
from p3s.server.actions.workflow_plans import plan
from p3s.server.broker import running
from p3s.server.jobs.reads import events
from p3s.server.upkeep.services import running as upkeep
from p3s.server.workflows import links, reads
from p3s.server.workflows.reads import Choice

from .doors import grant_of, plain, reach, read
from .paging import Cursor, Limit, Moment, Name, Run, exact, moment_and_name, number, page, words

router = Router(tags=["workflows"])
_UUID = re.compile(r"[0-9a-f-]{36}\Z")


def _found(workflow: str) -> dict[str, Any]:
    found = reads.workflow(workflow) if _UUID.match(workflow) else None
    if found is None:
        raise NotKnown(f"there is no workflow {workflow[:80]}; p3s workflow list shows the latest")
    return dict(found)


@router.post("/workflows", auth=reach("submit"), summary=workflow_routes.WORKFLOW_START.summary)
def start_workflow(request: HttpRequest) -> StartReply:
    """All its jobs are made in one transaction; those that wait for nothing are queued at once, unless it is to be
    held. Asked again with the same `key`, the answer is the same and nothing is made."""
    body, who = read(request, StartRequest), _who(request)
    workflow_bounds.check_start(body)
    upkeep().guard.check_work()
    planned = plan(body, who.name)
    act = would if body.dry_run else start
    reply: StartReply = running().ask(partial(act, planned=planned, hold=body.hold))
    return reply


@router.get("/workflows", auth=reach("read"), summary=workflow_routes.WORKFLOWS.summary)
@exact
def list_workflows(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    state: Annotated[str, Query(max_length=100, description="states, separated by commas")] = "",
    uuid: Annotated[str, Query(max_length=8_000, description="UUIDs, separated by commas")] = "",
    template: Name = "",
    owner: Name = "",
    name: Annotated[str, Query(max_length=200, description="may begin or end with *")] = "",
    stream: Name = "",
    dataset: Name = "",
    run: Run = None,
    since: Moment = None,
    until: Moment = None,
) -> dict[str, Any]:
    """Newest first; `next`, given as `cursor`, continues, null at the end. `since` and `until` count their making."""
    asked = {"template": template, "owner": owner, "name": name, "stream": stream, "dataset": dataset}
    for where, word in asked.items():
        bounds.check_name(word, where)
    uuids = tuple(word for word in uuid.split(",") if word)
    bounds.check_uuids(uuids, "uuid")
    choice = Choice(words(state, list(WorkflowState), "state"), uuids, run=run, since=since, until=until, **asked)
    rows = [dict(row) for row in reads.page(choice, limit + 1, moment_and_name(cursor))]
    return page("workflows", rows, limit, lambda row: f"{row['created_at']}~{row['uuid']}")


@router.get("/workflows/{workflow}", auth=reach("read"), summary=workflow_routes.WORKFLOW.summary)
@exact
def show_workflow(request: HttpRequest, workflow: str) -> dict[str, Any]:  # noqa: ARG001
    """All there is about a workflow; its single nodes are a list of their own."""
    return {**_found(workflow), "events": [plain(event) for event in events("workflow", workflow)]}


@router.get("/workflows/{workflow}/nodes", auth=reach("read"), summary=workflow_routes.NODES.summary)
@exact
def list_nodes(
    request: HttpRequest,  # noqa: ARG001
    workflow: str,
    limit: Limit = 100,
    cursor: Cursor = "",
    state: Annotated[str, Query(max_length=300, description="states of jobs, separated by commas")] = "",
    node: Annotated[str, Query(max_length=80, description="of the template")] = "",
) -> dict[str, Any]:
    """Each after those that it waits for; `next`, given as `cursor`, continues, null at the end."""
    _found(workflow)
    bounds.check_name(node, "node")
    after = number(cursor)
    states = words(state, list(JobState), "state")
    rows = links.nodes(workflow, states, node, -1 if after is None else after, limit + 1)
    return page("nodes", [dict(row) for row in rows], limit, lambda row: str(row["place"]))


@router.post("/workflows/{workflow}/release", auth=reach("submit"), summary=workflow_routes.WORKFLOW_RELEASE.summary)
def release(request: HttpRequest, workflow: str) -> WorkflowChange:
    """A held workflow begins."""
    return _change(request, workflow, release_workflow)


@router.post("/workflows/{workflow}/cancel", auth=reach("submit"), summary=workflow_routes.WORKFLOW_CANCEL.summary)
def cancel(request: HttpRequest, workflow: str) -> WorkflowChange:
    """What waits or is queued ends at once, what runs when its pilot has ended it; then the workflow has ended."""
    return _change(request, workflow, cancel_workflow)


def _change(request: HttpRequest, workflow: str, act: Callable[..., WorkflowChange]) -> WorkflowChange:
    body = read(request, WhyRequest)
    bounds.check_why(body)
    _found(workflow)
    reply: WorkflowChange = running().ask(partial(act, workflow=workflow, who=_who(request), why=body.why))
    return reply


@router.post("/workflows/{workflow}/rerun", auth=reach("submit"), summary=workflow_routes.WORKFLOW_RERUN.summary)
def rerun(request: HttpRequest, workflow: str) -> StartReply:
    """A new workflow from the same version with the same choices; with `failed`, only what did not end well is run, and
    what depends on it."""
    body, who = read(request, WorkflowRerun), _who(request)
    workflow_bounds.check_rerun_workflow(body)
    _found(workflow)
    upkeep().guard.check_work()
    planned = rerun_plan(workflow, body, who)
    act = would if body.dry_run else partial(start, why=body.why)
    reply: StartReply = running().ask(partial(act, planned=planned, hold=body.hold))
    return reply


def _who(request: HttpRequest) -> Who:
    grant = grant_of(request)
    return Who(grant.owner, grant.reaches("operate"))
