"""Tokens of users, and the server's secret."""

import hashlib
import secrets

from django.db.models import Q

from .models import Secret, Token


def digest(token: str) -> str:
    """How a token is stored: it is long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def secret() -> bytes:
    """The key of derived tokens, made at the first start."""
    row, _ = Secret.objects.get_or_create(name="tokens", defaults={"value": secrets.token_hex(32)})
    return bytes.fromhex(row.value)


def valid(now: float) -> dict[str, tuple[str, frozenset[str]]]:
    """Tokens in force: hash -> (owner, scopes)."""
    rows = Token.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    return {row.hash: (row.owner, frozenset(row.scopes.split())) for row in rows}


def add(token: str, *, name: str, owner: str, scopes: str, now: float) -> None:
    """Store a new token, hashed."""
    Token.objects.get_or_create(
        hash=digest(token), defaults={"name": name, "owner": owner, "scopes": scopes, "created_at": now}
    )
