"""One connection to the server. Not for several threads at once: each lane has its own."""

import http.client
import json
import socket
from typing import Optional
from urllib.parse import urlsplit

from p3s.protocol.errors import NotAllowed, P3sError, Stranger, TooLarge, Unreachable, from_problem
from p3s.protocol.units import of_bytes

from .wire import MOST_BODY_BYTES, Oversized, Wire

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
        #: The status of the last answer, and who has its headers.
        self._answered: tuple[int, Wire]

    def call(self, method: str, path: str, body: Optional[bytes] = None, timeout_s: Optional[float] = None) -> bytes:
        """The body of a successful answer; raises the P3sError of a problem answer, Stranger for another that is no
        success, Unreachable, or TooLarge."""
        timeout_s = timeout_s or self.timeout_s
        used = self._wire is not None
        try:
            return self._once(method, path, body, timeout_s)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            failure = self._failure(error)
            if not used:
                raise failure from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise self._failure(error) from None
        try:
            return self._once(method, path, body, timeout_s)
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from None

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
            raise self._failure(error) from None

    def answer(self) -> bytes:
        """The body of the answer to `ask`, once `fileno` is readable; raises as `call` does."""
        try:
            return self._receive()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from None

    def stranger(self, but: str = "") -> Stranger:
        """The error for the last answer, when it is none of ours: `but` says what of it, if it was a success."""
        return Stranger(f"{self.server} is no p3s server: it answered {self._got}{but}; correct P3S_SERVER")

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _once(self, method: str, path: str, body: Optional[bytes], timeout_s: float) -> bytes:
        self._send(method, path, body, timeout_s)
        return self._receive()

    def _send(self, method: str, path: str, body: Optional[bytes], timeout_s: float) -> None:
        if self._wire is None:
            self._wire = Wire(*self._address, self._https, timeout_s, self._headers)
        self._wire.sock.settimeout(timeout_s)
        self._wire.send(method, self._prefix + path, body)

    def _receive(self) -> bytes:
        assert self._wire is not None
        wire = self._wire
        status, body = wire.receive()
        if wire.closing:
            self.close()
        self._answered = (status, wire)
        if 200 <= status < 300:
            return body
        raise self._problem(status, body)

    def _failure(self, error: Exception) -> P3sError:
        """What it means to the caller that this happened to the connection, which is closed."""
        self.close()
        if isinstance(error, Oversized):
            return TooLarge(f"the answer has more than {of_bytes(MOST_BODY_BYTES)}; ask for less of it")
        if isinstance(error, socket.timeout):
            return Unreachable(f"the server at {self.server} did not answer in time")
        said = error.strerror if isinstance(error, OSError) and error.strerror else (str(error) or type(error).__name__)
        return self._unreachable(said)

    def _unreachable(self, said: str) -> Unreachable:
        return Unreachable(f"no server answers at {self.server} ({said}); is it running, and is P3S_SERVER right?")

    def _problem(self, status: int, body: bytes) -> P3sError:
        try:
            ours = from_problem(status, json.loads(body))
        except (ValueError, RecursionError):
            ours = None
        if ours is not None:
            return ours
        # A proxy's own 502 says that the server behind it is away.
        return self._unreachable(self._got) if status >= 500 else self.stranger()

    @property
    def _got(self) -> str:
        """The last answer in words."""
        status, wire = self._answered
        kind = _shown(wire.header("Content-Type").split(";")[0]) or "no content type"
        leads = _shown(wire.header("Location"))
        return f"{status}, {kind}" + (f", which leads to {leads}" if leads else "")


def _shown(text: str) -> str:
    return "".join(one for one in text.strip()[:200] if one.isprintable())
