"""Make and revoke tokens of people and programs."""

from p3s.domain.effects import Noted
from p3s.protocol.accounts import TokenRequest
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.server.accounts import queries as accounts
from p3s.server.accounts.grants import Grant
from p3s.server.accounts.queries import TokenRow

from .work import Work


def make(work: Work, *, request: TokenRequest, token: str, by: Grant) -> TokenRow:
    """Store the token, hashed. Nobody gives what they have not: scopes of their own, for themselves, no longer than
    their own token; an admin gives anything to anybody. Raises NotAllowed, or Conflict for a key that is used up."""
    owner = request.owner or by.owner
    expires_at = None if request.expires_in_s is None else work.now + request.expires_in_s
    _may_give(by, owner, request.scopes, expires_at, work.now)
    work.flush()
    scopes = " ".join(request.scopes)
    row = accounts.add(token, name=request.name, owner=owner, scopes=scopes, now=work.now, expires_at=expires_at)
    over = row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= work.now)
    if over or (row.name, row.owner, row.scopes) != (request.name, owner, request.scopes):
        what = "was revoked or has expired" if over else "has another name, owner or scopes"
        raise Conflict(f"key: it gave token {row.id}, which {what}; use another key")
    if row.created_at == work.now:
        what = f"{request.name}, for {owner}: {scopes}"
        work.desk.do([Noted("token", row.id, "made", by.owner, what, work.now)])
    return row


def _may_give(by: Grant, owner: str, scopes: list[str], expires_at: float | None, now: float) -> None:
    if by.derived:
        raise NotAllowed("the tokens of pilots and jobs make no others; use a token of a person")
    if by.reaches("admin"):
        return
    if owner != by.owner:
        raise NotAllowed(f"owner: only a token with the scope 'admin' makes one for {owner}; leave the owner out")
    for scope in scopes:
        if not by.reaches(scope):
            raise NotAllowed(f"scopes: your token does not hold {scope!r} itself; leave it out, or ask an admin")
    if by.until is not None and (expires_at is None or expires_at > by.until):
        raise NotAllowed(f"expires_in_s: your own token ends sooner; give at most {int(by.until - now)}")


def revoke(work: Work, *, id: str, by: Grant, why: str) -> TokenRow:
    """At once and for good. Raises NotKnown, or NotAllowed for somebody else's."""
    work.flush()
    row = None if by.derived else accounts.token(id)
    if row is None or not (row.owner == by.owner or by.reaches("admin")):
        raise NotKnown(f"there is no token {id} of yours; p3s token list shows them")
    if accounts.revoke(id, work.now):
        work.desk.do([Noted("token", id, "revoked", by.owner, why or row.name, work.now)])
    found = accounts.token(id)
    assert found is not None
    return found
