"""HEAD is GET without a body, on pages and in the API: monitors and `curl -I` ask so."""

import http.client
from typing import Any

import pytest

Server = Any

PATHS = [
    "/",
    "/jobs",
    "/login",
    "/nowhere",
    "/healthz",
    "/api/docs",
    "/api/openapi.json",
    "/api/v1/jobs",
    "/api/v1/whoami",
    "/api/v1/jobs/none",
    "/api/v1/nowhere",
    "/api/v1/jobs/none/cancel",
]

VARY = {"content-length", "set-cookie", "date", "expires"}
"""Headers of answers that are not the same twice: pages tell ages and expire, forms have words of their own."""


def asked(connection: http.client.HTTPConnection, method: str, path: str, **headers: str) -> tuple[Any, bytes]:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


def described(answer: Any) -> tuple[int, dict[str, str]]:
    return answer.status, {name.lower(): value for name, value in answer.getheaders() if name.lower() not in VARY}


@pytest.mark.parametrize("path", PATHS)
def test_the_answer_to_head_is_that_to_get_without_its_body(server: Server, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    head, nothing = asked(connection, "HEAD", path)
    assert nothing == b""
    get, body = asked(connection, "GET", path)
    assert body, "the connection goes on with the next answer"
    assert described(head) == described(get)
    assert int(get.getheader("Content-Length")) == len(body)
    assert head.getheader("Content-Length"), "it says how long the body would be"
    connection.close()


def test_what_reading_needs_head_needs_too(server: Server) -> None:
    assert server.ask("HEAD", "/api/v1/jobs", token="p3su_mistyped").status == 401
    assert server.ask("HEAD", "/api/v1/live", token="p3su_mistyped").status == 401


def test_head_of_the_live_stream_ends(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    head, _ = asked(connection, "HEAD", "/api/v1/live")
    assert (head.status, head.getheader("Content-Type")) == (200, "text/event-stream")
    assert asked(connection, "GET", "/healthz")[0].status == 200
    connection.close()


def test_head_goes_where_get_does_and_nowhere_else(server: Server) -> None:
    refused = server.ask("HEAD", "/api/v1/jobs/none/cancel")
    assert (refused.status, refused.headers["allow"]) == (405, "POST")
    refused = server.ask("PATCH", "/api/v1/jobs")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST")
