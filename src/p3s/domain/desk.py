"""Where messages are worked on, one after the other, over one book: every decision is applied and kept as an effect.

The server stores the effects of a desk in one transaction; the simulation in a dictionary. Nothing is answered before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from p3s.domain import exchange, expiry
from p3s.domain.book import Book, ClassKey, PilotEntry
from p3s.domain.brokerage import next_dispatch
from p3s.domain.cancel import cancel
from p3s.domain.effects import Effect, JobAdded, PilotAdded, PilotMoved
from p3s.domain.exchange import Past, TokenOf
from p3s.protocol.errors import Conflict
from p3s.protocol.messages import ExchangeRequest, Report, Verdict
from p3s.protocol.states import PilotState, Reason


@dataclass(slots=True)
class Desk:
    """`now` is one moment for all that is decided here."""

    book: Book
    token_of: TokenOf
    now: float
    effects: list[Effect] = field(default_factory=list)

    def do(self, effects: Iterable[Effect]) -> None:
        """Apply decided effects to the book and keep them for the store."""
        for effect in effects:
            self.book.apply(effect)
            self.effects.append(effect)

    def submit(self, added: Iterable[JobAdded]) -> None:
        """Accept jobs."""
        self.do(added)

    def register(self, added: PilotAdded) -> None:
        """Take a pilot in. Asked again with the same token it changes nothing; with another it is refused."""
        entry = self.book.alive(added.pilot)
        if entry is None:
            self.do([added])
        elif entry.token_hash != added.token_hash:
            raise Conflict(f"another pilot is registered as {added.pilot}; start with a new identity")

    def report(self, pilot: str, reports: Iterable[Report], past: Mapping[str, Past]) -> list[Verdict]:
        """Work on reports, from either lane; a pilot that was given up may still bring them."""
        entry = self.book.alive(pilot)
        if entry is not None:
            self.book.saw(entry, self.now)
        verdicts = []
        for report in reports:
            effects, verdict = exchange.judge_report(self.book, pilot, report, past, self.now)
            self.do(effects)
            verdicts.append(verdict)
        return verdicts

    def order_lane(self, pilot: str, message: ExchangeRequest, past: Mapping[str, Past]) -> PilotEntry:
        """Open the pilot's order lane; `settle` answers it when there is something to say.

        Raises Gone for a pilot not in service, Conflict for a `seq` that is not above the last one.
        """
        entry = exchange.check_lane(self.book, pilot, message.seq)
        self.book.saw(entry, self.now)
        self.do(exchange.end_older_wait(entry))
        verdicts = self.report(pilot, message.reports, past)
        self.do(exchange.reconcile(entry, message, self.now))
        if message.goodbye:
            self.book.open_lane(entry, message.seq, message.acked)
            self.do(exchange.end_pilot(entry, PilotState.STOPPED, message.goodbye, Reason.PILOT_STOPPED, self.now))
            return entry
        if message.draining and entry.state is PilotState.ACTIVE:
            moved = PilotMoved(pilot, PilotState.ACTIVE, PilotState.DRAINING, "the pilot takes no more", self.now)
            self.do([moved])
        self.book.open_lane(entry, message.seq, message.acked)
        entry.verdicts = verdicts
        entry.strangers = exchange.strangers(entry, message)
        return entry

    def cancel(self, job: str, past: Past, who: str, why: str) -> str:
        """Cancel a job; returns a note for the person who asked."""
        effects, note = cancel(self.book, job, past, who, why, self.now)
        self.do(effects)
        return note

    def death(self, pilot: str, evidence: str) -> bool:
        """A guardian's word. False when the pilot had ended already."""
        entry = self.book.alive(pilot)
        if entry is None:
            return False
        self.do(exchange.end_pilot(entry, PilotState.LOST, evidence, Reason.GUARDIAN, self.now))
        return True

    def expire(self, grace_s: float) -> None:
        """Give up pilots whose lease and grace have passed unheard."""
        for entry in expiry.overdue(self.book, grace_s, self.now):
            self.do(expiry.give_up(self.book, entry, self.now))

    def settle(self) -> list[ClassKey]:
        """Hand out what can be handed out and answer the lanes that are due an answer.

        Returns classes whose head must first be read from the database; settle again after that.
        """
        while dispatch := next_dispatch(self.book, self.now):
            self.do([dispatch])
        hungry = self.book.hungry() if self.book.ready or self.book.eager else []
        if hungry:
            return hungry
        while self.book.owed:
            entry = self.book.alive(self.book.owed.popleft())
            if entry is not None:
                self.do(exchange.answer(entry, self.token_of))
        return []
