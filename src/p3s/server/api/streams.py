"""Cold routes of streams, of what they made of every file, and of files that arrive for them."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, catalogue_bounds, data_bounds, data_routes
from p3s.protocol.acts import WhyRequest
from p3s.protocol.bounds import _most
from p3s.protocol.catalogue import Removed
from p3s.protocol.data import ArrivalsReply, ArrivalsRequest, DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.errors import BadInput, NoRoom, NotKnown, TryLater
from p3s.protocol.streams import (
    ProcessReply,
    ProcessRequest,
    RevertStreamRequest,
    SetStreamRequest,
    StreamChanged,
    StreamDetail,
    StreamPaused,
)
from p3s.server.actions import declare as streams
from p3s.server.actions.arrive import PORTION, arrive_all
from p3s.server.actions.process import process
from p3s.server.broker import running
from p3s.server.jobs import streams as reads
from p3s.server.upkeep.services import running as upkeep
from p3s.server.workflows import coverage

from .doors import grant_of, reach, read
from .paging import Cursor, DryRun, Limit, Name, Run, Why, exact, number, page

router = Router(tags=["streams"])


@router.get("/streams", auth=reach("read"), summary=data_routes.STREAMS.summary)
@exact
def list_streams(request: HttpRequest, limit: Limit = 100, cursor: Cursor = "") -> dict[str, Any]:  # noqa: ARG001
    """By name; `next`, given as `cursor`, continues, null at the end."""
    bounds.check_name(cursor, "cursor")
    return page("streams", [dict(row) for row in reads.page(limit + 1, cursor)], limit, lambda row: row["name"])


@router.get("/streams/{name}", auth=reach("read"), summary=data_routes.STREAM_SHOWN.summary)
@exact
def show_stream(request: HttpRequest, name: str) -> dict[str, Any]:  # noqa: ARG001
    """The rule in force, and where people changed it live from what was declared."""
    return dict(_found(name))


def _found(name: str) -> StreamDetail:
    bounds.check_name(name, "name")
    found = reads.find(name)
    if found is None:
        raise NotKnown(f"there is no stream {name}; p3s stream list shows them")
    return found


@router.put("/streams/{name}", auth=reach("operate"), summary=data_routes.STREAM.summary)
@exact
def put_stream(
    request: HttpRequest,
    name: str,
    force: Annotated[bool, Query(description="drop what was changed live")] = False,
) -> dict[str, Any]:
    """Declare a stream; the reply has the version in force. The same rule again is no new version. What people changed
    live since it was declared last is kept, and `notes` say so; with `force` the rule is as it stands here."""
    body = read(request, StreamSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name!r}, the path {name!r}; they must agree")
    data_bounds.check_stream(body)
    owner = grant_of(request).owner
    declared = running().ask(lambda work: streams.declare(work, spec=body, owner=owner, force=force))
    return {"name": name, **asdict(declared)}


@router.delete("/streams/{name}", auth=reach("operate"), summary=data_routes.DELETE_STREAM.summary)
@exact
def delete_stream(request: HttpRequest, name: str, why: Why = "", dry_run: DryRun = False) -> Removed:
    """A stream that was declared by mistake, with its versions. 409 while files or jobs are of it."""
    bounds.check_name(name, "name")
    catalogue_bounds.check_why(why)
    who = grant_of(request).owner
    reply: Removed = running().ask(
        lambda work: streams.forget_stream(work, name=name, who=who, why=why, dry_run=dry_run)
    )
    return reply


@router.get("/streams/{name}/versions", auth=reach("read"), summary=data_routes.STREAM_VERSIONS.summary)
@exact
def list_versions(request: HttpRequest, name: str, limit: Limit = 100, cursor: Cursor = "") -> dict[str, Any]:  # noqa: ARG001
    """Who made it what it was, when, why, and what differs from the version before."""
    _found(name)
    rows = [dict(row) for row in reads.versions(name, limit + 1, number(cursor))]
    return page("versions", rows, limit, lambda row: str(row["version"]))


@router.post("/streams/{name}/changes", auth=reach("operate"), summary=data_routes.SET_STREAM.summary)
def set_stream(request: HttpRequest, name: str) -> StreamChanged:
    """Values by dotted path into the rule (`env.RELEASE`, `take.one_in`, `jobs.evdisp.needs.cores`), for files that
    come from now on. A new version, on the record; jobs name the version that made them."""
    body = read(request, SetStreamRequest)
    data_bounds.check_set_stream(body)
    bounds.check_name(name, "name")
    who = grant_of(request).owner
    changed: StreamChanged = running().ask(lambda work: streams.set_stream(work, name=name, request=body, who=who))
    return changed


@router.post("/streams/{name}/revert", auth=reach("operate"), summary=data_routes.REVERT_STREAM.summary)
def revert_stream(request: HttpRequest, name: str) -> StreamChanged:
    """A new version that equals version `to`, or what was declared last."""
    body = read(request, RevertStreamRequest)
    data_bounds.check_revert_stream(body)
    bounds.check_name(name, "name")
    who = grant_of(request).owner
    changed: StreamChanged = running().ask(lambda work: streams.revert_stream(work, name=name, request=body, who=who))
    return changed


@router.post("/streams/{name}/pause", auth=reach("operate"), summary=data_routes.PAUSE_STREAM.summary)
def pause_stream(request: HttpRequest, name: str) -> StreamPaused:
    """Files that come from now on are counted as ignored, reason `paused`; jobs that were made go on."""
    return _switch(request, name, streams.pause_stream)


@router.post("/streams/{name}/resume", auth=reach("operate"), summary=data_routes.RESUME_STREAM.summary)
def resume_stream(request: HttpRequest, name: str) -> StreamPaused:
    """Files that come from now on are taken again. What was left out meanwhile can be processed by hand."""
    return _switch(request, name, streams.resume_stream)


def _switch(request: HttpRequest, name: str, act: Any) -> StreamPaused:
    body = read(request, WhyRequest)
    bounds.check_why(body)
    bounds.check_name(name, "name")
    who = grant_of(request).owner
    reply: StreamPaused = running().ask(lambda work: act(work, name=name, who=who, why=body.why))
    return reply


@router.post("/streams/{name}/process", auth=reach("operate"), summary=data_routes.PROCESS.summary)
def process_files(request: HttpRequest, name: str) -> ProcessReply:
    """Files that were sampled out or ignored, or whose jobs were dropped, failed, lost, cancelled or never made, get
    the jobs that they lack, by the rule as it is now; ETA and stale-after count from now. Of a stream that starts a
    workflow, they get one when they have none that goes on or finished. They count as `manual`, and neither prescale
    nor `waiting` holds for them. Some files a call; `next`, given as `after`, goes on."""
    body = read(request, ProcessRequest)
    data_bounds.check_process(body)
    bounds.check_name(name, "name")
    if not body.dry_run:
        room_for_work()
    return process(running().ask, name=name, request=body, who=grant_of(request).owner)


@router.get("/coverage", auth=reach("read"), summary=data_routes.COVERAGE.summary)
@exact
def list_coverage(
    request: HttpRequest,  # noqa: ARG001
    limit: Annotated[int, Query(ge=1, le=200, description="runs of a page at most")] = 20,
    cursor: Cursor = "",
    stream: Name = "",
    run: Run = None,
) -> dict[str, Any]:
    """Every file that a stream has seen is in one count of its run. The newest run first, its streams by name, files
    without a run on the last page; `next`, given as `cursor`, continues."""
    bounds.check_name(stream, "stream")
    if run is not None:
        return {"coverage": [asdict(row) for row in coverage.of_runs([run], stream)], "next": None}
    rows, following = coverage.page(stream, limit, number(cursor))
    return {"coverage": [asdict(row) for row in rows], "next": following}


@router.post("/arrivals", auth=reach("submit"), summary=data_routes.ARRIVALS.summary)
def register_all(request: HttpRequest) -> ArrivalsReply:
    """Register files, each with its stream's jobs in the transaction that stores it, some hundred in one. What is
    beyond bounds, or for a stream that is none, is refused by itself: its `problem` says why. Asked again, the answer
    is the same and nothing is added."""
    body = read(request, ArrivalsRequest)
    _most(body.files, "files_per_call", "files")
    room_for_work()
    owner = grant_of(request).owner
    replies: dict[int, DatasetReply] = {}
    good: list[tuple[int, DatasetRequest]] = []
    for place, one in enumerate(body.files):
        try:
            data_bounds.check_dataset(one)
            good.append((place, one))
        except BadInput as problem:
            replies[place] = DatasetReply("", False, [], problem=str(problem))
    for at in range(0, len(good), PORTION):
        portion = good[at : at + PORTION]
        said = running().ask(partial(arrive_all, requests=[one for _, one in portion], owner=owner))
        replies |= {place: reply for (place, _), reply in zip(portion, said, strict=True)}
    return ArrivalsReply([replies[place] for place in range(len(body.files))])


def room_for_work() -> None:
    """Raises TryLater when the disk is too full for more jobs: files are there to stay, who watches asks again."""
    try:
        upkeep().guard.check_work()
    except NoRoom as full:
        raise TryLater(str(full)) from None
