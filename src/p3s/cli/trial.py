"""`p3s job test`: a job tried here, as a pilot would run it, without a server."""

import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from p3s.client.descriptions import duration, job_type, resolved
from p3s.client.document import load
from p3s.client.files import address
from p3s.domain.data.streams import jobs_of
from p3s.protocol import bounds
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobSpec, JobTypeSpec
from p3s.protocol.results import Item, Result, check

from . import show
from .options import Json
from .submit import changed, chosen

if TYPE_CHECKING:
    from p3s.protocol.data import DatasetRequest
    from p3s.watcher.streams import Watched

    from .local import Trial

MOST_LINES = 20
"""Of each log, unless all is asked for."""

TEST_HELP = """Run a job here as a pilot would, without a server: its exit code, times, logs, and its results as they
would be accepted or refused.

Examples:

  p3s job test -f /data/run7_1.root -e P3S_RUN=7 -- ./monitor.sh --fast

  p3s job test streams.yaml -f data/run7_1.root          (what the streams make of this file)

  p3s job test jobs.yaml

  p3s job test monitor.json -f np04_raw_run003907_0001_dl1.root          (2018's description)

A description's jobs run one after the other. The exit code is 0 when all finished; the payload's own when there was one
job and it exited otherwise; else 1. Refused results do not change it: a job with them has finished.
"""


def try_out(
    what: Annotated[list[str], typer.Argument(metavar="FILE | -- COMMAND...", help="Description file, or command.")],
    env: Annotated[list[str], typer.Option("-e", metavar="NAME=VALUE", help="Set or override a variable.")] = [],  # noqa: B006
    file: Annotated[list[str], typer.Option("-f", metavar="FILE", help="Input; several make one job each.")] = [],  # noqa: B006
    payload: Annotated[str, typer.Option(metavar="TEXT", help="Instead of a description's.")] = "",
    time_limit: Annotated[str, typer.Option(metavar="20m", help="End it after so long.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave its directory, for a look.")] = False,
    all_lines: Annotated[bool, typer.Option("--all", help="The logs' whole ends, not only some lines.")] = False,
    json: Json = False,
) -> None:
    changes: dict[str, Any] = {"time_limit": duration(time_limit, "--time-limit")} if time_limit else {}
    changes |= {"payload": resolved(payload, Path())} if payload else {}
    for number in (signal.SIGTERM, signal.SIGHUP):  # what was started ends with us, and its directory goes
        signal.signal(number, lambda given, _: sys.exit(128 + given))
    wanted = _of_streams(what, env, file, changes) or _of_jobs(what, env, file, changes)
    for place, one in enumerate(wanted):
        bounds.check_job(one.spec, f"jobs[{place}]")
    from .local import run_here

    trials = []
    for one in wanted:
        with show.status(f"{(one.spec.name or one.spec.payload)[:60]} is running"):
            trials.append(run_here(one.spec, one.kind, one.data, keep))
        if not json:
            _tell(trials[-1], all_lines, keep)
    if json:
        show.as_json([asdict(trial) for trial in trials])
    raise typer.Exit(_outcome(trials))


@dataclass(frozen=True)
class Wanted:
    """A job to be tried: its description, its type, and what is known of its data (run, subrun, keys)."""

    spec: JobSpec
    kind: JobTypeSpec
    data: dict[str, Any]


def _of_jobs(what: list[str], env: list[str], file: list[str], changes: dict[str, Any]) -> list[Wanted]:
    found = chosen(what, env, file, changes)
    kinds = {name: job_type(name, settings) for name, settings in found.jobtypes.items()}
    return [Wanted(spec, kinds.get(spec.jobtype, JobTypeSpec(spec.jobtype)), {}) for spec in found.jobs]


def _of_streams(what: list[str], env: list[str], file: list[str], changes: dict[str, Any]) -> list[Wanted]:
    """The jobs that the streams of a stream file make of files; nothing when it is no stream file."""
    from p3s.watcher.streams import read

    if len(what) != 1 or not _has_streams(Path(what[0])):
        return []
    if not file:
        raise BadInput(f"{what[0]} describes streams: name a file that arrives, with -f")
    streams, wanted = read(Path(what[0])).streams, []
    for path in (Path(address(name)) for name in file):
        if not path.is_file():
            raise BadInput(f"-f {path}: there is no such file")
        found = [(stream, data) for stream in streams if (data := _as_data(stream, path))]
        if not found:
            fits = " or ".join(f"{stream.place}/{stream.pattern.text}" for stream in streams)
            raise BadInput(f"-f {path}: no stream of {what[0]} takes it; a file must fit {fits}")
        for stream, data in found:
            if stream.spec.workflow:
                raise BadInput(
                    f"-f {path}: stream {stream.spec.name} starts a workflow of it, which needs a server: "
                    f"p3s workflow start {stream.spec.workflow} {path}"
                )
            about = {"run": data.run, "subrun": data.subrun, "keys": data.keys}
            specs = changed(jobs_of(stream.spec, data), env, changes)
            wanted += [Wanted(spec, JobTypeSpec(spec.jobtype), about) for spec in specs]
    return wanted


def _as_data(stream: "Watched", path: Path) -> "DatasetRequest | None":
    from p3s.watcher.streams import dataset_of

    name = stream.place.name_of(str(path))
    return None if name is None else dataset_of(stream, name)


def _has_streams(path: Path) -> bool:
    if path.suffix not in (".yaml", ".yml"):
        return False
    try:
        found = load(path).value
    except BadInput:
        return False  # what reads it as jobs says what is wrong
    return isinstance(found, dict) and "streams" in found


def _outcome(trials: "list[Trial]") -> int:
    if all(trial.state == "finished" for trial in trials):
        return 0
    return int((len(trials) == 1 and trials[0].exit_code) or 1)


# ---- telling


def _tell(trial: "Trial", all_lines: bool, keep: bool) -> None:
    kind = "" if trial.jobtype == "default" else f" ({trial.jobtype})"
    print(show.plain(f"{trial.name or trial.payload}{kind}: {_verdict(trial)}").replace("\n", " "))
    for name, text in (("stdout", trial.stdout), ("stderr", trial.stderr)):
        _tell_log(name, text, all_lines)
    _tell_results(trial)
    if keep:
        print(f"left in {trial.directory}")


def _verdict(trial: "Trial") -> str:
    number = {"exit code": trial.exit_code, "signal": trial.signal}.get(trial.reason, "")
    words = f"{trial.state}: {trial.reason} {number}".rstrip(" :")
    if trial.detail:
        words += f": {trial.detail}"
    if trial.wall_s is None:
        return words
    memory = f", {show.size(trial.peak_memory)}" if trial.peak_memory else ""
    return f"{words} ({show.length(trial.wall_s)}, CPU {show.length(trial.cpu_s)}{memory})"


def _tell_log(name: str, text: str, all_lines: bool) -> None:
    lines = show.plain(text).splitlines()
    shown = lines if all_lines else lines[-MOST_LINES:]
    if not lines:
        print(f"{name}: empty")
        return
    print(f"{name}:" if len(shown) == len(lines) else f"{name}, the last {len(shown)} of {len(lines)} lines:")
    for line in shown:
        print(f"  {line}")


def _tell_results(found: "Trial") -> None:
    if not (found.results or found.problems):
        print("results: none; see p3s payload new for how a payload publishes")
        return
    print("results:")
    for document in found.results:
        files = {entry["path"] for item in document["items"] for entry in item.get("files", ())}
        result = check(document, files)  # as the server will
        print(show.plain(f"  {result.category}{_place(result)}: {_standing(result)}"))
        for item in result.items:
            print(show.plain(f"    {_line(item)}"))
    for problem in found.problems:
        print(show.plain(f"  refused: {problem}"))


def _place(result: Result) -> str:
    words = [f"{name} {value}" for name, value in (("run", result.run), ("subrun", result.subrun)) if value is not None]
    words += [f"{key} {value}" for key, value in result.keys.items()]
    return f", {', '.join(words)}" if words else ""


def _standing(result: Result) -> str:
    holes = sum(1 for item in result.items if item.problem)
    words = f"{show.count(len(result.items) - holes, 'item')} accepted"
    return f"{words}, {holes} refused" if holes else words


def _line(item: Item) -> str:
    by = "".join(f" {key}={value}" for key, value in item.by.items())
    start = f"{item.kind:7} {item.name}{by}"
    if item.problem:
        return f"{start}: refused: {item.problem}"
    what = _content(item)
    status = "" if item.status == "none" else f" [{item.status}]"
    return f"{start}{what}{status}{f' ({item.note})' if item.note else ''}"


def _content(item: Item) -> str:
    if item.kind == "number":
        value = "missing" if item.value is None else f"{item.value:g}"
        return (
            f" = {value}{f' ± {item.error:g}' if item.error is not None else ''}{f' {item.unit}' if item.unit else ''}"
        )
    if item.kind == "table":
        return f": {show.count(len(item.values), 'row')} of {show.count(len(item.table), 'value')}"
    if item.kind == "graph":
        return f": {show.count(len(item.x), 'point')}"
    if item.files:
        return f": {show.count(len(item.files), 'file')}"
    return f": {item.comment}" if item.comment else ""
