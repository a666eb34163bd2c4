"""Whatever is sent to whichever route: never a 5xx, never a traceback in the log."""

import itertools
import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p3s.protocol import routes
from p3s.protocol.routes import Route

Server = Any
ROUTES = [route for route in vars(routes).values() if isinstance(route, Route) and route is not routes.LIVE]

NUMBERS = st.integers() | st.sampled_from([0, 1, 2**31, 2**62, 2**63, -(2**63) - 1, 2**200])
TEXTS = st.text(max_size=20) | st.sampled_from(["", "\0", "é\u2028", "../..", "x" * 5000, "true", "1", "NaN"])
SCALARS = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
FUZZ = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_SEQ = itertools.count(1_000)

NESTED = {
    "jobs": [
        {
            "payload": "true",
            "needs": {"cores": 1, "tags": ["a"]},
            "eta": 1.0,
            "hold": False,
            "env": {"A": "1"},
            "priority": 1,
            "time_limit": 1.5,
            "name": "n",
            "input": "/x",
        }
    ],
    "reports": [{"job": "j", "attempt": 1, "state": "running", "exit_code": 0, "started_ago_s": 1.0, "stdout": "x"}],
    "holding": [{"job": "j", "attempt": 1}],
    "results": [{"p3s_result": 1, "category": "c", "items": [{"kind": "number", "name": "n", "value": 1}]}],
    "keys": {"a": 1},
}


def likely(route: Route) -> dict[str, Any]:
    """A body that would pass, to be spoiled in one place."""
    if route.request is None:
        return {}
    texts = {
        "lane": "orders",
        "pilot": "00000000-fuzz",
        "nonce": "nonce-nonce",
        "url": "/x",
        "stream": "s",
        "name": "n",
    }
    body: dict[str, Any] = {}
    for name, kind in route.request.__annotations__.items():
        said = str(kind)
        if name in NESTED:
            body[name] = NESTED[name]
        elif name in texts:
            body[name] = texts[name]
        elif "float" in said:
            body[name] = 0.0
        elif "int" in said:
            body[name] = 1
        elif "bool" in said:
            body[name] = False
        elif "list" in said or "tuple" in said:
            body[name] = []
        elif name == "pick":
            body[name] = "fifo"
        else:
            body[name] = "x"
    if route.request.__name__ == "StreamSpec":
        body["jobs"] = {"t": {"payload": "true"}}
    if route is routes.EXCHANGE:
        body.update(seq=next(_SEQ), acked=0, goodbye="")
    return body


def spoil(draw: Any, value: Any) -> Any:
    """One place deep inside is replaced."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: spoil(draw, value[name])}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        return [spoil(draw, value[0]), *value[1:]]
    return draw(VALUES)


class Speaker:
    """Every token there is, and an object behind every name."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pilot = server.pilot(slots=4)
        (self.job,) = server.submit()
        self.order = self.pilot.take(self.job)
        self.names = {
            "pilot": self.pilot.pilot,
            "job": self.job,
            "attempt": "1",
            "stream": "stdout",
            "path": "f.txt",
            "result": "1",
            "name": "n",
            "host": "node",
            "jobtype": "n",
            "id": "0",
        }

    def token(self, route: Route) -> str:
        return str({"pilot:": self.pilot.token, "job:": self.order["token"]}.get(route.scope, self.server.token))

    def ask(self, route: Route, body: bytes | None, **names: str) -> None:
        path = route.url(**{**self.names, **names})
        answer = self.server.ask(route.method, path, body, token=self.token(route), timeout_s=60.0)
        assert answer.status < 500, (route.method, path, body, answer.body[:300])
        if answer.status >= 400 and answer.status not in (404, 405):
            assert answer.detail
        if answer.status == 410 or (route is routes.DEATH and answer.status == 200):
            self.__init__(self.server)  # type: ignore[misc] - the pilot has ended: go on with another


@pytest.fixture
def speaker(server: Server) -> Speaker:
    return Speaker(server)


WITH_BODY = [route for route in ROUTES if route.request is not None]


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.summary)
def test_a_body_that_is_wrong_in_one_place_fails_nothing(speaker: Speaker, route: Route) -> None:
    @FUZZ
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        body = spoil(data.draw, likely(route))
        if isinstance(body, dict) and body.get("pilot") == "00000000-fuzz":
            body["pilot"] = str(uuid.UUID(int=data.draw(st.integers(0, 2**64))))
        if isinstance(body, dict) and "wait_s" in body:
            body["wait_s"] = min(body["wait_s"], 0.0) if isinstance(body["wait_s"], float) else body["wait_s"]
        speaker.ask(route, json.dumps(body).encode())

    send()


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.summary)
def test_any_json_fails_nothing(speaker: Speaker, route: Route) -> None:
    @FUZZ
    @given(value=VALUES)
    def send(value: Any) -> None:
        speaker.ask(route, json.dumps(value).encode())

    send()


@pytest.mark.parametrize("route", [*WITH_BODY, routes.UPLOAD], ids=lambda route: route.summary)
def test_any_bytes_fail_nothing(speaker: Speaker, route: Route) -> None:
    @FUZZ
    @given(body=st.binary(max_size=200))
    def send(body: bytes) -> None:
        speaker.ask(route, body)

    send()


NAMED = [route for route in ROUTES if "{" in route.path]


@pytest.mark.parametrize("route", NAMED, ids=lambda route: route.summary)
def test_any_name_in_the_path_fails_nothing(speaker: Speaker, route: Route) -> None:
    names = [part.partition("}")[0] for part in route.path.split("{")[1:]]

    @FUZZ
    @given(name=st.sampled_from(names), value=TEXTS | NUMBERS.map(str))
    def send(name: str, value: str) -> None:
        speaker.ask(route, b"{}" if route.request or route.method == "PUT" else None, **{name: value})

    send()


@pytest.mark.parametrize("route", [routes.JOBS, routes.PILOTS, routes.DATASETS], ids=lambda route: route.summary)
def test_any_question_fails_nothing(speaker: Speaker, route: Route) -> None:
    @FUZZ
    @given(
        name=st.sampled_from(["limit", "cursor", "state", "jobtype", "ended", "run", "since", "name", "x"]),
        value=TEXTS | NUMBERS.map(str),
    )
    def send(name: str, value: str) -> None:
        answer = speaker.server.ask(route.method, f"{route.path}?{name}={quote(value)}")
        assert answer.status < 500, (name, value, answer.body[:300])

    send()


def test_a_spoiled_body_still_reaches_the_rules(speaker: Speaker) -> None:
    """The fuzzing above means something: unspoiled, its bodies are taken."""
    taken = [
        routes.SUBMIT,
        routes.EXCHANGE,
        routes.REGISTER,
        routes.STREAM,
        routes.PUBLISH,
        routes.CANCEL,
        routes.JOBTYPE,
    ]
    for route in taken:
        body = likely(route)
        if route is routes.REGISTER:
            body["pilot"] = str(uuid.uuid4())
        if route is routes.SUBMIT:
            body["key"] = ""
        answer = speaker.server.ask(
            route.method, route.url(**speaker.names), json.dumps(body).encode(), token=speaker.token(route)
        )
        assert answer.status == 200, (route.summary, answer.body)
