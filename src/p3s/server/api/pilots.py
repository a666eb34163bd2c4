"""Cold routes of pilots: registration, a guardian's word, the list."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.protocol.errors import Conflict, NotAllowed
from p3s.protocol.messages import PROTOCOL_VERSION, DeathRequest, RegisterReply, RegisterRequest
from p3s.server.accounts.seals import digest
from p3s.server.actions import exchange
from p3s.server.broker import running
from p3s.server.jobs import reads as jobs
from p3s.server.pilots import reads

from .doors import grant_of, plain, reach, read

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
def list_pilots(
    request: HttpRequest,  # noqa: ARG001
    ended: bool = False,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> dict[str, Any]:
    """Pilots in service, or with `ended` the latest that are not. `out` is how many jobs each holds; `silent_s` for
    how long a silent one was not heard."""
    out = jobs.out_by_pilot()
    rows = reads.ended(limit) if ended else reads.alive(limit)
    return {"pilots": [{**plain(row), "out": out.get(row.uuid, 0)} for row in rows]}
