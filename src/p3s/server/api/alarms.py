"""Cold route of alarms."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import routes
from p3s.server.journal import reads

from .doors import plain, reach

router = Router(tags=["alarms"])


@router.get("/alarms", auth=reach("read"), summary=routes.ALARMS.summary)
def list_alarms(
    request: HttpRequest,  # noqa: ARG001
    all: Annotated[bool, Query(description="cleared ones too")] = False,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> dict[str, Any]:
    """Open alarms, the latest raised first. `detail` of silent pilots: site, host, pilots."""
    return {"alarms": [plain(row) for row in reads.alarms(all, limit)]}
