"""Pages while the database is away."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from p3s.server.monitor import pages
from p3s.server.sql import outage

log = logging.getLogger("p3s.pages")


def unanswered(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """A page that says so, in place of a defect with its traceback in the log; None when it is no outage."""
    why = outage(error)
    if not why:
        return None
    log.error("%s %s: the database does not answer: %s", request.method, request.path, why)
    return pages.unanswered()


class Outage:
    """Middleware, for what views raise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return unanswered(request, error)
