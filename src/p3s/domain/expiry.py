"""What is past due at `now`: pilots unheard for too long."""

from p3s.domain.book import Book
from p3s.domain.effects import Effect
from p3s.domain.exchange import end_pilot
from p3s.domain.pool import PilotEntry
from p3s.protocol.states import PilotState, Reason


def silent_for(book: Book, entry: PilotEntry, now: float) -> float:
    """Seconds since the pilot was heard, never counted from before this server's own start."""
    return now - max(entry.last_seen, book.started_at)


def clock_was_set(book: Book, by_s: float, now: float) -> None:
    """The server's clock was set, to `now`: no pilot is silent, or heard in the future, for that alone."""
    book.started_at += by_s
    book.heard.clock_was_set(by_s, now)


def overdue(book: Book, grace_s: float, now: float) -> list[PilotEntry]:
    """Pilots whose lease plus grace has passed unheard, by name: in whatever order they were heard."""

    def is_over(entry: PilotEntry) -> bool:
        return silent_for(book, entry, now) > entry.lease_s + grace_s

    return sorted(book.heard.unheard(is_over, now), key=lambda entry: entry.pilot)


def give_up(book: Book, entry: PilotEntry, now: float) -> list[Effect]:
    """The pilot and its jobs are lost; by its lease's end it has killed them itself, so that is true."""
    why = f"not heard for {silent_for(book, entry, now):.0f} s, beyond its lease of {entry.lease_s:.0f} s"
    return end_pilot(book, entry, PilotState.LOST, why, Reason.LEASE_ENDED, now)
