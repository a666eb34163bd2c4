"""What was meant by a word that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def guess(word: str, known: "Iterable[str]") -> str:
    """`; did you mean …?`, else what there is, to end a refusal with."""
    words = list(known)
    near = get_close_matches(word[:80], words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(words[:20])}" if words else ""
