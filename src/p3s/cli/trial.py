"""`p3s job test`: a job run here, as a pilot would run it, without a server."""

import os
import select
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from p3s.client.descriptions import duration
from p3s.domain.acceptance import accept
from p3s.pilot.actions import Child, Ended, outcome
from p3s.pilot.agent import unpack_tools
from p3s.pilot.berth import Berth
from p3s.pilot.collect import Collected, collect
from p3s.pilot.machine import KILL_AFTER_S
from p3s.pilot.runner import NonStarter, Place, Running
from p3s.protocol import bounds
from p3s.protocol.messages import JobSpec, JobTypeSpec, Order
from p3s.protocol.results import Item, Result, check

from . import show
from .options import Json
from .submit import chosen

MOST_LINES = 20
"""Of each log, unless all is asked for."""

TEST_HELP = """Run a job here as a pilot would, without a server: its exit code, times, logs, and its results as they
would be accepted or refused.

Examples:

  p3s job test -f /data/run7_1.root -e P3S_RUN=7 -- ./monitor.sh --fast

  p3s job test jobs.yaml

  p3s job test monitor.json -f np04_raw_run003907_0001_dl1.root          (2018's description)

A description's jobs run one after the other. The exit code is 0 when all finished; the payload's own when there was one
job and it exited otherwise; else 1. Refused results do not change it: a job with them has finished.
"""


@dataclass(frozen=True)
class Trial:
    """What came of a job. Times in seconds, memory in bytes; `results` and `problems` as the pilot would send them."""

    name: str
    payload: str
    state: str
    reason: str
    detail: str
    exit_code: int | None
    signal: int | None
    wall_s: float | None
    cpu_s: float | None
    peak_memory: int | None
    stdout: str
    stderr: str
    results: list[dict[str, Any]]
    problems: list[str]
    directory: str


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
    changes |= {"payload": payload} if payload else {}
    found = chosen(what, env, file, changes)
    for place, spec in enumerate(found.jobs):
        bounds.check_job(spec, f"jobs[{place}]")
    trials = []
    for spec in found.jobs:
        settings = found.jobtypes.get(spec.jobtype, {})
        with show.errors.status(f"{show.plain(spec.name or spec.payload)[:60]} is running"):
            trials.append(run_here(spec, JobTypeSpec(spec.jobtype, **settings), keep))
        if not json:
            _tell(trials[-1], all_lines, keep)
    if json:
        show.as_json([asdict(trial) for trial in trials])
    raise typer.Exit(_outcome(trials))


def _outcome(trials: list[Trial]) -> int:
    if all(trial.state == "finished" for trial in trials):
        return 0
    return int((len(trials) == 1 and trials[0].exit_code) or 1)


# ---- running


def run_here(spec: JobSpec, kind: JobTypeSpec, keep: bool = False) -> Trial:
    """Run a described job to its end in a directory of its own; its processes end with it, and with us."""
    job = str(uuid.uuid4())
    wanted = accept(1, job, spec, kind, time.time(), {}).spec
    order = Order(1, job, 1, wanted.payload, "", wanted.env, wanted.time_limit)
    with _directory(keep) as directory:
        # The server's address and the user's token are not the payload's affair here.
        environment = {name: value for name, value in os.environ.items() if name != "P3S_TOKEN"}
        place = Place(unpack_tools(directory), "", "local", str(uuid.uuid4()), environment)
        running = Running(place, order, Berth(directory / "job"))
        child, ended = _run(running)
        state, reason, detail = outcome(child, ended)
        stdout, stderr = running.tails()
        found = collect(running.berth.results, running.berth.work)
        running.berth.close(keep=True)
        return Trial(
            spec.name,
            spec.payload,
            state,
            reason,
            detail,
            ended.exit_code,
            ended.signal,
            ended.wall_s,
            ended.cpu_s,
            ended.peak_memory,
            stdout,
            stderr,
            found.results,
            found.problems,
            str(directory / "job") if keep else "",
        )


@contextmanager
def _directory(keep: bool) -> Iterator[Path]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="p3s-test-")).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="p3s-test-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


def _run(running: Running) -> tuple[Child, Ended]:
    child = Child(running.order)
    try:
        running.start()
    except NonStarter as error:
        return child, Ended(reason="nonstarter", detail=str(error))
    child.started_at = time.monotonic()
    try:
        _wait(running, child)
    finally:  # also when the person has had enough
        running.signal(signal.SIGKILL)
        code, cpu_s, peak = running.reap()
    now = time.monotonic()
    return child, Ended(
        code if code >= 0 else None, -code if code < 0 else None, now, now - child.started_at, cpu_s, peak
    )


def _wait(running: Running, child: Child) -> None:
    """Until the process has ended, or was ended for its time limit as a pilot would."""
    limit = running.order.time_limit
    if _ended(running, limit or None):
        return
    child.ending, child.ending_at = "timelimit", time.monotonic()
    child.detail = f"ran longer than its limit of {limit:g} s"
    running.signal(signal.SIGTERM)
    if not _ended(running, KILL_AFTER_S):
        running.signal(signal.SIGKILL)
        _ended(running, None)


def _ended(running: Running, within_s: float | None) -> bool:
    return bool(select.select([running.pidfd], [], [], within_s)[0])


# ---- telling


def _tell(trial: Trial, all_lines: bool, keep: bool) -> None:
    print(show.plain(f"{trial.name or trial.payload}: {_verdict(trial)}").replace("\n", " "))
    for name, text in (("stdout", trial.stdout), ("stderr", trial.stderr)):
        _tell_log(name, text, all_lines)
    _tell_results(Collected(trial.results, {}, trial.problems))
    if keep:
        print(f"left in {trial.directory}")


def _verdict(trial: Trial) -> str:
    number = {"exit code": trial.exit_code, "signal": trial.signal}.get(trial.reason, "")
    words = f"{trial.state}: {trial.reason} {number}".rstrip(" :")
    if trial.detail:
        words += f": {trial.detail}"
    if trial.wall_s is None:
        return words
    memory = f", {trial.peak_memory / 1e6:.0f} MB" if trial.peak_memory else ""
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


def _tell_results(found: Collected) -> None:
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
    words = f"{len(result.items) - holes} items accepted"
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
    if item.files:
        return f": {len(item.files)} file{'s' if len(item.files) > 1 else ''}"
    return f": {item.comment}" if item.comment else ""
