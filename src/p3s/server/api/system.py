"""Cold routes about the system: summary, and whose token this is."""

from time import time
from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import routes
from p3s.protocol.messages import PROTOCOL_VERSION
from p3s.server.actions.pauses import list_pauses
from p3s.server.broker import running
from p3s.server.data import reads as data
from p3s.server.jobs import reads as jobs
from p3s.server.pilots import reads as pilots
from p3s.server.results import reads as results
from p3s.server.workflows import reads as workflows

from .doors import grant_of, reach
from .paging import exact

router = Router(tags=["system"])


@router.get("/summary", auth=reach("read"), summary=routes.SUMMARY.summary)
@exact
def summary(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """Pilots, jobs and workflows by state, what is paused, datasets and results, and how old the newest result is, in
    seconds."""
    newest, now = results.last_published(), time()
    return {
        "pilots": pilots.count_by_state(),
        "slots": pilots.slots(),
        "slots_in_use": sum(jobs.out_by_pilot().values()),
        "jobs": jobs.count_by_state(),
        "workflows": workflows.counts(),
        "datasets": data.count(),
        "results": results.count(),
        "newest_result_age_s": None if newest is None else max(0.0, now - newest),
        "paused": running().ask(list_pauses),
        "now": now,
    }


@router.get("/whoami", auth=reach("read"), summary=routes.WHOAMI.summary)
@exact
def whoami(request: HttpRequest) -> dict[str, Any]:
    """The token's owner and scopes, this server's protocol and time."""
    grant = grant_of(request)
    return {
        "owner": grant.owner,
        "scopes": sorted(grant.scopes),
        "protocol": PROTOCOL_VERSION,
        "now": time(),
        "lease_s": running().settings.lease_s,
    }
