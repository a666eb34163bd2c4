"""Run ended jobs again, by name or by what became of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from p3s.domain.acceptance import accept
from p3s.domain.rerun import check, still_fresh
from p3s.protocol.acts import RerunReply, RerunRequest
from p3s.protocol.errors import BadInput, Conflict, NotAllowed, NotKnown
from p3s.protocol.messages import JobSpec
from p3s.server.data.models import Stream
from p3s.server.jobs import waiting
from p3s.server.jobs.classes import needs_of
from p3s.server.jobs.models import ALONE, Job
from p3s.server.jobs.uses import queries as uses

from .gather import gathered_of
from .submit import new_uuids
from .tidy import deleted_inputs
from .work import Work

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks; `all_jobs`: beyond their own."""

    name: str
    all_jobs: bool


def rerun(work: Work, *, request: RerunRequest, who: Who) -> RerunReply:
    """All of them or none: raises Conflict for a named job that has not ended or was run again already. Of those that
    a choice by state finds, the ones that were run again are passed over."""
    work.flush()
    rows = _named(request, who) if request.uuids else _found(request, who)
    if request.still_fresh:
        rows = [row for row in rows if still_fresh(row.stale_at, work.now)]
    past = waiting.past(row.uuid for row in rows)
    if not request.uuids:
        rows = [row for row in rows if not past[row.uuid].rerun]
    rows = _with_inputs(rows, bool(request.uuids))
    for row in rows:
        check(row.uuid, past[row.uuid])
    old = [row.uuid for row in rows]
    if request.dry_run:
        return RerunReply(old, [])
    followed = _followed(rows)
    new, again = [], []
    for row in rows:
        book = work.desk.book
        kind, columns = book.kind(row.jobtype_id), _columns(row, followed)
        added = accept(book.next_id, next(new_uuids(work.now, 1)), _described(row), kind, work.now, columns)
        work.desk.rerun(row.uuid, past[row.uuid], added, who.name, request.why)
        new.append(added.job)
        again.append((row.id, added.id))
    work.flush()
    uses.read_again(again)
    return RerunReply(old, new)


def _with_inputs(rows: list[Job], named: bool) -> list[Job]:
    """Those whose inputs are there as far as p3s knows. Raises Conflict for a named one of which p3s deleted one."""
    gone = deleted_inputs({row.id: row.dataset_id for row in rows})
    for row in rows if named else ():
        if row.id in gone:
            raise Conflict(f"job {row.uuid} cannot run again: {gone[row.id]}")
    return [row for row in rows if row.id not in gone]


def _named(request: RerunRequest, who: Who) -> list[Job]:
    wanted = list(dict.fromkeys(request.uuids))
    there = {row.uuid: row for row in Job.objects.filter(uuid__in=wanted)}
    for uuid in wanted:
        if uuid not in there:
            raise NotKnown(f"there is no job {uuid}; p3s job list shows the latest")
        owner = there[uuid].owner
        if owner != who.name and not who.all_jobs:
            raise NotAllowed(f"job {uuid} belongs to {owner}; only they or an operator can run it again")
    return [there[uuid] for uuid in wanted]


def _found(request: RerunRequest, who: Who) -> list[Job]:
    jobs = Job.objects.filter(state__in=request.states, ended_at__gte=request.since).order_by("id")
    if request.jobtype:
        jobs = jobs.filter(jobtype=request.jobtype)
    if not who.all_jobs:
        jobs = jobs.filter(owner=who.name)
    rows = list(jobs[: MOST + 1])
    if len(rows) > MOST:
        raise BadInput(f"since: more than {MOST} jobs ended so since then; name a later moment, or a job type")
    return rows


def _described(row: Job) -> JobSpec:
    """The job as it was described, its ETA and stale-after as long as they were."""
    return JobSpec(
        row.payload,
        row.name,
        row.jobtype_id,
        row.input,
        row.env,
        row.priority,
        row.time_limit,
        needs_of(row.needs),
        row.eta_at - row.submitted_at if row.eta_at else 0.0,
        row.stale_at - row.submitted_at if row.stale_at else 0.0,
    )


def _followed(rows: Sequence[Job]) -> set[tuple[str, str]]:
    """Streams and job types of which results are gathered now."""
    streams = Stream.objects.filter(name__in={row.stream_id for row in rows if row.stream_id is not None})
    return {(stream.name, jobtype) for stream in streams for jobtype in gathered_of(stream)}


def _columns(row: Job, followed: Collection[tuple[str, str]]) -> dict[str, Any]:
    """A job of a workflow remembers the stream too; but its workflow has ended without it, and so has what the stream
    made of the file."""
    of_stream = row.workflow is None and row.stream_id is not None
    return {
        "owner": row.owner,
        "dataset": row.dataset_id,
        "stream": row.stream_id,
        "run": row.run,
        "subrun": row.subrun,
        "keys": row.keys,
        "rerun_of": row.uuid,
        "stream_version": row.stream_version,
        "workflow": None if row.workflow is None else ALONE,
        "followed": of_stream and (row.stream_id, row.jobtype_id) in followed,
    }
