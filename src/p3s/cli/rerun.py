"""`p3s job rerun`, `explain`: work that is done again, and why work is not done."""

from typing import Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.acts import RerunRequest
from p3s.protocol.errors import BadInput

from . import moments, show
from .logs import last_words
from .options import DryRun, FinalState, Job, JobType, Json, SomeJobs, Why, words


def explain(job: Job, json: Json = False) -> None:
    """Why is it not running? Example: p3s job explain UUID"""
    client = Client()
    reply = client.explain(job)
    if json:
        show.as_json(vars(reply))
        return
    print(show.plain(f"{reply.state}{f': {reply.reason}' if reply.reason else ''}"))
    if reply.state == "defined":
        print(f"pilots that could be given it now: {reply.pilots}")
    for line in reply.lines:
        print(show.plain(f"  {line}"))
    if reply.state == "failed" and (last := last_words(client, reply.job)):
        print(show.plain(f"  last on stderr: {last}"))


RERUN_HELP = """Run ended jobs again, as new jobs that name the old ones.

Examples:

  p3s job rerun UUID

  p3s job rerun --state lost,failed --since 02:00 --still-fresh --dry-run

Prints the new UUIDs, with --dry-run the old ones. Jobs that were run again already are passed over.
"""


def rerun(
    jobs: SomeJobs = None,
    state: FinalState = "",
    since: Annotated[str, typer.Option(help="02:00, 2026-05-04 18:30, or how long ago: 6h.")] = "",
    jobtype: JobType = "",
    still_fresh: Annotated[bool, typer.Option("--still-fresh", help="Only those that are not stale yet.")] = False,
    dry_run: DryRun = False,
    why: Why = "",
    json: Json = False,
) -> None:
    if state and not since:
        raise BadInput("--state: say since when, like --since 02:00 or --since 6h")
    if not jobs and not state:
        raise BadInput("p3s job rerun wants UUIDs of jobs, or --state failed,lost --since 6h to choose them")
    states = words(state)
    request = RerunRequest(jobs or [], states, moments.since(since) or 0.0, jobtype, still_fresh, dry_run, why)
    reply = Client().rerun(request)
    if json:
        show.as_json(vars(reply))
        return
    for job in reply.old if dry_run else reply.new:
        print(job)
    show.note(f"{'would be ' if dry_run else ''}run again: {show.count(len(reply.old), 'job')}")
