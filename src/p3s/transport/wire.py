"""HTTP/1.1 on one open connection, for many small exchanges.

The standard library puts a request together header by header, and reads an answer with a parser made for mail: that
takes longer than the exchange itself. Here a request is one piece, and an answer that says how long it is is read at a
glance. Whatever else may come (a proxy's chunks, an old protocol, no HTTP at all) is left to the standard library.
"""

import http.client
import io
import socket
from typing import Any, Optional

MOST_HEAD_BYTES = 64 * 1024

MOST_BODY_BYTES = 256 * 1024 * 1024
"""Far more than any answer of ours; more is not taken into memory."""

_READ_BYTES = 256 * 1024


class Oversized(http.client.HTTPException):
    """The answer's body has more than MOST_BODY_BYTES."""


class Wire:
    """Connects at once; raises OSError or HTTPException, as all of its methods do. `headers` go with every request."""

    def __init__(self, host: str, port: int, tls: bool, timeout_s: float, headers: "dict[str, str]") -> None:
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        connection = kind(host, port, timeout=timeout_s)
        connection.connect()
        self.sock: socket.socket = connection.sock
        name = f"[{host}]" if ":" in host else host
        all_headers = {"Host": f"{name}:{port}", "Accept-Encoding": "identity", **headers}
        self._headers = "".join(f"{key}: {value}\r\n" for key, value in all_headers.items())
        #: The other side ends the connection after the last answer.
        self.closing = False
        self._head = b""

    def send(self, method: str, target: str, body: Optional[bytes]) -> None:
        """One request in one piece: what reads it wakes once. Raises InvalidURL for a target that is none."""
        if not target.isascii() or not target.isprintable() or " " in target:
            raise http.client.InvalidURL(f"{target[:100]!r} is no path")
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = f"{method} {target} HTTP/1.1\r\n{self._headers}{length}\r\n".encode("ascii")
        self.sock.sendall(head + (body or b""))

    def receive(self) -> "tuple[int, bytes]":
        """Status and body of the answer. Raises RemoteDisconnected when the connection ended before it began, and
        Oversized."""
        data = self._begun()
        self._head, _, body = data.partition(b"\r\n\r\n")
        status, length, self.closing = _glance(self._head)
        if length < 0:
            return self._by_library(data)
        if length > MOST_BODY_BYTES:
            raise Oversized
        if len(body) > length:
            raise http.client.HTTPException("the answer is longer than it says")
        return status, self._rest(body, length)

    def header(self, name: str) -> str:
        """Of the last answer; empty for one that it did not have."""
        for line in self._head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return ""

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()

    def _begun(self) -> bytes:
        """The answer's head, and what came with it; less when it does not begin as an answer of ours does."""
        data = self.sock.recv(_READ_BYTES)
        if not data:
            raise http.client.RemoteDisconnected("it closed the connection without an answer")
        while b"\r\n\r\n" not in data and data.startswith(_OURS[: len(data)]):
            if len(data) > MOST_HEAD_BYTES:
                raise http.client.LineTooLong("head of the answer")
            more = self.sock.recv(_READ_BYTES)
            if not more:
                raise http.client.IncompleteRead(data)
            data += more
        return data

    def _rest(self, body: bytes, length: int) -> bytes:
        if len(body) == length:
            return body
        whole = bytearray(body)
        while len(whole) < length:
            more = self.sock.recv(min(_READ_BYTES, length - len(whole)))
            if not more:
                raise http.client.IncompleteRead(bytes(whole), length - len(whole))
            whole += more
        return bytes(whole)

    def _by_library(self, data: bytes) -> "tuple[int, bytes]":
        answer = http.client.HTTPResponse(_Played(data, self.sock))  # type: ignore[arg-type]
        answer.begin()
        self._head = b"\r\n".join([b"", *(f"{key}: {value}".encode("latin-1") for key, value in answer.getheaders())])
        body = bytearray()
        while True:
            part = answer.read(_READ_BYTES)
            body += part
            if not part:
                break
            if len(body) > MOST_BODY_BYTES:
                raise Oversized
        if answer.length:  # an answer that is read in parts may end early without a word
            raise http.client.IncompleteRead(bytes(body), answer.length)
        self.closing = answer.will_close
        return answer.status, bytes(body)


_OURS = b"HTTP/1.1 "

_NOT_OURS = (0, -1, False)


def _glance(head: bytes) -> "tuple[int, int, bool]":
    """(status, length of the body, whether the connection ends) of a plain answer; else the length is -1. Raises
    HTTPException."""
    first, *lines = head.split(b"\r\n")
    status = first[9:12]
    if not (first.startswith(_OURS) and status.isdigit() and status[:1] != b"1"):
        return _NOT_OURS
    length, closing = -1, False
    for line in lines:
        name, _, value = line.partition(b":")
        word = name.lower()
        if word == b"content-length":
            text = value.strip()
            if length >= 0 or not text.isdigit():
                return _NOT_OURS
            if len(text) > 18:
                raise http.client.HTTPException("the answer says a length that cannot be")
            length = int(text)
        elif word == b"transfer-encoding":
            return _NOT_OURS
        elif word == b"connection":
            closing = b"close" in value.lower()
    return int(status), length, closing


class _Played(io.RawIOBase):
    """A socket as `http.client` reads it, from the bytes that have been read already."""

    def __init__(self, data: bytes, sock: socket.socket) -> None:
        self.data = data
        self.sock = sock

    def makefile(self, mode: str) -> Any:  # noqa: ARG002 - of a socket's interface
        """Bytes to read."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.data:
            return self.sock.recv_into(buffer)
        part = self.data[: len(buffer)]
        self.data = self.data[len(part) :]
        buffer[: len(part)] = part
        return len(part)
