"""The cold route of what files declare beside their streams."""

import json
from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import TypeAdapter

from p3s.protocol import bounds, result_bounds, routes
from p3s.protocol.declarations import DeclareReply, DeclareRequest
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobTypeSpec
from p3s.server.actions.declarations import FileSays, declare
from p3s.server.broker import running

from .decoding import decode
from .doors import grant_of, reach, read

router = Router(tags=["job types"])

_JOB_TYPE = TypeAdapter(JobTypeSpec)


@router.post("/declarations", auth=reach("operate"), summary=routes.DECLARE.summary)
def post_declarations(request: HttpRequest) -> DeclareReply:
    """Settings of job types, dimensions and limits as a file has them. What it says as it said it last undoes no live
    change, and `kept` says so; with `force` it does. All of it or nothing."""
    body = read(request, DeclareRequest)
    bounds.check_declarations(body)
    for dimension in body.dimensions:
        result_bounds.check_dimension(dimension)
    for limit in body.limits:
        result_bounds.check_limit(limit)
    jobtypes = [(_jobtype(name, settings), settings.keys()) for name, settings in body.jobtypes.items()]
    says = FileSays(jobtypes, body.dimensions, body.limits, body.force)
    who = grant_of(request).owner
    reply: DeclareReply = running().ask(lambda work: declare(work, says=says, who=who))
    return reply


def _jobtype(name: str, settings: dict[str, Any]) -> JobTypeSpec:
    try:
        spec = decode(_JOB_TYPE, json.dumps({**settings, "name": name}).encode())
        bounds.check_jobtype(spec)
    except BadInput as error:
        raise BadInput(*(f"jobtypes.{name[:80]}.{mistake}" for mistake in error.mistakes)) from None
    return spec
