"""`p3s job ...`"""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from p3s.client.descriptions import Described, duration, needs_of, read
from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobSpec, Needs

from . import show
from .options import Json, Limit

app = typer.Typer(no_args_is_help=True, help="Submit, list, look at and cancel jobs.")

NEED_HELP = "cores=2, memory=4GB, gpus=1, site=lxbatch, tag=cvmfs, runtime=apptainer; repeatable."
DESCRIPTIONS = {".json", ".yaml", ".yml"}

SUBMIT_HELP = """Submit jobs: a description file, or a command after --.

Examples:

  p3s job submit -- ./monitor.sh --fast

  p3s job submit --wait -f /data/run7_1.root -f /data/run7_2.root -- ./monitor.sh

  p3s job submit -N 20 -- ./simulate.sh

  p3s job submit jobs.yaml          (ours: a file with jobs: [{payload: ./monitor.sh, env: {N: "3"}}])

  p3s job submit monitor.json       (2018's list of job descriptions, as it is)

Prints one UUID a line. With --wait the exit code is 0 when all finished; the payload's own when there was one job and
it exited otherwise; else 1.
"""


@app.command(help=SUBMIT_HELP)
def submit(
    what: Annotated[list[str], typer.Argument(metavar="FILE | -- COMMAND...", help="Description file, or command.")],
    env: Annotated[list[str], typer.Option("-e", metavar="NAME=VALUE", help="Set or override a variable.")] = [],  # noqa: B006
    file: Annotated[list[str], typer.Option("-f", metavar="FILE", help="Input; several make one job each.")] = [],  # noqa: B006
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
    jobtype: Annotated[str, typer.Option(help="Job type; a new one is created.")] = "",
    priority: Annotated[int | None, typer.Option(help="A higher one goes first.")] = None,
    time_limit: Annotated[str, typer.Option(metavar="20m", help="End it after so long.")] = "",
    need: Annotated[list[str], typer.Option(metavar="NAME=VALUE", help=NEED_HELP)] = [],  # noqa: B006
    eta: Annotated[str, typer.Option(metavar="10m", help="When its result is wanted.")] = "",
    stale_after: Annotated[str, typer.Option(metavar="30m", help="Drop it after so long.")] = "",
    replicas: Annotated[int, typer.Option("-N", "--replicas", metavar="N", help="So many jobs alike.")] = 1,
    hold: Annotated[bool, typer.Option("--hold", help="Do not run it until it is released.")] = False,
    key: Annotated[str, typer.Option(help="The same key and jobs again add nothing.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until all have ended.")] = False,
    json: Json = False,
) -> None:
    described = _described(what, bool(file))
    times = {"time_limit": time_limit, "eta": eta, "stale_after": stale_after}
    changes: dict[str, Any] = {
        field: duration(text, f"--{field.replace('_', '-')}") for field, text in times.items() if text
    }
    changes |= {"name": name, "jobtype": jobtype, "hold": hold, "needs": _needs(need) if need else None}
    changes = {field: value for field, value in changes.items() if value or value == 0.0}
    if priority is not None:
        changes["priority"] = priority
    if replicas != 1:
        changes["replicas"] = replicas
    specs = [replace(spec, env={**spec.env, **_variables(env)}, **changes) for spec in described.jobs]
    specs = [_with_input(spec, path, _is_file(what)) for spec in specs for path in file] if file else specs
    for spec in specs[:1]:
        _warn_if_missing(spec.payload)
    client = Client()
    for kind, settings in described.jobtypes.items():
        if client.change_job_type(kind, **settings):
            show.note(f"note: job type {kind} was set")
    reply = client.submit_all(specs, key)
    for note in reply.notes:
        show.note(f"note: {note}")
    if not json:
        print("\n".join(reply.jobs), flush=True)
    ended = _watch(client, reply.jobs) if wait else {}
    if json:
        show.as_json({"jobs": reply.jobs, "notes": reply.notes, "ended": list(ended.values())})
    if wait:
        raise typer.Exit(_outcome(list(ended.values())))


def _is_file(what: list[str]) -> bool:
    return len(what) == 1 and Path(what[0]).suffix in DESCRIPTIONS


def _described(what: list[str], inputs: bool) -> Described:
    if not _is_file(what):
        return Described([JobSpec(payload=shlex.join([_absolute(what[0]), *what[1:]]), name=Path(what[0]).name)], {})
    found = read(Path(what[0]))
    if inputs and len(found.jobs) > 1:
        raise BadInput(f"{what[0]} describes {len(found.jobs)} jobs; -f works with one description")
    return found


def _absolute(word: str) -> str:
    """A path written relative to here: the job runs in a directory of its own."""
    return str(Path(word).resolve()) if "/" in word and not word.startswith("/") else word


def _variables(given: list[str]) -> dict[str, str]:
    found = {}
    for entry in given:
        name, sign, value = entry.partition("=")
        if not sign or not name:
            raise BadInput(f"-e {entry!r}: write NAME=VALUE")
        found[name] = value
    return found


def _needs(given: list[str]) -> Needs:
    """`cores=2`, `memory=4GB`, `tag=cvmfs` (repeatable) as a description has them."""
    entry: dict[str, Any] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise BadInput(f"--need {one!r}: write NAME=VALUE, like cores=2, memory=4GB or tag=cvmfs")
        if name == "tag":
            entry.setdefault("tags", []).append(value)
        else:
            entry[name] = int(value) if value.isdecimal() else value
    return needs_of(entry, "--need")


def _with_input(spec: JobSpec, path: str, described: bool) -> JobSpec:
    """2018's descriptions join the bare name to P3S_INPUT_DIR themselves; a command gets the path that exists here."""
    if described and "P3S_INPUT_DIR" in spec.env and "/" not in path:
        return replace(spec, env={**spec.env, "P3S_INPUT_FILE": path})
    local = Path(path)
    return replace(spec, input=str(local.resolve()) if local.exists() else path)


def _warn_if_missing(payload: str) -> None:
    try:
        program = shlex.split(payload)[0]
    except (ValueError, IndexError):
        return
    if program.startswith(("/", "./")) and not Path(program).exists():
        show.note(f"note: {program} is not on this machine; where the pilot runs, it must be")


def _watch(client: Client, jobs: list[str]) -> dict[str, dict[str, Any]]:
    """Progress on stderr until all have ended."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=show.errors, transient=True, disable=not show.errors.is_terminal) as progress:
        task = progress.add_task("jobs", total=len(jobs))

        def tell(ended: dict[str, dict[str, Any]]) -> None:
            progress.update(task, completed=len(ended), description=_words(list(ended.values())) or "waiting")

        ended = client.wait(jobs, tell)
    for job in ended.values():
        if job["state"] != "finished":
            show.note(_sentence(client, job))
    show.note(_words(list(ended.values())))
    return ended


def _words(ended: list[dict[str, Any]]) -> str:
    states = [job["state"] for job in ended]
    return ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))


def _sentence(client: Client, job: dict[str, Any]) -> str:
    """What became of a job that did not finish, with the last line it wrote to stderr."""
    code = f" {job['exit_code']}" if job["reason"] == "exit code" else ""
    last = client.log(job["uuid"], "stderr").strip().splitlines()[-1:]
    return f"{job['uuid']} {job['state']}: {job['reason']}{code}{': ' + last[0] if last else ''}"


def _outcome(ended: list[dict[str, Any]]) -> int:
    if all(job["state"] == "finished" for job in ended):
        return 0
    return int((len(ended) == 1 and ended[0]["exit_code"]) or 1)


@app.command("list")
def list_jobs(
    limit: Limit = 20,
    state: Annotated[str, typer.Option(help="Only these states, separated by commas.")] = "",
    jobtype: Annotated[str, typer.Option(help="Only this job type.")] = "",
    json: Json = False,
) -> None:
    """List the latest jobs. Example: p3s job list --state failed,lost"""
    found = Client().jobs(limit, state, jobtype)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (j["uuid"], j["jobtype"], j["state"], j["reason"], j["name"], show.age(j["submitted_at"], now), j["host"])
        for j in found
    )
    titles = ("job", "type", "state", "reason", "name", "age", "host")
    show.table(titles, rows, "no such jobs; submit one: p3s job submit -- /bin/echo hello")


@app.command("show")
def show_job(job: str, json: Json = False) -> None:
    """All there is about a job. Example: p3s job show UUID"""
    found = Client().job(job)
    if json:
        show.as_json(found)
        return
    now = time()
    silent_s = found.pop("pilot_silent_s", None)
    if silent_s is not None:
        found["pilot"] += f", silent {show.length(silent_s)}"
    for name, value in found.items():
        if name == "events" or value in (None, "", {}, []):
            continue
        if name.endswith("_at"):
            value = f"{show.age(value, now)} ago"
        print(f"{name:14} {show.plain(str(value))}")
    for event in found["events"]:
        print(
            show.plain(
                f"event          {show.age(event['at'], now)} ago: {event['what']} by {event['who']}: {event['why']}"
            )
        )


@app.command()
def logs(job: str, stderr: Annotated[bool, typer.Option("--stderr", help="stderr instead of stdout.")] = False) -> None:
    """What a job wrote. Example: p3s job logs UUID --stderr"""
    text = Client().log(job, "stderr" if stderr else "stdout")
    sys.stdout.write(show.plain(text) if sys.stdout.isatty() else text)


@app.command()
def cancel(jobs: list[str], why: Annotated[str, typer.Option(help="For the record.")] = "", json: Json = False) -> None:
    """Cancel jobs, waiting or running. Example: p3s job cancel UUID --why "wrong release" """
    client = Client()
    replies = [client.cancel(job, why) for job in jobs]
    if json:
        show.as_json([vars(reply) for reply in replies])
        return
    for reply in replies:
        print(f"{reply.job} {reply.state}: {reply.note}")
