"""Paths of the API that are none."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from p3s.protocol.errors import NotKnown

from .doors import problem


@csrf_exempt  # it changes nothing, and a page about cookies is no answer to a program
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:  # noqa: ARG001
    """404 as a problem body."""
    return problem(request, NotKnown(f"there is nothing at {request.path[:200]}; /api/docs lists what there is"))
