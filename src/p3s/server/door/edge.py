"""The edge of the fast door: host, body, token, decoding, problem answers. The rules behind it see clean messages."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from p3s.protocol import errors
from p3s.protocol.errors import BadInput, P3sError, TooLarge
from p3s.server.accounts.refusals import refused
from p3s.server.api.decoding import MOST_BYTES

BODY_S = 60.0
"""A body has come within so long."""

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Disconnected(Exception):
    """The caller went away while it was speaking."""


def header(scope: Scope, name: bytes) -> str:
    """A request header, or nothing."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def check_host(scope: Scope, allowed: frozenset[str]) -> None:
    """Refuse a Host that is not ours: a page elsewhere may not reach this server through a renamed address."""
    host = header(scope, b"host")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name.lower() not in allowed:
        raise BadInput(f"this server is not called {name!r}; start it with --allow-host {name} if it should be")


async def body(scope: Scope, receive: Receive, most: int = MOST_BYTES) -> bytes:
    """The whole body, measured while it is read."""
    declared = header(scope, b"content-length")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge(f"the body has {declared} bytes, at most {most} are taken; send it in parts")
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    first: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return first
    parts, size = [first], len(first)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLarge(f"the body has more than {most} bytes; send it in parts")
    return b"".join(parts)


async def whole(scope: Scope, receive: Receive) -> Receive:
    """The body read to its end, as what is behind the door will read it: a slow caller holds no thread there."""
    try:
        content = await asyncio.wait_for(body(scope, receive), BODY_S)
    except TimeoutError:
        raise BadInput(f"the body did not come within {BODY_S:g} s; send it again") from None
    parts = [{"type": "http.request", "body": content, "more_body": False}]

    async def again() -> dict[str, Any]:
        return parts.pop() if parts else await receive()

    return again


async def answer(send: Send, status: int, content: bytes, kind: bytes = b"application/json") -> None:
    """Send a whole answer."""
    headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def refuse(send: Send, error: P3sError, scope: Scope, who: str) -> None:
    """Send a problem body."""
    path = scope["path"]
    refused(scope["method"], path, error, who)
    content = orjson.dumps(errors.problem(error, instance=path))
    await answer(send, error.status, content, b"application/problem+json")
