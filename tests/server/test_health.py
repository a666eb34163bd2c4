"""Is the server ready, who asks, and how much is there."""

from typing import Any

import pytest

Server = Any


def test_ready_is_said_without_a_token(server: Server) -> None:
    answer = server.ask("GET", "/healthz", token="")
    assert (answer.status, answer.json()) == (200, {"ready": True})


def test_reading_needs_no_token_but_a_wrong_one_is_refused(server: Server) -> None:
    for path in ("/api/v1/jobs", "/api/v1/pilots", "/api/v1/datasets", "/api/v1/summary", "/api/v1/whoami"):
        assert server.ask("GET", path, token="").status == 200, path
        assert server.ask("GET", path, token="p3su_mistyped").status == 401, path


def test_whoami_says_whose_token_it_is(server: Server) -> None:
    said = server.good("GET", "/api/v1/whoami")
    assert (said["scopes"], said["protocol"], said["lease_s"]) == (["admin", "pilot"], 1, 60.0)
    assert server.good("GET", "/api/v1/whoami", token="")["owner"] == "anybody"


def test_the_summary_counts(server: Server) -> None:
    before = server.good("GET", "/api/v1/summary")
    pilot = server.pilot(slots=3)
    (job,) = server.submit()
    pilot.take(job)
    after = server.good("GET", "/api/v1/summary")
    assert after["slots"] == before["slots"] + 3
    assert after["slots_in_use"] == before["slots_in_use"] + 1
    assert after["jobs"]["dispatched"] == before["jobs"].get("dispatched", 0) + 1


def test_jobs_are_listed_newest_first_page_by_page(server: Server) -> None:
    jobs = server.submit(*[{"payload": "true", "jobtype": "pages"}] * 5)
    first = server.good("GET", "/api/v1/jobs?jobtype=pages&limit=3&state=defined")
    assert [job["uuid"] for job in first["jobs"]] == jobs[:1:-1]
    rest = server.good("GET", f"/api/v1/jobs?jobtype=pages&limit=3&state=defined&cursor={first['next']}")
    assert ([job["uuid"] for job in rest["jobs"]], rest["next"]) == (jobs[1::-1], None)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "cursor=-1",
        f"cursor={2**70}",
        "run=x",
        "run=-1",
        "since=yesterday",
        "until=-1",
        "owner=%00",
        "name=%07",
        "state=nonsense",
        "state=defined,%00",
    ],
)
def test_an_odd_question_is_refused(server: Server, query: str) -> None:
    answer = server.ask("GET", f"/api/v1/jobs?{query}")
    assert answer.status == 422
    assert answer.detail


@pytest.mark.parametrize("query", ["jobtype=%00", "jobtype=%ff", "jobtype=" + "x" * 5000, "%ff=%ff", "state=,,,"])
def test_an_odd_question_does_not_fail(server: Server, query: str) -> None:
    assert server.ask("GET", f"/api/v1/jobs?{query}").status in (200, 422)


@pytest.mark.parametrize("path", ["/api/v1/jobs/%00", "/api/v1/jobs/%ff", "/api/v1/jobs/%00/logs/stdout", "/jobs/%ff"])
def test_an_odd_path_does_not_fail(server: Server, path: str) -> None:
    assert server.ask("GET", path).status in (400, 404, 422)


def test_variables_that_look_secret_are_not_shown(server: Server) -> None:
    (job,) = server.submit({"payload": "true", "env": {"MY_PASSWORD": "hunter2", "PLAIN": "seen"}})
    assert server.job(job)["env"] == {"MY_PASSWORD": "(hidden)", "PLAIN": "seen"}


def test_bytes_that_are_no_http_do_not_fail(server: Server) -> None:
    import socket

    for raw in (b"\x16\x03\x01" * 50, b"GET /\xff?\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            said = b""
            while chunk := sock.recv(65536):
                said += chunk
        assert not said or said.split(b" ")[1][:1] in b"24", said[:200]
    assert server.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize("path", ["/api/v1/jobs?jobtype=\xff", "/jobs?type=\xff"])
def test_a_query_that_is_no_ascii_does_not_fail(server: Server, path: str) -> None:
    import socket

    head = b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(head)
        said = b""
        while chunk := sock.recv(65536):
            said += chunk
    assert said.split(b" ")[1][:1] in b"24", said[:200]
