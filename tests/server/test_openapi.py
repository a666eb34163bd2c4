"""The document says what is served, and what is served stands in the document."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from p3s.protocol import catalogue_routes, routes
from p3s.protocol.route import Route
from p3s.server.api.decoding import decode

Server = Any
ROUTES = routes.every()
NAMES = {
    "pilot": "p",
    "job": "j",
    "stream": "stdout",
    "attempt": "1",
    "path": "f",
    "result": "1",
    "name": "n",
    "host": "h",
    "jobtype": "t",
    "id": "i",
    "dataset": "d",
    "workflow": "w",
    "source": "s",
    "set": "s",
    "run": "7",
}


ASKED = {catalogue_routes.LINEAGE: "?of={dataset}"}
"""What routes must be asked with."""


@pytest.fixture
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.good("GET", "/api/openapi.json", token="")
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_stands_in_the_document(document: dict[str, Any], route: Route) -> None:
    operation = document["paths"][route.path][route.method.lower()]
    assert operation["summary"] == route.summary
    if route.request:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema["$ref"] == f"#/components/schemas/{route.request.__name__}"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_served(server: Server, route: Route) -> None:
    """Whatever it says to an empty request, it is there: no 405, and no 404 without a word about the object."""
    if route is routes.LIVE:
        return  # it does not end; test_live.py has it
    answer = server.ask(route.method, route.url(**NAMES), b"{}" if route.request else None)
    assert answer.status != 405
    assert answer.status < 500
    if answer.status >= 400:
        assert answer.detail
        assert "there is nothing at" not in answer.detail


def test_what_the_document_refers_to_is_there(document: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) - known == set()


class Wrong(AssertionError):
    """A value is not as its schema says."""


def check(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str = "") -> None:
    """The part of JSON Schema that the document uses."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        check(value, document["components"]["schemas"][name], document, f"{where} {name}")
    elif "anyOf" in schema:
        check_any(value, schema["anyOf"], document, where)
    elif "type" in schema:
        kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool}
        kind = type(None) if schema["type"] == "null" else kinds[schema["type"]]
        if not isinstance(value, kind) or (isinstance(value, bool) and schema["type"] != "boolean"):
            raise Wrong(f"{where}: {value!r} is not {schema['type']}")
        for place, one in enumerate(value if isinstance(value, list) else []):
            check(one, schema.get("items", {}), document, f"{where}[{place}]")
        if isinstance(value, dict):
            check_fields(value, schema, document, where)


def check_any(value: Any, schemas: list[dict[str, Any]], document: dict[str, Any], where: str) -> None:
    wrong = []
    for schema in schemas:
        try:
            return check(value, schema, document, where)
        except Wrong as error:
            wrong.append(str(error))
    raise Wrong("; ".join(wrong))


def check_fields(value: dict[str, Any], schema: dict[str, Any], document: dict[str, Any], where: str) -> None:
    known = schema.get("properties", {})
    missing = set(schema.get("required", [])) - value.keys()
    strange = value.keys() - known.keys() if known and not schema.get("additionalProperties") else set()
    if missing or strange:
        raise Wrong(f"{where}: without {missing}, and {strange} nobody knows")
    for name, one in value.items():
        more = schema.get("additionalProperties")
        check(one, known.get(name, more if isinstance(more, dict) else {}), document, f"{where}.{name}")


def json_of(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["content"]["application/json"]
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described(document: dict[str, Any], route: Route) -> None:
    """For people: what it does, what goes in and out with examples that are such, and what it refuses."""
    operation = document["paths"][route.path][route.method.lower()]
    assert len(operation["description"]) > 20
    assert {one["name"] for one in operation["parameters"]} >= {
        part.partition("}")[0] for part in route.path.split("{")[1:]
    }
    assert all(one["schema"] for one in operation["parameters"])
    if route.request:
        body = json_of(operation["requestBody"])
        check(body["example"], body["schema"], document)
        decode(TypeAdapter(route.request), json.dumps(body["example"]).encode())
    if route.reply:
        reply = json_of(operation["responses"]["200"])
        check(reply["example"], reply["schema"], document)
    refusals = {status: answer for status, answer in operation["responses"].items() if status != "200"}
    assert all("application/problem+json" in answer["content"] for answer in refusals.values())
    assert {"401", "403"} <= refusals.keys() or not route.scope
    assert ({} in operation["security"]) == (route.scope == "read")


def test_replies_are_as_the_document_says(server: Server, document: dict[str, Any]) -> None:
    """Of every route that reads, over objects of every kind."""
    names = one_of_each(server)
    for route in ROUTES:
        if route.method == "GET" and route.reply:
            operation = document["paths"][route.path]["get"]
            answer = server.good("GET", route.url(**names) + ASKED.get(route, "").format(**names))
            check(answer, json_of(operation["responses"]["200"])["schema"], document, route.path)


def one_of_each(server: Server) -> dict[str, str]:
    """Objects for the names in paths."""
    name = f"k{uuid.uuid4().hex[:8]}"
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {name: {"payload": "true"}}})
    made = server.good("POST", "/api/v1/datasets", {"url": f"/{name}", "stream": name, "run": 1, "keys": {"a": 1}})
    server.good("PUT", f"/api/v1/datatypes/{name}", {"name": name})
    server.good("POST", "/api/v1/runs/1/start", {"type": "cosmic", "reopen": True})
    server.good("PUT", f"/api/v1/sets/{name}", {"datatype": name, "add": [made["dataset"]]})
    server.good("PUT", f"/api/v1/pauses/{name}", {"why": "a look"})
    server.good("DELETE", f"/api/v1/pauses/{name}")
    server.good("POST", f"/api/v1/services/{name}/reports", {"text": "fine", "value": 1.5})
    (job,) = made["jobs"]
    pilot = server.pilot()
    token = pilot.take(job)["token"]
    items = [{"kind": "number", "name": "n", "value": 1}]
    body = {"results": [{"p3s_result": 1, "category": name, "items": items}]}
    server.good("POST", f"/api/v1/jobs/{job}/attempts/1/results", body, token=token)
    (result,) = server.good("GET", f"/api/v1/results?job={job}")["results"]
    template = {"name": name, "nodes": {"a": {"payload": "true"}, "b": {"jobtype": "noop"}}}
    server.good("PUT", f"/api/v1/templates/{name}", template)
    workflow = server.good("POST", "/api/v1/workflows", {"template": name, "hold": True})["workflow"]
    return {
        "job": job,
        "pilot": pilot.pilot,
        "name": name,
        "result": result["id"],
        "dataset": made["dataset"],
        "run": "1",
        "workflow": workflow,
    }


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_the_page_for_people_is_served(server: Server) -> None:
    assert server.ask("GET", "/api/docs", token="").status == 200


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/jobs", "/api/v1/jobs/a/b/c/d"])
def test_a_path_of_the_api_that_is_none_is_a_problem(server: Server, path: str) -> None:
    answer = server.ask("GET", path)
    assert answer.status == 404
    assert answer.detail


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/api/v1/jobs"), ("PATCH", "/api/v1/pilots")])
def test_a_method_that_is_none_is_refused_with_those_there_are(server: Server, method: str, path: str) -> None:
    answer = server.ask(method, path)
    assert (answer.status, answer.detail) == (405, f"{path} takes GET, HEAD, POST, not {method}; see /api/docs")


ASKS = [route for route in ROUTES if route.method in ("GET", "DELETE") and route not in (routes.LIVE, routes.HEALTH)]


@pytest.mark.parametrize("route", [*ASKS, routes.SERVICE_RUN], ids=lambda route: f"{route.method} {route.path}")
def test_a_question_that_a_route_does_not_know_is_refused(server: Server, route: Route) -> None:
    """A mistyped filter would show everything, a mistyped `dry_run` would do what was only to be told."""
    asked = ASKED.get(route, "?").format(**NAMES)
    answer = server.ask(route.method, f"{route.url(**NAMES)}{asked}&dryrun=true")
    assert answer.status == 422, (answer.status, answer.detail)
    assert answer.detail.startswith("dryrun: is not known here; ")


@pytest.mark.parametrize("asked", ["/jobs?run=1&run=2", "/datasets?state=available&state=missing"])
def test_a_question_that_is_asked_twice_is_refused(server: Server, asked: str) -> None:
    """One of both would be forgotten without a word."""
    answer = server.ask("GET", f"/api/v1{asked}")
    assert answer.status == 422
    assert "is asked 2 times" in answer.detail


PAGE = Path(__file__).parents[2] / "docs/api.md"
SAID_BELOW = {"/trends": {"last", "since_run", "until_run", "all"}}
"""What the page has in its text, not in the table of lists."""


def test_the_page_says_by_what_lists_are_chosen(document: dict[str, Any]) -> None:
    [table] = re.findall(r"^\| list \| chosen by \|\n.*\n((?:\|.*\n)+)", PAGE.read_text(), re.MULTILINE)
    said: dict[str, set[str]] = {}
    for row in table.splitlines():
        names, _, chosen = row[1:].partition("|")
        words = set(re.findall(r"`([a-z_]+)(?:=true)?`", chosen))
        said |= {name: words | SAID_BELOW.get(name, set()) for name in re.findall(r"`([^`]+)`", names)}
    known = {}
    for path, operations in document["paths"].items():
        asked = {one["name"] for one in operations.get("get", {}).get("parameters", ()) if one["in"] == "query"}
        if "cursor" in asked:
            route = re.sub(r"\{(\w+)\}", lambda found: "NAME" if found[1] == "name" else "UUID", path)
            known[route.removeprefix("/api/v1")] = asked - {"limit", "cursor"}
    assert said == known
