"""Who may do what: tokens with scopes, made, expiring and revoked, against every route."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from p3s.protocol import routes
from p3s.protocol.route import Route

Server = Any
Until = Callable[..., Any]

CHANGING = [one for one in routes.every() if one.scope not in ("", "read")]
NAMES = dict.fromkeys(("attempt", "result", "id"), "1") | {"stream": "stdout"}


class Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return NAMES.get(name, "nobody")


def make(server: Server, *scopes: str, token: str | None = None, **more: Any) -> dict[str, Any]:
    body = {"name": "test", "scopes": list(scopes), "key": uuid.uuid4().hex, **more}
    made: dict[str, Any] = server.good("POST", "/api/v1/tokens", body, token=token)
    return made


def revoke(server: Server, id: str, **more: Any) -> Any:
    return server.ask("POST", f"/api/v1/tokens/{id}/revoke", {}, **more)


def each(route: Route) -> tuple[str, str, Any]:
    return route.method, route.path.format_map(Names()), {} if route.method != "GET" else None


@pytest.fixture(scope="module")
def useless(shared_server: Server, until: Until) -> dict[str, str]:
    """Tokens that open nothing that changes a thing."""
    expired = make(shared_server, "admin", "pilot", expires_in_s=1.0)["token"]
    revoked = make(shared_server, "admin", "pilot")
    revoke(shared_server, revoked["id"])
    until(
        "the token expires",
        lambda: shared_server.ask("GET", "/api/v1/summary", token=expired).status == 401,
    )
    return {
        "none": "",
        "expired": expired,
        "revoked": revoked["token"],
        "mistyped": "p3su_" + "0" * 40,
        "no pilot's": "p3sp.nobody.0123456789abcdef." + "0" * 40,
        "no job's": "p3sj.nobody.1." + "0" * 40,
        "markup": "<script>",
    }


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: f"{route.method} {route.path}")
def test_nothing_changes_without_a_valid_token(server: Server, useless: dict[str, str], route: Route) -> None:
    method, path, body = each(route)
    for kind, token in useless.items():
        answer = server.ask(method, path, body, token=token)
        assert answer.status == 401, (kind, answer.body)
        assert answer.detail


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: f"{route.method} {route.path}")
def test_a_token_without_the_scope_is_refused(server: Server, route: Route) -> None:
    if route.scope == "any:":
        return
    reader = make(server, "read")["token"]
    method, path, body = each(route)
    answer = server.ask(method, path, body, token=reader)
    assert answer.status == 403
    assert "scope" in answer.detail or "speak for" in answer.detail


def test_a_token_is_shown_once_and_kept_hashed(server: Server) -> None:
    made = make(server, "submit", "read")
    (listed,) = [one for one in server.good("GET", "/api/v1/tokens")["tokens"] if one["id"] == made["id"]]
    assert (listed["name"], listed["scopes"], listed["revoked_at"]) == ("test", ["submit", "read"], None)
    assert made["token"] not in str(listed)
    assert made["token"] not in server.said()


def test_the_same_key_again_gives_the_same_token(server: Server) -> None:
    key = uuid.uuid4().hex
    first, again = make(server, "read", key=key), make(server, "read", key=key)
    assert first == again
    revoke(server, first["id"])
    body = {"name": "test", "scopes": ["read"], "key": key}
    answer = server.ask("POST", "/api/v1/tokens", body)
    assert (answer.status, "was revoked" in answer.detail) == (409, True)


def test_a_key_gives_no_token_to_who_asks_for_another(server: Server) -> None:
    key = uuid.uuid4().hex
    both = make(server, "read", "submit", owner="ana")["token"]
    body = {"name": "test", "scopes": ["submit"], "key": key}
    assert server.ask("POST", "/api/v1/tokens", body, token=both).status == 200
    less = make(server, "read", owner="ana")["token"]
    answer = server.ask("POST", "/api/v1/tokens", {**body, "scopes": ["read"]}, token=less)
    assert (answer.status, "p3su_" in answer.body.decode()) == (409, False)


def test_a_revoked_token_stops_working_at_once(server: Server) -> None:
    """On both doors; also for a connection that is open."""
    made = make(server, "submit", "read")
    job = {"jobs": [{"payload": "true", "hold": True}], "key": ""}
    assert server.ask("POST", "/api/v1/jobs", job, token=made["token"]).status == 200
    assert server.ask("GET", "/api/v1/whoami", token=made["token"]).json()["scopes"] == ["read", "submit"]
    assert revoke(server, made["id"]).json()["revoked_at"] is not None
    assert server.ask("POST", "/api/v1/jobs", job, token=made["token"]).status == 401
    assert server.ask("GET", "/api/v1/whoami", token=made["token"]).status == 401
    assert revoke(server, made["id"]).status == 200  # twice is once
    events = server.good("GET", f"/api/v1/events?kind=token&object={made['id']}")["events"]
    assert [one["what"] for one in events] == ["revoked", "made"]


def test_nobody_gives_what_they_have_not(server: Server) -> None:
    mine = make(server, "read", "submit", owner="ana", expires_in_s=1000.0)["token"]
    body = {"name": "more", "key": uuid.uuid4().hex, "scopes": ["read"], "expires_in_s": 500.0}
    for change, said in (
        ({"scopes": ["operate"]}, "does not hold 'operate'"),
        ({"scopes": ["admin"]}, "does not hold 'admin'"),
        ({"owner": "bea"}, "only a token with the scope 'admin'"),
        ({"expires_in_s": None}, "your own token ends sooner"),
        ({"expires_in_s": 5000.0}, "your own token ends sooner"),
    ):
        answer = server.ask("POST", "/api/v1/tokens", {**body, **change}, token=mine)
        assert answer.status == 403
        assert said in answer.detail
    narrower = make(server, "read", token=mine, expires_in_s=500.0)
    assert (narrower["owner"], narrower["scopes"]) == ("ana", ["read"])
    assert server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "true"}]}, token=narrower["token"]).status == 403


def test_tokens_of_others_are_neither_seen_nor_revoked(server: Server) -> None:
    anas, beas = make(server, "submit", owner="ana"), make(server, "submit", owner="bea")
    seen = server.good("GET", "/api/v1/tokens", token=anas["token"])["tokens"]
    assert {one["owner"] for one in seen} == {"ana"}
    answer = revoke(server, beas["id"], token=anas["token"])
    assert (answer.status, "of yours" in answer.detail) == (404, True)
    assert revoke(server, anas["id"], token=anas["token"]).status == 200


def test_tokens_of_pilots_and_jobs_make_no_others(server: Server) -> None:
    pilot = server.pilot()
    body = {"name": "more", "key": uuid.uuid4().hex, "scopes": ["read"]}
    answer = server.ask("POST", "/api/v1/tokens", body, token=pilot.token)
    assert (answer.status, "use a token of a person" in answer.detail) == (403, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scopes": []}, "name at least one"),
        ({"scopes": ["root"]}, "'root' is none"),
        ({"scopes": "admin"}, "scopes"),
        ({"name": " "}, "name:"),
        ({"name": "a\nb"}, "name:"),
        ({"key": "short"}, "key:"),
        ({"key": "x" * 16 + "\n"}, "key:"),
        ({"owner": "a b"}, "owner:"),
        ({"owner": "<b>"}, "owner:"),
        ({"expires_in_s": -1.0}, "expires_in_s"),
        ({"expires_in_s": 1e300}, "expires_in_s"),
        ({"color": "red"}, "color"),
    ],
)
def test_an_odd_request_is_refused(server: Server, change: dict[str, Any], said: str) -> None:
    body = {"name": "test", "scopes": ["read"], "key": uuid.uuid4().hex, **change}
    answer = server.ask("POST", "/api/v1/tokens", body)
    assert answer.status == 422
    assert said in answer.detail


@pytest.mark.parametrize("id", ["nobody", "%00", "%00" + "0" * 11, "0" * 12, "%25", "0" * 500])
def test_a_token_that_is_none_is_not_known(server: Server, id: str) -> None:
    assert revoke(server, id).status == 404


def test_what_is_not_theirs_users_cannot_touch(server: Server) -> None:
    ana, bea = (make(server, "submit", owner=name)["token"] for name in ("ana", "bea"))
    body = {"jobs": [{"payload": "true", "hold": True}], "key": ""}
    (job,) = server.ask("POST", "/api/v1/jobs", body, token=bea).json()["jobs"]
    for act, more in (("cancel", {}), ("hold", {}), ("release", {}), ("adjust", {"priority": 9})):
        answer = server.ask("POST", f"/api/v1/jobs/{job}/{act}", more, token=ana)
        assert answer.status == 403, act
        assert "belongs to bea" in answer.detail
    assert server.state(job) == "held"
    assert server.good("POST", f"/api/v1/jobs/{job}/cancel", {}, token=bea)["state"] == "cancelled"
    answer = server.ask("POST", "/api/v1/reruns", {"uuids": [job]}, token=ana)
    assert answer.status == 403
    operator = make(server, "operate", owner="olga")["token"]
    assert server.good("POST", "/api/v1/reruns", {"uuids": [job], "dry_run": True}, token=operator)["old"] == [job]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_refusals_stand_in_the_log_with_who_and_why(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    token = make(server, "read", owner="eve")["token"]
    server.ask("PUT", "/api/v1/jobtypes/x%0Ay", {"name": "x\ny"}, token=token)
    (line,) = [one for one in server.said().splitlines() if "PUT /api/v1/jobtypes/x" in one][-1:]
    assert "by eve: 403" in line
    assert "scope 'operate'" in line
    for _ in range(50):
        server.ask("PUT", "/api/v1/jobtypes/again", {"name": "again"}, token=token)
    assert 10 < server.said().count("PUT /api/v1/jobtypes/again") < 25  # who goes on asking does not fill it


def test_a_restart_keeps_tokens_and_what_was_revoked(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    kept, gone = make(server, "read"), make(server, "read")
    revoke(server, gone["id"])
    server.kill()
    server.start()
    assert server.ask("GET", "/api/v1/whoami", token=kept["token"]).status == 200
    assert server.ask("GET", "/api/v1/whoami", token=gone["token"]).status == 401
