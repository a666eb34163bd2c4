"""`p3s stream ...`: standing rules."""

from time import time

import typer

from p3s.client.sdk import Client
from p3s.domain import changes as rules
from p3s.domain.changes import said
from p3s.protocol.streams import StreamChange, StreamRow

from . import by_hand, coverage, show, stream_rules
from .options import DryRun, Json, Limit, Stream, Why

app = typer.Typer(
    no_args_is_help=True, help="Standing rules: data of this kind makes these jobs. p3s watcher start declares them."
)


@app.command("list")
def list_streams(json: Json = False) -> None:
    """List streams. Example: p3s stream list"""
    found = Client().streams()
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["name"],
            one["version"],
            ", ".join(one["jobtypes"]) or f"workflow {one['workflow']}",
            sum(one["waiting"].values()) or "",
            show.age(one["updated_at"], now),
            _state(one),
        )
        for one in found
    )
    titles = ("stream", "version", "makes", "waiting", "set", "")
    show.table(titles, rows, "no streams yet; declare some: p3s watcher start streams.yaml", ("set", "makes"))


def _state(one: StreamRow) -> str:
    words = [f"paused by {one['paused_by']}: {one['paused_why']}".rstrip(": ")] if one["paused_at"] else []
    words += [show.count(one["live"], "live change")] if one["live"] else []
    return "; ".join(words)


@app.command("show")
def show_stream(name: Stream, json: Json = False) -> None:
    """Its rule as it is now, and what was changed live. Example: p3s stream show np04"""
    found = Client().stream(name)
    if json:
        show.as_json(found)
        return
    state = _state(found)
    print(show.plain(f"{found['name']}, version {found['version']}{f': {state}' if state else ''}"))
    for keys, value in rules.flat(found["spec"]).items():
        if keys != ("name",):
            path = ".".join(keys)
            print(show.plain(f"  {path} = {rules.word(path, value)}"))
    for jobtype, count in found["waiting"].items():
        print(show.plain(f"waiting: {show.count(count, 'job')} of {jobtype}"))
    if found["changes"]:
        print(f"changed live since it was declared ({show.plain(_revert(name))} drops this):")
        for one in found["changes"]:
            print(show.plain(f"  {said([StreamChange(**one)])}"))


def _revert(name: str) -> str:
    return f"p3s stream revert {name} --reason TEXT"


app.command("set", help=stream_rules.SET_HELP)(stream_rules.set_stream)
app.command()(stream_rules.revert)


@app.command()
def versions(name: Stream, limit: Limit = 20, json: Json = False) -> None:
    """What a stream was: who made it so, when, why. Example: p3s stream versions np04"""
    found = Client().stream_versions(name, limit)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["version"],
            one["what"],
            show.age(one["at"], now),
            one["owner"],
            one["why"],
            said(StreamChange(**change) for change in one["changes"]),
        )
        for one in found
    )
    show.table(("version", "", "age", "by", "why", "changes"), rows, "it has none")


@app.command()
def pause(name: Stream, reason: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Count what comes and leave it out; what was made goes on. Example: p3s stream pause np04 --reason "beam off" """
    client = Client()
    if dry_run:
        found = client.stream(name)
        changed = found["paused_at"] is None or reason not in ("", found["paused_why"])
    else:
        changed = client.pause_stream(name, reason)
    _switched(name, changed, "would be paused" if dry_run else "paused", "it was paused already", json)


@app.command()
def resume(name: Stream, reason: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Take what comes from now on again. Example: p3s stream resume np04"""
    client = Client()
    changed = client.stream(name)["paused_at"] is not None if dry_run else client.resume_stream(name, reason)
    _switched(name, changed, "would be resumed" if dry_run else "resumed", "it was not paused", json)
    if changed and not dry_run and not json:
        show.note(f"what was left out meanwhile: p3s stream process {name} --run N")


@app.command()
def delete(name: Stream, reason: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Forget one declared by mistake; refused while files or jobs are of it. Example: p3s stream delete np40"""
    reply = Client().delete_stream(name, reason, dry_run)
    if json:
        show.as_json(vars(reply))
        return
    print(show.plain(f"stream {reply.name}: {'would be forgotten' if dry_run else 'forgotten'}"))
    show.note(reply.note)


def _switched(name: str, changed: bool, done: str, before: str, json: bool) -> None:
    if json:
        show.as_json({"name": name, "changed": changed})
    else:
        print(show.plain(f"{name}: {done if changed else before}"))


app.command(help=by_hand.PROCESS_HELP)(by_hand.process)
app.command(help=coverage.COVERAGE_HELP)(coverage.coverage)
