"""A page is made of parts; a part can be fetched alone (`?part=NAME`) when the live stream says that it changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from p3s.server.monitor import links

#: Names and logs come from payloads: even if markup of theirs reached a page, no script of theirs would run.
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Part:
    """`topics`: what of the live stream makes it refetch, space-separated: jobs pilots datasets results workflows."""

    name: str
    topics: str
    template: str
    read: Callable[[], dict[str, Any]]

    def html(self) -> SafeString:
        return render_to_string(f"monitor/{self.template}.html", self.read())


@dataclass(frozen=True, slots=True)
class RenderedPart:
    name: str
    topics: str
    url: str
    html: SafeString


def _rendered(request: HttpRequest, part: Part) -> RenderedPart:
    query = request.GET.copy()
    query["part"] = part.name
    return RenderedPart(part.name, part.topics, f"{request.path}?{query.urlencode()}", part.html())


def respond(request: HttpRequest, parts: list[Part], now: float, **context: object) -> HttpResponse:
    """The page, or the one part that was asked for. Nothing is kept by the browser: ages count from `now`."""
    asked = request.GET.get("part")
    chosen = [part for part in parts if part.name == asked]
    if chosen:
        answer = HttpResponse(chosen[0].html())
    else:
        rendered = [_rendered(request, part) for part in parts]
        whole = {**context, "parts": rendered, "now": now, "live_url": links.LIVE}
        answer = render(request, "monitor/page.html", whole)
    answer["Cache-Control"] = "no-store"
    answer["Content-Security-Policy"] = POLICY
    return answer


def unanswered() -> HttpResponse:
    """503 while the database does not answer, and the browser asks again. Nothing on it asks who reads."""
    answer = HttpResponse(render_to_string("monitor/unanswered.html", {"here": "login"}), status=503)
    answer["Refresh"] = "5"
    answer["Cache-Control"] = "no-store"
    answer["Content-Security-Policy"] = POLICY
    return answer


def absent(request: HttpRequest, what: str, now: float) -> HttpResponse:
    """404 that says what is not there."""
    context = {"what": what, "now": now, "live_url": links.LIVE, "here": ""}
    answer = render(request, "monitor/absent.html", context, status=404)
    answer["Cache-Control"] = "no-store"
    answer["Content-Security-Policy"] = POLICY
    return answer
