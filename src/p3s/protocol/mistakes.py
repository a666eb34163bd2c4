"""All mistakes of what a person wrote are told at once: checks of a whole yield them, a line each; `refuse` raises."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Callable

from .errors import BadInput

MOST_TOLD = 100
"""At once: who makes more begins with these."""


def refuse(mistakes: "Iterable[str]") -> None:
    """Raises BadInput with all of them, or the first hundred, if there are any."""
    found = list(islice(mistakes, MOST_TOLD))
    if found:
        raise BadInput(*found)


def said(check: "Callable[..., Any]", *args: Any) -> "Iterator[str]":
    """What a check of one thing raises, as mistakes."""
    try:
        check(*args)
    except BadInput as error:
        yield from error.mistakes
