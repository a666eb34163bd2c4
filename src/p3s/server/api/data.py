"""Cold routes of streams and datasets."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, data_bounds, data_routes
from p3s.protocol.data import DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.errors import BadInput, NoRoom, TryLater
from p3s.server.actions.arrive import arrive
from p3s.server.actions.declare import declare
from p3s.server.broker import running
from p3s.server.data import reads
from p3s.server.upkeep.services import running as upkeep

from .doors import grant_of, plain, reach, read
from .paging import Cursor, Limit, Moment, Name, Run, exact, moment_and_name, one_of, page

router = Router(tags=["data"])

STATES = ("registered", "available", "dropped", "missing")


@router.put("/streams/{name}", auth=reach("operate"), summary=data_routes.STREAM.summary)
def put_stream(request: HttpRequest, name: str) -> dict[str, Any]:
    """Declare a stream; the reply has the version in force. The same rule again is no new version."""
    body = read(request, StreamSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name!r}, the path {name!r}; they must agree")
    data_bounds.check_stream(body)
    owner = grant_of(request).owner
    return {"name": name, "version": running().ask(lambda work: declare(work, spec=body, owner=owner))}


@router.post("/datasets", auth=reach("submit"), summary=data_routes.REGISTER_DATASET.summary)
def register(request: HttpRequest) -> DatasetReply:
    """Register a complete file; its stream's jobs are made in the same transaction, once."""
    body = read(request, DatasetRequest)
    data_bounds.check_dataset(body)
    try:
        upkeep().guard.check_work()
    except NoRoom as full:
        raise TryLater(str(full)) from None  # the file is there to stay: who watches asks again
    owner = grant_of(request).owner
    reply: DatasetReply = running().ask(lambda work: arrive(work, request=body, owner=owner))
    return reply


@router.get("/datasets", auth=reach("read"), summary=data_routes.DATASETS.summary)
@exact
def list_datasets(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    state: Annotated[str, Query(max_length=20, description="registered, available, dropped or missing")] = "",
    owner: Name = "",
    name: Annotated[str, Query(max_length=300, description="the beginning of one")] = "",
    run: Run = None,
    subrun: Run = None,
    since: Moment = None,
    until: Moment = None,
) -> dict[str, Any]:
    """Newest first; `next`, given as `cursor`, continues, null at the end. `since` and `until` count registrations."""
    for where, word in (("owner", owner), ("name", name)):
        bounds.check_name(word, where)
    choice = reads.Choice(one_of(state, STATES, "state"), owner, name, run, subrun, since, until)
    rows = reads.page(choice, limit + 1, moment_and_name(cursor))
    return page("datasets", [plain(row) for row in rows], limit, lambda row: f"{row['registered_at']}~{row['uuid']}")
