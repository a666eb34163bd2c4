"""`p3s job hold`, `release`, `adjust`, `rerun`, `explain`: what people do to jobs, and why one does not run."""

from datetime import datetime, timedelta
from time import time
from typing import Annotated

import typer

from p3s.client.descriptions import duration
from p3s.client.sdk import Client
from p3s.protocol.acts import ChangeReply, RerunRequest
from p3s.protocol.errors import BadInput

from . import complete, show
from .jobs import app as app
from .options import DryRun, Job, Jobs, JobType, Json, Why


@app.command()
def hold(jobs: Jobs, why: Why = "", json: Json = False) -> None:
    """Keep queued jobs from being handed out. Example: p3s job hold UUID --why "wait for the calibration" """
    client = Client()
    _tell([client.hold(job, why) for job in jobs], json)


@app.command()
def release(jobs: Jobs, why: Why = "", json: Json = False) -> None:
    """Let held jobs go. Example: p3s job release UUID"""
    client = Client()
    _tell([client.release(job, why) for job in jobs], json)


@app.command()
def adjust(
    jobs: Jobs,
    priority: Annotated[int, typer.Option(help="A higher one goes first.")],
    why: Why = "",
    json: Json = False,
) -> None:
    """Give jobs that wait another priority. Example: p3s job adjust UUID --priority 9"""
    client = Client()
    _tell([client.adjust(job, priority, why) for job in jobs], json)


def _tell(replies: list[ChangeReply], json: bool) -> None:
    if json:
        show.as_json([vars(reply) for reply in replies])
        return
    for reply in replies:
        print(f"{reply.job} {reply.state}: {reply.note}")


@app.command()
def explain(job: Job, json: Json = False) -> None:
    """Why is it not running? Example: p3s job explain UUID"""
    reply = Client().explain(job)
    if json:
        show.as_json(vars(reply))
        return
    print(show.plain(f"{reply.state}{f': {reply.reason}' if reply.reason else ''}"))
    if reply.state == "defined":
        print(f"pilots that could be given it now: {reply.pilots}")
    for line in reply.lines:
        print(show.plain(f"  {line}"))


RERUN_HELP = """Run ended jobs again, as new jobs that name the old ones.

Examples:

  p3s job rerun UUID

  p3s job rerun --state lost,failed --since 02:00 --still-fresh --dry-run

Prints the new UUIDs, with --dry-run the old ones. Jobs that were run again already are passed over.
"""


@app.command(help=RERUN_HELP)
def rerun(
    jobs: Annotated[
        list[str] | None, typer.Argument(help="UUIDs; or choose by --state.", autocompletion=complete.jobs)
    ] = None,
    state: Annotated[
        str, typer.Option(help="All that ended so, separated by commas.", autocompletion=complete.final_states)
    ] = "",
    since: Annotated[str, typer.Option(help="02:00, 2026-05-04 18:30, or how long ago: 6h.")] = "",
    jobtype: JobType = "",
    still_fresh: Annotated[bool, typer.Option("--still-fresh", help="Only those that are not stale yet.")] = False,
    dry_run: DryRun = False,
    why: Why = "",
    json: Json = False,
) -> None:
    if state and not since:
        raise BadInput("--state: say since when, like --since 02:00 or --since 6h")
    moment = moment_of(since, datetime.fromtimestamp(time()).astimezone()) if since else 0.0
    states = [word.strip() for word in state.split(",") if word.strip()]
    reply = Client().rerun(RerunRequest(jobs or [], states, moment, jobtype, still_fresh, dry_run, why))
    if json:
        show.as_json(vars(reply))
        return
    print("\n".join(reply.old if dry_run else reply.new))
    jobs_are = "1 job is" if len(reply.old) == 1 else f"{len(reply.old)} jobs are"
    show.note(f"{jobs_are} run again" if not dry_run else f"would run again: {len(reply.old)}")


def moment_of(text: str, now: datetime) -> float:
    """Seconds since the epoch of `02:00` (the last one), a date and time, or a duration ago. Raises BadInput."""
    if ":" not in text and "-" not in text:
        return time() - duration(text, "--since")
    try:
        if "-" in text:
            found = datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=now.tzinfo)).timestamp()
        clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - its day and zone come from now
    except ValueError:
        raise BadInput(f"--since: {text!r} is no moment; write 02:00, 2026-05-04T18:30 or 6h") from None
    today = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return (today if today <= now else today - timedelta(days=1)).timestamp()
