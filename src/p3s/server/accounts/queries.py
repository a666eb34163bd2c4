"""Tokens of users, the users of the browser, and the server's secrets."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Q

from p3s.protocol.accounts import SCOPES

from .grants import Grant
from .models import Secret, Token
from .seals import digest

ID = 12
"""So many digits of its hash name a token to people."""

STAFF = "admin"
"""The scope that is not a group: Django's own superusers have it."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is listed. Moments are epoch seconds."""

    id: str
    name: str
    owner: str
    scopes: list[str]
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user of the browser."""

    name: str
    scopes: list[str]
    active: bool


def secret(name: str = "tokens") -> bytes:
    """A key of the server's, made when it is first asked for."""
    row, _ = Secret.objects.get_or_create(name=name, defaults={"value": secrets.token_hex(32)})
    return bytes.fromhex(row.value)


# ---- tokens


def valid(now: float) -> dict[str, Grant]:
    """Tokens in force, by hash. A user who was shut out has none."""
    rows = Token.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    out = User.objects.filter(is_active=False).values("username")
    return {
        row.hash: Grant(row.owner, frozenset(row.scopes.split()), until=row.expires_at)
        for row in rows.exclude(owner__in=out)
    }


def add(token: str, *, name: str, owner: str, scopes: str, now: float, expires_at: float | None = None) -> TokenRow:
    """Store a new token, hashed; one that is known stays as it is."""
    row, _ = Token.objects.get_or_create(
        hash=digest(token),
        defaults={"name": name, "owner": owner, "scopes": scopes, "created_at": now, "expires_at": expires_at},
    )
    return _token(row)


def token(id: str) -> TokenRow | None:
    """By the beginning of its hash."""
    row = Token.objects.filter(hash__startswith=id).first() if len(id) == ID else None
    return _token(row) if row else None


def revoke(id: str, now: float) -> bool:
    """False when it was revoked before."""
    return Token.objects.filter(hash__startswith=id, revoked_at=None).update(revoked_at=now) > 0


def tokens(owner: str, now: float, every: bool) -> list[TokenRow]:
    """The newest first; of all owners with "". `every`: those too that are no longer in force."""
    rows = Token.objects.order_by("-created_at", "hash")
    if owner:
        rows = rows.filter(owner=owner)
    if not every:
        rows = rows.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    return [_token(row) for row in rows[:1000]]


def _token(row: Token) -> TokenRow:
    times = (row.created_at, row.expires_at, row.revoked_at)
    return TokenRow(row.hash[:ID], row.name, row.owner, row.scopes.split(), *times)


# ---- users


def grant_of(user: Any) -> Grant:
    """What a user of the browser may do: read, and the scopes that are the names of his groups."""
    return Grant(str(user.username), frozenset({"read", *_scopes(user)}))


def users() -> list[UserRow]:
    """By name."""
    return [_user(one) for one in User.objects.order_by("username").prefetch_related("groups")[:1000]]


def user(name: str) -> UserRow | None:
    found = User.objects.filter(username=name).first()
    return _user(found) if found else None


def set_user(name: str, *, password: str, scopes: Sequence[str] | None, active: bool | None) -> None:
    """Make or change a user. `password` is hashed already; what is empty or None stays."""
    found = User.objects.filter(username=name).first() or User(username=name)
    if password:
        found.password = password
    if active is not None:
        found.is_active = active
    if scopes is not None:
        found.is_staff = found.is_superuser = STAFF in scopes
    found.save()
    if scopes is not None:
        found.groups.set([Group.objects.get_or_create(name=scope)[0] for scope in _groups(scopes)])


def _groups(scopes: Iterable[str]) -> list[str]:
    return sorted(set(scopes) - {STAFF, "read"})


def _scopes(user: Any) -> list[str]:
    groups = {group.name for group in user.groups.all()} & set(SCOPES)
    return sorted(groups | ({STAFF} if user.is_superuser else set()))


def _user(row: Any) -> UserRow:
    return UserRow(row.username, _scopes(row), row.is_active)
