"""Load that speaks the protocol as pilots do, without processes: many pilots in one event loop."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from p3s.protocol import codec, routes
from p3s.protocol.messages import (
    PROTOCOL_VERSION,
    ExchangeReply,
    ExchangeRequest,
    Order,
    RegisterReply,
    RegisterRequest,
    Report,
)
from p3s.protocol.route import Route


class Wire:
    """One kept-alive HTTP/1.1 connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    @classmethod
    async def to(cls, server: str) -> "Wire":
        """A connection to `http://HOST:PORT`."""
        parts = urlsplit(server)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(reader, writer, parts.netloc)

    async def send(self, method: str, path: str, token: str = "", body: bytes = b"") -> tuple[int, bytes]:
        """Write a request, read the head of the answer: (status, head). What follows is the caller's to read."""
        words = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", f"Content-Length: {len(body)}"]
        words += [f"Authorization: Bearer {token}"] if token else []
        words += ["Content-Type: application/json"] if body else []
        self._writer.write("\r\n".join([*words, "", ""]).encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head.lower()

    async def ask(self, method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
        """The body of a successful answer; raises RuntimeError for another."""
        status, head = await self.send(method, path, token, body)
        if b"transfer-encoding: chunked" in head:
            answer = await self._chunks()
        else:
            answer = await self._reader.readexactly(int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]))
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer[:300].decode(errors='replace')}")
        return answer

    async def line(self) -> bytes:
        """A line of an answer that goes on and on; empty when it has ended."""
        return await self._reader.readline()

    async def _chunks(self) -> bytes:
        found = b""
        while size := int(await self._reader.readline(), 16):
            found += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return found

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def ask(wire: Wire, route: Route, token: str, message: object, **names: str) -> bytes:
    """A route of the API with a message as its body."""
    return await wire.ask(route.method, route.url(**names), token, codec.encode(message))


class LoadPilot:
    """A registered pilot with its order lane; it never runs anything."""

    def __init__(self, wire: Wire, registered: RegisterReply) -> None:
        self.wire = wire
        self.pilot = registered.pilot
        self.wait_s = registered.wait_s
        self._token = registered.token
        self._seq = 0
        self._acked = 0

    @classmethod
    async def register(cls, wire: Wire, server: str, token: str, slots: int, **has: Any) -> "LoadPilot":
        """Registers over `wire`, which stays the caller's; the pilot gets a connection of its own. `has`: what it
        declares besides slots, by the names of a RegisterRequest."""
        name, nonce = str(uuid.uuid4()), uuid.uuid4().hex
        request = RegisterRequest(name, nonce, PROTOCOL_VERSION, "load", "load", slots, **has)
        reply = codec.decode(RegisterReply, await ask(wire, routes.REGISTER, token, request))
        return cls(await Wire.to(server), reply)

    async def exchange(self, reports: Sequence[Report] = (), wait_s: float = 0.0, goodbye: str = "") -> list[Order]:
        """One exchange on the order lane; gives its orders, which the next one confirms."""
        self._seq += 1
        message = ExchangeRequest(
            "orders", self._seq, self._acked, wait_s, reports=list(reports), draining=bool(goodbye), goodbye=goodbye
        )
        answer = await ask(self.wire, routes.EXCHANGE, self._token, message, pilot=self.pilot)
        orders = codec.decode(ExchangeReply, answer).orders
        self._acked = max([self._acked, *(order.number for order in orders)])
        return orders


def done(orders: Sequence[Order]) -> list[Report]:
    """What a pilot says of jobs that ended well, each after a second: so nothing is ordered ahead of free slots."""
    return [Report(order.job, order.attempt, "finished", exit_code=0, ended_ago_s=0.0, wall_s=1.0) for order in orders]
