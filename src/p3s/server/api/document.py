"""What ninja does not know of the OpenAPI document, from the same dataclasses that decode them."""

from typing import Any

from pydantic import TypeAdapter

from p3s.protocol import routes
from p3s.protocol.routes import Route

_REFUSALS = {
    "401": "no valid token",
    "403": "the token does not reach",
    "404": "no such object",
    "409": "contradicts what is already so",
    "410": "the pilot was given up",
    "413": "too large",
    "422": "bad input",
    "503": "try later",
    "507": "the server's disk is full",
}


def complete(schema: dict[str, Any]) -> None:
    """Add the fast door's routes and the health route to ninja's document, and to the cold ones their bodies."""
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for route in vars(routes).values():
        if isinstance(route, Route):
            operations = schema["paths"].setdefault(route.path, {})
            method = route.method.lower()
            if route.fast or route is routes.HEALTH:
                operations[method] = _operation(route, components)
            elif route.request:
                operations[method]["requestBody"] = _body(route.request, components)


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"fast_{route.summary.lower().replace(' ', '_')}",
        "summary": route.summary,
        "tags": ["fast door"],
        "responses": {"200": {"description": "OK"}},
    }
    if "{pilot}" in route.path:
        schema = {"type": "string"}
        operation["parameters"] = [{"name": "pilot", "in": "path", "required": True, "schema": schema}]
    if route.request:
        operation["requestBody"] = _body(route.request, components)
    if route.reply:
        content = {"application/json": {"schema": _schema(route.reply, components)}}
        operation["responses"]["200"]["content"] = content
    if route.scope and route.scope != "read":
        operation["security"] = [{"token": []}]
    for status, description in _REFUSALS.items():
        operation["responses"][status] = {"description": description, "content": {"application/problem+json": {}}}
    return operation


def _body(request: type, components: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _schema(request, components)}}}


def _schema(cls: type, components: dict[str, Any]) -> dict[str, str]:
    schema = TypeAdapter(cls).json_schema(ref_template="#/components/schemas/{model}")
    components.update(schema.pop("$defs", {}))
    components[cls.__name__] = schema
    return {"$ref": f"#/components/schemas/{cls.__name__}"}
