"""`p3s token ...`, `p3s user ...`, `p3s audit`: who may do what, and who did what."""

import sys
import uuid
import warnings
from getpass import GetPassWarning
from time import time
from typing import Annotated

import typer

from p3s.client.descriptions import duration
from p3s.client.sdk import Client
from p3s.protocol.accounts import TokenRequest, UserRequest, check_token, check_user, check_user_name
from p3s.protocol.errors import BadInput, NotKnown

from . import moments, show
from .options import DryRun, Json, Limit, Since, Why
from .several import each

tokens = typer.Typer(no_args_is_help=True, help="Tokens of people and programs: make, list, revoke.")
users = typer.Typer(no_args_is_help=True, help="Users of the browser: list and set.")

SCOPE_HELP = (
    "read, submit (jobs of one's own), pilot (to start pilots), operate (everybody's jobs, job types, streams) or "
    "admin (all, tokens and users too); repeatable."
)


@tokens.command("new")
def new_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help=SCOPE_HELP)] = ["read", "submit"],  # noqa: B006
    owner: Annotated[str, typer.Option(help="Whose; an admin makes them for others.")] = "",
    expires: Annotated[str, typer.Option(metavar="90d", help="A duration, or never.")] = "90d",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a token; it is shown this once. Example: p3s token new lxplus --scope pilot --expires 30d"""
    expires_in_s = None if expires == "never" else duration(expires, "--expires")
    check_token(TokenRequest(name, scope, uuid.uuid4().hex, owner, expires_in_s))
    client = Client()
    if dry_run:
        whose = owner or client.whoami()["owner"]
        if json:
            at = None if expires_in_s is None else time() + expires_in_s
            show.as_json({"id": None, "token": None, "owner": whose, "scopes": sorted(scope), "expires_at": at})
            return
        print(f"would make a token of {show.plain(whose)}: {show.plain(name)} ({' '.join(scope)}), expires: {expires}")
        return
    made = client.make_token(name, scope, owner, expires_in_s)
    if json:
        show.as_json(vars(made))
        return
    until = f"expires in {show.length(made.expires_at - time())}" if made.expires_at else "does not expire"
    show.note(f"token {made.id} of {made.owner} ({' '.join(made.scopes)}), {until}. It is not shown again:")
    print(made.token)


@tokens.command("list")
def list_tokens(
    every: Annotated[bool, typer.Option("--all", help="Expired and revoked ones too.")] = False, json: Json = False
) -> None:
    """List your tokens; an admin sees everybody's. Example: p3s token list --all"""
    found = Client().tokens(every)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            one["id"],
            one["name"],
            one["owner"],
            " ".join(one["scopes"]),
            show.age(one["created_at"], now),
            _end(one, now),
        )
        for one in found
    )
    empty = "no tokens; make one: p3s token new NAME --scope submit"
    show.table(("token", "name", "owner", "scopes", "age", "until"), rows, empty)


def _end(token: dict[str, float | None], now: float) -> str:
    revoked, expires = token["revoked_at"], token["expires_at"]
    if revoked is not None:
        return f"revoked {show.age(revoked, now)} ago"
    if expires is None:
        return "for ever"
    return f"in {show.length(expires - now)}" if expires > now else f"expired {show.age(expires, now)} ago"


@tokens.command("revoke")
def revoke_token(
    ids: Annotated[list[str], typer.Argument(metavar="TOKEN...", help="As p3s token list names them.")],
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """End tokens, at once and for good. Example: p3s token revoke 1f0c2ab93d7e --why "left the group" """
    client = Client()
    if dry_run:
        known = {one["id"]: one["name"] for one in client.tokens()}
        for id in ids:
            if id not in known:
                raise NotKnown(f"there is no token {show.plain(id)} in force; p3s token list shows them")
        if json:
            show.as_json([{"id": id, "name": known[id]} for id in ids])
            return
        for id in ids:
            print(f"{id} {show.plain(known[id])}: would be revoked")
        return
    each(ids, lambda id: client.revoke_token(id, why), lambda one: f"{one['id']} {one['name']}: revoked", json)


@users.command("list")
def list_users(json: Json = False) -> None:
    """List users of the browser. Example: p3s user list"""
    found = Client().users()
    if json:
        show.as_json(found)
        return
    rows = ((one["name"], " ".join(one["scopes"]) or "read", "" if one["active"] else "shut out") for one in found)
    show.table(("user", "scopes", ""), rows, "no users; make one: p3s user set NAME --scope operate")


@users.command("set")
def set_user(
    name: Annotated[str, typer.Argument(help="Of the user.")],
    scope: Annotated[list[str], typer.Option(help=SCOPE_HELP)] = [],  # noqa: B006
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from a line of stdin.")] = False,
    shut_out: Annotated[
        bool | None, typer.Option("--shut-out/--let-in", help="No login and no tokens any more, or again.")
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a user of the browser, or change one; what is not named stays. Example: p3s user set ana --scope operate"""
    check_user_name(name, "name")
    check_user(UserRequest(scopes=scope))
    client = Client()
    known = next((one for one in client.users() if one["name"] == name), None)
    if dry_run:
        if json:
            now = known or {"scopes": [], "active": True}
            active = now["active"] if shut_out is None else not shut_out
            show.as_json({"name": name, "scopes": scope or now["scopes"], "active": active})
            return
        print(f"{show.plain(name)}: would be {'changed' if known else 'made'}")
        return
    secret: str | None = None
    if password_stdin:
        secret = sys.stdin.readline().rstrip("\n")
    elif password or not known:
        secret = _asked(name)
    active = None if shut_out is None else not shut_out
    made = client.set_user(name, secret, scope or None, active)
    if json:
        show.as_json(made)
        return
    state = "" if made["active"] else ", shut out"
    print(f"{made['name']}: {' '.join(made['scopes']) or 'read'}{state}")


def _asked(name: str) -> str:
    """A new password, typed twice where nobody sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return str(typer.prompt(f"password of {name}", hide_input=True, confirmation_prompt=True, err=True))
        except GetPassWarning:
            raise BadInput(
                "there is no terminal to ask for the password; --password-stdin reads it from stdin"
            ) from None


def audit(
    limit: Limit = 50,
    who: Annotated[str, typer.Option(help="Only what this person or part did.")] = "",
    kind: Annotated[str, typer.Option(help="job, jobtype, pilot, host, stream, token, user ...")] = "",
    what: Annotated[str, typer.Option("--object", help="Only this object: UUID or name.")] = "",
    since: Since = "",
    json: Json = False,
) -> None:
    """Who did or decided what, when and why, the latest first. Example: p3s audit --kind token --since 7d"""
    moment = moments.since(since) or 0.0
    found = Client().events(limit, who, kind, what, moment)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = ((show.age(e["at"], now), e["kind"], e["object_id"], e["what"], e["who"], e["why"]) for e in found)
    show.table(("age", "kind", "object", "what", "who", "why"), rows, "nothing on the record")
