"""After the process: its results and long logs to the server, with the attempt's own token."""

import contextlib
import time
from pathlib import Path
from typing import Callable
from urllib.parse import quote

from p3s.protocol import codec, routes
from p3s.protocol.errors import NoRoom, Refused, TryLater
from p3s.protocol.messages import PublishRequest
from p3s.protocol.results import MAX_FILE_BYTES, ResultError
from p3s.transport.http import Connection

from .backoff import delay
from .collect import collect, read_file, shown
from .runner import Running


class Undelivered(Exception):
    """Results could not be delivered; one line that says why."""


def deliver(running: Running, until: "Callable[[], float]") -> None:
    """Upload, then publish. Asked again while the server is away, up to `until()` on the monotonic clock.

    Raises Undelivered. Sent twice, everything is stored once. What a full disk refuses is left out: the end of a log
    comes with the report, and results without their files still have their numbers.
    """
    order = running.order
    connection = Connection(running.place.server, order.token, timeout_s=60.0)
    try:
        for name, path in running.long_logs():
            with contextlib.suppress(NoRoom):
                _upload(connection, running, f".p3s/{name}", _end_of(path), until)
        if running.berth.has_results():
            _publish(connection, running, until)
    finally:
        connection.close()


def _publish(connection: Connection, running: Running, until: "Callable[[], float]") -> None:
    collected = collect(running.berth.results, running.berth.work)
    problems = list(collected.problems)
    try:
        for name, path in collected.files.items():
            try:
                data = read_file(path)
            except (OSError, ResultError) as error:  # costs the items that name it, which the server says, no others
                problems.append(f"{shown(name)}: {getattr(error, 'strerror', None) or error}")
            else:
                _upload(connection, running, name, data, until)
    except NoRoom as error:
        problems.insert(0, f"files of results were not kept: {error}")
    if collected.results or problems:
        order = running.order
        place = routes.PUBLISH.url(job=order.job, attempt=order.attempt)
        body = codec.encode(PublishRequest(list(collected.results), problems))
        _ask(connection, routes.PUBLISH.method, place, body, until)


def _upload(connection: Connection, running: Running, name: str, data: bytes, until: "Callable[[], float]") -> None:
    order = running.order
    # The path keeps its slashes; everything else in a payload's file name is quoted.
    where = routes.UPLOAD.path.format(job=order.job, attempt=order.attempt, path=quote(name))
    _ask(connection, routes.UPLOAD.method, where, data, until)


def _ask(connection: Connection, method: str, path: str, body: bytes, until: "Callable[[], float]") -> None:
    failures = 0
    while True:
        try:
            connection.call(method, path, body)
            return
        except NoRoom:
            raise
        except Refused as error:
            raise Undelivered(f"the server refused the results: {error}") from None
        except TryLater as error:
            failures += 1
            if time.monotonic() > until():
                raise Undelivered(f"the server was not there to take the results: {error}") from None
            time.sleep(delay(failures, 0.5))


def _end_of(path: Path) -> bytes:
    """A log, or the end of one that is larger than any file may be."""
    with open(path, "rb") as file:
        size = path.stat().st_size
        file.seek(max(0, size - MAX_FILE_BYTES))
        return file.read(MAX_FILE_BYTES)
