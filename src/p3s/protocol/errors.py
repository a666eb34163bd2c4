"""Errors, named by what the caller should do.

P3sError
├── Refused          the request is wrong; sending it again will not help
│   ├── BadInput     what it says cannot be (422)
│   ├── NotKnown     there is no such object (404)
│   ├── WrongMethod  there is such a path, but not this method (405)
│   ├── NotAllowed   the token does not reach (401, 403)
│   ├── Conflict     it contradicts what is already so (409)
│   ├── Gone         the server has given this pilot up (410)
│   ├── TooLarge     it has more bytes than are taken (413)
│   └── NoRoom       the server's disk is full; what needs less room is taken (507)
└── TryLater         nothing is wrong with the request (503, or no answer)
    └── Unreachable  no server answered
        └── Stranger  what answered is no p3s server
"""

from collections.abc import Sequence
from typing import Optional


class P3sError(Exception):
    """Root. `str()` is one line for a person and says what to do. `exit_code` is that of a command it ends."""

    status = 500
    title = "error"
    exit_code = 1


class Refused(P3sError):
    status = 400
    title = "refused"
    exit_code = 6


class BadInput(Refused):
    """`mistakes` are all that were found, a line each, in the order of what was sent; `str()` is the first of them, and
    how many more there are."""

    status = 422
    title = "bad input"
    exit_code = 2

    def __init__(self, first: str = "", *others: str) -> None:
        super().__init__(f"{first} (and {len(others)} more)" if others else first)
        self.mistakes = (first, *others)


class NotKnown(Refused):
    status = 404
    title = "not known"
    exit_code = 4


class WrongMethod(Refused):
    status = 405
    title = "wrong method"


class NotAllowed(Refused):
    """401 without a valid token, 403 with one that does not reach."""

    status = 403
    title = "not allowed"
    exit_code = 5

    def __init__(self, message: str, *, known: bool = True) -> None:
        super().__init__(message)
        self.status = 403 if known else 401


class Conflict(Refused):
    status = 409
    title = "conflict"


class Gone(Refused):
    """The server has given this pilot up: end what it runs, deliver its reports, register anew."""

    status = 410
    title = "gone"


class TooLarge(Refused):
    status = 413
    title = "too large"


class NoRoom(Refused):
    """The server's disk is full. What needs less room is still taken: states, numbers, or nothing but they."""

    status = 507
    title = "no room"


class TryLater(P3sError):
    status = 503
    title = "try later"
    exit_code = 3


class Unreachable(TryLater):
    title = "unreachable"


class Stranger(Unreachable):
    title = "no p3s server"


_BY_STATUS: "dict[int, type[P3sError]]" = {
    404: NotKnown,
    405: WrongMethod,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: BadInput,
}


def from_status(status: int, detail: str, mistakes: "Sequence[str]" = ()) -> P3sError:
    """The error behind an HTTP status, the `detail` of its problem body, and all its mistakes if it names several."""
    if status == BadInput.status and mistakes:
        return BadInput(*mistakes)
    if status == NoRoom.status:
        return NoRoom(detail)
    if status >= 500:
        return TryLater(detail)
    if status in (401, 403):
        return NotAllowed(detail, known=status == 403)
    return _BY_STATUS.get(status, Refused)(detail)


def from_problem(status: int, body: object) -> Optional[P3sError]:
    """The error that a problem body tells; None when it is none of ours, such as that of another web server."""
    if not isinstance(body, dict) or body.get("status") != status or not isinstance(body.get("title"), str):
        return None
    detail, errors = body.get("detail"), body.get("errors")
    if not isinstance(detail, str) or not detail:
        return None
    return from_status(status, detail, [str(one) for one in errors] if isinstance(errors, list) else [])


def problem(error: P3sError, *, instance: Optional[str] = None) -> "dict[str, object]":
    """Body of an `application/problem+json` answer (RFC 9457)."""
    body: dict[str, object] = {"title": error.title, "status": error.status, "detail": str(error)}
    if isinstance(error, BadInput) and len(error.mistakes) > 1:
        body["errors"] = list(error.mistakes)
    if instance:
        body["instance"] = instance
    return body
