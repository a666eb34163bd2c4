"""What ninja does not know of the OpenAPI document, from `protocol.routes` and the classes that the routes name."""

from typing import Any

from p3s.protocol import gathering_routes, result_routes, routes
from p3s.protocol.route import Route

from .examples import REPLIES, request_of
from .schemas import reference

FAST = {
    routes.SUBMIT: "Each job is on the disk when this is answered. Asked again with the same `key` and jobs, the "
    "answer is the same and nothing is added. An unknown job type is created with defaults, and `notes` say so.",
    routes.EXCHANGE: "The only way orders reach a pilot: its order lane waits here, at most `wait_s`, until there is "
    "something to say. The report lane is answered at once.",
    routes.LIVE: 'Server-sent events: `{"topics": ["jobs", "pilots"]}` when something of these changed, at most four a '
    "second, and a comment every 15 s.",
    routes.HEALTH: "For supervisors and load balancers: 503 while the server is not ready.",
}
"""What the routes of the fast door do; those of the others stand at their functions."""

_OTHER = {
    routes.LOG: "text/plain",
    result_routes.RESULT_FILE: "application/octet-stream",
    gathering_routes.INPUT_FILE: "application/octet-stream",
    routes.LIVE: "text/event-stream",
}
"""Replies that are no JSON."""

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `detail` is one line for a person and says what to do. Of several mistakes it tells the "
    "first; `errors` lists them all, at most 100.",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "string"}},
        "instance": {"type": "string"},
    },
    "required": ["title", "status", "detail"],
}
_SCOPES = {
    "": "",
    "read": "Needs the scope `read` where reading is not open to all.",
    "pilot:": "Needs the token of that pilot.",
    "job:": "Needs the token of that attempt.",
    "any:": "Needs a user's token or session; whose objects it reaches, depends on its scopes.",
}


def complete(schema: dict[str, Any]) -> None:
    """Give ninja's document the fast door's routes, and every route its bodies, replies, refusals and examples."""
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "P3S_TOKEN"}}
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    paths = schema["paths"]
    for path in [path for path in paths if "{path:path}" in path]:  # a name of Django's, not of OpenAPI's
        paths[path.replace("{path:path}", "{path}")] = paths.pop(path)
    for route in routes.every():
        operation = paths.setdefault(route.path, {}).setdefault(route.method.lower(), _fast(route))
        _describe(route, operation, schemas)


def _fast(route: Route) -> dict[str, Any]:
    return {
        "operationId": f"fast_{route.summary.lower().replace(' ', '_')}",
        "summary": route.summary,
        "description": FAST.get(route, ""),
        "tags": ["system" if route is routes.HEALTH else "fast door"],
    }


def _describe(route: Route, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    needs = _SCOPES.get(route.scope, f"Needs the scope `{route.scope}`.")
    operation["description"] = " ".join([" ".join(operation.get("description", "").split()), needs]).strip()
    known = {one["name"] for one in operation.get("parameters", [])}
    names = [part.partition("}")[0] for part in route.path.split("{")[1:]]
    parameters = operation.setdefault("parameters", [])
    for name in names:
        if name not in known:
            parameters.append({"name": name, "in": "path", "required": True, "schema": {"type": "string"}})
    if route.request:
        operation["requestBody"] = {"required": True, "content": _json(route.request, request_of(route), schemas)}
    elif route is routes.UPLOAD:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    reply = (
        _json(route.reply, REPLIES[route.reply], schemas)
        if route.reply
        else {_OTHER[route]: {"schema": {"type": "string"}}}
    )
    operation["responses"] = {"200": {"description": "OK", "content": reply}, **_refusals(route, names)}
    operation["security"] = [{"token": []}, *([{}] if route.scope == "read" else [])] if route.scope else []


def _json(kind: type, example: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": reference(kind, schemas), "example": example}}


def _refusals(route: Route, names: list[str]) -> dict[str, Any]:
    """What a route may answer instead, all as problems."""
    found = {"503": "not now: ask again later"}
    if route is not routes.HEALTH:
        found |= {"400": "the request is no HTTP of ours, or its Host is not this server's", "422": "bad input"}
    if route.scope:
        found |= {"401": "no valid token", "403": "the token does not reach"}
    if names or route.method == "POST":
        found |= {"404": "no such object", "409": "it contradicts what is already so"}
    if route in (routes.EXCHANGE, routes.REGISTER):
        found["410"] = "the pilot was given up: register anew"
    if route.request or route is routes.UPLOAD:
        found |= {"413": "too large", "507": "the server's disk is full"}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": said, "content": content} for status, said in sorted(found.items())}
