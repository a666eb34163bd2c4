"""`p3s pause`, `p3s resume`, `p3s purge`: stop the flow of a kind of work, let it go on, clear what is over."""

from time import time
from typing import Annotated

import typer

from p3s.client.descriptions import duration
from p3s.client.sdk import Client
from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.errors import BadInput, NotKnown
from p3s.protocol.many import PURGED, PurgeReply, PurgeRequest

from . import complete, show
from .options import DryRun, FinalState, JobType, Json, Why, words

Which = Annotated[
    str, typer.Argument(metavar="all|JOBTYPE", help="A job type, or all.", autocompletion=complete.job_types)
]

PAUSE_HELP = """Hand out nothing of a job type, or of any; what runs goes on. Without a name: list what is paused.

Examples:

  p3s pause evdisp --reason "wrong calibration"

  p3s pause all --reason "storage is down"

  p3s pause
"""


def pause(jobtype: Which = "", why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    client = Client()
    if not jobtype:
        _list(client, json)
        return
    types = [one for one in client.job_types() if jobtype in (one["name"], ALL_TYPES)]
    if not types and jobtype != ALL_TYPES:
        raise NotKnown(f"there is no job type {show.plain(jobtype)}; p3s jobtype list shows them")
    waiting = sum(one["waiting"] for one in types)
    paused = jobtype in [one["jobtype"] for one in client.pauses()]
    changed = not paused if dry_run else client.pause(jobtype, why)
    if json:
        show.as_json({"jobtype": jobtype, "changed": changed, "waiting": waiting})
        return
    done = ("would be paused" if dry_run else "paused") if changed else "it was paused already"
    print(f"{show.plain(jobtype)}: {done}; {show.count(waiting, 'job')} waiting")


def _list(client: Client, json: bool) -> None:
    found = client.pauses()
    if json:
        show.as_json(found)
        return
    now = time()
    rows = ((one["jobtype"], show.age(one["since"], now), one["who"], one["why"]) for one in found)
    show.table(("paused", "for", "by", "why"), rows, "nothing is paused")


def resume(jobtype: Which, dry_run: DryRun = False, json: Json = False) -> None:
    """End a pause: jobs go out again at once. Example: p3s resume evdisp"""
    client = Client()
    paused = [one["jobtype"] for one in client.pauses()]
    changed = jobtype in paused if dry_run else client.resume(jobtype)
    if json:
        show.as_json({"jobtype": jobtype, "changed": changed})
        return
    done = "would be resumed" if dry_run else "resumed"
    print(f"{show.plain(jobtype)}: {done if changed else 'it was not paused by itself'}")
    if ALL_TYPES in paused and jobtype != ALL_TYPES:
        show.note("note: all job types are paused; p3s resume all ends that")


PURGE_HELP = """Remove the records of ended jobs, pilots or workflows, with their logs and files, for good.

Examples:

  p3s purge jobs --state finished --older 7d --dry-run

  p3s purge pilots --older 1d

  p3s purge workflows --older 30d

Jobs of a workflow go with it. With published results jobs and workflows are kept, unless --results: then the results
go too, but for those of reference runs. What has not ended is never removed; a workflow stays until files of it whose
`keep` runs out are deleted.
"""


_KEPT = {
    "jobs": "with results, or of workflows",
    "pilots": "named by jobs",
    "workflows": "with results, or with files still to be deleted",
}


def purge(
    what: Annotated[str, typer.Argument(metavar="jobs|pilots|workflows", help="Records of these.")],
    older: Annotated[str, typer.Option(metavar="7d", help="Ended longer ago than this.")],
    state: FinalState = "",
    jobtype: JobType = "",
    results: Annotated[bool, typer.Option("--results", help="Also jobs with published results, and these.")] = False,
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if what not in PURGED:
        raise BadInput(f"p3s purge {show.plain(what)}: write p3s purge jobs, pilots or workflows")
    states = words(state)
    request = PurgeRequest(what, [], states, duration(older, "--older"), jobtype, results, dry_run=dry_run, why=why)
    with show.status("looking") as say:

        def tell(so_far: PurgeReply) -> None:
            say(f"{so_far.removed} {what} {'found' if dry_run else 'removed'}")

        reply = Client().purge(request, tell)
    if json:
        show.as_json({"removed": reply.removed, "kept": reply.kept})
        return
    kept = f"; kept: {reply.kept}, {_KEPT[what]}" if reply.kept else ""
    print(f"{'would remove' if dry_run else 'removed'}: {show.count(reply.removed, what[:-1])}{kept}")
