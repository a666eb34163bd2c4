"""The pipe to the server: what a dead, slow, wrong or refusing one looks like. Real sockets."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p3s.protocol.errors import (
    BadInput,
    Conflict,
    Gone,
    NotAllowed,
    NotKnown,
    Refused,
    Stranger,
    TooLarge,
    TryLater,
    Unreachable,
)
from p3s.transport import wire
from p3s.transport.http import Connection, base_url

Step = Callable[["Talk"], None]


def problem(status: int, detail: str, **more: Any) -> bytes:
    return json.dumps({"title": "refused", "status": status, "detail": detail, **more}).encode()


class Talk:
    """One accepted connection, from the server's side."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")

    def request(self) -> str:
        """The head of the next request, its body read; empty when the client has gone."""
        lines = []
        while (line := self.file.readline()) not in (b"", b"\r\n"):
            lines.append(line.decode())
        length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
        self.file.read(length)
        return "".join(lines)

    def answer(self, body: bytes = b"{}", status: str = "200 OK", length: int | None = None) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
        self.sock.sendall(head.encode() + body)

    def close(self) -> None:
        self.file.close()
        self.sock.close()


class Server:
    """Takes one connection after the other, each by the next of its steps."""

    def __init__(self, steps: list[Step]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = 0
        self.heads: list[str] = []
        self.thread = threading.Thread(target=self._run, args=(steps,), daemon=True)
        self.thread.start()

    def _run(self, steps: list[Step]) -> None:
        for step in steps:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.taken += 1
            talk = Talk(sock)
            try:
                step(talk)
            finally:
                talk.close()

    def close(self) -> None:
        self.listener.close()
        self.thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(*steps: Step) -> Server:
        made.append(Server(list(steps)))
        return made[-1]

    yield start
    for server in made:
        # A listener that is waited on wakes up by a visitor.
        socket.create_connection(("127.0.0.1", server.port)).close()
        server.close()


def answers(count: int, **what: Any) -> Step:
    def step(talk: Talk) -> None:
        for _ in range(count):
            if talk.request():
                talk.answer(**what)

    return step


def silent(talk: Talk) -> None:
    """Takes the request and closes."""
    talk.request()


def stuck(talk: Talk) -> None:
    """Takes the request and says nothing until the client has gone."""
    talk.request()
    talk.request()


def connect(server: Server, **more: Any) -> Connection:
    return Connection(f"127.0.0.1:{server.port}", **more)


def test_calls_share_a_connection(serve: Callable[..., Server]) -> None:
    server = serve(answers(3))
    connection = connect(server)
    assert [connection.call("GET", "/x") for _ in range(3)] == [b"{}"] * 3
    assert server.taken == 1
    connection.close()


def test_the_token_and_the_body_go_along(serve: Callable[..., Server]) -> None:
    heads: list[str] = []

    def step(talk: Talk) -> None:
        heads.append(talk.request())
        talk.answer()

    connection = Connection(f"http://127.0.0.1:{serve(step).port}/below/", token="secret")
    connection.call("POST", "/api/v1/jobs", b"{}")
    connection.close()
    assert heads[0].startswith("POST /below/api/v1/jobs HTTP/1.1\r\n")
    assert "Authorization: Bearer secret\r\n" in heads[0]
    assert "Content-Length: 2\r\n" in heads[0]


def test_a_kept_connection_that_died_is_opened_anew_once(serve: Callable[..., Server]) -> None:
    server = serve(answers(1), answers(1, body=b"again"))
    connection = connect(server)
    connection.call("GET", "/x")
    assert connection.call("GET", "/x") == b"again"
    assert server.taken == 2
    connection.close()


def test_it_is_opened_anew_once_only(serve: Callable[..., Server]) -> None:
    server = serve(answers(1), silent, answers(1))
    connection = connect(server)
    connection.call("GET", "/x")
    with pytest.raises(Unreachable):
        connection.call("GET", "/x")
    assert server.taken == 2
    assert connection.call("GET", "/x") == b"{}"
    connection.close()


def test_a_new_connection_that_dies_is_not_tried_again(serve: Callable[..., Server]) -> None:
    server = serve(silent, answers(1))
    connection = connect(server)
    with pytest.raises(Unreachable, match="no server answers"):
        connection.call("GET", "/x")
    assert server.taken == 1
    connection.close()


def test_a_server_that_does_not_answer_is_said_to_be_late(serve: Callable[..., Server]) -> None:
    server = serve(stuck)
    connection = connect(server, timeout_s=0.3)
    with pytest.raises(Unreachable, match=f"the server at http://127.0.0.1:{server.port} did not answer in time"):
        connection.call("GET", "/x")
    connection.close()


def test_a_call_may_have_its_own_patience(serve: Callable[..., Server]) -> None:
    server = serve(stuck)
    connection = connect(server, timeout_s=1000.0)
    with pytest.raises(Unreachable, match="in time"):
        connection.call("GET", "/x", timeout_s=0.3)
    connection.close()


def test_an_answer_that_breaks_off_is_no_answer(serve: Callable[..., Server]) -> None:
    connection = connect(serve(answers(1, body=b"half", length=100)))
    with pytest.raises(Unreachable):
        connection.call("GET", "/x")
    connection.close()


def test_what_is_no_http_is_no_answer(serve: Callable[..., Server]) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.sock.sendall(b"SSH-2.0-OpenSSH\r\n")

    connection = connect(serve(step))
    with pytest.raises(Unreachable):
        connection.call("GET", "/x")
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n2\r\nle\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:5\r\nDate: today\r\n\r\nwhole",
    ],
    ids=["chunks of a proxy", "a word to go on first", "a bare length"],
)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_answers_of_other_kinds_in_any_pieces_are_read(serve: Callable[..., Server], sent: bytes, piece: int) -> None:
    def step(talk: Talk) -> None:
        for _ in range(2):
            talk.request()
            for start in range(0, len(sent), piece):
                talk.sock.sendall(sent[start : start + piece])

    server = serve(step)
    connection = connect(server)
    assert [connection.call("GET", "/x") for _ in range(2)] == [b"whole"] * 2
    assert server.taken == 1
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\n\r\nwhole",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nwhole",
    ],
    ids=["it says so", "no length", "an old protocol"],
)
def test_after_an_answer_that_ends_the_connection_the_next_call_opens_another(
    serve: Callable[..., Server], sent: bytes
) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.sock.sendall(sent)

    server = serve(step, answers(1, body=b"next"))
    connection = connect(server)
    assert connection.call("GET", "/x") == b"whole"
    assert not connection.open
    assert connection.call("GET", "/x") == b"next"
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n",
    ],
    ids=["longer than it says", "no length at all", "no status", "an endless head"],
)
def test_an_answer_that_is_wrong_is_none(serve: Callable[..., Server], sent: bytes) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.sock.sendall(sent)
        talk.request()

    connection = connect(serve(step), timeout_s=0.5)
    with pytest.raises(Unreachable):
        connection.call("GET", "/x")
    assert not connection.open
    connection.close()


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX-Evil: 1", "/ä", "/\x7f"])
def test_what_is_no_path_is_not_sent(serve: Callable[..., Server], path: str) -> None:
    connection = connect(serve(answers(1)))
    with pytest.raises(Unreachable, match="is no path"):
        connection.call("GET", path)
    connection.close()


def test_where_nobody_listens_the_line_says_what_to_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=f"no server answers at http://127.0.0.1:{port} .*is P3S_SERVER right"):
        Connection(f"127.0.0.1:{port}").call("GET", "/x")


def test_a_host_that_is_none_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"no server answers at http://no-such-host\.invalid"):
        Connection("no-such-host.invalid").call("GET", "/x")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", Refused),
        ("401 Unauthorized", NotAllowed),
        ("403 Forbidden", NotAllowed),
        ("404 Not Found", NotKnown),
        ("409 Conflict", Conflict),
        ("410 Gone", Gone),
        ("413 Too Large", TooLarge),
        ("422 Unprocessable", BadInput),
        ("418 Teapot", Refused),
        ("500 Oops", TryLater),
        ("502 Bad Gateway", TryLater),
        ("503 Later", TryLater),
    ],
)
def test_a_problem_body_becomes_the_error_it_is(serve: Callable[..., Server], status: str, kind: type) -> None:
    body = problem(int(status[:3]), "do this instead")
    connection = connect(serve(answers(1, body=body, status=status)))
    with pytest.raises(kind, match=r"^do this instead$") as caught:
        connection.call("GET", "/x")
    assert type(caught.value) is kind
    assert isinstance(caught.value, NotAllowed) is status.startswith(("401", "403"))
    if status.startswith("401"):
        assert caught.value.status == 401
    connection.close()


def test_a_refusal_may_name_several_mistakes(serve: Callable[..., Server]) -> None:
    body = problem(422, "a: is wrong (and 1 more)", errors=["a: is wrong", "b: is too"])
    connection = connect(serve(answers(1, body=body, status="422 Unprocessable")))
    with pytest.raises(BadInput, match=r"^a: is wrong \(and 1 more\)$") as caught:
        connection.call("GET", "/x")
    assert caught.value.mistakes == ("a: is wrong", "b: is too")
    connection.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no</html>",
        b"[]",
        b"{}",
        b"\xff",
        b'{"detail":"Not Found"}',
        b'{"title":"x","status":404,"detail":null}',
        b'{"title":"x","status":500,"detail":"of another answer"}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", ["301 Moved", "401 Unauthorized", "404 Not Found", "409 Conflict", "418 Teapot"])
def test_what_another_web_server_answers_is_no_word_of_ours(
    serve: Callable[..., Server], status: str, body: bytes
) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=x\r\nContent-Length: {len(body)}\r\n\r\n"
        talk.sock.sendall(head.encode() + body)

    connection = connect(serve(step))
    said = f"{connection.server} is no p3s server: it answered {status[:3]}, text/html; correct P3S_SERVER"
    with pytest.raises(Stranger, match=re.escape(said)):
        connection.call("GET", "/x")
    connection.close()


def test_where_another_web_server_leads_is_said(serve: Callable[..., Server]) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: https://\x1b[31mlogin/\r\nContent-Length: 0\r\n\r\n")

    connection = connect(serve(step))
    with pytest.raises(Stranger, match=r"answered 302, no content type, which leads to https://\[31mlogin/; correct"):
        connection.call("GET", "/x")
    connection.close()


def test_a_proxy_that_has_no_server_behind_it_is_a_server_that_is_away(serve: Callable[..., Server]) -> None:
    connection = connect(serve(answers(1, body=b"<html>502</html>", status="502 Bad Gateway")))
    with pytest.raises(Unreachable, match=r"no server answers at .* \(502, no content type\)") as caught:
        connection.call("GET", "/x")
    assert not isinstance(caught.value, Stranger), "it is waited for"
    connection.close()


def in_chunks(talk: Talk) -> None:
    """Bytes without end."""
    talk.request()
    talk.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            talk.sock.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def until_it_closes(talk: Talk) -> None:
    """Without a length."""
    talk.request()
    talk.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            talk.sock.sendall(b"x" * 0x10000)


def as_it_says(talk: Talk) -> None:
    talk.request()
    talk.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    talk.sock.recv(1)


@pytest.mark.parametrize("step", [in_chunks, until_it_closes, as_it_says])
def test_an_answer_without_end_is_not_taken_into_memory(
    serve: Callable[..., Server], step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_BODY_BYTES", 1_000_000)
    connection = connect(serve(step))
    with pytest.raises(TooLarge, match="the answer has more than"):
        connection.call("GET", "/x")
    assert not connection.open


def test_an_answer_of_the_standard_librarys_reader_that_breaks_off_is_none(serve: Callable[..., Server]) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    connection = connect(serve(step))
    with pytest.raises(Unreachable):
        connection.call("GET", "/x")


def test_after_a_refusal_the_connection_serves_on(serve: Callable[..., Server]) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.answer(problem(409, "no"), "409 Conflict")
        talk.request()
        talk.answer(b"good")

    server = serve(step)
    connection = connect(server)
    with pytest.raises(Conflict):
        connection.call("GET", "/x")
    assert connection.call("GET", "/x") == b"good"
    assert server.taken == 1
    connection.close()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("host", "http://host"),
        (" http://host:1/ ", "http://host:1"),
        ("https://host/p3s/", "https://host/p3s"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_addresses_are_taken_as_people_write_them(given: str, url: str) -> None:
    assert base_url(given) == url


@pytest.mark.parametrize(
    "given", ["", "  ", "ftp://host", "http://", "host:port", "host:99999", "http://:8000", "://x"]
)
def test_what_is_no_address_is_a_value_error(given: str) -> None:
    with pytest.raises(ValueError, match=r"P3S_SERVER|[Pp]ort"):
        base_url(given)


def test_a_length_that_is_no_number_of_bytes_is_no_answer(serve: Callable[..., Server]) -> None:
    def step(talk: Talk) -> None:
        talk.request()
        talk.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}")
        talk.close()

    connection = connect(serve(step))
    with pytest.raises(Unreachable):
        connection.call("GET", "/x")
