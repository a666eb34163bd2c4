"""`p3s job submit`: what people describe becomes jobs; with --wait, what became of them."""

import shlex
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from p3s.client.descriptions import Described, duration, needs_of, read
from p3s.client.files import address, is_there
from p3s.client.sdk import Client
from p3s.protocol import bounds
from p3s.protocol.declarations import DeclareRequest
from p3s.protocol.errors import BadInput, P3sError
from p3s.protocol.messages import BOUNDS, JobSpec, Needs, SubmitReply, SubmitRequest
from p3s.protocol.views import Job as Ended

from . import complete, show
from .logs import last_words
from .options import DryRun, Json
from .programs import doubt_of, not_here, unknown

NEED_HELP = "cores=2, memory=4GB, gpus=1, site=lxbatch, tag=cvmfs, runtime=apptainer; repeatable."
NEEDS = ("cores", "memory", "gpus", "site", "tag", "runtime")
DESCRIPTIONS = {".json", ".yaml", ".yml"}
PORTION: int = BOUNDS["jobs_per_submit"]

MOST_SENTENCES = 20
"""About jobs that did not finish."""

SUBMIT_HELP = """Submit jobs: a description file, or a command after --.

Examples:

  p3s job submit -- ./monitor.sh --fast

  p3s job submit --wait -f /data/run7_1.root -f /data/run7_2.root -- ./monitor.sh

  p3s job submit -N 20 --delay 500ms -- ./simulate.sh

  p3s job submit jobs.yaml          (ours: a file with jobs: [{payload: ./monitor.sh, env: {N: "3"}}])

  p3s job submit monitor.json       (2018's list of job descriptions, as it is)

Prints one UUID a line. With --wait the exit code is 0 when all finished; the payload's own when there was one job and
it exited otherwise; else 1.
"""


@dataclass(frozen=True)
class Plan:
    """What is to be submitted, in portions that are each taken whole; so long after one another."""

    jobtypes: dict[str, dict[str, Any]]
    portions: list[list[JobSpec]]
    delay_s: float
    key: str

    @property
    def jobs(self) -> int:
        """How many, replicas counted."""
        return sum(spec.replicas for portion in self.portions for spec in portion)

    def keys(self) -> Iterator[str]:
        """One for each portion, so that the whole can be asked again."""
        for place in range(len(self.portions)):
            yield f"{self.key}-{place}" if self.key and place else self.key


def submit(
    what: Annotated[list[str], typer.Argument(metavar="FILE | -- COMMAND...", help="Description file, or command.")],
    env: Annotated[list[str], typer.Option("-e", metavar="NAME=VALUE", help="Set or override a variable.")] = [],  # noqa: B006
    file: Annotated[list[str], typer.Option("-f", metavar="FILE", help="Input; several make one job each.")] = [],  # noqa: B006
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
    jobtype: Annotated[
        str, typer.Option(help="Job type; a new one is created.", autocompletion=complete.job_types)
    ] = "",
    priority: Annotated[int | None, typer.Option(help="A higher one goes first.")] = None,
    time_limit: Annotated[str, typer.Option(metavar="20m", help="End it after so long.")] = "",
    need: Annotated[list[str], typer.Option(metavar="NAME=VALUE", help=NEED_HELP)] = [],  # noqa: B006
    eta: Annotated[str, typer.Option(metavar="10m", help="When its result is wanted.")] = "",
    stale_after: Annotated[str, typer.Option(metavar="30m", help="Drop it after so long.")] = "",
    replicas: Annotated[int, typer.Option("-N", "--replicas", metavar="N", help="So many jobs alike.")] = 1,
    delay: Annotated[str, typer.Option(metavar="500ms", help="So long from one replica to the next.")] = "",
    hold: Annotated[bool, typer.Option("--hold", help="Do not run it until it is released.")] = False,
    key: Annotated[str, typer.Option(help="The same key and jobs again add nothing.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until all have ended.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    changes: dict[str, Any] = {"name": name, "jobtype": jobtype, "hold": hold, "needs": _needs(need) if need else None}
    changes = {field: value for field, value in changes.items() if value}
    for field, text in (("time_limit", time_limit), ("eta", eta), ("stale_after", stale_after)):
        if text:
            changes[field] = duration(text, f"--{field.replace('_', '-')}")
    changes |= {"priority": priority} if priority is not None else {}
    found = chosen(what, env, file, changes)
    for doubt in dict.fromkeys(doubt for job in found.jobs[:MOST_SENTENCES] for doubt in doubts(job)):
        show.note(f"note: {show.plain(doubt)}")
    delay_s = duration(delay, "--delay") if delay else 0.0
    plan = Plan(found.jobtypes, _portions(found.jobs, replicas, delay_s), delay_s, key)
    for portion, portion_key in zip(plan.portions, plan.keys(), strict=True):
        bounds.check_submit(SubmitRequest(portion, portion_key))  # the server's own rules, before anything is done
    if dry_run:
        _tell_plan(plan, json)
        return
    _submit(plan, wait, json)


def chosen(what: list[str], env: list[str], file: list[str], changes: dict[str, Any]) -> Described:
    """The jobs of a description file or of a command, one for each input file, with what options change of them."""
    found = _described(what, bool(file))
    specs = changed(found.jobs, env, changes)
    if file:
        specs = [_with_input(spec, path, _is_file(what)) for spec in specs for path in file]
    return Described(specs, found.jobtypes)


def changed(specs: list[JobSpec], env: list[str], changes: dict[str, Any]) -> list[JobSpec]:
    """Descriptions with other settings, and variables (NAME=VALUE) more."""
    more = _variables(env)
    return [replace(spec, env={**spec.env, **more}, **changes) for spec in specs]


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
    """A path written relative to here: the job runs in a directory of its own. A link stays one: the python of a
    virtual environment knows by its path which it is."""
    return address(word) if "/" in word and not word.startswith("/") else word


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
        if name in ("tag", "tags"):
            entry.setdefault("tags", []).extend(value.split(","))
        elif name not in NEEDS:
            raise BadInput(f"--need {one!r}: there is no need {name!r}; use {', '.join(NEEDS)}")
        else:
            entry[name] = int(value) if value.isdecimal() else value
    return needs_of(entry, "--need")


def _with_input(spec: JobSpec, path: str, described: bool) -> JobSpec:
    """2018's descriptions join the bare name to P3S_INPUT_DIR themselves; a command gets the path that exists here."""
    if described and "P3S_INPUT_DIR" in spec.env and "/" not in path:
        return replace(spec, env={**spec.env, "P3S_INPUT_FILE": path})
    return replace(spec, input=address(path) if "/" in path or is_there(path) else path)


def doubts(job: JobSpec) -> list[str]:
    """What of a job is not here, and may be a mistake: pilots may run where it is."""
    away = job.input.startswith(("/", "./")) and not is_there(job.input)
    shell = job.env.get("P3S_EXECMODE") == "SHELL"
    program = doubt_of(job.payload) or ("" if shell else unknown(job.payload))
    found = [program, not_here(job.input) if away else ""]
    return [doubt for doubt in found if doubt]


def _portions(specs: list[JobSpec], replicas: int, delay_s: float) -> list[list[JobSpec]]:
    """One call takes up to 10,000 jobs, all or none of them; with a delay each replica is a call of its own."""
    if delay_s and replicas > 1:
        return [specs] * replicas
    if replicas != 1:
        specs = [replace(spec, replicas=replicas) for spec in specs]
    if sum(spec.replicas for spec in specs) <= PORTION or any(spec.replicas < 1 for spec in specs):
        return [specs]
    portions: list[list[JobSpec]] = [[]]
    room = PORTION
    for spec in specs:
        left = spec.replicas
        while left:
            if not room:
                portions.append([])
                room = PORTION
            taken = min(left, room)
            portions[-1].append(replace(spec, replicas=taken))
            left, room = left - taken, room - taken
    return portions


# ---- dry run


def _tell_plan(plan: Plan, json: bool) -> None:
    """What only the server knows is asked if it answers."""
    counts = Counter[str]()
    for portion in plan.portions:
        for spec in portion:
            counts[spec.jobtype] += spec.replicas
    try:
        known = {one["name"] for one in Client(patience_s=0).job_types()} | set(plan.jobtypes)
        new = sorted(set(counts) - known)
    except P3sError as error:
        new = []
        show.note(f"note: {error}; checked without it")
    if json:
        described = [asdict(spec) for spec in plan.portions[0]]
        show.as_json({"jobs": plan.jobs, "jobtypes": counts, "new_jobtypes": new, "described": described})
        return
    for kind, count in counts.items():
        also = "; the type would be created" if kind in new else ""
        print(f"would submit {show.count(count, 'job')} of type {show.plain(kind)}{also}")
    for kind in plan.jobtypes:
        print(f"would set job type {show.plain(kind)}")


# ---- for good


def _submit(plan: Plan, wait: bool, json: bool) -> None:
    client = Client()
    if plan.jobtypes:
        reply = client.declare_settings(DeclareRequest(plan.jobtypes))
        for what in reply.changed:
            show.note(f"note: {what} was set")
        for line in reply.kept:
            show.note(f"note: {line}; the file says otherwise (p3s jobtype set changes it)")
    jobs: list[str] = []
    notes: list[str] = []
    try:
        _send(client, plan, jobs, notes, json)
        ended = list(_watch(client, jobs).values()) if wait else []
    except (P3sError, KeyboardInterrupt):  # what was submitted goes on, and is told
        if json and jobs:
            show.as_json({"jobs": jobs, "notes": notes, "ended": []})
        raise
    if json:
        show.as_json({"jobs": jobs, "notes": notes, "ended": ended})
    if wait:
        raise typer.Exit(_outcome(ended))


def _send(client: Client, plan: Plan, jobs: list[str], notes: list[str], json: bool) -> None:
    """All portions; into `jobs` what was submitted so far, into `notes` what the server said, once each."""
    with show.progress("submitting", plan.jobs, len(plan.portions) > 1) as advance:
        for place, (portion, key) in enumerate(zip(plan.portions, plan.keys(), strict=True)):
            if place:
                time.sleep(plan.delay_s)
            reply = _one(client, portion, key, len(jobs), plan.jobs)
            for note in reply.notes:
                if note not in notes:
                    show.note(f"note: {note}")
                    notes.append(note)
            if not json:
                print("\n".join(reply.jobs), flush=True)
            jobs += reply.jobs
            advance(len(jobs), "")


def _one(client: Client, portion: list[JobSpec], key: str, done: int, total: int) -> SubmitReply:
    try:
        return client.submit_all(portion, key)
    except P3sError:
        if done:
            show.note(f"note: {done} of {total} jobs were submitted before this:")
        raise


def _watch(client: Client, jobs: list[str]) -> dict[str, Ended]:
    """Progress on stderr until all have ended."""
    try:
        with show.progress("jobs", len(jobs)) as advance:
            ended = client.wait(jobs, lambda ended: advance(len(ended), _words(list(ended.values())) or "waiting"))
    except KeyboardInterrupt:
        show.note("note: the jobs go on; p3s job cancel ends them")
        raise
    wrong = [job for job in ended.values() if job["state"] != "finished"]
    for job in wrong[:MOST_SENTENCES]:
        show.note(_sentence(client, job))
    if len(wrong) > MOST_SENTENCES:
        show.note(f"and {len(wrong) - MOST_SENTENCES} more; p3s job list --state failed shows them")
    show.note(_words(list(ended.values())))
    return ended


def _words(ended: list[Ended]) -> str:
    states = Counter(job["state"] for job in ended)
    return ", ".join(f"{states[state]} {state}" for state in sorted(states))


def _sentence(client: Client, job: Ended) -> str:
    """What became of a job that did not finish, with the last line it wrote to stderr."""
    code = f" {job['exit_code']}" if job["reason"] == "exit code" else ""
    last = last_words(client, job["uuid"])
    return f"{job['uuid']} {job['state']}: {job['reason']}{code}{': ' + last if last else ''}"


def _outcome(ended: list[Ended]) -> int:
    if all(job["state"] == "finished" for job in ended):
        return 0
    return int((len(ended) == 1 and ended[0]["exit_code"]) or 1)
