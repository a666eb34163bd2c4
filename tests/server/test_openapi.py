"""The document says what is served, and what is served stands in the document."""

from typing import Any

import pytest

from p3s.protocol import routes
from p3s.protocol.routes import Route

Server = Any
ROUTES = [route for route in vars(routes).values() if isinstance(route, Route)]
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
}


@pytest.fixture
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.good("GET", "/api/openapi.json", token="")
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_stands_in_the_document(document: dict[str, Any], route: Route) -> None:
    paths = {path.replace("{path:path}", "{path}"): operations for path, operations in document["paths"].items()}
    operation = paths[route.path][route.method.lower()]
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
def test_a_method_that_is_none_is_refused(server: Server, method: str, path: str) -> None:
    assert server.ask(method, path).status == 405
