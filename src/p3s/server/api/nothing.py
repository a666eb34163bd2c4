"""Paths of the API that are none, and methods."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from p3s.protocol.errors import NotKnown, WrongMethod

from .document import FAST
from .doors import problem


@csrf_exempt  # it changes nothing, and a page about cookies is no answer to a program
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:  # noqa: ARG001
    """404 as a problem body."""
    return problem(request, NotKnown(f"there is nothing at {request.path[:200]}; /api/docs lists what there is"))


def methods(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: 405 of the API as a problem body that says which methods there are."""

    def answer(request: HttpRequest) -> HttpResponse:
        found = view(request)
        if found.status_code != WrongMethod.status or not request.path.startswith("/api/"):
            return found
        known = {*found["Allow"].split(", "), *(route.method for route in FAST if route.path == request.path)}
        allowed = ", ".join(sorted(known | {"HEAD"} if "GET" in known else known))  # the door makes a GET of it
        said = problem(
            request, WrongMethod(f"{request.path[:200]} takes {allowed}, not {request.method}; see /api/docs")
        )
        said["Allow"] = allowed
        return said

    return answer
