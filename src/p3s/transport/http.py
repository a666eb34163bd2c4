"""One connection to the server. Not for several threads at once: each lane has its own."""

import http.client
import json
import socket
from typing import Any, Optional
from urllib.parse import urlsplit

from p3s.protocol.errors import NotAllowed, P3sError, Unreachable, from_status

from .wire import Wire

TIMEOUT_S = 30.0


def base_url(server: str) -> str:
    """`P3S_SERVER` as a URL: 2018's `host:port` is taken too. Raises ValueError."""
    text = server.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of the port, mostly
        good = False
    if not good:
        raise ValueError(f"P3S_SERVER is {server!r}; write http://HOST:PORT or HOST:PORT")
    return text.rstrip("/")


ANSWER_S = 2.0
"""An answer that has begun to come is there within this time, or the connection is given up."""


class Connection:
    """Calls routes of one server with one token. Every route of ours may be asked again, so a kept-alive connection
    that turns out to be dead is opened anew once, without asking.

    `call` asks and waits. A loop that waits for several things uses `ask`, `fileno` and `answer`, over plain HTTP and
    while the connection is open (`open`).
    """

    def __init__(self, server: str, token: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self.server = base_url(server)
        if not (token.isascii() and token.isprintable()):
            raise NotAllowed("the token holds characters that no token has; copy it again", known=False)
        self.timeout_s = timeout_s
        parts = urlsplit(self.server)
        self._https = parts.scheme == "https"
        self._address = (parts.hostname or "", parts.port or (443 if self._https else 80))
        self._prefix = parts.path
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._wire: Optional[Wire] = None

    def call(self, method: str, path: str, body: Optional[bytes] = None, timeout_s: Optional[float] = None) -> bytes:
        """The body of a successful answer; raises the P3sError of a problem answer, or Unreachable."""
        status, answer = self._ask(method, path, body, timeout_s or self.timeout_s)
        if 200 <= status < 300:
            return answer
        raise self._problem(status, answer)

    @property
    def open(self) -> bool:
        """Whether `ask` can be used: there is a connection, without TLS (whose bytes may wait unseen by a selector)."""
        return not self._https and self._wire is not None

    def fileno(self) -> int:
        """Readable when the answer to `ask` begins to come, or the connection ended."""
        assert self._wire is not None
        return self._wire.sock.fileno()

    def ask(self, method: str, path: str, body: bytes) -> None:
        """Send without waiting for the answer. Raises Unreachable when the connection was dead."""
        try:
            self._send(method, path, body, ANSWER_S)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(self._why(error)) from None

    def answer(self) -> bytes:
        """The body of the answer to `ask`, once `fileno` is readable; raises as `call` does."""
        try:
            status, answer = self._receive()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(self._why(error)) from None
        if 200 <= status < 300:
            return answer
        raise self._problem(status, answer)

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _ask(self, method: str, path: str, body: Optional[bytes], timeout_s: float) -> "tuple[int, bytes]":
        used = self._wire is not None
        try:
            return self._once(method, path, body, timeout_s)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            if not used:
                raise Unreachable(self._why(error)) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            raise Unreachable(self._why(error)) from None
        try:
            return self._once(method, path, body, timeout_s)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(self._why(error)) from None

    def _once(self, method: str, path: str, body: Optional[bytes], timeout_s: float) -> "tuple[int, bytes]":
        self._send(method, path, body, timeout_s)
        return self._receive()

    def _send(self, method: str, path: str, body: Optional[bytes], timeout_s: float) -> None:
        if self._wire is None:
            self._wire = Wire(*self._address, self._https, timeout_s, self._headers)
        self._wire.sock.settimeout(timeout_s)
        self._wire.send(method, self._prefix + path, body)

    def _receive(self) -> "tuple[int, bytes]":
        assert self._wire is not None
        answer = self._wire.receive()
        if self._wire.closing:
            self.close()
        return answer

    def _why(self, error: Exception) -> str:
        if isinstance(error, socket.timeout):
            return f"the server at {self.server} did not answer in time"
        said = error.strerror if isinstance(error, OSError) and error.strerror else (str(error) or type(error).__name__)
        return f"no server answers at {self.server} ({said}); is it running, and is P3S_SERVER right?"

    def _problem(self, status: int, answer: bytes) -> P3sError:
        said: Any = None
        try:
            said = json.loads(answer)
        except (ValueError, RecursionError):
            pass
        said = said if isinstance(said, dict) else {}
        detail, errors = said.get("detail"), said.get("errors")
        mistakes = [str(one) for one in errors] if isinstance(errors, list) else []
        unsaid = f"the server answered {status} without a reason; is {self.server} a p3s server?"
        return from_status(status, str(detail or unsaid), mistakes)
