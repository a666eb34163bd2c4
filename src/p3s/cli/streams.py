"""`p3s stream ...`: standing rules, changed live; files processed by hand; what became of every file."""

from dataclasses import asdict
from pathlib import Path
from time import time
from typing import Annotated, Any

import typer

from p3s.client.descriptions import resolved
from p3s.client.sdk import Client
from p3s.domain import changes as rules
from p3s.domain.changes import said
from p3s.protocol.errors import BadInput
from p3s.protocol.streams import CoverageRow, ProcessReply, ProcessRequest, StreamChange, StreamChanged, StreamRow

from . import complete, show
from .options import DryRun, Json, Limit, Why

app = typer.Typer(
    no_args_is_help=True, help="Standing rules: data of this kind makes these jobs. p3s watcher start declares them."
)

Name = Annotated[str, typer.Argument(help="The stream.", autocompletion=complete.streams)]
SomeName = Annotated[str, typer.Argument(help="Only this stream.", autocompletion=complete.streams)]
Reason = Annotated[str, typer.Option("--reason", "--why", help="For the record; required.")]
Run = Annotated[int | None, typer.Option(help="Files of this run.")]


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
def show_stream(name: Name, json: Json = False) -> None:
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


SET_HELP = """Change a stream's rule live, for files that come from now on.

A place of the rule is a dotted path: env.NAME, take.one_in, take.first_of_run, waiting.at_most, waiting.then,
jobs.TYPE.payload, jobs.TYPE.priority, jobs.TYPE.one_in, jobs.TYPE.env.NAME, jobs.TYPE.needs.memory, parameters.NAME
(of a workflow) and so on; p3s stream show has those that are set.

Examples:

  p3s stream set np04 env.DUNETPCVER=v07_14_00 --reason "reads the new headers"

  p3s stream set np04 take.one_in=20 jobs.evdisp.one_in=1 jobs.monitor.time_limit=3h --reason "beam is on" --dry-run

  p3s stream set np04 --unset waiting --reason "enough pilots"

PATH= takes out, too. Every change is a version: p3s stream versions, p3s stream revert.
"""


@app.command("set", help=SET_HELP)
def set_stream(
    name: Name,
    settings: Annotated[list[str] | None, typer.Argument(metavar="PATH=VALUE...", help="What is to be other.")] = None,
    unset: Annotated[list[str] | None, typer.Option(metavar="PATH", help="Take out: its default holds.")] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if not (settings or unset):
        raise BadInput("p3s stream set wants PATH=VALUE, like env.RELEASE=v2, or --unset PATH")
    _check_reason(reason)
    client = Client()
    rule = client.stream(name)["spec"]
    changes: dict[str, Any] = {}
    gone = list(unset or [])
    for text in settings or []:
        path, equals, value = text.partition("=")
        if not equals:
            raise BadInput(f"{text!r} says no value; write {text}=VALUE, or --unset {text}")
        if value:
            changes[path] = rules.read(path, resolved(value, Path()) if _is_payload(path) else value, rule)
        else:
            gone.append(path)
    _tell(client.set_stream(name, changes, reason, gone, dry_run), "set", dry_run, json)


def _is_payload(path: str) -> bool:
    """Whether a place of a rule holds a command, whose ./x is seen from here as in a file from the file's directory."""
    return path.startswith(("jobs.", "gather.")) and path.endswith(".payload") and ".env." not in path


@app.command()
def revert(
    name: Name,
    to: Annotated[int | None, typer.Option(help="The version; without it, what was declared last.")] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a stream what it was. Example: p3s stream revert np04 --to 3 --reason "the new release crashes" """
    _check_reason(reason)
    _tell(Client().revert_stream(name, reason, to, dry_run), "reverted", dry_run, json)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInput("--reason: say why, for the record and for those on shift after you")


def _tell(reply: StreamChanged, done: str, dry_run: bool, json: bool) -> None:
    if json:
        show.as_json(asdict(reply))
        return
    for one in reply.changes:
        print(show.plain(said([one])))
    for note in reply.notes:
        print(show.plain(f"{reply.name}: {note}"))
    if reply.changes:
        print(show.plain(f"{reply.name}: would be {done}" if dry_run else f"{reply.name}: version {reply.version}"))


@app.command()
def versions(name: Name, limit: Limit = 20, json: Json = False) -> None:
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
def pause(name: Name, reason: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Count what comes and leave it out; what was made goes on. Example: p3s stream pause np04 --reason "beam off" """
    client = Client()
    if dry_run:
        found = client.stream(name)
        changed = found["paused_at"] is None or reason not in ("", found["paused_why"])
    else:
        changed = client.pause_stream(name, reason)
    _switched(name, changed, "would be paused" if dry_run else "paused", "it was paused already", json)


@app.command()
def resume(name: Name, reason: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Take what comes from now on again. Example: p3s stream resume np04"""
    client = Client()
    changed = client.stream(name)["paused_at"] is not None if dry_run else client.resume_stream(name, reason)
    _switched(name, changed, "would be resumed" if dry_run else "resumed", "it was not paused", json)
    if changed and not dry_run and not json:
        show.note(f"what was left out meanwhile: p3s stream process {name} --run N")


def _switched(name: str, changed: bool, done: str, before: str, json: bool) -> None:
    if json:
        show.as_json({"name": name, "changed": changed})
    else:
        print(show.plain(f"{name}: {done if changed else before}"))


PROCESS_HELP = """Process files of a stream now, whatever its prescale: those that were sampled out or ignored, or whose
jobs were dropped, failed, lost, cancelled or never made.

Examples:

  p3s stream process np04 --run 4610 --dry-run

  p3s stream process np04 --run 4610 --file 'np04_raw_*_dl5.root' --limit 5 --reason "spikes in plane U"

  p3s stream process np04 --file np04_raw_run004610_0001_dl5.root --again

The newest first. They get the jobs that they lack, or a workflow, by the rule as it is now, and their ETA counts from
now.
"""

MOST_LINES = 20
"""Of each kind, for people."""


@app.command(help=PROCESS_HELP)
def process(
    name: Name,
    run: Run = None,
    file: Annotated[str, typer.Option(metavar="GLOB", help="Only files of such names; * and ? are anything.")] = "",
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many files.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also files that are processed.")] = False,
    reason: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if run is None and (not file or set("*?[") & set(file)):
        raise BadInput("p3s stream process wants --run N, or --file with the whole name of one")
    reply = Client().process(name, ProcessRequest(run, file, limit, again, reason, dry_run))
    if json:
        show.as_json(asdict(reply))
        return
    _tell_files(reply, dry_run, again)


def _tell_files(reply: ProcessReply, dry_run: bool, again: bool) -> None:
    rows = [
        (one.name, f"was {one.was}", f"workflow {one.template}" if one.template else ", ".join(one.jobtypes))
        for one in reply.taken[:MOST_LINES]
    ]
    if dry_run:
        rows += [(one.name, "left", one.why) for one in reply.left[:MOST_LINES]]
    if rows:
        show.table(("file", "", "job types, or why not"), rows, "")
    hidden = max(0, len(reply.taken) - MOST_LINES) + (max(0, len(reply.left) - MOST_LINES) if dry_run else 0)
    if hidden:
        print(f"and {hidden} more; --json has all")
    jobs, flows = sum(len(one.jobtypes) for one in reply.taken), sum(bool(one.template) for one in reply.taken)
    made = show.count(flows, "workflow") if flows else show.count(jobs, "job")
    files = f"{show.count(len(reply.taken), 'file')}, {made}"
    print(f"{'would be processed' if dry_run else 'processed now'}: {files}; left: {_counted(reply)}")
    if not again and any(one.why == "processed" for one in reply.left):
        show.note("--again has those processed too that are processed already")
    if not (reply.taken or reply.left):
        show.note(
            "no file that the stream has seen of this run has such a name; p3s dataset list --run N has their names"
        )


def _counted(reply: ProcessReply) -> str:
    counts: dict[str, int] = {}
    for one in reply.left:
        counts[one.why] = counts.get(one.why, 0) + 1
    return _reasons(counts) or "0"


def _reasons(counts: dict[str, int]) -> str:
    """`5 (overflow 3, stale 2)`; empty for none."""
    words = ", ".join(f"{why} {count}" for why, count in sorted(counts.items(), key=lambda one: -one[1]))
    return show.plain(f"{sum(counts.values())} ({words})") if counts else ""


COVERAGE_HELP = """What became of every file, by run and stream, the newest run first.

Examples:

  p3s stream coverage

  p3s stream coverage np04 --run 4610

files = sampled out + ignored + taken; taken = processed + in progress + failed + lost + dropped + cancelled + skipped.
A file with several jobs is counted by the worst of them; "by hand" are those of the taken that a person had processed.
"""


@app.command(help=COVERAGE_HELP)
def coverage(name: SomeName = "", run: Run = None, limit: Limit = 20, json: Json = False) -> None:
    client = Client()
    if name:
        client.stream(name)  # says so when it is none
    found = client.coverage(name, run, limit)
    if json:
        show.as_json(found)
        return
    rows = [_covered(row) for row in found]
    shown = [place for place, title in enumerate(_COLUMNS) if title in _ALWAYS or any(row[place] for row in rows)]
    titles = list(_COLUMNS)
    show.table([titles[at] for at in shown], [[row[at] for at in shown] for row in rows], _no_files(name, run))


def _no_files(name: str, run: int | None) -> str:
    if run is None:
        return "no files yet"
    return f"stream {name} has seen no file of run {run}" if name else f"no stream has seen a file of run {run}"


_COLUMNS = {
    "run": "run",
    "stream": "stream",
    "files": "files",
    "sampled out": "sampled_out",
    "ignored": "ignored",
    "taken": "taken",
    "processed": "processed",
    "in progress": "in_progress",
    "failed": "failed",
    "lost": "lost",
    "dropped": "dropped",
    "cancelled": "cancelled",
    "skipped": "skipped",
    "by hand": "manual",
}


_ALWAYS = ("run", "stream", "files", "taken", "processed")
"""Columns that are shown when they are empty, too."""


def _covered(row: CoverageRow) -> list[Any]:
    cells: list[Any] = []
    for field in _COLUMNS.values():
        value = row[field]  # type: ignore[literal-required] # one of its fields
        cells.append(_reasons(value) if isinstance(value, dict) else "none" if value is None else value or "")
    return cells
