"""Cold routes of pauses."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import bounds, routes
from p3s.protocol.acts import WhyRequest
from p3s.server.actions import pauses
from p3s.server.broker import running

from .doors import grant_of, reach, read
from .paging import exact

router = Router(tags=["job types"])


@router.get("/pauses", auth=reach("read"), summary=routes.PAUSES.summary)
@exact
def show_pauses(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """By job type, with who paused it, since when and why."""
    return {"pauses": running().ask(pauses.list_pauses)}


@router.put("/pauses/{jobtype}", auth=reach("operate"), summary=routes.PAUSE.summary)
def put_pause(request: HttpRequest, jobtype: str) -> dict[str, Any]:
    """Nothing of the type is handed out from now on; what runs goes on, and the cap stays as it is. `all`: every type.
    Again with another reason, that one stands."""
    body = read(request, WhyRequest)
    bounds.check_why(body)
    bounds.check_name(jobtype, "jobtype")
    who = grant_of(request).owner
    changed = running().ask(lambda work: pauses.pause(work, jobtype=jobtype, who=who, why=body.why))
    return {"jobtype": jobtype, "changed": changed}


@router.delete("/pauses/{jobtype}", auth=reach("operate"), summary=routes.RESUME.summary)
@exact
def end_pause(request: HttpRequest, jobtype: str) -> dict[str, Any]:
    """Jobs go out again at once. `changed` is false when the type was not paused by itself."""
    bounds.check_name(jobtype, "jobtype")
    who = grant_of(request).owner
    changed = running().ask(lambda work: pauses.resume(work, jobtype=jobtype, who=who, why=""))
    return {"jobtype": jobtype, "changed": changed}
