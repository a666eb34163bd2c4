"""`p3s workflow ...`: start workflows, look at them, change them."""

from collections.abc import Mapping
from time import time
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput
from p3s.protocol.workflow_views import NodeRow, Workflow
from p3s.protocol.workflows import WorkflowChange, WorkflowRerun

from . import moments, show, templates
from .options import DryRun, Json, Limit, Name, Run, Since, User, Why
from .several import each
from .start import START_HELP, start, told, told_dry, watched

app = typer.Typer(no_args_is_help=True, help="Workflows, and the templates that they are made from.")

Uuid = Annotated[str, typer.Argument(metavar="UUID", help="Of the workflow; p3s workflow list shows them.")]
Uuids = Annotated[list[str], typer.Argument(metavar="UUID...", help="Of workflows; p3s workflow list shows them.")]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Until it has ended; exit code 0 if it finished.")]

app.add_typer(templates.app, name="template")
app.command(help=START_HELP)(start)

MOST = 20
"""Of nodes that went wrong, so many are named."""


@app.command("list")
def list_workflows(
    limit: Limit = 20,
    state: Annotated[str, typer.Option(help="Only these states, separated by commas.")] = "",
    template: Annotated[str, typer.Option(help="Only of this template.")] = "",
    user: User = "",
    name: Name = "",
    stream: Annotated[str, typer.Option(help="Only those that this stream started.")] = "",
    run: Run = None,
    since: Since = "",
    json: Json = False,
) -> None:
    """List the latest workflows. Examples: p3s workflow list --state running | p3s workflow list --since 6h"""
    choice: dict[str, Any] = {"state": state.replace(" ", ""), "template": template, "owner": user, "name": name}
    choice |= {"stream": stream, "run": run, "since": moments.since(since)}
    found = Client().workflows(limit, **choice)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["uuid"],
            f"{one['template']} v{one['version']}",
            one["state"],
            f"{sum(one['counts'].values())}/{one['nodes']}",
            one["name"],
            one["owner"],
            show.age(one["created_at"], now),
            one["reason"],
        )
        for one in found
    )
    titles = ("workflow", "template", "state", "ended", "name", "owner", "age", "reason")
    chosen = any(value not in ("", None) for value in choice.values())
    empty = "no such workflows" if chosen else "no workflows yet; start one: p3s workflow start TEMPLATE"
    show.table(titles, rows, empty, ("owner", "name", "template", "reason"))


@app.command("show")
def show_workflow(
    workflow: Uuid,
    every: Annotated[bool, typer.Option("--all", help="Every node, not only those that went wrong or run.")] = False,
    state: Annotated[str, typer.Option(help="Only nodes in these states, separated by commas.")] = "",
    node: Annotated[str, typer.Option(help="Only of this node of the template.")] = "",
    files: Annotated[bool, typer.Option("--files", help="With the files that they read and write.")] = False,
    json: Json = False,
) -> None:
    """How far a workflow has come. Examples: p3s workflow show UUID | p3s workflow show UUID --node merge --files"""
    client = Client()
    found = client.workflow(workflow)
    chosen = state or ("" if every or node else "failed,dropped,lost,cancelled,skipped,running,dispatched")
    nodes = client.workflow_nodes(workflow, None if json or every else MOST + 1, "" if json else chosen, node)
    if json:
        show.as_json({**found, "steps": nodes})
        return
    _tell(found)
    _tell_nodes(nodes, every)
    for one in nodes if files else ():
        for role in ("inputs", "outputs"):
            for file in one[role]:
                writer = f" (of {file['node']})" if file["node"] else ""
                print(show.plain(f"{one['name']:14} {role[:-1]:6} {file['variable']}={file['path']}{writer}"))


def _tell(found: Workflow) -> None:
    now = time()
    left_out = {"groups", "events", "counts", "inputs", "nodes", "template", "version", "ending"}
    print(f"{'template':14} {show.plain(found['template'])} version {found['version']}")
    plain: dict[str, Any] = {**found}
    for name, value in plain.items():
        if name in left_out or value in (None, "", {}, []):
            continue
        said = f"{show.age(value, now)} ago" if name.endswith("_at") else _words(value)
        print(f"{name:14} {show.plain(said)}")
    if found["inputs"]:
        more = f" and {len(found['inputs']) - 1} more" if len(found["inputs"]) > 1 else ""
        print(f"{'inputs':14} {show.plain(found['inputs'][0])}{more}")
    for event in found["events"]:
        why = f": {event['why']}" if event["why"] else ""
        print(show.plain(f"{'event':14} {show.age(event['at'], now)} ago: {event['what']} by {event['who']}{why}"))
    print()
    words = ("finished", "running", "dispatched", "defined", "waiting", "failed", "skipped", "cancelled")
    rows = [(group["node"], _in_order(group["states"], words)) for group in found["groups"]]
    show.table(("node", "states"), rows, "it has no nodes")


def _in_order(states: dict[str, int], words: tuple[str, ...]) -> str:
    order = [*words, *sorted(set(states) - set(words))]
    return ", ".join(f"{states[word]} {word}" for word in order if word in states)


def _words(value: object) -> str:
    """Parameters and keys as they are given at a start, everything else as it is."""
    if isinstance(value, dict):
        return " ".join(f"{name}={_words(one)}" for name, one in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _tell_nodes(nodes: list[NodeRow], every: bool) -> None:
    if not nodes:
        return
    print()
    rows = []
    for one in nodes if every else nodes[:MOST]:
        waits = f"waits for {', '.join(one['waits_for'])}" if one["waits_for"] else ""
        code = f" {one['exit_code']}" if one["reason"] == "exit code" else ""
        rows.append((one["name"], one["state"], one["job"] or "", f"{one['reason']}{code}" or waits))
    show.table(("node", "state", "job", "why"), rows, "")
    if not every and len(nodes) > MOST:
        show.note("and more: p3s workflow show UUID --all, or --state failed")


@app.command()
def release(workflows: Uuids, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Let held workflows begin. Example: p3s workflow release UUID"""
    client = Client()

    def would(one: str) -> WorkflowChange:
        state = client.workflow(one)["state"]
        return WorkflowChange(one, state, "would be released" if state == "held" else "would not: it is not held")

    act = would if dry_run else lambda one: client.release_workflow(one, why)
    each(workflows, lambda one: vars(act(one)), _changed, json)


@app.command()
def cancel(workflows: Uuids, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """End workflows: nothing more of them starts, what runs is ended. Example: p3s workflow cancel UUID --why wrong"""
    client = Client()

    def would(one: str) -> WorkflowChange:
        found = client.workflow(one)
        left = show.count(found["nodes"] - sum(found["counts"].values()), "node")
        note = "would not: it has ended" if found["ended_at"] else f"would be cancelled, {left} of it not ended"
        return WorkflowChange(one, found["state"], note)

    act = would if dry_run else lambda one: client.cancel_workflow(one, why)
    each(workflows, lambda one: vars(act(one)), _changed, json)


def _changed(reply: Mapping[str, Any]) -> str:
    return f"{reply['workflow']} {reply['state']}: {reply['note']}"


RERUN_HELP = """Run a workflow that has ended again: a new one, from the same version with the same choices.

With --failed only what did not end well is run, and what depends on it; what else finished is taken over with its
files.

Examples:

  p3s workflow rerun UUID --failed --why "the calibration was missing" --wait
"""


@app.command(help=RERUN_HELP)
def rerun(
    workflow: Uuid,
    failed: Annotated[bool, typer.Option("--failed", help="Only what did not end well, and what follows.")] = False,
    hold: Annotated[bool, typer.Option("--hold", help="It begins when it is released.")] = False,
    why: Why = "",
    wait: Wait = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if wait and hold:
        raise BadInput("--wait and --hold: a held workflow does not begin, so there is nothing to wait for")
    client = Client()
    reply = client.rerun_workflow(workflow, WorkflowRerun(failed, hold, why, dry_run=dry_run))
    if dry_run:
        told_dry(reply, "run again", json)
        return
    if not (json and wait):  # then the one document on stdout is the workflow that has ended
        told(reply, json)
    if wait:
        watched(client, reply, json)
