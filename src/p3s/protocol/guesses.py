"""What was meant by a word that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 1_000
"""Words that are compared: nobody has so many, and each costs."""


def near(word: str, known: "Iterable[str]", alike: float = 0.6) -> str:
    """`; did you mean …?`, or nothing. `alike`: how much of two words must be the same, of 1."""
    found = get_close_matches(word[:80], list(known)[:MOST], n=1, cutoff=alike)
    return f"; did you mean {found[0]}?" if found else ""


def guess(word: str, known: "Iterable[str]", alike: float = 0.6) -> str:
    """`; did you mean …?`, else what there is, to end a refusal with."""
    words = list(known)
    return near(word, words, alike) or (f"; there are {', '.join(words[:20])}" if words else "")
