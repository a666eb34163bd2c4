"""Cold routes of streams, and of files that arrive for them."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import data_bounds, data_routes
from p3s.protocol.bounds import _most
from p3s.protocol.data import ArrivalsReply, ArrivalsRequest, DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.errors import BadInput, NoRoom, TryLater
from p3s.server.actions.arrive import PORTION, arrive_all
from p3s.server.actions.declare import declare
from p3s.server.broker import running
from p3s.server.upkeep.services import running as upkeep

from .doors import grant_of, reach, read

router = Router(tags=["streams"])


@router.put("/streams/{name}", auth=reach("operate"), summary=data_routes.STREAM.summary)
def put_stream(request: HttpRequest, name: str) -> dict[str, Any]:
    """Declare a stream; the reply has the version in force. The same rule again is no new version."""
    body = read(request, StreamSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name!r}, the path {name!r}; they must agree")
    data_bounds.check_stream(body)
    owner = grant_of(request).owner
    return {"name": name, "version": running().ask(lambda work: declare(work, spec=body, owner=owner))}


@router.post("/arrivals", auth=reach("submit"), summary=data_routes.ARRIVALS.summary)
def register_all(request: HttpRequest) -> ArrivalsReply:
    """Register files, each with its stream's jobs in the transaction that stores it, some hundred in one. What is
    beyond bounds, or for a stream that is none, is refused by itself: its `problem` says why. Asked again, the answer
    is the same and nothing is added."""
    body = read(request, ArrivalsRequest)
    _most(body.files, "files_per_call", "files")
    room_for_work()
    owner = grant_of(request).owner
    replies: dict[int, DatasetReply] = {}
    good: list[tuple[int, DatasetRequest]] = []
    for place, one in enumerate(body.files):
        try:
            data_bounds.check_dataset(one)
            good.append((place, one))
        except BadInput as problem:
            replies[place] = DatasetReply("", False, [], problem=str(problem))
    for at in range(0, len(good), PORTION):
        portion = good[at : at + PORTION]
        said = running().ask(partial(arrive_all, requests=[one for _, one in portion], owner=owner))
        replies |= {place: reply for (place, _), reply in zip(portion, said, strict=True)}
    return ArrivalsReply([replies[place] for place in range(len(body.files))])


def room_for_work() -> None:
    """Raises TryLater when the disk is too full for more jobs: files are there to stay, who watches asks again."""
    try:
        upkeep().guard.check_work()
    except NoRoom as full:
        raise TryLater(str(full)) from None
