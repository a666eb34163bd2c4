"""Cold routes of services."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import routes
from p3s.protocol import services as bounds
from p3s.protocol.services import ServiceReport
from p3s.server.accounts.grants import need
from p3s.server.actions import services as actions
from p3s.server.actions.services import Reporter
from p3s.server.broker import running
from p3s.server.upkeep import services as upkeep

from .doors import grant_of, plain, reach, read
from .paging import exact

router = Router(tags=["services"])

LONGEST_WAIT_S = 20.0


@router.get("/services", auth=reach("read"), summary=routes.SERVICES.summary)
@exact
def list_services(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """The server's own, then scripts by name."""
    return {"services": [plain(state) for state in upkeep.running().states()]}


@router.get("/services/{name}", auth=reach("read"), summary=routes.SERVICE.summary)
@exact
def show_service(request: HttpRequest, name: str) -> dict[str, Any]:  # noqa: ARG001
    """How it stands."""
    bounds.check_name(name)
    return plain(upkeep.running().state(name))


@router.post("/services/{name}/reports", auth=reach("job:"), summary=routes.SERVICE_REPORT.summary)
def report(request: HttpRequest, name: str) -> dict[str, Any]:
    """A script says how it stands: with a user's token, or with that of the job within which it runs."""
    grant = grant_of(request)
    if not grant.job:
        need(grant, "submit")
    said = read(request, ServiceReport)
    bounds.check_name(name)
    bounds.check_report(said)
    services = upkeep.running()
    services.check_script(name)
    who = Reporter(grant.owner, grant.reaches("operate"), grant.job, grant.attempt)
    services.heard(running().ask(lambda work: actions.report(work, name=name, said=said, who=who)))
    return plain(services.state(name))


@router.post("/services/{name}/run", auth=reach("operate"), summary=routes.SERVICE_RUN.summary)
@exact
def run(
    request: HttpRequest,
    name: str,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="answer after so many seconds at most")] = 0.0,
    dry_run: Annotated[bool, Query(description="run nothing; `said` is what would be done")] = False,
) -> dict[str, Any]:
    """One of the server's own runs now; a run under way is joined. `running` says whether it has not ended yet."""
    bounds.check_name(name)
    if dry_run:
        return plain(upkeep.running().would(name))
    return plain(upkeep.running().run_now(name, grant_of(request).owner, wait))


@router.delete("/services/{name}", auth=reach("submit"), summary=routes.SERVICE_FORGET.summary)
@exact
def forget(request: HttpRequest, name: str) -> dict[str, Any]:
    """A script will report no more: its alarm goes with it."""
    bounds.check_name(name)
    grant, services = grant_of(request), upkeep.running()
    services.check_script(name)
    running().ask(lambda work: actions.forget(work, name=name, who=grant.owner, all_services=grant.reaches("operate")))
    services.forgotten(name)
    return {"name": name}
