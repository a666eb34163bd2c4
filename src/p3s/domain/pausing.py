"""People pause a job type, or all of them: nothing of it is handed out until they resume it. What runs goes on.

A pause is apart from the cap, so that resuming brings back what was.
"""

from p3s.domain.book import Book
from p3s.domain.effects import Effect, Noted, Paused, Resumed
from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.errors import NotKnown


def pause(book: Book, jobtype: str, who: str, why: str, now: float) -> list[Effect]:
    """Effects; none when it is paused so already. Raises NotKnown for a type that nobody has named yet."""
    if jobtype != ALL_TYPES and jobtype not in book.types:
        raise NotKnown(f"there is no job type {jobtype}; p3s jobtype list shows them")
    before = book.pauses.get(jobtype)
    if before is not None and (before.who, before.why) == (who, why):
        return []
    return [Paused(jobtype, why, who, now), Noted("jobtype", jobtype, "paused", who, why, now)]


def resume(book: Book, jobtype: str, who: str, why: str, now: float) -> list[Effect]:
    """Effects; none when it is not paused by itself: a pause of all types is resumed as such."""
    if jobtype not in book.pauses:
        return []
    return [Resumed(jobtype), Noted("jobtype", jobtype, "resumed", who, why, now)]


def paused(book: Book, jobtype: str) -> Paused | None:
    """The pause that keeps jobs of a type from going out, if there is one."""
    return (book.pauses.get(jobtype) or book.pauses.get(ALL_TYPES)) if book.pauses else None


def described(pause: Paused, now: float) -> str:
    """A pause in words for a person."""
    what = "everything" if pause.jobtype == ALL_TYPES else pause.jobtype
    ago_min = max(now - pause.at, 0.0) / 60
    since = f"{ago_min:.0f} min" if ago_min >= 1 else "less than a minute"
    return f"{what} is paused by {pause.who}, for {since}" + (f": {pause.why}" if pause.why else "")
