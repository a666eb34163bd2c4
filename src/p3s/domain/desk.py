"""Where messages are worked on, one after the other, over one book: every decision is applied and kept as an effect.

The server stores the effects of a desk in one transaction; the simulation in a dictionary. Nothing is answered before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from p3s.domain import brokerage, exchange, expiry, holding, pausing, shedding, staleness, suspects
from p3s.domain.book import Book
from p3s.domain.cancel import cancel
from p3s.domain.effects import ClassKey, Effect, JobAdded, JobEnded, Noted, PilotAdded, PilotMoved, Queued, TypeDeclared
from p3s.domain.exchange import NOTHING, Known, Past, TokenOf
from p3s.domain.instructing import instruct
from p3s.domain.job_types import changed
from p3s.domain.pool import PilotEntry
from p3s.domain.rerun import rerun
from p3s.protocol.errors import Conflict, Gone, NotKnown
from p3s.protocol.messages import ExchangeRequest, JobTypeSpec, Report, Verdict
from p3s.protocol.states import PilotState, Reason

DROPS = 100
"""So many jobs that are too late are dropped while handing out, between two rounds of upkeep, which drops the rest."""


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

    def declare(self, spec: JobTypeSpec, who: str) -> bool:
        """A job type's settings, in force at once. False when they were so already."""
        before = self.book.types.get(spec.name)
        if before == spec:
            return False
        why = ", ".join(f"{name} {said}" for name, said in changed(before or JobTypeSpec(spec.name), spec).items())
        self.do([TypeDeclared(spec, self.now), Noted("jobtype", spec.name, "set", who, why, self.now)])
        return True

    def pause(self, jobtype: str, who: str, why: str) -> bool:
        """Hand out nothing of a type, or of all. False when it was so already. Raises NotKnown."""
        return self._changes(pausing.pause(self.book, jobtype, who, why, self.now))

    def resume(self, jobtype: str, who: str, why: str) -> bool:
        """End a pause. False when there is none."""
        return self._changes(pausing.resume(self.book, jobtype, who, why, self.now))

    def _changes(self, effects: list[Effect]) -> bool:
        self.do(effects)
        return bool(effects)

    def supersede(self, older: Iterable[Queued], by: str) -> None:
        """Drop queued jobs that a newer one replaces."""
        self.do(staleness.supersede(older, by, self.now))

    def came_back(self) -> list[Queued]:
        """Jobs that are queued again since this was asked last, of types whose newer ones supersede older. Before the
        next `settle` those that a newer one replaces are to be dropped, by `supersede`."""
        jobs, self.book.back = self.book.back, []
        return jobs

    def heard_of(self) -> bool:
        """Whether there is something to be asked of `followed` or `begun`."""
        return bool(self.book.followed or self.book.begun)

    def followed(self) -> list[JobEnded]:
        """Ends that something waits for or looks at, since this was asked last, in order."""
        ended, self.book.followed = self.book.followed, []
        return ended

    def begun(self) -> set[str]:
        """Workflows of which a job has started, and that may not have heard of it, since this was asked last."""
        begun, self.book.begun = self.book.begun, set()
        return begun

    def register(self, added: PilotAdded) -> None:
        """Take a pilot in. Asked again with the same token it changes nothing; with another it is refused."""
        entry = self.book.alive(added.pilot)
        if entry is None:
            self.do([added])
        elif entry.token_hash != added.token_hash:
            raise Conflict(f"another pilot is registered as {added.pilot}; start with a new identity")

    def report(self, pilot: str, reports: Iterable[Report], known: Known = NOTHING) -> list[Verdict]:
        """Work on reports, from either lane; a pilot that was given up may still bring them."""
        entry = self.book.alive(pilot)
        if entry is not None:
            self.book.heard.again(entry, self.now)
        verdicts = []
        for report in reports:
            effects, verdict = exchange.judge_report(self.book, pilot, report, known, self.now)
            self.do(effects)
            verdicts.append(verdict)
        return verdicts

    def order_lane(self, pilot: str, message: ExchangeRequest, known: Known = NOTHING) -> PilotEntry:
        """Open the pilot's order lane; `settle` answers it when there is something to say.

        Raises Gone for a pilot not in service, Conflict for a `seq` that is not above the last one.
        """
        entry = exchange.check_lane(self.book, pilot, message.seq)
        self.book.heard.again(entry, self.now)
        self.do(exchange.end_older_wait(entry))
        verdicts = self.report(pilot, message.reports, known)
        self.do(exchange.reconcile(self.book, entry, message, self.now))
        if message.goodbye:
            self.book.open_lane(entry, message.seq, message.acked)
            self.do(
                exchange.end_pilot(
                    self.book, entry, PilotState.STOPPED, message.goodbye, Reason.PILOT_STOPPED, self.now
                )
            )
            return entry
        if message.draining and entry.state is PilotState.ACTIVE:
            why = "the pilot takes no more"
            self.do([PilotMoved(pilot, PilotState.ACTIVE, PilotState.DRAINING, why, self.now, entry.last_seen)])
        self.book.open_lane(entry, message.seq, message.acked)
        entry.verdicts = verdicts
        entry.strangers = exchange.strangers(entry, message)
        return entry

    def cancel(self, job: str, past: Past, who: str, why: str) -> str:
        """Cancel a job; returns a note for the person who asked."""
        effects, note = cancel(self.book, job, past, who, why, self.now)
        self.do(effects)
        return note

    def hold(self, job: str, past: Past, who: str, why: str) -> str:
        """Keep a queued job from being handed out; returns a note. Raises Conflict when it is too late."""
        return self._tell(holding.hold(job, past, who, why, self.now))

    def release(self, job: str, past: Past, who: str, why: str) -> str:
        """Let a held job go; returns a note. Raises Conflict."""
        return self._tell(holding.release(job, past, who, why, self.now))

    def adjust(self, job: str, past: Past, priority: int, who: str, why: str) -> str:
        """Change the priority of a job that waits; returns a note. Raises Conflict."""
        return self._tell(holding.adjust(job, past, priority, who, why, self.now))

    def _tell(self, decided: tuple[list[Effect], str]) -> str:
        effects, note = decided
        self.do(effects)
        return note

    def rerun(self, job: str, past: Past, added: JobAdded, who: str, why: str) -> None:
        """Run an ended job again as `added`. Raises Conflict."""
        self.do(rerun(job, past, added, who, why, self.now))

    def trust(self, host: str, who: str, why: str) -> int:
        """A person takes a host out of suspicion; returns of how many doubts. Raises NotKnown."""
        record = self.book.hosts.known.get(host)
        if record is None:
            raise NotKnown(f"no pilot serves on a host {host!r}, and it is not suspect; p3s pilot hosts lists them")
        doubts = list(record.doubts.values())
        for doubt in doubts:
            self.do(suspects.trust(record, doubt, who, why, self.now))
        return len(doubts)

    def instruct(self, pilot: str, what: str, who: str, why: str) -> str:
        """Tell a pilot in service to drain or to stop; returns a note for the person. Raises Gone."""
        entry = self.book.alive(pilot)
        if entry is None:
            raise Gone(f"pilot {pilot} has ended")
        return self._tell(instruct(entry, what, who, why, self.now))

    def death(self, pilot: str, evidence: str) -> bool:
        """A guardian's word. False when the pilot had ended already."""
        entry = self.book.alive(pilot)
        if entry is None:
            return False
        self.do(exchange.end_pilot(self.book, entry, PilotState.LOST, evidence, Reason.GUARDIAN, self.now))
        return True

    def expire(self, grace_s: float) -> None:
        """Give up pilots whose lease and grace have passed unheard."""
        for entry in expiry.overdue(self.book, grace_s, self.now):
            self.do(expiry.give_up(self.book, entry, self.now))

    def stale_due(self) -> bool:
        """Whether queued jobs may be stale, so that `drop_stale` is to be given those that the tables name."""
        return self.now >= self.book.queues.stale_from

    def drop_stale(self, jobs: Iterable[Queued], more_at: float) -> None:
        """Drop those of some queued jobs that are stale; before `more_at` none of the others is."""
        self.do(staleness.drop_stale(jobs, self.now))
        self.book.queues.stale_from = more_at

    def tend(self) -> None:
        """What is done every so often: shed what must give way, let probes go."""
        self.book.drops = 0
        self.do(shedding.shed(self.book, self.now))
        for host, doubt in suspects.probes_due(self.book, self.now):
            self.book.try_host(host, doubt)

    def settle(self) -> list[ClassKey]:
        """Hand out what can be handed out and answer the lanes that are due an answer.

        Returns classes whose head must first be read from the database; settle again after that.
        """
        book = self.book
        while book.hosts.evidence:
            self.do(suspects.judge(book, book.hosts.evidence.popleft(), self.now))
        while moves := brokerage.next_move(book, self.now, DROPS - book.drops):
            book.drops += len(moves) > 1
            self.do(moves)
        hungry = book.queues.hungry() if book.ready or book.eager else []
        if hungry:
            return hungry
        while book.owed:
            entry = book.alive(book.owed.popleft())
            if entry is not None:
                self.do(exchange.answer(entry, self.token_of))
        return []
