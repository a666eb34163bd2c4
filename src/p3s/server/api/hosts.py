"""Cold routes of the hosts of pilots."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import bounds, routes
from p3s.protocol.acts import WhyRequest
from p3s.server.actions.hosts import list_hosts, trust
from p3s.server.broker import running

from .doors import grant_of, reach, read
from .paging import exact

router = Router(tags=["pilots"])


@router.get("/hosts", auth=reach("read"), summary=routes.HOSTS.summary)
@exact
def show_hosts(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """Hosts with pilots in service, and those that are doubted."""
    return {"hosts": running().ask(list_hosts)}


@router.post("/hosts/{host}/trust", auth=reach("operate"), summary=routes.TRUST.summary)
def trust_host(request: HttpRequest, host: str) -> dict[str, Any]:
    """Its pilots get jobs again at once; `doubts` is how many there were."""
    body = read(request, WhyRequest)
    bounds.check_why(body)
    bounds.check_name(host, "host")
    who = grant_of(request).owner
    return {"host": host, "doubts": running().ask(lambda work: trust(work, host=host, who=who, why=body.why))}
