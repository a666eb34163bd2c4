"""What changes on a server, as it says so itself: waiting without asking again and again."""

import http.client
import json
import threading
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from p3s.protocol import routes

SILENCE_S = 40.0
"""The server says something every 15 s; a stream that is silent for so long is dead."""


class Live:
    """One stream of events, read in a thread of its own until it is closed."""

    def __init__(self, server: str, token: str) -> None:
        parts = urlsplit(server)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=SILENCE_S)
        self._path = parts.path + routes.LIVE.path
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._events: SimpleQueue[frozenset[str]] = SimpleQueue()
        self._ready = threading.Event()
        #: False once nothing more will come: the stream could not be opened, or has ended.
        self.open = True
        threading.Thread(target=self._read, name="p3s-live", daemon=True).start()
        self._ready.wait(SILENCE_S)

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Topics that changed since the last call; empty when none did within `timeout_s` seconds."""
        try:
            topics = self._events.get(timeout=max(timeout_s, 0.0))
        except Empty:
            return frozenset()
        while not self._events.empty():
            topics |= self._events.get()
        return topics

    def close(self) -> None:
        """End it."""
        self.open = False
        sock = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(2)
            except OSError:
                return  # it has ended by itself

    def _read(self) -> None:
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            answer = self._connection.getresponse()
            if answer.status == 200:
                self._listen(answer)
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # AttributeError: http.client reads on when its socket is closed under it
        finally:
            self.open = False
            self._ready.set()
            self._events.put(frozenset())
            self._connection.close()

    def _listen(self, answer: http.client.HTTPResponse) -> None:
        while line := answer.readline():
            self._ready.set()  # the server knows of us: nothing that changes from here on is missed
            if line.startswith(b"data:"):
                self._events.put(frozenset(json.loads(line[5:])["topics"]))
