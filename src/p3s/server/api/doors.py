"""What every cold route needs: who asks, JSON out, and problems as problem bodies."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja.renderers import BaseRenderer
from ninja.utils import check_csrf
from pydantic import TypeAdapter

from p3s.protocol import errors
from p3s.protocol.errors import NotAllowed, P3sError, TooLarge
from p3s.server.accounts.grants import Grant, need
from p3s.server.accounts.queries import grant_of as grant_of_user
from p3s.server.accounts.refusals import refused
from p3s.server.broker import running

from .decoding import MOST_BYTES, decode

T = TypeVar("T")

ANYBODY = Grant("anybody", frozenset(["read"]))
NOBODY = Grant("", frozenset())


class Json(BaseRenderer):
    """orjson: fast, and NaN becomes null."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        return orjson.dumps(data)


def reach(scope: str) -> Callable[[HttpRequest], Grant]:
    """Authentication of a route: a grant that holds `scope`; any grant for "" and for "pilot:" and the like, whose
    routes look closer themselves. Where reading is open it needs no token; a wrong one is refused all the same, so that
    a mistyped token does not pass for a good one."""

    def authenticate(request: HttpRequest) -> Grant:
        grant = _asking(request, scope)
        request.grant = grant  # type: ignore[attr-defined]
        if scope and not scope.endswith(":"):
            need(grant, scope)
        return grant

    return authenticate


def _asking(request: HttpRequest, scope: str) -> Grant:
    """By a token, else by a browser's session, else anybody."""
    grants, authorization = running().grants, request.headers.get("Authorization", "")
    if not authorization:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _same_site(request)
            return grant_of_user(request.user)
        if scope == "read" and settings.OPEN_READING:
            return ANYBODY
    grant = grants.of(authorization)
    if grant.job and scope == "read" and not (settings.OPEN_READING or running().in_force(grant.job, grant.attempt)):
        raise NotAllowed(f"attempt {grant.attempt} of job {grant.job} is over, and with it what its token may read")
    return grant


def _same_site(request: HttpRequest) -> None:
    """A page elsewhere can make a browser send its cookies; it cannot know what ours put into the pages."""
    if check_csrf(request):
        raise NotAllowed("this came from a page that is not p3s's: reload the page, and send X-CSRFToken")


def grant_of(request: HttpRequest) -> Grant:
    """Who asks, as `reach` found."""
    return request.auth  # type: ignore[attr-defined, no-any-return]


def problem(request: HttpRequest, error: P3sError) -> HttpResponse:
    """The error as `application/problem+json`."""
    refused(request.method or "", request.path, error, who=getattr(request, "grant", NOBODY).owner)
    body = orjson.dumps(errors.problem(error, instance=request.path))
    return HttpResponse(body, status=error.status, content_type="application/problem+json")


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def read(request: HttpRequest, cls: type[T]) -> T:
    """The message of type `cls` in the body; raises BadInput or TooLarge."""
    try:
        data = request.body
    except RequestDataTooBig:
        raise TooLarge(f"the body has more than {MOST_BYTES} bytes; send it in parts") from None
    adapter: TypeAdapter[T] = _ADAPTERS.get(cls) or _ADAPTERS.setdefault(cls, TypeAdapter(cls))
    return decode(adapter, data)


def plain(row: Any) -> dict[str, Any]:
    """A row of a read as a JSON object."""
    return asdict(row)
