"""The fast door: submit, exchange and the live stream are answered here, all else by Django behind it."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from pydantic import TypeAdapter

from p3s.protocol import bounds, routes
from p3s.protocol.errors import NotAllowed, P3sError, TryLater
from p3s.protocol.messages import ExchangeReply, ExchangeRequest, SubmitRequest
from p3s.server.accounts.grants import Grant, need
from p3s.server.actions.submit import submit
from p3s.server.api.decoding import decode
from p3s.server.broker import Broker

from .edge import Disconnected, Receive, Scope, Send, answer, body, check_host, header, refuse
from .live import Hub

_SUBMIT = TypeAdapter(SubmitRequest)
_EXCHANGE = TypeAdapter(ExchangeRequest)
_REPLY = TypeAdapter(ExchangeReply)

_BEFORE, _AFTER = routes.EXCHANGE.path.split("{pilot}")

Application = Callable[[Any, Any, Any], Any]


class Door:
    """The ASGI application."""

    def __init__(self, broker: Broker, hub: Hub, behind: Application, hosts: frozenset[str]) -> None:
        self.broker = broker
        self.hub = hub
        self.behind = behind
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        try:
            check_host(scope, self.hosts)
            if path == routes.SUBMIT.path and scope["method"] == "POST":
                await self._submit(scope, receive, send)
            elif path.endswith(_AFTER) and path.startswith(_BEFORE) and scope["method"] == "POST":
                await self._exchange(path[len(_BEFORE) : -len(_AFTER)], scope, receive, send)
            elif path == routes.LIVE.path and scope["method"] == "GET":
                if header(scope, b"authorization"):  # reading needs none, but a wrong one is refused
                    need(self.grant(scope), "read")
                await self.hub.serve(receive, send)
            elif path == routes.HEALTH.path:
                await self._health(send)
            else:
                await self.behind(scope, receive, send)
        except P3sError as error:
            await refuse(send, error, path)
        except Disconnected:
            return

    def grant(self, scope: Scope) -> Grant:
        """Who asks; raises NotAllowed (401)."""
        return self.broker.grants.of(header(scope, b"authorization"))

    async def _health(self, send: Send) -> None:
        if self.broker.stale:
            raise TryLater(f"not ready: {self.broker.stale}")
        await answer(send, 200, b'{"ready":true}')

    async def _submit(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant = self.grant(scope)
        need(grant, "submit")
        request = decode(_SUBMIT, await body(scope, receive))
        bounds.check_submit(request)
        promise, keep = _promise()
        self.broker.post(lambda work: submit(work, owner=grant.owner, request=request), keep, quiet=True)
        reply = _value(await promise)
        await answer(send, 200, orjson.dumps(reply))

    async def _exchange(self, pilot: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not pilot or self.grant(scope).pilot != pilot:
            raise NotAllowed(f"this token does not speak for pilot {pilot}; use the one from its registration")
        message = decode(_EXCHANGE, await body(scope, receive))
        bounds.check_exchange(message)
        if message.lane == "reports":
            reply = await self._reported(pilot, message)
        else:
            reply = await self._waited(pilot, message, receive)

        await answer(send, 200, orjson.dumps(reply))

    async def _reported(self, pilot: str, message: ExchangeRequest) -> Any:
        promise, keep = _promise()
        self.broker.report(pilot, message, keep)
        return _value(await promise)

    async def _waited(self, pilot: str, message: ExchangeRequest, receive: Receive) -> Any:
        """An order-lane exchange: answered when there is something to say, when its time is up, or never if it left."""
        promise, keep = _promise()
        self.broker.open_lane(pilot, message, keep)
        if message.wait_s <= 0:
            return _value(await promise)
        wait_s = min(message.wait_s, self.broker.settings.wait_s)
        loop = asyncio.get_running_loop()
        over = loop.call_later(wait_s, self.broker.close_lane, pilot, message.seq)
        left = asyncio.ensure_future(_left(receive, promise))
        try:
            return _value(await promise)
        except asyncio.CancelledError:
            self.broker.close_lane(pilot, message.seq)
            raise Disconnected from None
        finally:
            over.cancel()
            left.cancel()


async def _left(receive: Receive, promise: "asyncio.Future[Any]") -> None:
    """Cancel the promise when the caller goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    promise.cancel()


def _promise() -> tuple["asyncio.Future[Any]", Callable[[Any], None]]:
    """A future of this loop, and the function by which another thread fulfils it."""
    loop = asyncio.get_running_loop()
    promise: asyncio.Future[Any] = loop.create_future()

    def fulfil(value: Any) -> None:
        if not promise.done():
            promise.set_result(value)

    def fulfil_from_afar(value: Any) -> None:
        loop.call_soon_threadsafe(fulfil, value)

    return promise, fulfil_from_afar


def _value(value: Any) -> Any:
    if isinstance(value, P3sError):
        raise value
    return value
