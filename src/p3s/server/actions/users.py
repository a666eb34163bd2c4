"""Make and change users of the browser."""

from p3s.domain.effects import Noted
from p3s.protocol.accounts import UserRequest
from p3s.protocol.errors import BadInput
from p3s.server.accounts import queries as accounts
from p3s.server.accounts.queries import UserRow

from .work import Work


def set_user(work: Work, *, name: str, request: UserRequest, password: str, who: str) -> UserRow:
    """`password` is the request's, hashed. Raises BadInput for a new user without one."""
    work.flush()
    before = accounts.user(name)
    if before is None and not password:
        raise BadInput(f"password: there is no user {name} yet; a new one needs a password")
    accounts.set_user(name, password=password, scopes=request.scopes, active=request.active)
    after = accounts.user(name)
    assert after is not None
    what = _changes(before, after, bool(password))
    work.desk.do([Noted("user", name, "changed" if before else "made", who, what, work.now)])
    return after


def _changes(before: UserRow | None, after: UserRow, password: bool) -> str:
    said = [] if before is None or not password else ["password"]
    if before is None or before.scopes != after.scopes:
        said.append(f"scopes: {' '.join(after.scopes) or 'read'}")
    if before is None or before.active != after.active:
        said.append("active" if after.active else "shut out")
    return ", ".join(said) or "nothing"


def logged(work: Work, *, name: str, what: str, where: str) -> None:
    """For the record: somebody logged in or out, or tried to."""
    work.desk.do([Noted("user", name[:80], what, name, where, work.now)])
