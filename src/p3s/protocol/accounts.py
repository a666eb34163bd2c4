"""Tokens and users: requests and replies, and the rules about what a token may be asked for."""

import re
from dataclasses import dataclass, field
from typing import Optional

from .errors import BadInput, NotKnown
from .messages import _STRICT

SCOPES = ("read", "submit", "pilot", "operate", "admin")
"""What a token allows: `admin` holds all, `operate` holds submitting and reading."""

LONGEST_S = 10 * 366 * 86400.0
SHORTEST_S = 1.0
NAME = re.compile(r"[\w@.+-]{1,150}\Z")
"""As Django's user names."""

_ID = re.compile(r"[0-9a-f]{12}\Z")
KEY = re.compile(r"[A-Za-z0-9_-]{16,200}\Z")


@dataclass(frozen=True)
class TokenRequest:
    """A new token. `owner`: whose, by default the asker's. `expires_in_s`: None is for ever. The same `key` (16 random
    characters or more) asked again gives the same token, so that a lost answer can be asked for again."""

    __pydantic_config__ = _STRICT

    name: str
    scopes: "list[str]"
    key: str
    owner: str = ""
    expires_in_s: Optional[float] = None


@dataclass(frozen=True)
class TokenReply:
    """The token, which is shown this once, and its `id`, by which it is listed and revoked."""

    id: str
    token: str
    owner: str
    scopes: "list[str]"
    expires_at: Optional[float]


@dataclass(frozen=True)
class UserRequest:
    """A user of the browser, made or changed. What is None stays; a new one needs a password."""

    __pydantic_config__ = _STRICT

    password: Optional[str] = field(default=None, repr=False)
    scopes: "Optional[list[str]]" = None
    active: Optional[bool] = None


def check_token(request: TokenRequest) -> None:
    """Raises BadInput."""
    if not request.name.strip() or len(request.name) > 80 or not request.name.isprintable():
        raise BadInput("name: say what the token is for, in 1 to 80 printable characters")
    _scopes(request.scopes)
    if not request.scopes:
        raise BadInput(f"scopes: name at least one of {', '.join(SCOPES)}")
    if request.owner:
        check_user_name(request.owner, "owner")
    if not KEY.match(request.key):
        raise BadInput("key: give 16 to 200 random letters, digits, - or _; the same key gives the same token")
    if request.expires_in_s is not None and not SHORTEST_S <= request.expires_in_s <= LONGEST_S:
        raise BadInput("expires_in_s: give 1 second to 10 years, or null for a token that does not expire")


def check_token_id(id: str) -> None:
    """Raises NotKnown for what cannot be one."""
    if not _ID.match(id):
        raise NotKnown(f"there is no token {id[:40]!r}; p3s token list shows them")


def check_user(request: UserRequest) -> None:
    """Raises BadInput."""
    _scopes(request.scopes or [])
    if request.password is not None and not 0 < len(request.password) <= 1_000:
        raise BadInput("password: give 8 to 1000 characters")


def check_user_name(name: str, where: str) -> None:
    """Raises BadInput."""
    if not NAME.match(name):
        raise BadInput(f"{where}: {name[:160]!r} is no user's name; use letters, digits, @ . + - _, at most 150")


def _scopes(scopes: "list[str]") -> None:
    for scope in scopes:
        if scope not in SCOPES:
            raise BadInput(f"scopes: {scope[:40]!r} is none; use {', '.join(SCOPES)}")
