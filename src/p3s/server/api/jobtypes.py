"""Cold routes of job types."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import bounds, routes
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobTypeSpec
from p3s.server.actions.jobtypes import list_jobtypes, set_jobtype
from p3s.server.broker import running

from .doors import grant_of, reach, read
from .paging import exact

router = Router(tags=["job types"])


@router.get("/jobtypes", auth=reach("read"), summary=routes.JOBTYPES.summary)
@exact
def show_jobtypes(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """By name; `out` and `waiting` count their jobs at this moment."""
    return {"jobtypes": running().ask(list_jobtypes)}


@router.put("/jobtypes/{name}", auth=reach("operate"), summary=routes.JOBTYPE.summary)
def put_jobtype(request: HttpRequest, name: str) -> dict[str, Any]:
    """The whole of its settings. Cap, pick and retries count at once; the rest for jobs submitted from now on."""
    body = read(request, JobTypeSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name!r}, the path {name!r}; they must agree")
    bounds.check_jobtype(body)
    who = grant_of(request).owner
    return {"name": name, "changed": running().ask(lambda work: set_jobtype(work, spec=body, who=who))}
