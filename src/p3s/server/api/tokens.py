"""Cold routes of tokens and users."""

from time import time
from typing import Annotated, Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import accounts as rules
from p3s.protocol import bounds, routes
from p3s.protocol.acts import WhyRequest
from p3s.protocol.errors import BadInput
from p3s.server.accounts import queries as accounts
from p3s.server.actions import tokens, users
from p3s.server.broker import running

from .doors import grant_of, plain, reach, read
from .paging import exact

router = Router(tags=["tokens and users"])


@router.post("/tokens", auth=reach(""), summary=routes.TOKEN.summary)
def make_token(request: HttpRequest) -> dict[str, Any]:
    """The token is shown in this answer and nowhere else: only its hash is kept."""
    body, grant = read(request, rules.TokenRequest), grant_of(request)
    rules.check_token(body)
    token = running().grants.user_token(grant.owner, body.key)
    row = running().ask(lambda work: tokens.make(work, request=body, token=token, by=grant))
    running().grants.reload()
    return plain(rules.TokenReply(row.id, token, row.owner, row.scopes, row.expires_at))


@router.get("/tokens", auth=reach(""), summary=routes.TOKENS.summary)
@exact
def list_tokens(
    request: HttpRequest,
    all: Annotated[bool, Query(description="those too that are no longer in force")] = False,
) -> dict[str, Any]:
    """Your own, an admin's of everybody; the newest first. Without the tokens themselves: they are not kept."""
    grant = grant_of(request)
    owner = "" if grant.reaches("admin") else grant.owner
    rows = accounts.tokens(owner, time(), all)
    return {"tokens": [plain(row) for row in rows]}


@router.post("/tokens/{id}/revoke", auth=reach(""), summary=routes.REVOKE.summary)
def revoke_token(request: HttpRequest, id: str) -> dict[str, Any]:
    """It stops working before this is answered."""
    body, grant = read(request, WhyRequest), grant_of(request)
    bounds.check_why(body)
    rules.check_token_id(id)
    row = running().ask(lambda work: tokens.revoke(work, id=id, by=grant, why=body.why))
    running().grants.reload()
    return plain(row)


@router.get("/users", auth=reach("admin"), summary=routes.USERS.summary)
@exact
def list_users(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """Users of the browser, by name."""
    return {"users": [plain(row) for row in accounts.users()]}


@router.put("/users/{name}", auth=reach("admin"), summary=routes.USER.summary)
def set_user(request: HttpRequest, name: str) -> dict[str, Any]:
    """Made or changed; what is left out stays. One who is shut out (`active: false`) has no tokens in force either."""
    body, grant = read(request, rules.UserRequest), grant_of(request)
    rules.check_user_name(name, "name")
    rules.check_user(body)
    hashed = _hashed(body.password) if body.password is not None else ""
    row = running().ask(lambda work: users.set_user(work, name=name, request=body, password=hashed, who=grant.owner))
    running().grants.reload()
    return plain(row)


def _hashed(password: str) -> str:
    """Here and not in the writer, whom it would hold up."""
    try:
        validate_password(password)
    except ValidationError as error:
        raise BadInput(f"password: {' '.join(error.messages)}") from None
    return make_password(password)
