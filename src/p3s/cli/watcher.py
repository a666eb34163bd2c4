"""`p3s watcher ...`: files that arrive."""

import re
import signal
import threading
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from p3s.client.files import address
from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput, NotKnown, P3sError, TryLater
from p3s.protocol.mistakes import refuse, said

from . import show
from .options import DryRun, Json
from .parts import place
from .programs import doubt_of

if TYPE_CHECKING:
    from p3s.protocol.data import StreamSpec
    from p3s.watcher.explain import Explained, Would
    from p3s.watcher.streams import StreamFile
    from p3s.watcher.watch import Watcher

app = typer.Typer(no_args_is_help=True, help="Watch storages for data.")

Files = Annotated[list[Path], typer.Argument(help="Stream files, YAML.")]
Name = Annotated[str, typer.Option("--name", help="As which service it reports (default: watcher-HOST-FILE).")]

MOST_LINES = 20
"""Of each kind, unless all is asked for."""

START_HELP = """Watch the storages of stream files and register what is complete; Ctrl-C ends it.

A file, at its shortest:

  streams:
    evdisp: {files: "/data/raw/run{run:d}_{subrun:d}.root", payload: ./evdisp.sh}

Examples:

  p3s watcher start streams.yaml

  p3s watcher start streams.yaml --dry-run          (what would become of the files that are there)

  p3s watcher start streams.yaml --once             (for cron: register what is there, and end)
"""


@app.command("start", help=START_HELP)
def start_watcher(
    files: Files,
    once: Annotated[bool, typer.Option("--once", help="Register what is there, and end.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Drop what people changed live of what the file says.")
    ] = False,
    dry_run: DryRun = False,
    all_lines: Annotated[bool, typer.Option("--all", help="With --dry-run: every file.")] = False,
    name: Name = "",
    silent: Annotated[str, typer.Option(metavar="30s", help="So long a storage may say nothing.")] = "30s",
    json: Annotated[bool, typer.Option("--json", help="With --dry-run: JSON for programs.")] = False,
) -> None:
    from p3s.client.descriptions import duration

    found, silent_s = _read(files), duration(silent, "--silent")
    _tell_doubts(found)
    if dry_run:
        _dry_run(found, silent_s, all_lines, json)
    else:
        _watch(found, name, once, force, silent_s)


def _read(files: list[Path]) -> "list[StreamFile]":
    """Stream files, whose streams all have names of their own."""
    from p3s.watcher.streams import read

    found: list[StreamFile] = []
    refuse(mistake for file in files for mistake in said(lambda one: found.append(read(one)), file))
    names = Counter(stream.spec.name for file in found for stream in file.streams)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BadInput(f"stream {twice[0]} stands in two files; its name is its identity on the server: rename one")
    return found


def _tell_doubts(found: "list[StreamFile]") -> None:
    """Runs that no pattern gives; payloads that are not here, or cannot be run."""
    for beside, stream in [(file.path.parent, stream) for file in found for stream in file.streams]:
        for name in re.findall(r"\{(run|subrun)(?::a)?\}", stream.pattern.text):
            where = f"note: streams.{stream.spec.name}.files"
            show.note(f"{where}: {{{name}}} is text, of which no {name} comes; write {{{name}:d}}")
        _tell_payloads(stream.spec, beside)


def _tell_payloads(stream: "StreamSpec", beside: Path) -> None:
    places = {f"jobs.{name}": job.payload for name, job in stream.jobs.items()}
    places |= {f"gather.{name}": gather.payload for name, gather in stream.gather.items()}
    for where, payload in places.items():
        doubt = doubt_of(payload, beside)
        if doubt:
            show.note(f"note: streams.{stream.name}.{where}: {show.plain(doubt)}")


def _watch(found: "list[StreamFile]", name: str, once: bool, force: bool, silent_s: float) -> None:
    from p3s.watcher.aftermath import Aftermath
    from p3s.watcher.report import Reporter, service_name
    from p3s.watcher.watch import Watcher

    server = place()
    client = Client(server.server, server.token)
    agent = Watcher(client, found, _say, silent_s)
    aftermath = Aftermath(client, agent, _say)
    reporter = Reporter(client, agent, name or service_name([file.path for file in found]), _say)
    agent.steps += [aftermath.step] if once else [aftermath.step, reporter.step]
    stop = _stopped_by_signals(agent)
    try:
        agent.storages.open()
        _declare(agent, stop, force)
        agent.run(stop, (lambda: agent.once() and aftermath.idle) if once else lambda: False)
        if not once:
            reporter.end()
        if once and any(watch.trouble for watch in agent.storages.watches):
            raise typer.Exit(1)
    finally:
        agent.storages.close()


def _say(text: str) -> None:
    print(show.plain(text), flush=True)


def _stopped_by_signals(agent: "Watcher") -> threading.Event:
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()
        agent.storages.wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop


def _declare(agent: "Watcher", stop: threading.Event, force: bool) -> None:
    """Wait for a server that is not there yet; what it refuses is the person's to correct."""
    said = False
    while not stop.is_set():
        try:
            agent.declare(force)
            return
        except TryLater as error:
            if not said:
                _say(f"{error}; waiting for it")
                said = True
            stop.wait(1.0)


# ---- looking, without doing


def _dry_run(found: "list[StreamFile]", silent_s: float, all_lines: bool, json: bool) -> None:
    from p3s.watcher.explain import would
    from p3s.watcher.storages import Storages

    known = _known(found)
    streams = [stream for file in found for stream in file.streams]
    agent = Storages(streams, show.note, silent_s, trust_ages=True)
    try:
        agent.open()
        with show.status("reading the storages"):
            agent.look()
        rows = list(would(agent, known))
    finally:
        agent.close()
    if json:
        show.as_json([asdict(row) for row in rows])
    else:
        _tell_rows(rows, all_lines)
        unmatched = sum(watch.inbox.unmatched for watch in agent.watches)
        like = next((watch.inbox.unmatched_like for watch in agent.watches if watch.inbox.unmatched), "")
        if unmatched:
            fit = "fits" if unmatched == 1 else "fit"
            show.note(f"{show.count(unmatched, 'more file')} in these directories {fit} no pattern, like {like}")
    if any(watch.trouble for watch in agent.watches):
        raise typer.Exit(1)


def _known(found: "list[StreamFile]") -> dict[str, dict[str, int | None]]:
    """URLs that the server has of each stream, with their runs, if one answers."""
    try:
        client = Client()
        names = [stream.spec.name for file in found for stream in file.streams]
        known = {name: {row["url"]: row["run"] for row in client.datasets(None, stream=name)} for name in names}
    except P3sError as error:
        show.note(f"what the server has already is not known: {error}")
        return {}
    return known


_WORDS = {
    "register": "would be taken",
    "sampled out": "would be sampled out",
    "ignore": "would be left out",
    "known": "is known",
    "wait": "waits",
}


def _tell_rows(rows: "list[Would]", all_lines: bool) -> None:
    counts = Counter((row.stream, row.what) for row in rows)
    shown: Counter[tuple[str, str]] = Counter()
    lines = []
    for row in rows:
        key = (row.stream, row.what)
        shown[key] += 1
        if all_lines or shown[key] <= MOST_LINES:
            lines.append((row.name, row.stream, _WORDS.get(row.what, row.what), row.why))
    show.table(("file", "stream", "what", "why"), lines, "no file there fits a pattern")
    for (stream, what), count in counts.items():
        if not all_lines and count > MOST_LINES:
            show.note(f"stream {stream}: {count} in all: {_WORDS.get(what, what)}; --all shows them")


@app.command("check")
def check_files(files: Files, json: Json = False) -> None:
    """Are stream files right, and what do they watch? Needs no server. Example: p3s watcher check streams.yaml"""
    from p3s.watcher.explain import described

    found = _read(files)
    _tell_doubts(found)
    rows = described(found)
    if json:
        show.as_json(rows)
        return
    titles = ("stream", "watches", "complete", "makes", "gathers")
    lines = [[", ".join(row[one]) if isinstance(row[one], list) else row[one] for one in titles] for row in rows]
    show.table(titles, lines, "no streams")


EXPLAIN_HELP = """Say why a file is, was, or would be taken or not: its name against every pattern, whether it is
complete, what leaves it out, the sample, and what the server knows of it.

Example: p3s watcher explain /data/raw/run7_1.root -c streams.yaml
"""


@app.command("explain", help=EXPLAIN_HELP)
def explain_file(
    file: Annotated[str, typer.Argument(help="Path or URL; it need not be there.")],
    config: Annotated[list[Path], typer.Option("-c", "--config", help="Stream file; repeatable.")],
    json: Json = False,
) -> None:
    from p3s.watcher.explain import explain
    from p3s.watcher.inbox import Clock

    url = address(file)
    found = explain(url, [stream for one in _read(config) for stream in one.streams], Clock())
    used = [one.used for one in found if one.used]
    server = _on_server(url, *used)
    if json:
        show.as_json({"url": url, "streams": [asdict(one) for one in found], "server": server})
    else:
        _say(url)
        for one in found:
            _tell_stream(one)
        _tell_server(server, used)
    if not any(one.fits for one in found):
        raise typer.Exit(1)


def _tell_stream(one: "Explained") -> None:
    if not one.fits:
        _say(f"stream {one.stream}: no. {one.why_not}; the pattern is {one.pattern}")
        return
    numbers = [(name, getattr(one, name)) for name in ("run", "subrun")]
    about = [f"{name} {value}" for name, value in [*numbers, *one.keys.items()] if value is not None]
    _say(f"stream {one.stream}: its name fits {one.pattern} ({', '.join(about) or 'no run'})")
    if one.there:
        _say(f"  there:    {show.size(one.size or 0)}, last changed {show.length(one.age_s)} ago")
    else:
        _say("  there:    no" if one.there is False else f"  there:    {one.complete}")
    if one.there:
        _say(f"  complete: {one.complete if one.complete == 'yes' else f'no, {one.complete}'}")
        _say(f"  rules:    {one.verdict}")
    _say(f"  sample:   {one.sample}" + (f"; for {', '.join(one.jobtypes)}" if one.jobtypes else ""))


def _on_server(*urls: str) -> dict[str, Any]:
    """What the server has of a file, that has the first address, or came there, or has one of the others since it was
    moved there."""
    for url in urls:
        try:
            found = Client().dataset(url)
            moved = {"moved_to": found["url"]} if found["url"] != urls[0] else {}
            return {"known": True, **moved, **found}
        except NotKnown:
            continue
        except P3sError as error:
            return {"known": None, "why": str(error)}
    return {"known": False}


def _tell_server(server: dict[str, Any], used: list[str]) -> None:
    if not server["known"]:
        _say(f"server: {'does not know it' if server['known'] is False else server['why']}")
        return
    moved = f", moved to {server['moved_to']}" if "moved_to" in server else ""
    moved += " after its use" if server.get("moved_to") in used else ""
    _say(f"server: knows it as dataset {server['uuid']}, {server['state']}{moved}; {server['says']}")
    for one in server["arrivals"]:
        _say(f"  stream {one['stream']}: {one['fate']}{', ' if one['reason'] else ''}{one['reason']}")
    for job in server["jobs"]:
        _say(f"  job {job['uuid']}: {job['jobtype']} {job['state']} {job['reason']}".rstrip())


@app.callback()
def watcher_group() -> None:
    """Data arrival."""
