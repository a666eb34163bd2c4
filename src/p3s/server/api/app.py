"""The API: cold routes by django-ninja, the fast door's routes in the same document."""

import logging
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from p3s.protocol.errors import BadInput, NotKnown, P3sError, TryLater
from p3s.server.sql import outage

from . import (
    alarms,
    audit,
    data,
    datasets,
    datatypes,
    declarations,
    gatherings,
    hosts,
    jobs,
    jobtypes,
    lineage,
    many,
    pauses,
    pilots,
    results,
    runs,
    services,
    standards,
    streams,
    system,
    templates,
    tokens,
    trends,
    workflows,
)
from .document import complete
from .doors import Json, problem

log = logging.getLogger("p3s.api")


class Api(NinjaAPI):
    """One document for both doors."""

    _document: OpenAPISchema | None = None

    def get_openapi_schema(self, **arguments: Any) -> OpenAPISchema:
        """The document of the cold routes, and the fast door's beside them. Made once: it takes the interpreter from
        the fast door for a good part of a second, and never changes."""
        if self._document is None:
            schema = super().get_openapi_schema(**arguments)
            complete(schema)
            self._document = schema
        return self._document


api = Api(
    title="p3s",
    version="1",
    description="The prompt processing system. Moments (`_at`) are seconds since the epoch, UTC, by the server's "
    "clock; durations (`_s`) are seconds. Errors are problem bodies whose `detail` says what to do.",
    renderer=Json(),
    docs_url="/docs",
    openapi_url="/openapi.json",
    urls_namespace="api",
)
for part in (
    jobs,
    jobtypes,
    declarations,
    many,
    pauses,
    pilots,
    hosts,
    data,
    streams,
    datasets,
    gatherings,
    datatypes,
    runs,
    lineage,
    results,
    trends,
    standards,
    templates,
    workflows,
    alarms,
    audit,
    tokens,
    services,
    system,
):
    api.add_router("/v1", part.router)


@api.exception_handler(P3sError)
def on_refusal(request: HttpRequest, error: P3sError) -> HttpResponse:
    """Our own errors know their status."""
    return problem(request, error)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """ninja's list of problems as one line about the first."""
    first = error.errors[0]
    where = ".".join(str(part) for part in first["loc"][1:] if part not in ("body", "query", "path"))
    said = "is not a known field; take it out or correct its name"
    if first["type"] not in ("unexpected_keyword_argument", "extra_forbidden"):
        said = str(first["msg"])
    return problem(request, BadInput(f"{where or 'the request'}: {said}"))


@api.exception_handler(HttpError)
def on_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    """ninja's own refusals: a body that is no JSON, mostly."""
    return problem(request, BadInput(str(error)))


@api.exception_handler(Http404)
def on_not_found(request: HttpRequest, error: Http404) -> HttpResponse:  # noqa: ARG001
    """A path of the API that is none."""
    return problem(request, NotKnown(f"there is nothing at {request.path}; /api/docs lists what there is"))


@api.exception_handler(Exception)
def on_defect(request: HttpRequest, error: Exception) -> HttpResponse:
    """The database is away, or a defect of ours: the log has it, the caller is told so."""
    if why := outage(error):
        log.error("%s %s: the database does not answer: %s", request.method, request.path, why)
        return problem(request, TryLater("the database does not answer; ask again"))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(request, TryLater("the server failed on this request; its log says why"))
