"""The fast door: submit, exchange and the live stream are answered here, all else by Django behind it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import orjson
from django.conf import settings
from pydantic import TypeAdapter

from p3s.protocol import bounds, routes
from p3s.protocol.errors import NotAllowed, P3sError, TryLater
from p3s.protocol.messages import ExchangeRequest, SubmitRequest
from p3s.server.accounts.grants import Grant, need
from p3s.server.accounts.sessions import knows
from p3s.server.actions.submit import submit
from p3s.server.api.decoding import decode
from p3s.server.broker import Broker
from p3s.server.upkeep.disk import Guard

from .answers import Answers, Promise, value_of
from .edge import Disconnected, Receive, Scope, Send, answer, body, check_host, header, refuse, whole
from .live import Hub
from .waits import Waits

_SUBMIT = TypeAdapter(SubmitRequest)
_EXCHANGE = TypeAdapter(ExchangeRequest)

_UPLOADS = routes.UPLOAD.path.split("{attempt}")[1].split("{path}")[0]

_BEFORE, _AFTER = routes.EXCHANGE.path.split("{pilot}")

Application = Callable[[Any, Any, Any], Any]


class Door:
    """The ASGI application."""

    def __init__(self, broker: Broker, guard: Guard, hub: Hub, behind: Application, hosts: frozenset[str]) -> None:
        self.broker = broker
        self.guard = guard
        self.hub = hub
        self.behind = behind
        self.hosts = hosts
        self._answers = Answers()
        self._waits = Waits(broker.close_lanes, broker.nudge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        head = scope["method"] == "HEAD"
        if head:  # the same answer; uvicorn, whose scope stays as it was, leaves the body out
            scope = {**scope, "method": "GET"}
        try:
            check_host(scope, self.hosts)
            if path == routes.SUBMIT.path and scope["method"] == "POST":
                await self._submit(scope, receive, send)
            elif path.endswith(_AFTER) and path.startswith(_BEFORE) and scope["method"] == "POST":
                await self._exchange(path[len(_BEFORE) : -len(_AFTER)], scope, receive, send)
            elif path == routes.LIVE.path and scope["method"] == "GET":
                await self._may_read(scope)
                await (self.hub.describe(send) if head else self.hub.serve(receive, send))
            elif path == routes.HEALTH.path:
                await self._health(send)
            elif scope["method"] == "GET" or _UPLOADS in path:
                await self.behind(scope, receive, send)
            else:
                await self.behind(scope, await whole(scope, receive), send)
        except P3sError as error:
            await refuse(send, error, scope, self._who(scope))
        except Disconnected:
            return

    def grant(self, scope: Scope) -> Grant:
        """Who asks; raises NotAllowed (401)."""
        return self.broker.grants.of(header(scope, b"authorization"))

    async def _may_read(self, scope: Scope) -> None:
        """Where reading is open it needs no token, but a wrong one is refused."""
        if header(scope, b"authorization"):
            need(self.grant(scope), "read")
        elif not settings.OPEN_READING and not await asyncio.to_thread(knows, header(scope, b"cookie")):
            raise NotAllowed("reading needs a login or a token here; log in at /login", known=False)

    def _who(self, scope: Scope) -> str:
        """For the log."""
        with contextlib.suppress(NotAllowed):
            return self.grant(scope).owner
        return ""

    async def _health(self, send: Send) -> None:
        if self.broker.stale:
            raise TryLater(f"not ready: {self.broker.stale}")
        await answer(send, 200, b'{"ready":true}')

    async def _submit(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant = self.grant(scope)
        need(grant, "submit")
        request = decode(_SUBMIT, await body(scope, receive))
        bounds.check_submit(request)
        self.guard.check_work()
        promise, keep = self._answers.promise()
        self.broker.post(lambda work: submit(work, owner=grant.owner, request=request), keep, quiet=True)
        reply = value_of(await promise)
        # A pilot that waits was answered just before; the loop sends what was written once a turn, so this is the next.
        await asyncio.sleep(0)
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
        promise, keep = self._answers.promise()
        self.broker.report(pilot, message, keep)
        return value_of(await promise)

    async def _waited(self, pilot: str, message: ExchangeRequest, receive: Receive) -> Any:
        """An order-lane exchange: answered when there is something to say, when its time is up, or never if it left."""
        promise, keep = self._answers.promise()
        lane = (pilot, message.seq)
        self.broker.open_lane(pilot, message, keep, self._waits.goes_on(lane))
        if message.wait_s <= 0:
            return value_of(await promise)
        over_at = self._waits.add(lane, min(message.wait_s, self.broker.settings.wait_s))
        left = asyncio.ensure_future(_left(receive, promise))
        try:
            return value_of(await promise)
        except asyncio.CancelledError:
            self.broker.close_lanes([lane])
            raise Disconnected from None
        finally:
            self._waits.drop(lane, over_at)
            left.cancel()


async def _left(receive: Receive, promise: Promise) -> None:
    """Cancel the promise when the caller goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    promise.cancel()
