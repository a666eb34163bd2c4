"""Cold routes of streams and datasets."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.protocol.errors import BadInput, NoRoom, TryLater
from p3s.protocol.messages import DatasetReply, DatasetRequest, StreamSpec
from p3s.server.actions.arrive import arrive
from p3s.server.actions.declare import declare
from p3s.server.broker import running
from p3s.server.data import reads
from p3s.server.upkeep.services import running as upkeep

from .doors import grant_of, plain, reach, read

router = Router(tags=["data"])


@router.put("/streams/{name}", auth=reach("operate"), summary=routes.STREAM.summary)
def put_stream(request: HttpRequest, name: str) -> dict[str, Any]:
    """Declare a stream; the reply has the version in force. The same rule again is no new version."""
    body = read(request, StreamSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name!r}, the path {name!r}; they must agree")
    bounds.check_stream(body)
    owner = grant_of(request).owner
    return {"name": name, "version": running().ask(lambda work: declare(work, spec=body, owner=owner))}


@router.post("/datasets", auth=reach("submit"), summary=routes.REGISTER_DATASET.summary)
def register(request: HttpRequest) -> DatasetReply:
    """Register a complete file; its stream's jobs are made in the same transaction, once."""
    body = read(request, DatasetRequest)
    bounds.check_dataset(body)
    try:
        upkeep().guard.check_work()
    except NoRoom as full:
        raise TryLater(str(full)) from None  # the file is there to stay: who watches asks again
    owner = grant_of(request).owner
    reply: DatasetReply = running().ask(lambda work: arrive(work, request=body, owner=owner))
    return reply


@router.get("/datasets", auth=reach("read"), summary=routes.DATASETS.summary)
def list_datasets(
    request: HttpRequest,  # noqa: ARG001
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[float | None, Query(ge=0, le=1e12, description="`next` of the page before")] = None,
) -> dict[str, Any]:
    """Newest first; `next` continues, null at the end."""
    rows = reads.latest(limit, before)
    return {
        "datasets": [plain(row) for row in rows],
        "next": rows[-1].registered_at if len(rows) == limit else None,
    }
