"""`p3s stream process`: files of a stream now, whatever its prescale."""

from dataclasses import asdict
from typing import Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput
from p3s.protocol.streams import ProcessReply, ProcessRequest

from . import show
from .covered import reasons
from .options import DryRun, Json, Run, Stream, Why

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


def process(
    name: Stream,
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
    return reasons(counts) or "0"
