"""Workflows on the server: start, look, wait, change."""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict, Unpack

from p3s.protocol import workflow_routes
from p3s.protocol.acts import WhyRequest
from p3s.protocol.states import FINAL_WORKFLOW_STATES
from p3s.protocol.workflow_views import NodeRow, Workflow, WorkflowRow
from p3s.protocol.workflows import StartReply, StartRequest, WorkflowChange, WorkflowRerun

from .live import Live
from .waiting import Waiting, rest


class WorkflowChoice(TypedDict, total=False):
    """Which workflows. `state` and `uuid` may be several, separated by commas; `name` may begin or end with `*`;
    `since`, `until`: made, seconds since the epoch."""

    state: str
    uuid: str
    template: str
    owner: str
    name: str
    stream: str
    dataset: str
    run: int | None
    since: float | None
    until: float | None


class Workflows(Waiting):
    """What `Client` does with workflows.

    >>> started = client.start_workflow("pedestals", inputs=["/data/raw/run4610_1.root"])
    >>> client.wait_workflow(started.workflow)["state"]
    'finished'
    """

    def start_workflow(self, request: StartRequest | str, inputs: list[str] | None = None) -> StartReply:
        """Start a template by name, or as a StartRequest says. Asked again with its `key` it starts no second one."""
        if isinstance(request, str):
            request = StartRequest(request)
        request = replace(request, inputs=[*request.inputs, *(inputs or [])], key=request.key or uuid.uuid4().hex)
        return self._told(StartReply, workflow_routes.WORKFLOW_START, request)

    def workflows(self, limit: int | None = 100, **choice: Unpack[WorkflowChoice]) -> list[WorkflowRow]:
        """The latest workflows, newest first."""
        return list(self._pages(workflow_routes.WORKFLOWS, "workflows", limit, {**choice}))

    def workflow(self, workflow: str) -> Workflow:
        """All there is about a workflow but its single nodes. Raises NotKnown."""
        found: Workflow = self._ask(workflow_routes.WORKFLOW, workflow=workflow)
        return found

    def workflow_nodes(self, workflow: str, limit: int | None = None, state: str = "", node: str = "") -> list[NodeRow]:
        """Nodes, each after those that it waits for; `state` may be several, separated by commas; `node`: of the
        template."""
        words = {"state": state.replace(" ", ""), "node": node}
        return list(self._pages(workflow_routes.NODES, "nodes", limit, words, workflow=workflow))

    def release_workflow(self, workflow: str, why: str = "") -> WorkflowChange:
        """Let a held workflow begin."""
        return self._told(WorkflowChange, workflow_routes.WORKFLOW_RELEASE, WhyRequest(why), workflow=workflow)

    def cancel_workflow(self, workflow: str, why: str = "") -> WorkflowChange:
        """End a workflow: nothing more of it starts, what runs is ended."""
        return self._told(WorkflowChange, workflow_routes.WORKFLOW_CANCEL, WhyRequest(why), workflow=workflow)

    def rerun_workflow(self, workflow: str, request: WorkflowRerun | None = None) -> StartReply:
        """Run an ended workflow again; with `failed` only what did not end well."""
        request = request or WorkflowRerun()
        request = replace(request, key=request.key or uuid.uuid4().hex)
        return self._told(StartReply, workflow_routes.WORKFLOW_RERUN, request, workflow=workflow)

    def wait_workflow(
        self, workflow: str, progress: Callable[[Workflow], None] = lambda _: None, timeout_s: float = 0
    ) -> Workflow:
        """The workflow once it has ended. `progress` is told of each look. Raises TimeoutError, or NotKnown."""
        until = time.monotonic() + (timeout_s or float("inf"))
        live = Live(self.server, self._token)
        try:
            while True:
                found = self.workflow(workflow)
                progress(found)
                if found["state"] in FINAL_WORKFLOW_STATES:
                    return found
                if time.monotonic() >= until:
                    raise TimeoutError(f"workflow {workflow} has not ended after {timeout_s:g} s")
                rest(live, until, "workflows")
        finally:
            live.close()
