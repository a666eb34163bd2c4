"""What a pilot does next: events in, actions out. Pure; `now` is seconds on a clock that counts suspension.

The shell (`agent`) performs the actions and feeds back what came of them. Both lanes, the lease, time limits and
the way to the end are decided here, so that the simulation runs the same rules on a virtual clock.
"""

from dataclasses import dataclass, field
from typing import Optional

from p3s.protocol.messages import AHEAD_PER_SLOT, ExchangeReply, ExchangeRequest, Held, Instruction, Order, Report

from .actions import (
    NEVER,
    Action,
    Call,
    Child,
    Ended,
    Finish,
    Kill,
    OpenLane,
    Start,
    limit_at,
    outcome,
)
from .backoff import delay
from .outbox import Load, Outbox

KILL_AFTER_S = 10.0
"""From the polite signal to the one that cannot be refused."""

LEASE_MARGIN = 0.1
"""Payloads are killed when this part of the lease is left, so that they are dead by its end."""

LINGER_S = 0.005
"""A full pilot waits so long for a job to end before it opens its order lane again, so that the report of the end and
the order of the next job share one exchange. Longer jobs do not notice; short ones come at half the cost."""

STILL_S = 0.002
"""After a start the pilot asks for more only so much later: the payload has the processor first."""

GATHER_S = 0.003
"""When a job ends while others that began within LINGER_S still run, their ends are waited for so long: jobs so short
come in flocks, and one exchange serves a flock."""

AHEAD_S = 0.25
"""An order that came ahead of a free slot waits so long for one, then it is given back."""

STOCKED_S = 0.02
"""While more orders wait for slots than there are slots, reports may wait so long for company."""

SPARE_S = 0.02
"""The start of a process is reported when it has run so long; an end before that says both."""

TERM, KILL = 15, 9

REFUSED_S = 1.0
"""After refusing an order the lane stays closed for so long."""

LAST_WORDS = 3
"""How often a pilot that has nothing left says goodbye to a server that does not answer."""


@dataclass
class Machine:
    """One pilot's life, from its registration. `asked` is why it was told to end, if it was."""

    slots: int
    lease_s: float
    wait_s: float
    heard_at: float
    chance: float = 0.5
    seq: int = 0
    acked: int = 0
    seen: "dict[str, int]" = field(default_factory=dict)
    children: "dict[tuple[str, int], Child]" = field(default_factory=dict)
    #: Orders that wait for a slot, in their order.
    ahead: "dict[tuple[str, int], Child]" = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)
    #: Reports under way: in a call, and on the open order lane.
    sent: Load = field(default_factory=Load)
    riding: Load = field(default_factory=Load)
    lane_open: bool = False
    calling: bool = False
    lane_failures: int = 0
    call_failures: int = 0
    lane_after: float = 0.0
    call_after: float = 0.0
    linger_until: float = 0.0
    still_until: float = 0.0
    gather_until: float = 0.0
    must_reconcile: bool = True
    asked: str = ""
    asked_hard: bool = False
    told_draining: bool = False
    gone: bool = False
    leaving: bool = False
    over: bool = False

    # ---- events

    def begin(self, now: float) -> "list[Action]":
        """Registered just now."""
        return self._next(now)

    def lane_answered(self, reply: ExchangeReply, sent_at: float, now: float) -> "list[Action]":
        """The order lane came back. The lease counts from the sending."""
        if self.over:
            return []
        self.lane_open = False
        self.lane_failures = 0
        self.must_reconcile = False
        self._renew(reply, sent_at)
        if reply.come_back:  # a server stops, or has rebuilt its memory: it may not know all that we hold
            self.must_reconcile = True
            self.lane_after = now + delay(1, self.chance)
        actions = self._obey(reply, now)
        self.outbox.confirm(self.riding, reply.verdicts)
        return actions + self._next(now)

    def lane_failed(self, kind: str, now: float) -> "list[Action]":
        """`later`: no answer; `conflict`: a later exchange was heard; `refused`; `gone`, `unknown`: given up."""
        self.lane_open = False
        self.must_reconcile = True
        self.lane_failures += 1
        self.lane_after = now + delay(self.lane_failures, self.chance)
        self._not_taken(self.riding, kind)
        return self._given_up(kind, now) + self._next(now)

    def call_answered(self, reply: ExchangeReply, sent_at: float, now: float) -> "list[Action]":
        """Reports were judged, or the word was heard."""
        self.calling = False
        self.call_failures = 0
        self._renew(reply, sent_at)
        actions = self._obey(reply, now)
        self.outbox.confirm(self.sent, reply.verdicts)
        if self.leaving:
            return [*actions, self._finish(self.asked)]
        return actions + self._next(now)

    def call_failed(self, kind: str, now: float) -> "list[Action]":
        """As `lane_failed`; what was sent stays in the outbox and goes again."""
        self.calling = False
        self.call_failures += 1
        self.call_after = now + delay(self.call_failures, self.chance)
        self.told_draining = False
        if self.leaving and (kind != "later" or self.call_failures >= LAST_WORDS):
            return [self._finish(self.asked)]
        self.leaving = False
        self._not_taken(self.sent, kind)
        return self._given_up(kind, now) + self._next(now)

    def child_started(self, job: str, attempt: int, now: float) -> "list[Action]":
        """Its process runs."""
        child = self.children[job, attempt]
        child.started_at = now
        self.linger_until, self.still_until = now + LINGER_S, now + STILL_S
        self.outbox.say(child, "running", now + SPARE_S)
        return self._next(now)

    def child_ended(self, job: str, attempt: int, ended: Ended, now: float) -> "list[Action]":
        """Its process is gone (or could not be started), and what it left is delivered."""
        child = self.children.pop((job, attempt))
        if self.children and now < self.linger_until and now >= self.gather_until:
            self.gather_until = now + GATHER_S
        state, reason, detail = outcome(child, ended)
        self.outbox.say(child, state, now, reason, detail, ended)
        return self._fill() + self._next(now)

    def ask_to_end(self, why: str, now: float, hard: bool) -> "list[Action]":
        """A person or the batch system asks the pilot to end: after its jobs, or (`hard`) with them."""
        self.asked = self.asked or why
        actions: list[Action] = []
        if hard and self.asked_hard and not self.children:
            return [self._finish(f"{why}: asked again, {len(self.outbox)} reports are undelivered")]
        self.asked_hard = self.asked_hard or hard
        self._give_back(list(self.ahead.values()), "the pilot is ending", now)
        if hard:
            for child in list(self.children.values()):
                actions += self._end(child, "pilot stopped", why, TERM, now)
        return actions + self._next(now)

    def tick(self, now: float) -> "list[Action]":
        """Time passed: limits, kills that were not obeyed, the lease, lanes to open again."""
        actions: list[Action] = []
        lease_over = now >= self.lease_ends_at()
        late = [child for child in self.ahead.values() if lease_over or now >= child.ahead_until]
        self._give_back(late, "no slot became free in time", now)
        for child in list(self.children.values()):
            if lease_over and not child.killed:
                actions += self._end(child, "lease ended", "the server was not heard within the lease", KILL, now)
            elif child.kill_at is not None and now >= child.kill_at:
                actions += self._end(child, child.ending, child.detail, KILL, now)
            elif not child.ending and now >= limit_at(child):
                detail = f"ran longer than its limit of {child.order.time_limit:g} s"
                actions += self._end(child, "timelimit", detail, TERM, now)
        return actions + self._next(now)

    # ---- reading

    def lease_ends_at(self) -> float:
        """When payloads are killed if the server is not heard again."""
        return self.heard_at + self.lease_s * (1 - LEASE_MARGIN)

    def wake_at(self) -> float:
        """The next moment at which `tick` has something to do."""
        if self.over:
            return NEVER
        moments = [self._lane_due(), self._call_due(), self._patience_ends_at()]
        for child in self.children.values():
            moments.append(child.kill_at if child.kill_at is not None else limit_at(child))
        if self.ahead or not all(child.killed for child in self.children.values()):
            moments.append(self.lease_ends_at())
        moments += [child.ahead_until for child in self.ahead.values()]
        return min(moments)

    # ---- parts

    def _next(self, now: float) -> "list[Action]":
        """Keep both lanes in use."""
        actions: list[Action] = []
        if self.over:
            return actions
        if self.gone and not self.children and not self.outbox:
            return [self._finish("given up by the server", again=not self.asked)]
        if now >= self._patience_ends_at():
            return [self._finish(f"{self.asked}: the server was not heard again, {len(self.outbox)} reports are lost")]
        if now >= self._lane_due():
            actions.append(self._open_lane(now))
        if now >= self._call_due():
            actions.append(self._call(now))
        return actions

    def _patience_ends_at(self) -> float:
        """When a pilot that was asked to end stops waiting for a server that must have given it up by then."""
        return self.heard_at + self.lease_s if self.asked and not self.children else NEVER

    def _reports_due(self) -> float:
        due = self.outbox.due()
        return due + STOCKED_S if len(self.ahead) > self.slots else due

    def _lane_due(self) -> float:
        """When to open the order lane: soon with a free slot; a full pilot lingers for a report to carry."""
        if self.lane_open or self.gone or self.leaving or self.over:
            return NEVER
        if len(self.children) < self.slots:
            return max(self.lane_after, self.still_until, self._gathered())
        return max(self.lane_after, min(self.linger_until, self._reports_due()))

    def _gathered(self) -> float:
        """When a flock of ends is taken as complete: at once when nothing runs any more."""
        return min(self.gather_until, self.linger_until) if self.children else 0.0

    def _call_due(self) -> float:
        """When to call beside the lane: with reports unless the lane takes them, or with a last word."""
        if self.calling or self.over:
            return NEVER
        if self.outbox:
            # A lane that carries reports is answered at once: what came since goes with the next one.
            lane_first = 0.0 if self.lane_open else self.still_until
            return NEVER if self.riding else max(self.call_after, self._reports_due(), self._gathered(), lane_first)
        if not self.asked or self.gone or (self.children and self.told_draining):
            return NEVER
        return self.call_after

    def _open_lane(self, now: float) -> Action:
        self.lane_open = True
        self.riding = self.outbox.load(now)
        reports = self.riding.reports(now)
        # With reports it is answered at once, so it need not be given time to wait.
        return OpenLane(self._order_request(0.0 if reports else self.wait_s, reports))

    def _call(self, now: float) -> Action:
        self.calling = True
        self.sent = self.outbox.load(now)
        if self.sent:
            return Call(ExchangeRequest("reports", reports=self.sent.reports(now)))
        self.told_draining = True
        self.leaving = not self.children
        return Call(self._order_request(0.0, goodbye=self.asked if self.leaving else ""))

    def _order_request(
        self, wait_s: float, reports: "Optional[list[Report]]" = None, goodbye: str = ""
    ) -> ExchangeRequest:
        self.seq += 1
        holding = None
        if self.must_reconcile:
            holding = [Held(job, attempt) for job, attempt in {**self.children, **self.ahead, **self.outbox.said}]
        return ExchangeRequest(
            "orders", self.seq, self.acked, wait_s, holding, reports or [], bool(self.asked), goodbye
        )

    def _renew(self, reply: ExchangeReply, sent_at: float) -> None:
        self.heard_at = max(self.heard_at, sent_at)
        self.lease_s = reply.lease_s
        self.wait_s = reply.wait_s

    def _obey(self, reply: ExchangeReply, now: float) -> "list[Action]":
        actions: list[Action] = []
        for order in reply.orders:
            self.acked = max(self.acked, order.number)
            actions += self._take(order, now)
        for instruction in reply.instructions:
            self.acked = max(self.acked, instruction.number)
            actions += self._follow(instruction, now)
        return actions

    def _take(self, order: Order, now: float) -> "list[Action]":
        """Start an order, once ever per (job, attempt)."""
        if self.seen.get(order.job, 0) >= order.attempt:
            return []
        self.seen[order.job] = order.attempt
        child = Child(order)
        self.linger_until, self.still_until = now + LINGER_S, now + STILL_S
        why = self._refusal(now)
        if why:
            # The job may come straight back; so long another pilot has a chance.
            self.lane_after = max(self.lane_after, now + REFUSED_S)
            self._refuse(child, why, now)
            return []
        if len(self.children) >= self.slots:
            child.ahead_until = now + AHEAD_S
            self.ahead[order.job, order.attempt] = child
            return []
        self.children[order.job, order.attempt] = child
        return [Start(order)]

    def _fill(self) -> "list[Action]":
        """Start what came ahead in the slots that are free."""
        actions: list[Action] = []
        while self.ahead and len(self.children) < self.slots:
            key = next(iter(self.ahead))
            child = self.children[key] = self.ahead.pop(key)
            actions.append(Start(child.order))
        return actions

    def _give_back(self, children: "list[Child]", why: str, now: float) -> None:
        """Refuse orders that came ahead and were not started."""
        for child in children:
            del self.ahead[child.order.job, child.order.attempt]
            self._refuse(child, why, now)

    def _refuse(self, child: Child, why: str, now: float) -> None:
        self.outbox.say(child, "refused", now, detail=why, ended=Ended(ended_at=now))

    def _refusal(self, now: float) -> str:
        """Why an order is not taken, or nothing."""
        if self.asked or self.gone:
            return "the pilot is ending"
        if now >= self.lease_ends_at():
            return "the order came after the lease had ended"
        full = len(self.children) + len(self.ahead) >= self.slots * (1 + AHEAD_PER_SLOT)
        return "its slots are full" if full else ""

    def _follow(self, instruction: Instruction, now: float) -> "list[Action]":
        if instruction.kind == "kill":
            child = self.children.get((instruction.job, instruction.attempt))
            if child is not None:
                return self._end(child, "cancelled", instruction.why, TERM, now)
            early = self.ahead.get((instruction.job, instruction.attempt))
            self._give_back([early] if early else [], instruction.why, now)
            return []
        return self.ask_to_end(instruction.why or f"told to {instruction.kind}", now, instruction.kind == "stop")

    def _end(self, child: Child, why: str, detail: str, signal: int, now: float) -> "list[Action]":
        """Signal an attempt; the first reason to end it stands."""
        if child.ending and signal == TERM:
            return []
        if not child.ending:
            child.ending, child.ending_at, child.detail = why, now, detail
        child.killed = child.killed or signal == KILL
        child.kill_at = now + KILL_AFTER_S
        return [Kill(child.order.job, child.order.attempt, signal)]

    def _not_taken(self, load: Load, kind: str) -> None:
        if kind == "refused":
            self.outbox.set_aside(load)
        else:
            self.outbox.take_back(load)

    def _given_up(self, kind: str, now: float) -> "list[Action]":
        if kind == "unknown":  # a server without our record: nobody is left to report to
            self.outbox.clear()
        return self._gone(now) if kind in ("gone", "unknown") else []

    def _gone(self, now: float) -> "list[Action]":
        """The server gave this pilot up: end what runs, deliver the reports, be over."""
        self.gone = True
        self._give_back(list(self.ahead.values()), "the server gave this pilot up", now)
        actions: list[Action] = []
        for child in list(self.children.values()):
            if not child.killed:
                actions += self._end(child, "lease ended", "the server gave this pilot up", KILL, now)
        return actions

    def _finish(self, why: str, again: bool = False) -> Action:
        self.over = True
        return Finish(why, again)
