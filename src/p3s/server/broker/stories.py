"""Stories that the broker is asked to tell, and how a batch of them is told over the book."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from p3s.protocol.errors import P3sError
from p3s.server.actions.work import Work
from p3s.server.sql import Disagreement, outage

Answer = Callable[[Any], None]
Story = Callable[[Work], Any]


@dataclass(slots=True)
class Request:
    """A story to be told in a transaction; `answer` gets its value, or a P3sError, after the commit. A `quiet` one
    decides from the book: it flushes before it reads the tables, if ever, and uses no models."""

    story: Story
    answer: Answer
    quiet: bool = False


class HalfDone(Exception):
    """A story was refused after it had decided something, which the book has by now: all must be undone."""

    def __init__(self, refusal: P3sError) -> None:
        super().__init__(f"refused after something was decided: {refusal}")
        self.refusal = refusal


def told(work: Work, batch: list[Request]) -> list[tuple[Answer, Any]]:
    """The value of each story, or the refusal that it ended in: then nothing of it stays. Raises HalfDone."""
    return [(request.answer, _value(work, request)) for request in batch]


def _value(work: Work, request: Request) -> Any:
    decided = work.decided
    try:
        if request.quiet:
            return request.story(work)
        work.flush()  # what came before it is not undone with it
        with transaction.atomic():
            return request.story(work)
    except P3sError as refusal:
        if work.decided != decided:
            raise HalfDone(refusal) from None
        return refusal


def may_succeed(error: Exception) -> bool:
    """Whether the same may succeed at once with the book rebuilt: it and the tables differed, or the connection was
    lost."""
    return isinstance(error, (Disagreement, IntegrityError)) or bool(outage(error))
