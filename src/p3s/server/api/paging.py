"""Lists by pages, one way everywhere: `limit`, `cursor`, and `next` in the reply, which is null at the end.

A cursor says where the page before ended. It is a text that callers give back as they got it.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any, TypeVar, cast

from django.http import HttpRequest
from ninja import Query

from p3s.protocol.errors import BadInput

MOST = 1_000

Limit = Annotated[int, Query(ge=1, le=MOST, description="entries of a page at most")]
Cursor = Annotated[str, Query(max_length=100, description="`next` of the page before")]
Moment = Annotated[float | None, Query(ge=0, le=1e12, description="seconds since the epoch")]
Run = Annotated[int | None, Query(ge=0, le=2**62)]
Name = Annotated[str, Query(max_length=300)]
DryRun = Annotated[bool, Query(description="say what would be done, do nothing")]
Why = Annotated[str, Query(max_length=2_000, description="for the record")]


V = TypeVar("V", bound=Callable[..., Any])


def exact(view: V) -> V:
    """A route that refuses questions it does not know: a mistyped filter would show everything, a mistyped `dry_run`
    would do what was only to be told."""
    known = [name for name in inspect.signature(view).parameters if name != "request"]

    @wraps(view)
    def checked(request: HttpRequest, *given: Any, **named: Any) -> Any:
        questions = [name for name in known if not (request.resolver_match and name in request.resolver_match.kwargs)]
        for name in request.GET:
            if name not in questions:
                use = f"use {', '.join(questions)}" if questions else "nothing can be asked for with ?"
                raise BadInput(f"{name[:60]}: is not known here; {use}")
            if len(request.GET.getlist(name)) > 1:
                raise BadInput(f"{name[:60]}: is asked {len(request.GET.getlist(name))} times; ask it once")
        return view(request, *given, **named)

    return cast(V, checked)


def number(cursor: str) -> int | None:
    """A cursor of objects that are numbered; None for none. Raises BadInput."""
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise wrong(cursor)
    return int(cursor)


def moment_and_name(cursor: str) -> tuple[float, str] | None:
    """A cursor of objects that are ordered by a moment, and those of one moment by name. Raises BadInput."""
    if not cursor:
        return None
    moment, _, name = cursor.partition("~")
    try:
        at = float(moment)
    except ValueError:
        raise wrong(cursor) from None
    if not 0 <= at <= 1e12 or not name.isascii() or not name.isprintable():
        raise wrong(cursor)
    return at, name


def wrong(cursor: str) -> BadInput:
    """The refusal of a cursor that we never gave."""
    return BadInput(f"cursor: {cursor[:60]!r} is not the `next` of a page; leave it out to begin at the beginning")


def one_of(word: str, known: Sequence[str], where: str) -> str:
    """A word that is known, or none. Raises BadInput."""
    if word and word not in known:
        raise BadInput(f"{where}: {word[:60]!r} is none; use {', '.join(known)}")
    return word


def words(text: str, known: Sequence[str], where: str) -> tuple[str, ...]:
    """Words that are separated by commas. Raises BadInput for one that is not known."""
    return tuple(dict.fromkeys(one_of(word.strip(), known, where) for word in text.split(",") if word.strip()))


def page(name: str, rows: list[dict[str, Any]], limit: int, cursor_of: Any) -> dict[str, Any]:
    """The reply: of `rows`, one more than `limit` when there are more, those that are asked for."""
    shown = rows[:limit]
    return {name: shown, "next": cursor_of(shown[-1]) if len(rows) > limit else None}
