"""Cold routes of datasets."""

from dataclasses import replace
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, catalogue_bounds, data_bounds, data_routes
from p3s.protocol.data import DatasetReply, DatasetRequest
from p3s.protocol.errors import NotKnown
from p3s.server.actions.arrive import arrive
from p3s.server.broker import running
from p3s.server.data import reads

from .doors import grant_of, plain, reach, read
from .paging import Cursor, Limit, Moment, Name, Run, exact, moment_and_name, one_of, page
from .streams import room_for_work

router = Router(tags=["data"])

STATES = ("registered", "available", "dropped", "missing")
KINDS = ("file", "set")


@router.post("/datasets", auth=reach("submit"), summary=data_routes.REGISTER_DATASET.summary)
def register(request: HttpRequest) -> DatasetReply:
    """Register a complete file; its stream's jobs are made in the same transaction, once."""
    body = read(request, DatasetRequest)
    data_bounds.check_dataset(body)
    room_for_work()
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
    kind: Annotated[str, Query(max_length=20, description="file or set")] = "",
    datatype: Name = "",
    stream: Annotated[str, Query(max_length=300, description="that was told of it")] = "",
    set: Annotated[str, Query(max_length=300, description="UUID or name of a set that has it")] = "",
    which: Annotated[str, Query(max_length=2_000, description="its UUID, whole name, URL, or that it came from")] = "",
) -> dict[str, Any]:
    """Newest first; `next`, given as `cursor`, continues, null at the end. `since` and `until` count registrations."""
    words = {"owner": owner, "name": name, "datatype": datatype, "stream": stream}
    for where, word in words.items():
        bounds.check_name(word, where)
    choice = reads.Choice(one_of(state, STATES, "state"), run=run, subrun=subrun, since=since, until=until, **words)
    choice = replace(choice, kind=one_of(kind, KINDS, "kind"), set=set_of(set) if set else "", which=_whole(which))
    rows = reads.page(choice, limit + 1, moment_and_name(cursor))
    return page("datasets", [plain(row) for row in rows], limit, lambda row: f"{row['registered_at']}~{row['uuid']}")


def _whole(which: str) -> str:
    if which:
        catalogue_bounds.check_which(which, "which")
    return which


def set_of(which: str) -> str:
    """The UUID of a set. Raises NotKnown."""
    catalogue_bounds.check_which(which, "set")
    found = [row for one in (f"set:{which}", which) for row in reads.matching(one, 100) if row.kind == "set"]
    if not found:
        raise NotKnown(f"there is no set {which[:200]}; p3s dataset list --kind set shows them")
    return found[0].uuid
