"""Where a page of a list ended, as its link to older ones says: a moment, and what tells those of one moment apart."""

from math import isfinite


def after(at: float, name: str) -> str:
    """The cursor of what is listed last."""
    return f"{at!r}~{name}"


def parse(text: str) -> tuple[float, str] | None:
    """A moment and a name; None for what is no cursor, as if there were none. A moment alone is that moment's first."""
    at, _, name = text.partition("~")
    try:
        moment = float(at)
    except ValueError:
        return None
    return (moment, name) if isfinite(moment) else None
