"""Cold route of the record: who did or decided what, when and why."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.server.journal import reads

from .doors import plain, reach
from .paging import Cursor, Limit, exact, number, page

router = Router(tags=["audit"])


@router.get("/events", auth=reach("operate"), summary=routes.EVENTS.summary)
@exact
def list_events(
    request: HttpRequest,  # noqa: ARG001
    who: str = "",
    kind: Annotated[str, Query(description="job, jobtype, pilot, host, stream, token, user ...")] = "",
    object: Annotated[str, Query(description="its UUID or name; found at once with `kind`")] = "",
    since: Annotated[float, Query(ge=0, le=1e11, description="epoch seconds")] = 0.0,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Newest first; `next`, given as `cursor`, continues, null at the end. What is not here is the ordinary path of a
    job, which stands in the job itself."""
    for name, value in (("who", who), ("kind", kind), ("object", object)):
        bounds.check_name(value, name)
    rows = reads.record(reads.Wanted(who, kind, object, since), limit + 1, number(cursor))
    return page("events", [plain(row) for row in rows], limit, lambda row: str(row["id"]))
