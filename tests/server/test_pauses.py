"""Pauses over HTTP: in force at once, seen wherever one looks for the reason, remembered over `kill -9`."""

from collections.abc import Callable
from typing import Any

import pytest

Server = Any


@pytest.fixture
def kind(server: Server, request: pytest.FixtureRequest) -> str:
    """A job type of the test's own: the server is shared."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    server.good("PUT", f"/api/v1/jobtypes/{name}", {"name": name, "cap": 3})
    return name


def pause(server: Server, name: str, why: str = "noise") -> Any:
    return server.good("PUT", f"/api/v1/pauses/{name}", {"why": why})


def resume(server: Server, name: str) -> Any:
    return server.good("DELETE", f"/api/v1/pauses/{name}")


def test_a_paused_type_waits_and_goes_on_when_resumed(server: Server, kind: str) -> None:
    assert pause(server, kind) == {"jobtype": kind, "changed": True}
    assert pause(server, kind)["changed"] is False
    (job,) = server.submit({"payload": "true", "jobtype": kind})
    pilot = server.pilot()
    assert pilot.orders(0.2) == []
    waiting = pilot.later()
    assert resume(server, kind) == {"jobtype": kind, "changed": True}
    assert [order["job"] for order in waiting.answer().json()["orders"]] == [job]
    assert resume(server, kind)["changed"] is False


def test_who_paused_it_and_why_is_seen_everywhere(server: Server, kind: str) -> None:
    pause(server, kind, "noise in the readout")
    reply = server.good("POST", "/api/v1/jobs", {"jobs": [{"payload": "true", "jobtype": kind}]})
    said = f"{kind} is paused by "
    assert any(
        note.startswith(f"{kind}: {said}") and note.endswith(": noise in the readout") for note in reply["notes"]
    )
    assert server.good("GET", f"/api/v1/jobs/{reply['jobs'][0]}/explain")["lines"][0].startswith(said)
    (listed,) = [one for one in server.good("GET", "/api/v1/jobtypes")["jobtypes"] if one["name"] == kind]
    assert (listed["paused"].startswith(said), listed["cap"]) == (True, 3)
    for path, name in (("/api/v1/pauses", "pauses"), ("/api/v1/summary", "paused")):
        (one,) = [one for one in server.good("GET", path)[name] if one["jobtype"] == kind]
        assert one["why"] == "noise in the readout"
    resume(server, kind)
    assert server.good("GET", "/api/v1/pauses")["pauses"] == []


def test_everything_is_paused_by_one_word(server: Server, kind: str) -> None:
    pause(server, "all")
    try:
        server.submit({"payload": "true", "jobtype": kind})
        assert server.pilot().orders(0.2) == []
    finally:
        resume(server, "all")


@pytest.mark.parametrize(("name", "status"), [("nobody-named-this", 404), ("x" * 300, 422), ("%01", 422)])
def test_a_type_that_is_none_is_refused(server: Server, name: str, status: int) -> None:
    answer = server.ask("PUT", f"/api/v1/pauses/{name}", {"why": ""})
    assert (answer.status, bool(answer.detail)) == (status, True)


def test_no_type_is_called_all(server: Server) -> None:
    assert "every job type" in server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "x", "jobtype": "all"}]}).detail
    assert server.ask("PUT", "/api/v1/jobtypes/all", {"name": "all"}).status == 422


def test_it_needs_an_operator(server: Server) -> None:
    assert server.ask("PUT", "/api/v1/pauses/all", {}, token="").status == 401
    assert server.ask("DELETE", "/api/v1/pauses/all", token="").status == 401


def test_a_restart_remembers_it(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    server.submit({"payload": "true", "jobtype": "raw"})
    pause(server, "raw")
    server.kill()
    server.start()
    assert server.pilot().orders(0.2) == []
    assert [one["jobtype"] for one in server.good("GET", "/api/v1/pauses")["pauses"]] == ["raw"]
