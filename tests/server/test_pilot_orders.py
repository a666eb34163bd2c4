"""Pilots are told to drain or to stop, by name, site, host, batch id or state."""

from typing import Any

import pytest

Server = Any
ORDERS = "/api/v1/pilots/orders"


@pytest.fixture
def site(request: pytest.FixtureRequest) -> str:
    """A site of the test's own: the server is shared."""
    return f"s{abs(hash(request.node.nodeid)) % 10**9}"


def test_a_drained_pilot_hears_it_and_gets_nothing_new(server: Server, site: str) -> None:
    pilot = server.pilot(site=site)
    waiting = pilot.later()
    reply = server.good("POST", ORDERS, {"order": "drain", "site": site, "why": "reboot"})
    assert [(one["pilot"], one["out"], one["note"]) for one in reply["pilots"]] == [
        (pilot.pilot, 0, "it has no job and ends at once")
    ]
    (told,) = waiting.answer().json()["instructions"]
    assert (told["kind"], told["why"].endswith(": reboot")) == ("drain", True)
    server.submit({"payload": "true", "needs": {"site": site}})
    assert pilot.orders(0.2) == []
    shown = server.good("GET", f"/api/v1/pilots/{pilot.pilot}")
    assert (shown["state"], shown["events"][0]["what"]) == ("draining", "told to drain")
    assert pilot.exchange(goodbye="drained").status == 200
    assert server.good("GET", f"/api/v1/pilots/{pilot.pilot}")["state"] == "stopped"


def test_pilots_are_chosen_by_what_they_are(server: Server, site: str) -> None:
    first = server.pilot(site=site, host="a", batch_id="77.1")
    second = server.pilot(site=site, host="b", batch_id="77.2")
    (job,) = server.submit({"payload": "true", "needs": {"site": site}})
    first.take(job)

    def chosen(**choice: Any) -> set[str]:
        reply = server.good("POST", ORDERS, {"order": "stop", "dry_run": True, **choice})
        return {one["host"] for one in reply["pilots"]}

    assert chosen(site=site) == {"a", "b"}
    assert chosen(site=site, host="b") == {"b"}
    assert chosen(batch_id="77.1") == {"a"}
    assert chosen(site=site, states=["idle"]) == {"b"}
    assert chosen(site=site, states=["silent"]) == set()
    assert chosen(uuids=[second.pilot]) == {"b"}
    assert {"a", "b"} <= chosen(every=True)
    assert server.good("GET", f"/api/v1/pilots?site={site}&host=a")["pilots"][0]["state"] == "active"


def test_one_that_has_ended_is_said_to(server: Server) -> None:
    pilot = server.pilot()
    pilot.die()
    reply = server.good("POST", ORDERS, {"order": "stop", "uuids": [pilot.pilot]})
    assert reply["pilots"][0]["note"] == "it has ended"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"order": "drain"}, "every"),
        ({"order": "explode", "every": True}, "order"),
        ({"order": "stop", "states": ["lost"]}, "states"),
        ({"order": "stop", "uuids": ["a b"]}, "uuids"),
        ({"order": "stop", "uuids": ["a"], "site": "x"}, "uuids"),
        ({"order": "stop", "host": "x" * 300}, "host"),
    ],
)
def test_what_makes_no_sense_is_refused(server: Server, body: dict[str, Any], word: str) -> None:
    answer = server.ask("POST", ORDERS, body)
    assert (answer.status, word in answer.detail) == (422, True), answer.detail


def test_an_unknown_name_and_a_lesser_token_are_refused(server: Server) -> None:
    assert server.ask("POST", ORDERS, {"order": "stop", "uuids": ["nobody"]}).status == 404
    assert server.ask("POST", ORDERS, {"order": "stop", "every": True}, token="").status == 401
