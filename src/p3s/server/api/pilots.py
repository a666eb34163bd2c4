"""Cold routes of pilots: registration, a guardian's word, the list."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.protocol.messages import PROTOCOL_VERSION, DeathRequest, RegisterReply, RegisterRequest
from p3s.protocol.states import FINAL_PILOT_STATES, PilotState
from p3s.server.accounts.seals import digest
from p3s.server.actions import exchange
from p3s.server.broker import running
from p3s.server.jobs import reads as jobs
from p3s.server.pilots import reads

from .doors import grant_of, plain, reach, read
from .paging import Cursor, Limit, Name, exact, page
from .paging import moment_and_name as at
from .paging import words as states

router = Router(tags=["pilots"])


@router.post("/pilots", auth=reach("pilot"), summary=routes.REGISTER.summary)
def register(request: HttpRequest) -> RegisterReply:
    """The reply holds the pilot's own token. The same pilot and nonce again give the same answer."""
    body = read(request, RegisterRequest)
    bounds.check_register(body)
    if body.protocol != PROTOCOL_VERSION:
        older = "the pilot" if body.protocol < PROTOCOL_VERSION else "the server"
        raise Conflict(f"the pilot speaks protocol {body.protocol}, this server {PROTOCOL_VERSION}: upgrade {older}")
    broker, owner = running(), grant_of(request).owner
    token = broker.grants.pilot_token(body.pilot, body.nonce)
    lease_s = broker.settings.lease_s
    broker.ask(
        lambda work: exchange.register(work, request=body, token_hash=digest(token), owner=owner, lease_s=lease_s)
    )
    return RegisterReply(body.pilot, token, lease_s, broker.settings.wait_s, PROTOCOL_VERSION)


@router.post("/pilots/{pilot}/death", auth=reach("pilot:"), summary=routes.DEATH.summary)
def death(request: HttpRequest, pilot: str) -> dict[str, bool]:
    """The guardian speaks with its pilot's token. `new` is false when the pilot had ended already."""
    if grant_of(request).pilot != pilot:
        raise NotAllowed(f"this token does not speak for pilot {pilot}")
    body = read(request, DeathRequest)
    bounds.check_death(body)
    return {"new": running().ask(lambda work: exchange.death(work, pilot=pilot, request=body))}


@router.get("/pilots", auth=reach("read"), summary=routes.PILOTS.summary)
@exact
def list_pilots(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 200,
    cursor: Cursor = "",
    ended: Annotated[bool, Query(description="those that are not in service any more, instead")] = False,
    state: Annotated[str, Query(max_length=100, description="states, separated by commas, whatever `ended` is")] = "",
    site: Name = "",
    host: Name = "",
    batch_id: Annotated[str, Query(max_length=300, description="the batch system's id of it")] = "",
    owner: Name = "",
) -> dict[str, Any]:
    """The latest registered first; `next`, given as `cursor`, continues, null at the end. `out` is how many jobs each
    holds; `silent_s` for how long a silent one was not heard."""
    words = {"site": site, "host": host, "batch_id": batch_id, "owner": owner}
    for where, word in words.items():
        bounds.check_name(word, where)
    usual = [word for word in PilotState if (word in FINAL_PILOT_STATES) == ended]
    choice = reads.Choice(states(state, list(PilotState), "state") or tuple(usual), **words)
    out = jobs.out_by_pilot()
    rows = [{**plain(row), "out": out.get(row.uuid, 0)} for row in reads.page(choice, limit + 1, at(cursor))]
    return page("pilots", rows, limit, lambda row: f"{row['registered_at']}~{row['uuid']}")


@router.get("/pilots/{pilot}", auth=reach("read"), summary=routes.PILOT.summary)
@exact
def show_pilot(request: HttpRequest, pilot: str) -> dict[str, Any]:  # noqa: ARG001
    """One pilot, in service or not, with what it holds and what was done to it."""
    row = reads.find(pilot) if pilot.isascii() and len(pilot) <= 36 and pilot.isprintable() else None
    if row is None:
        raise NotKnown(f"there is no pilot {pilot[:60]}; p3s pilot list shows those in service")
    held = [plain(job) for job in jobs.held_by_pilot(pilot)]
    return {**plain(row), "out": len(held), "jobs": held, "events": [plain(one) for one in jobs.events("pilot", pilot)]}
