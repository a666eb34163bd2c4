"""Who speaks: tokens of users from memory, tokens of pilots and attempts by their seal. No database on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from threading import Lock
from time import time

from p3s.protocol.errors import NotAllowed

from .seals import digest, seal

MOST_KNOWN = 20_000
"""As many pilots' tokens are remembered."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows. `pilot` and `job` are set for derived tokens, which reach nothing else. `until`: epoch
    seconds, None for ever."""

    owner: str
    scopes: frozenset[str]
    pilot: str = ""
    job: str = ""
    attempt: int = 0
    until: float | None = None

    @property
    def derived(self) -> bool:
        """Whether it is a pilot's or an attempt's."""
        return bool(self.pilot or self.job)

    def reaches(self, scope: str) -> bool:
        """Whether the token holds a scope; `admin` holds all, `operate` holds submitting and reading."""
        held = self.scopes
        return scope in held or "admin" in held or ("operate" in held and scope in ("read", "submit"))


class Grants:
    """All tokens in force. `users` reads those of people and programs, by hash; `reload` when they changed."""

    def __init__(self, secret: bytes, users: Callable[[], dict[str, Grant]]) -> None:
        self.secret = secret
        self._read = users
        self._users = users()
        self._known: dict[str, Grant] = {}
        self._reloading = Lock()

    def reload(self) -> None:
        """After a commit that made or revoked tokens. Of two at once the later read wins."""
        with self._reloading:
            self._users = self._read()

    def of(self, authorization: str) -> Grant:
        """The grant behind an Authorization header; raises NotAllowed (401)."""
        known = self._known.get(authorization)
        if known is not None:
            return known
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise NotAllowed("no token: set P3S_TOKEN, or run on the server's own machine", known=False)
        if token.startswith("p3sp."):
            return self._keep(authorization, self._pilot(token))
        if token.startswith("p3sj."):
            return self._job(token)
        found = self._users.get(digest(token))
        if found is None or (found.until is not None and found.until <= time()):
            raise NotAllowed("this token is not valid: it was mistyped, has expired or was revoked", known=False)
        return found

    def _keep(self, authorization: str, grant: Grant) -> Grant:
        """Remember what a pilot's token says: its seal stands as long as the server's secret."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[authorization] = grant
        return grant

    def pilot_token(self, pilot: str, nonce: str) -> str:
        """The token of a registration: the same pilot and nonce give the same token, so it can be asked again."""
        mark = digest(nonce)[:16]
        return f"p3sp.{pilot}.{mark}.{seal(self.secret, 'pilot', pilot, mark)}"

    def user_token(self, maker: str, key: str) -> str:
        """A new token of a person or program: the same maker and key give the same one, so it can be asked again."""
        return f"p3su_{seal(self.secret, 'user', maker, key)}"

    def job_token(self, job: str, attempt: int) -> str:
        """The token of an attempt."""
        return f"p3sj.{job}.{attempt}.{seal(self.secret, 'job', job, str(attempt))}"

    def _sealed(self, given: str, *words: str) -> bool:
        return compare_digest(given.encode(), seal(self.secret, *words).encode())

    def _pilot(self, token: str) -> Grant:
        parts = token.split(".")
        if len(parts) == 4 and self._sealed(parts[3], "pilot", parts[1], parts[2]):
            return Grant(f"pilot {parts[1]}", frozenset(), pilot=parts[1])
        raise NotAllowed("this pilot token is not valid: register the pilot anew", known=False)

    def _job(self, token: str) -> Grant:
        parts = token.split(".")
        if len(parts) == 4 and self._sealed(parts[3], "job", parts[1], parts[2]):
            return Grant(f"job {parts[1]}", frozenset(["read"]), job=parts[1], attempt=int(parts[2]))
        raise NotAllowed("this job token is not valid: it speaks only for its own attempt", known=False)


def need(grant: Grant, scope: str) -> None:
    """Raise NotAllowed (403) unless the grant reaches."""
    if not grant.reaches(scope):
        held = ", ".join(sorted(grant.scopes)) or "none"
        raise NotAllowed(f"this needs a token with the scope {scope!r}; yours has: {held}")
