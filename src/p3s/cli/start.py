"""`p3s workflow start`, and waiting for the end of a workflow."""

import glob
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from p3s.client.classic_workflows import file_info, job_info
from p3s.client.descriptions import duration, resolved
from p3s.client.files import address, is_there
from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput, P3sError
from p3s.protocol.workflow_views import Workflow
from p3s.protocol.workflows import DatumChange, NodeChange, StartReply, StartRequest

from . import complete, pairs, show
from .options import DryRun, Json

START_HELP = """Start a workflow of a template.

Examples:

  p3s workflow start pedestals data/run4610_*.root --run 4610 --wait

  p3s workflow start calib --dataset run4610 -p release=v07_13_02 -p events=100

  p3s workflow start calib --env decode.DEBUG=1 --payload purity=./purity2.sh --dry-run

  p3s workflow start calib --priority purity=9 --time-limit purity=2h --path sum.SUM=/data/run7.root

Inputs are for the nodes that fan out over them. Changes with --payload, --env, --priority, --time-limit and --path are
for this workflow alone, as are those of 2018: --fileinfo sticky, inherit:NAME or {"source:target": {"name": "a.txt",
"dirpath": "/data"}}, --jobinfo {"node": {"payload": "/bin/date"}}, as text or as a file; the options win over them.
"""

Pairs = list[str] | None
Template = Annotated[
    str, typer.Argument(help="Its name; p3s workflow template list shows them.", autocompletion=complete.templates)
]
Paths = Annotated[Pairs, typer.Option(metavar="DATUM=PATH", help="Another path of a file, like sum.SUM=x.root.")]


def start(
    template: Template,
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE...]", help="Inputs: paths or URLs.")] = None,
    inputs: Annotated[
        Pairs, typer.Option("--input", "-i", metavar="FILE", help="An input, or a pattern in quotes; may be repeated.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="A dataset or a set, by name or UUID: its files are inputs.")] = "",
    parameters: Annotated[Pairs, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Repeatable.")] = None,
    version: Annotated[int | None, typer.Option(help="Of the template; default: that in force.")] = None,
    name: Annotated[str, typer.Option(help="What the workflow is called.")] = "",
    comment: Annotated[str, typer.Option(help="Free text.")] = "",
    directory: Annotated[str, typer.Option(help="Where files without a place of their own are written.")] = "",
    names: Annotated[str, typer.Option(help="Of files: sticky, or inherit:NAME; default: as the template says.")] = "",
    run: Annotated[int | None, typer.Option(help="The run that its data are of.")] = None,
    subrun: Annotated[int | None, typer.Option(help="The subrun.")] = None,
    keys: Annotated[Pairs, typer.Option("--key", metavar="NAME=VALUE", help="Of the experiment's numbering.")] = None,
    payload: Annotated[Pairs, typer.Option(metavar="NODE=TEXT", help="Another payload of a node; ./x is here.")] = None,
    env: Annotated[Pairs, typer.Option(metavar="NODE.NAME=VALUE", help="A variable of a node.")] = None,
    priority: Annotated[Pairs, typer.Option(metavar="NODE=N", help="Another priority of a node.")] = None,
    time_limit: Annotated[Pairs, typer.Option(metavar="NODE=20m", help="Another time limit; 0s: none.")] = None,
    path: Paths = None,
    fileinfo: Annotated[str, typer.Option(metavar="JSON|FILE", help="Other names and directories, as in 2018.")] = "",
    jobinfo: Annotated[str, typer.Option(metavar="JSON|FILE", help="Other payloads and variables, as in 2018.")] = "",
    hold: Annotated[bool, typer.Option("--hold", help="It begins when it is released.")] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until it has ended; exit code 0 if it finished.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if wait and hold:
        raise BadInput("--wait and --hold: a held workflow does not begin, so there is nothing to wait for")
    policy, data = _files(names, fileinfo, path)
    request = StartRequest(
        template,
        version,
        name,
        comment,
        {**pairs.pairs(parameters, "--parameter")},
        _inputs([*(files or []), *(inputs or [])]),
        dataset,
        str(Path(directory).resolve()) if directory and "://" not in directory else directory,
        policy,
        _node_changes(jobinfo, payload, env, priority, time_limit),
        data,
        run,
        subrun,
        {**pairs.keys(keys)},
        hold,
        dry_run,
    )
    client = Client()
    reply = client.start_workflow(request)
    if dry_run:
        told_dry(reply, "start a workflow of", json)
        return
    if not (json and wait):  # then the one document on stdout is the workflow that has ended
        told(reply, json)
    if wait:
        watched(client, reply, json)


def _inputs(given: list[str]) -> list[str]:
    """Paths made absolute; patterns are of this machine. Raises BadInput for one that nothing matches."""
    found: list[str] = []
    for one in given:
        if "://" in one:
            found.append(one)
        elif is_there(one) or not glob.has_magic(one):
            found.append(address(one))
            if not is_there(one):
                show.note(f"note: {show.plain(one)} is not on this machine; where the pilot runs, it must be")
        else:
            matched = sorted(glob.glob(one, recursive=True))  # noqa: PTH207 - absolute ones too
            if not matched:
                raise BadInput(
                    f"--input {one!r}: no file on this machine matches; --dataset names what the server knows"
                )
            found += [address(path) for path in matched]
    return found


def _files(names: str, fileinfo: str, path: Pairs) -> tuple[str, dict[str, DatumChange]]:
    """How files are named, and those that are otherwise."""
    policy, data = file_info(fileinfo)
    if names and policy:
        raise BadInput("--names and --fileinfo both say how files are named; give one of them")
    for datum, text in pairs.pairs(path, "--path", "DATUM=PATH").items():
        data[datum] = DatumChange(path=text, comment=data[datum].comment if datum in data else None)
    return names or policy, data


def _node_changes(
    jobinfo: str, payload: Pairs, env: Pairs, priority: Pairs, time_limit: Pairs
) -> dict[str, NodeChange]:
    """By node, what JOBINFO says and then the options."""
    found = job_info(jobinfo)

    def change(node: str, **changes: Any) -> None:
        found[node] = replace(found.get(node, NodeChange()), **changes)

    for node, text in pairs.pairs(payload, "--payload", "NODE=TEXT").items():
        change(node, payload=resolved(text, Path()))
    for node, text in pairs.pairs(priority, "--priority", "NODE=N").items():
        change(node, priority=_whole(text, f"--priority {node}={text}"))
    for node, text in pairs.pairs(time_limit, "--time-limit", "NODE=20m").items():
        change(node, time_limit=duration(text, f"--time-limit {node}"))
    for name, value in pairs.pairs(env, "--env", "NODE.NAME=VALUE").items():
        node, dot, variable = name.rpartition(".")
        if not dot or not node or not variable:
            raise BadInput(f"--env {name}={value}: write NODE.NAME=VALUE")
        change(node, env={**found.get(node, NodeChange()).env, variable: value})
    return found


def _whole(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"{where}: {text!r} is not a whole number") from None


def told_dry(reply: StartReply, what: str, json: bool) -> None:
    """`would start a workflow of 3 jobs`, and what a person should read beside it."""
    if json:
        show.as_json({"jobs": reply.jobs, "notes": reply.notes})
        return
    print(f"would {what} {show.count(reply.jobs, 'job')}")
    for note in reply.notes:
        show.note(f"note: {note}")


def told(reply: StartReply, json: bool) -> None:
    """The UUID on stdout, what a person should read beside it."""
    if json:
        show.as_json(asdict(reply))
        return
    for note in reply.notes:
        show.note(f"note: {note}")
    print(reply.workflow, flush=True)


def watched(client: Client, reply: StartReply, json: bool) -> None:
    """Progress on stderr until it has ended; then the command's exit code."""
    workflow = reply.workflow
    try:
        with show.progress("nodes", reply.jobs) as advance:

            def progress(found: Workflow) -> None:
                counts = found["counts"]
                words = ", ".join(f"{counts[state]} {state}" for state in sorted(counts)) or found["state"]
                advance(min(sum(counts.values()), reply.jobs), words)

            found = client.wait_workflow(workflow, progress)
    except (P3sError, KeyboardInterrupt):
        if json:
            told(reply, json)
        show.note(f"note: the workflow goes on: p3s workflow show {workflow}; p3s workflow cancel {workflow} ends it")
        raise
    if json:
        show.as_json({**found, "notes": reply.notes})
    counts = ", ".join(f"{count} {state}" for state, count in sorted(found["counts"].items()))
    show.note(f"{found['state']}: {found['reason'] or counts}")
    if found["state"] != "finished":
        _tell_wrong(client, workflow)
        raise typer.Exit(1)


def _tell_wrong(client: Client, workflow: str) -> None:
    """The first nodes that went wrong, each with the last line that it wrote to stderr."""
    for node in client.workflow_nodes(workflow, 3, "failed,lost,dropped"):
        last = client.log(node["job"], "stderr").strip().splitlines()[-1:] if node["job"] else []
        code = f" {node['exit_code']}" if node["reason"] == "exit code" else ""
        show.note(f"{node['name']} {node['state']}: {node['reason']}{code}{': ' + last[0] if last else ''}")
    show.note(f"p3s workflow rerun {workflow} --failed runs again what did not end well")
