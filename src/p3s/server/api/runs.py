"""Cold routes of runs."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, catalogue_bounds, catalogue_routes
from p3s.protocol.bounds import BIG
from p3s.protocol.catalogue import Removed, RunChange, RunChanged, RunEnd, RunStart
from p3s.protocol.errors import BadInput, NotKnown
from p3s.server.actions import runs
from p3s.server.broker import running
from p3s.server.data import runs as reads
from p3s.server.jobs import reads as jobs
from p3s.server.results import reads as results
from p3s.server.workflows.coverage import of_runs

from .doors import grant_of, plain, reach, read
from .paging import Cursor, DryRun, Limit, Moment, Why, exact, page, wrong

router = Router(tags=["runs"])

MOST_COVERED = 200
"""Runs of a page with coverage: each of their files is counted."""


@router.get("/runs", auth=reach("read"), summary=catalogue_routes.RUNS.summary)
@exact
def list_runs(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    type: Annotated[str, Query(max_length=300, description="only of this type")] = "",
    open: Annotated[bool | None, Query(description="only those that are open, or that have ended")] = None,
    since: Moment = None,
    until: Moment = None,
    coverage: Annotated[
        bool, Query(description="with what became of their files; at most 200 runs a page then")
    ] = False,
) -> dict[str, Any]:
    """Open ones first, then the highest number first; `next`, given as `cursor`, continues, null at the end. `since`
    and `until` count starts."""
    bounds.check_name(type, "type")
    if coverage and limit > MOST_COVERED:
        raise BadInput(f"limit: at most {MOST_COVERED} with coverage, not {limit}")
    rows = reads.page(reads.Choice(type, open, since, until), limit + 1, _place(cursor))
    found = [{**plain(row), "coverage": []} for row in rows]
    if coverage:
        _cover(found[:limit])
    return page("runs", found, limit, lambda row: f"{'open' * row['open']}~{row['run']}")


def _cover(runs: Sequence[dict[str, Any]]) -> None:
    """Add what became of their files."""
    by_run = {one["run"]: one["coverage"] for one in runs}
    for row in of_runs(list(by_run)):
        by_run[row.run].append(plain(row))


def _place(cursor: str) -> reads.Place | None:
    if not cursor:
        return None
    word, _, number = cursor.partition("~")
    if word not in ("open", "") or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise wrong(cursor)
    return reads.Place(word == "open", int(number))


@router.get("/runs/{run}", auth=reach("read"), summary=catalogue_routes.RUN.summary)
@exact
def show_run(request: HttpRequest, run: int) -> dict[str, Any]:  # noqa: ARG001
    """A run with what came of its files."""
    row = reads.find(run) if 0 <= run < BIG else None
    if row is None:
        raise NotKnown(f"there is no run {run}; p3s run list shows them")
    return {
        **plain(row),
        "coverage": [plain(one) for one in of_runs([run])],
        "file_states": reads.file_states(run),
        "job_states": jobs.states_of_run(run),
        "results": results.count_of_run(run),
        "events": [plain(one) for one in jobs.events("run", str(run))],
    }


T = TypeVar("T", RunStart, RunEnd, RunChange)


def _told(request: HttpRequest, run: int, kind: type[T], act: Callable[..., RunChanged]) -> RunChanged:
    """What a person says of a run, by the writer."""
    body = read(request, kind)
    catalogue_bounds.check_run(run, body)
    who = grant_of(request).owner
    reply: RunChanged = running().ask(lambda work: act(work, number=run, request=body, who=who))
    return reply


@router.post("/runs/{run}/start", auth=reach("operate"), summary=catalogue_routes.START_RUN.summary)
def start_run(request: HttpRequest, run: int) -> RunChanged:
    """Of a run that is open already what it lacks is filled in. 409 for one that has ended, unless `reopen`."""
    return _told(request, run, RunStart, runs.start_run)


@router.post("/runs/{run}/end", auth=reach("operate"), summary=catalogue_routes.END_RUN.summary)
def end_run(request: HttpRequest, run: int) -> RunChanged:
    """A second time changes nothing."""
    return _told(request, run, RunEnd, runs.end_run)


@router.post("/runs/{run}/adjust", auth=reach("operate"), summary=catalogue_routes.ADJUST_RUN.summary)
def adjust_run(request: HttpRequest, run: int) -> RunChanged:
    """What is said becomes so, what is left out stays."""
    return _told(request, run, RunChange, runs.adjust_run)


@router.delete("/runs/{run}", auth=reach("operate"), summary=catalogue_routes.DELETE_RUN.summary)
@exact
def delete_run(request: HttpRequest, run: int, why: Why = "", dry_run: DryRun = False) -> Removed:
    """The record of a run that was started by mistake. 409 while files, jobs or results are of it."""
    catalogue_bounds.check_run(run, RunEnd(why=why))
    who = grant_of(request).owner
    reply: Removed = running().ask(lambda work: runs.forget_run(work, number=run, why=why, dry_run=dry_run, who=who))
    return reply
