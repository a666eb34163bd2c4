"""What every cold route needs: who asks, JSON out, and problems as problem bodies."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja.renderers import BaseRenderer
from pydantic import TypeAdapter

from p3s.protocol import errors
from p3s.protocol.errors import P3sError, TooLarge
from p3s.server.accounts.grants import Grant, need
from p3s.server.broker import running

from .decoding import MOST_BYTES, decode

T = TypeVar("T")

ANYBODY = Grant("anybody", frozenset(["read"]))


class Json(BaseRenderer):
    """orjson: fast, and NaN becomes null."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        return orjson.dumps(data)


def reach(scope: str) -> Callable[[HttpRequest], Grant]:
    """Authentication of a route: a grant that holds `scope`. Reading needs no token; a wrong one is refused all the
    same, so that a mistyped token does not pass for a good one."""

    def authenticate(request: HttpRequest) -> Grant:
        authorization = request.headers.get("Authorization", "")
        if scope == "read" and not authorization:
            return ANYBODY
        grant = running().grants.of(authorization)
        if scope and not scope.endswith(":"):
            need(grant, scope)
        return grant

    return authenticate


def grant_of(request: HttpRequest) -> Grant:
    """Who asks, as `reach` found."""
    return request.auth  # type: ignore[attr-defined, no-any-return]


def problem(request: HttpRequest, error: P3sError) -> HttpResponse:
    """The error as `application/problem+json`."""
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
