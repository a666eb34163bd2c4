"""Whatever is sent to whichever route: never a 5xx, never a traceback in the log."""

import copy
import itertools
import json
import os
import socket
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p3s.protocol import data_routes, routes, workflow_routes
from p3s.protocol.route import Route
from p3s.server.api.examples import request_of

Server = Any
ROUTES = [route for route in routes.every() if route is not routes.LIVE]

NUMBERS = st.integers() | st.sampled_from([0, 1, 2**31, 2**62, 2**63, -(2**63) - 1, 2**200])
TEXTS = st.text(max_size=20) | st.sampled_from(["", "\0", "é\u2028", "../..", "x" * 5000, "true", "1", "NaN"])
SCALARS = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
FUZZ = settings(
    max_examples=int(os.environ.get("P3S_FUZZ", "5")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_SEQ = itertools.count(1_000)


def likely(route: Route) -> dict[str, Any]:
    """The document's own example of a body, to be spoiled in one place."""
    if route.request is None:
        return {}
    body: dict[str, Any] = copy.deepcopy(request_of(route))
    if "{name}" in route.path and "name" in body:
        body["name"] = "n"
    if route is routes.EXCHANGE:
        body.update(seq=next(_SEQ), acked=0, wait_s=0.0)
    if route is routes.REGISTER:
        body["pilot"] = str(uuid.uuid4())
    if route is routes.SUBMIT:
        body["key"] = ""
    if route is workflow_routes.WORKFLOW_START:
        body.update(template="n", version=1, key="")
    if route is data_routes.REGISTER_DATASET:
        body["stream"] = "n"
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
        self.dataset = server.good("POST", "/api/v1/datasets", {"url": "/fuzz"})["dataset"]
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
            "workflow": self.workflow(),
            "source": "s",
            "dataset": self.dataset,
            "set": "s",
            "run": "7",
        }

    def workflow(self) -> str:
        """Of a template that the fuzz changes too."""
        self.server.ask("PUT", "/api/v1/templates/n", {"name": "n", "nodes": {"a": {"payload": "true"}}})
        request = {"template": "n", "version": 1, "hold": True}  # its jobs stand in nobody's way
        return str(self.server.good("POST", "/api/v1/workflows", request)["workflow"])

    def reader(self) -> str:
        """A token that may only read."""
        body = {"name": "reader", "scopes": ["read"], "key": uuid.uuid4().hex, "owner": "reader"}
        return str(self.server.good("POST", "/api/v1/tokens", body)["token"])

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
        if isinstance(body, dict) and isinstance(body.get("wait_s"), (int, float)):
            body["wait_s"] = 0.0  # a wait is no failure, and no test either
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


# ---- from the document


@pytest.fixture(scope="module")
def document(shared_server: Server) -> dict[str, Any]:
    found: dict[str, Any] = shared_server.good("GET", "/api/openapi.json", token="")
    return found


def of_schema(schema: dict[str, Any], document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema allows, and that a program which knows nothing else would send."""
    if "$ref" in schema:
        return st.deferred(
            lambda: of_schema(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
        )
    if "anyOf" in schema:
        return st.one_of([of_schema(one, document) for one in schema["anyOf"]])
    kind = schema.get("type")
    if kind == "object":
        known = {name: of_schema(one, document) for name, one in schema.get("properties", {}).items()}
        required = {name: known.pop(name) for name in schema.get("required", []) if name in known}
        more = schema.get("additionalProperties")
        if not known and not required:
            return st.dictionaries(TEXTS, of_schema(more, document) if isinstance(more, dict) else SCALARS, max_size=3)
        return st.fixed_dictionaries(required, optional=known)
    if kind == "array":
        return st.lists(of_schema(schema.get("items", {}), document), max_size=3)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        "string": TEXTS,
        "integer": NUMBERS,
        "number": st.floats(allow_nan=False, allow_infinity=False) | NUMBERS,
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return plain.get(kind, VALUES)


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.summary)
def test_a_body_as_the_document_allows_fails_nothing(speaker: Speaker, document: dict[str, Any], route: Route) -> None:
    schema = document["paths"][route.path][route.method.lower()]["requestBody"]["content"]["application/json"]["schema"]

    @FUZZ
    @given(body=of_schema(schema, document))
    def send(body: Any) -> None:
        if "wait_s" in body:
            body["wait_s"] = 0.0
        speaker.ask(route, json.dumps(body).encode())

    send()


READING = [route for route in ROUTES if route.method == "GET" and "{" not in route.path and route is not routes.HEALTH]


@pytest.mark.parametrize("route", READING, ids=lambda route: route.summary)
def test_any_question_fails_nothing(speaker: Speaker, document: dict[str, Any], route: Route) -> None:
    known = [one["name"] for one in document["paths"][route.path]["get"]["parameters"]]

    @FUZZ
    @given(name=st.sampled_from([*known, "x"]), value=TEXTS | NUMBERS.map(str) | st.sampled_from(["defined", "true"]))
    def send(name: str, value: str) -> None:
        answer = speaker.server.ask(route.method, f"{route.path}?{name}={quote(value)}")
        assert answer.status < 500, (name, value, answer.body[:300])
        assert answer.status == 200 or answer.detail

    send()


# ---- who may


CHANGING = [route for route in ROUTES if route.method != "GET"]


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.summary)
def test_nothing_is_changed_without_the_right_token(speaker: Speaker, route: Route) -> None:
    """Refused before the body is looked at: without a token, with none of ours, with one that may only read, with
    another pilot's and with another attempt's."""
    reader = speaker.reader()
    strangers = ["", "p3su.nonsense", "x" * 5000, reader]
    if route.scope != "pilot:":
        strangers.append(speaker.pilot.token)
    if route.scope not in ("job:", "submit") or route is routes.SUBMIT:
        strangers.append(speaker.order["token"])
    for token in strangers:
        good, refused = json.dumps(likely(route)).encode(), (401, 403)
        bodies = [good, b"{", b""]
        if route.scope == "any:":  # whose objects a token reaches is looked at last: there it knows of none
            bodies, refused = [good], (401, 403, 404)
            if token == reader:
                continue
        for body in bodies:
            answer = speaker.server.ask(route.method, route.url(**speaker.names), body, token=token)
            assert answer.status in refused, (token, answer.status, answer.body[:200])
            assert answer.detail


@pytest.mark.parametrize("route", [*WITH_BODY, routes.UPLOAD], ids=lambda route: route.summary)
def test_a_body_of_100_mb_is_refused_before_it_has_come(speaker: Speaker, route: Route) -> None:
    """Only its beginning is sent: the answer does not wait for the rest."""
    head = [
        f"{route.method} {route.url(**speaker.names)} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {speaker.token(route)}",
        "Content-Type: application/json",
        f"Content-Length: {100 * 1024 * 1024}",
        "Connection: close",
    ]
    with socket.create_connection(("127.0.0.1", speaker.server.port), timeout=20) as wire:
        wire.sendall("\r\n".join([*head, "", ""]).encode() + b'{"x": "' + b"a" * 10_000)
        said = wire.recv(4096)
    assert said.split(b" ")[1] == b"413", said[:300]


NASTY = ["\x07", "a\x1b[31mb", "\x00"]


@pytest.mark.parametrize("word", NASTY, ids=ascii)
def test_control_characters_in_names_are_refused(speaker: Speaker, word: str) -> None:
    named = [
        ({"jobs": [{"payload": "true", "name": word}]}, routes.SUBMIT),
        ({"jobs": [{"payload": "true", "jobtype": word}]}, routes.SUBMIT),
        ({**likely(data_routes.STREAM), "name": word}, data_routes.STREAM),
        ({**likely(routes.REGISTER), "host": word}, routes.REGISTER),
        ({**likely(data_routes.REGISTER_DATASET), "name": word}, data_routes.REGISTER_DATASET),
        ({"why": word}, routes.PAUSE),
        ({**likely(routes.TOKEN), "name": word}, routes.TOKEN),
    ]
    for body, route in named:
        answer = speaker.server.ask(
            route.method, route.url(**speaker.names), json.dumps(body).encode(), token=speaker.token(route)
        )
        assert (answer.status, bool(answer.detail)) == (422, True), (route.summary, answer.body)


def test_markup_in_names_is_kept_and_never_acted_upon(speaker: Speaker) -> None:
    name = "<script>alert(1)</script>"
    (job,) = speaker.server.submit({"payload": "true", "name": name})
    assert speaker.server.job(job)["name"] == name
    page = speaker.server.ask("GET", f"/jobs/{job}").body
    assert name.encode() not in page
    assert b"&lt;script&gt;alert(1)" in page


def test_a_spoiled_body_still_reaches_the_rules(speaker: Speaker) -> None:
    """The fuzzing above means something: unspoiled, its bodies are taken."""
    speaker.server.good("PUT", "/api/v1/streams/n", likely(data_routes.STREAM))
    file = {**likely(data_routes.REGISTER_DATASET), "datatype": "ROOT"}
    for url in (file["url"], f"/data/{uuid.uuid4()}"):  # by its name, and of its run, whatever the first became before
        speaker.server.good("POST", "/api/v1/datasets", {**file, "url": url})
    names = {**speaker.names, "run": str(uuid.uuid4().int % 10**9)}
    for route in WITH_BODY:
        if route in (routes.DEATH, routes.PAUSE, routes.TRUST, routes.REVOKE, routes.RELEASE, routes.USER):
            continue  # of what is not there; or it would be the end of the pilot
        (job,) = speaker.server.submit()
        fitting = {"job": job} if route.scope == "submit" else {}
        body = json.dumps(likely(route)).encode()
        path = route.url(**{**names, **fitting})
        answer = speaker.server.ask(route.method, path, body, token=speaker.token(route))
        assert answer.status == 200, (route.summary, answer.body)
