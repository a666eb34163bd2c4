"""Asking one server: place, token, patience, pages. What `Client` stands on."""

import json
import time
from collections.abc import Iterator
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from p3s.protocol import codec
from p3s.protocol.catalogue import Removed
from p3s.protocol.errors import BadInput, NotKnown, Stranger, TryLater
from p3s.protocol.route import Route
from p3s.transport.http import Connection

from .place import find

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE_S = 3.0
"""For how long a call that may be asked again is, while no server answers."""

MOST = 1_000
"""Entries of a page."""


class Asking:
    """A connection to a server; close it, or use it in a `with` block."""

    def __init__(self, server: str = "", token: str = "", patience_s: float = PATIENCE_S) -> None:
        place = find(server, token)
        self.patience_s = patience_s
        self.found = place.found
        self._token = place.token
        try:
            self._connection = Connection(place.server, place.token)
        except ValueError as error:
            raise BadInput(str(error)) from None

    @property
    def server(self) -> str:
        """The server's URL."""
        return self._connection.server

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _pages(
        self, route: Route, name: str, limit: int | None, asked: dict[str, Any], /, most: int = 0, **names: str
    ) -> Iterator[Any]:
        """Entries of a list, page by page as they are wanted, at most `most` of a page; None is all. What is empty,
        None or False is not asked for; 0 is."""
        cursor, left = "", limit
        words = {key: _word(value) for key, value in asked.items() if _is_asked(value)}
        while left is None or left > 0:
            size = min(most or MOST, MOST if left is None else left)
            query = urlencode({**words, "limit": size, **({"cursor": cursor} if cursor else {})})
            page = self._ask(route, f"?{query}", **names)
            entries, cursor = self._of(page, name), self._of(page, "next")
            yield from entries
            left = None if left is None else left - len(entries)
            if cursor is None:
                return

    def _object(self, route: Route, query: str = "", body: Any = None, **names: str) -> Json:
        """The reply as it is."""
        found: Json = self._ask(route, query, body, **names)
        return found

    def _told(self, kind: type[T], route: Route, body: Any = None, **names: str) -> T:
        """The reply as a message."""
        return self._message(kind, self._ask(route, body=body, **names))

    def _removed(self, route: Route, why: str, dry_run: bool, **names: str) -> Removed:
        query = "?" + urlencode({"why": why, "dry_run": str(dry_run).lower()})
        return self._message(Removed, self._ask(route, query, **names))

    def _message(self, kind: type[T], reply: Json) -> T:
        try:
            return codec.from_object(kind, reply)
        except ValueError as error:
            raise self._connection.stranger(f", and in it {error}") from None

    def _ask(self, route: Route, query: str = "", body: Any = None, **names: str) -> Any:
        answer = self._bytes(route, query, body, **names)
        try:
            found = json.loads(answer)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._connection.stranger(" that is none of p3s")
        return found

    def _part(self, part: str, route: Route, query: str = "", body: Any = None, **names: str) -> Any:
        """One part of the reply."""
        return self._of(self._ask(route, query, body, **names), part)

    def _of(self, reply: Json, part: str) -> Any:
        if part not in reply:
            raise self._connection.stranger(f" without {part!r}, which is none of p3s, or of another version of it")
        return reply[part]

    def _bytes(self, route: Route, query: str = "", body: Any = None, **names: str) -> bytes:
        for name, value in names.items():
            if not value or ("/" in value and name != "path"):
                raise NotKnown(f"there is no {name} {value!r}")
        data = None if body is None else _encoded(body)
        until, pause = time.monotonic() + self.patience_s, 0.1
        while True:
            try:
                return self._connection.call(route.method, route.url(**names) + query, data)
            except TryLater as error:
                if isinstance(error, Stranger) or time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
                pause = min(2.0, pause * 2)


def _is_asked(value: Any) -> bool:
    return bool(value) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _word(value: Any) -> str:
    """A value as a query has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)


def _encoded(body: Any) -> bytes:
    try:
        return codec.encode(body)
    except ValueError:
        raise BadInput("a number is NaN or infinite; write a finite one") from None
    except TypeError as error:
        raise BadInput(f"a value is neither text nor a number ({error}); write it in quotes") from None
