"""`p3s job cancel`, `hold`, `release`, `adjust`: what people do to jobs, named or chosen."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput
from p3s.protocol.many import AdjustManyRequest, ManyReply, ManyRequest
from p3s.protocol.many_bounds import CHANGEABLE

from . import moments, show
from .options import DryRun, Host, JobType, Json, Name, Run, Since, Site, SomeJobs, State, User, Why, words
from .several import each

AGAIN = "UUIDs of jobs, or --state and the like to choose them; p3s job list shows them"


CANCEL_HELP = """Cancel jobs, waiting or running: those named, or all that the options choose.

Examples:

  p3s job cancel UUID --why "wrong release"

  p3s job cancel --state defined --jobtype evdisp --dry-run

--state is needed to choose; all of them is --state all. Without the scope operate only your own are chosen.
"""


def cancel(
    jobs: SomeJobs = None,
    state: State = "",
    jobtype: JobType = "",
    user: User = "",
    site: Site = "",
    host: Host = "",
    name: Name = "",
    run: Run = None,
    since: Since = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    choice = _choice(jobtype, user, site, host, name, run, since)
    if choice and not state and not jobs:
        raise BadInput("p3s job cancel: say which: --state defined, --state running, or --state all")
    client = Client()
    if jobs and not dry_run and not (choice or state):
        each(jobs, lambda job: vars(client.cancel(job, why)), _changed, json)
        return
    request = ManyRequest(*_which("cancel", jobs, state, choice), **choice, dry_run=dry_run, why=why)
    _tell_many(_asked(client.cancel_many, request), "cancelled", request, json)


HOLD_HELP = """Keep queued jobs from being handed out: those named, or all that the options choose.

Examples:

  p3s job hold UUID --why "wait for the calibration"

  p3s job hold --jobtype evdisp --dry-run
"""


def hold(
    jobs: SomeJobs = None,
    jobtype: JobType = "",
    user: User = "",
    name: Name = "",
    run: Run = None,
    since: Since = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    client, choice = Client(), _choice(jobtype, user, "", "", name, run, since)
    if jobs and not dry_run and not choice:
        each(jobs, lambda job: vars(client.hold(job, why)), _changed, json)
        return
    request = ManyRequest(*_which("hold", jobs, "", choice), **choice, dry_run=dry_run, why=why)
    _tell_many(_asked(client.hold_many, request), "held", request, json)


RELEASE_HELP = """Let held jobs go: those named, or all that the options choose.

Examples:

  p3s job release UUID

  p3s job release --jobtype evdisp --dry-run
"""


def release(
    jobs: SomeJobs = None,
    jobtype: JobType = "",
    user: User = "",
    name: Name = "",
    run: Run = None,
    since: Since = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    client, choice = Client(), _choice(jobtype, user, "", "", name, run, since)
    if jobs and not dry_run and not choice:
        each(jobs, lambda job: vars(client.release(job, why)), _changed, json)
        return
    request = ManyRequest(*_which("release", jobs, "", choice), **choice, dry_run=dry_run, why=why)
    _tell_many(_asked(client.release_many, request), "released", request, json)


ADJUST_HELP = """Give jobs that wait another priority: those named, or all that the options choose.

Examples:

  p3s job adjust UUID --priority 9

  p3s job adjust --jobtype evdisp --run 7 --priority 9 --dry-run
"""


def adjust(
    priority: Annotated[int, typer.Option(help="A higher one goes first.")],
    jobs: SomeJobs = None,
    jobtype: JobType = "",
    user: User = "",
    name: Name = "",
    run: Run = None,
    since: Since = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    client, choice = Client(), _choice(jobtype, user, "", "", name, run, since)
    if jobs and not dry_run and not choice:
        each(jobs, lambda job: vars(client.adjust(job, priority, why)), _changed, json)
        return
    which = _which("adjust", jobs, "", choice)
    request = AdjustManyRequest(*which, **choice, dry_run=dry_run, why=why, priority=priority)
    _tell_many(_asked(client.adjust_many, request), "given another priority", request, json)


def _choice(jobtype: str, user: str, site: str, host: str, name: str, run: int | None, since: str) -> dict[str, Any]:
    """What of a request's choices was said."""
    said = {"jobtype": jobtype, "owner": user, "site": site, "host": host, "name": name}
    choice: dict[str, Any] = {field: word for field, word in said.items() if word}
    if run is not None:
        choice["run"] = run
    if since:
        choice["since"] = moments.since(since)
    return choice


def _which(act: str, jobs: list[str] | None, state: str, choice: dict[str, Any]) -> tuple[list[str], list[str]]:
    """UUIDs and states of a request: either of them. Raises BadInput."""
    if jobs:
        if state or choice:
            raise BadInput(f"p3s job {act}: name jobs, or choose them by options; one of the two")
        return jobs, []
    if not (state or choice):
        raise BadInput(f"p3s job {act} wants {AGAIN}")
    if not state or state == "all":
        return [], [str(one) for one in CHANGEABLE[act]]
    return [], words(state)


def _asked(ask: Callable[[Any], ManyReply], request: ManyRequest) -> ManyReply:
    with show.status("asking the server"):
        return ask(request)


def _changed(reply: Mapping[str, Any]) -> str:
    return f"{reply['job']} {reply['state']}: {reply['note']}"


def _tell_many(reply: ManyReply, done: str, request: ManyRequest, json: bool) -> None:
    if json:
        show.as_json(vars(reply))
        return
    if reply.jobs:
        print("\n".join(reply.jobs))
    running = f", {reply.running} of them when their pilots have ended them" if reply.running else ""
    passed = f"; too late for {reply.passed}" if reply.passed else ""
    begin = "would be " if request.dry_run else ""
    show.note(f"{begin}{done}: {show.count(len(reply.jobs), 'job')}{running}{passed}")
