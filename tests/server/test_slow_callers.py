"""Callers that send slowly, or stop in the middle, keep nobody else from being answered."""

import socket
from typing import Any

Server = Any

MANY = 60
"""More than the threads behind the cold door."""


def begun(server: Server, path: str) -> socket.socket:
    """A request with a part of its body."""
    caller = socket.create_connection(("127.0.0.1", server.port), 10)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    )
    caller.sendall(head.encode() + b'{"states"')
    return caller


def test_bodies_that_do_not_come_hold_no_thread(server: Server) -> None:
    callers = [begun(server, "/api/v1/cancels") for _ in range(MANY)]
    try:
        assert server.good("GET", "/api/v1/jobs?limit=1")["jobs"] is not None
        callers[0].sendall(b": [], x:::}")
        assert callers[0].recv(100).startswith(b"HTTP/1.1 4")
    finally:
        for caller in callers:
            caller.close()
