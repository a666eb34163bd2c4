"""What changes at a server, as it tells it: the live stream of the pages, for programs."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from p3s.protocol import routes
from p3s.protocol.errors import P3sError, Stranger, Unreachable, from_problem
from p3s.transport.http import base_url

QUIET_S = 40.0
"""The server sends a beat every 15 s; after so long without one it is taken for gone."""

MOST_LINE_BYTES = 64 * 1024


def changes(server: str, token: str = "", quiet_s: float = QUIET_S) -> Iterator[frozenset[str]]:
    """Topics (`jobs`, `pilots`, `results`...) as they change, coalesced; first an empty set, when it has begun.

    Goes on until it is closed. Raises Unreachable when the server went or does not answer, and what it refuses.
    """
    yield from _told(_connection(server, quiet_s), server, token)


def _connection(server: str, quiet_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(base_url(server))
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=quiet_s)


def _told(connection: http.client.HTTPConnection, server: str, token: str) -> Iterator[frozenset[str]]:
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", urlsplit(base_url(server)).path + routes.LIVE.path, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise _refusal(server, answer)
        while line := answer.readline(MOST_LINE_BYTES):
            if line.startswith(b"retry:"):
                yield frozenset()
            elif line.startswith(b"data: "):
                yield frozenset(json.loads(line[6:])["topics"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{server} stopped telling what changes ({error})") from None
    finally:
        connection.close()
    raise Unreachable(f"{server} stopped telling what changes")


def _refusal(server: str, answer: http.client.HTTPResponse) -> P3sError:
    try:
        ours = from_problem(answer.status, json.loads(answer.read(MOST_LINE_BYTES)))
    except ValueError:
        ours = None
    return ours or Stranger(f"{server} is no p3s server: it answered {answer.status}; correct P3S_SERVER")


class Live:
    """The same beside other work: read in a thread of its own, until it is closed."""

    def __init__(self, server: str, token: str) -> None:
        self._connection = _connection(server, QUIET_S)
        self._topics: SimpleQueue[frozenset[str]] = SimpleQueue()
        self._begun = threading.Event()
        #: False once nothing more will come: the server refused or went, or this was closed.
        self.open = True
        told = _told(self._connection, server, token)
        threading.Thread(target=self._listen, args=(told,), name="p3s-live", daemon=True).start()
        self._begun.wait(QUIET_S)  # what changes from here on is not missed

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Topics that changed since the last call; empty when none did within `timeout_s` seconds."""
        try:
            topics = self._topics.get(timeout=max(timeout_s, 0.0))
        except Empty:
            return frozenset()
        while not self._topics.empty():
            topics |= self._topics.get()
        return topics

    def close(self) -> None:
        """End it, and its thread."""
        self.open = False
        sock = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself

    def _listen(self, told: Iterator[frozenset[str]]) -> None:
        try:
            for topics in told:
                self._begun.set()
                if topics:
                    self._topics.put(topics)
        except P3sError:
            pass  # `open` says so
        finally:
            self.open = False
            self._begun.set()
            self._topics.put(frozenset())
