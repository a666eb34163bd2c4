"""How answers come from the writer's thread to the event loop: however many there are, the loop is woken once."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from p3s.protocol.errors import P3sError

Promise = asyncio.Future[Any]


class Answers:
    """Of one event loop, that in which promises are made."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kept: deque[tuple[Promise, Any]] = deque()
        self._told = False

    def promise(self) -> tuple[Promise, Callable[[Any], None]]:
        """A future, and the function by which another thread fulfils it."""
        self._loop = asyncio.get_running_loop()
        promise: Promise = self._loop.create_future()
        return promise, partial(self._keep, promise)

    def _keep(self, promise: Promise, value: Any) -> None:
        self._kept.append((promise, value))
        if not self._told and self._loop is not None:
            self._told = True
            self._loop.call_soon_threadsafe(self._fulfil)

    def _fulfil(self) -> None:
        self._told = False  # first: what is kept from now on tells the loop again
        while self._kept:
            promise, value = self._kept.popleft()
            if not promise.done():
                promise.set_result(value)


def value_of(answer: Any) -> Any:
    """What a story came to; raises the refusal that it ended in."""
    if isinstance(answer, P3sError):
        raise answer
    return answer
