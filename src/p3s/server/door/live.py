"""The live stream: which topics changed, coalesced, to every open page. One SSE connection a page."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

QUIET_S = 0.25
"""After each event a page is left in peace for so long; what changes meanwhile comes together."""

BEAT_S = 15.0
"""A comment line goes out when nothing changed for so long, so that dead connections are noticed."""


class Hub:
    """Told topics from the writer thread, tells them to the streams of its event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: set[_Stream] = set()
        self.closing = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use the loop in which the streams live."""
        self._loop = loop

    def changed(self, topics: set[str]) -> None:
        """From any thread: these topics changed."""
        if self._streams and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, topics)

    def _tell(self, topics: set[str]) -> None:
        for stream in self._streams:
            stream.topics |= topics
            stream.wake.set()

    def close(self) -> None:
        """End all streams; from the event loop."""
        self.closing = True
        for stream in self._streams:
            stream.wake.set()

    async def describe(self, send: Send) -> None:
        """What a page's stream begins with, and its end."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b""})

    async def serve(self, receive: Receive, send: Send) -> None:
        """One page's stream, until it or the server goes."""
        stream = _Stream()
        self._streams.add(stream)
        gone: asyncio.Future[Any] = asyncio.ensure_future(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
            while not self.closing and not gone.done():
                await self._event(stream, gone, send)
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._streams.discard(stream)
            gone.cancel()

    async def _event(self, stream: "_Stream", gone: asyncio.Future[Any], send: Send) -> None:
        waiting: asyncio.Future[Any] = asyncio.ensure_future(stream.wake.wait())
        await asyncio.wait([waiting, gone], timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if gone.done() or self.closing:
            return
        topics, stream.topics = stream.topics, set()
        stream.wake.clear()
        body = b": beat\n\n"
        if topics:
            body = b"event: changed\ndata: " + orjson.dumps({"topics": sorted(topics)}) + b"\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.wait({gone}, timeout=QUIET_S)


class _Stream:
    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.wake = asyncio.Event()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
