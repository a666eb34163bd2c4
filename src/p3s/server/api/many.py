"""Cold routes of what is done to many jobs or pilots at once."""

from time import time

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import many_bounds, routes
from p3s.protocol.many import (
    AdjustManyRequest,
    ManyReply,
    ManyRequest,
    PilotOrderReply,
    PilotOrderRequest,
    PurgeReply,
    PurgeRequest,
)
from p3s.server.actions.many import change
from p3s.server.actions.orders import order_pilots
from p3s.server.actions.purge import purge
from p3s.server.actions.rerun import Who
from p3s.server.blobs import Blobs
from p3s.server.broker import running

from .doors import grant_of, reach, read
from .places import BLOBS

router = Router()


def _change(request: HttpRequest, act: str, kind: type[ManyRequest] = ManyRequest) -> ManyReply:
    body, grant = read(request, kind), grant_of(request)
    many_bounds.check_many(body, act)
    return change(running().ask, act=act, request=body, who=Who(grant.owner, grant.reaches("operate")))


@router.post("/cancels", auth=reach("submit"), summary=routes.CANCELS.summary, tags=["jobs"])
def cancel_many(request: HttpRequest) -> ManyReply:
    """Jobs by name or by a choice; without the scope `operate` only one's own. At most 10,000 a call: ask
    again with `next` as `after` until that is null. A running one ends when its pilot has ended it."""
    return _change(request, "cancel")


@router.post("/holds", auth=reach("submit"), summary=routes.HOLDS.summary, tags=["jobs"])
def hold_many(request: HttpRequest) -> ManyReply:
    """They are not handed out until they are released."""
    return _change(request, "hold")


@router.post("/releases", auth=reach("submit"), summary=routes.RELEASES.summary, tags=["jobs"])
def release_many(request: HttpRequest) -> ManyReply:
    """They may be handed out again."""
    return _change(request, "release")


@router.post("/adjustments", auth=reach("submit"), summary=routes.ADJUSTMENTS.summary, tags=["jobs"])
def adjust_many(request: HttpRequest) -> ManyReply:
    """Another priority, for jobs that no pilot has yet."""
    return _change(request, "adjust", AdjustManyRequest)


@router.post("/pilots/orders", auth=reach("operate"), summary=routes.PILOT_ORDERS.summary, tags=["pilots"])
def order(request: HttpRequest) -> PilotOrderReply:
    """They get no new jobs from now on. `drain`: each ends when its jobs have ended. `stop`: each ends its jobs, which
    are then lost (or tried again, when their type has retries), and itself. A silent one hears it when it is back."""
    body, who = read(request, PilotOrderRequest), grant_of(request).owner
    many_bounds.check_pilot_order(body)
    reply: PilotOrderReply = running().ask(lambda work: order_pilots(work, request=body, who=who))
    return reply


@router.post("/purges", auth=reach("operate"), summary=routes.PURGE.summary, tags=["system"])
def remove(request: HttpRequest) -> PurgeReply:
    """Ended jobs with their logs and files, or ended pilots that no job names. Looks at some thousand a call: ask again
    with `next` as `after` until that is null. What has not ended is never removed."""
    body, who = read(request, PurgeRequest), grant_of(request).owner
    many_bounds.check_purge(body)
    return purge(running().ask, request=body, who=who, now=time(), blobs=Blobs(BLOBS))
