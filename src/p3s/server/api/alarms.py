"""Cold route of alarms."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.server.journal import reads

from .doors import plain, reach
from .paging import Cursor, Limit, Name, exact, number, one_of, page

router = Router(tags=["alarms"])


@router.get("/alarms", auth=reach("read"), summary=routes.ALARMS.summary)
@exact
def list_alarms(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    all: Annotated[bool, Query(description="cleared ones too")] = False,
    kind: Name = "",
    severity: Annotated[str, Query(max_length=20, description="warning or bad")] = "",
) -> dict[str, Any]:
    """Open alarms, the latest raised first. `detail` of silent pilots: site, host, pilots."""
    bounds.check_name(kind, "kind")
    one_of(severity, ("warning", "bad"), "severity")
    rows = reads.alarms(all, limit + 1, number(cursor), kind, severity)
    return page("alarms", [plain(row) for row in rows], limit, lambda row: str(row["id"]))
