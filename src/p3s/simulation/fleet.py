"""Pilots of the simulation: the real machine, with processes and guardians that only exist on the virtual clock."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from p3s.pilot.actions import Action, Call, Ended, Finish, Kill, OpenLane, Start
from p3s.pilot.backoff import delay
from p3s.pilot.machine import Machine
from p3s.protocol.errors import Conflict, Gone, NotAllowed, Refused
from p3s.protocol.messages import DeathRequest, ExchangeReply, ExchangeRequest, Order, RegisterRequest

from .clock import Clock
from .network import Network
from .server import Crash, SimServer
from .store import Broken

TIMEOUT_S = 12.0

LENGTHS = {"": [0.001, 0.1, 1.0, 5.0, 30.0], "quick": [0.001, 0.002, 0.005]}
"""Seconds that a payload takes, drawn from these; a payload is its job type's name."""

RESULTS: dict[str, list[list[str]]] = {"telling": [[], ["A"], ["A", "A/b"], ["A", "A/b", "C"]]}
"""What a payload that ends well has published, drawn from these: `category` and `category/item`."""


@dataclass
class Truth:
    """What really happened on the nodes, against which the server's rows are judged.

    `lacking`: (host, payload) of programs that are not there. `retries`: starts that a payload may have beyond one.
    """

    starts: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    alive: dict[tuple[str, int], str] = field(default_factory=dict)
    lacking: set[tuple[str, str]] = field(default_factory=set)
    retries: dict[str, int] = field(default_factory=dict)

    def started(self, pilot: str, job: str, attempt: int, payload: str) -> None:
        starts = self.starts.setdefault(job, [])
        starts.append((pilot, attempt))
        if len(starts) > 1 + self.retries.get(payload, 0):
            raise Broken(f"{job} started {starts}: a payload starts once, and once a retry")
        if len({attempt for _, attempt in starts}) < len(starts):
            raise Broken(f"{job} started {starts}: an attempt starts once")
        elsewhere = [one for one in self.alive if one[0] == job]
        if elsewhere:
            raise Broken(f"{job} starts as attempt {attempt} while {elsewhere} is alive")
        self.alive[job, attempt] = pilot


class Site:
    """Where calls meet the server: a call lost anywhere ends in a time-out for the caller."""

    def __init__(self, clock: Clock, network: Network, server: SimServer) -> None:
        self.clock = clock
        self.network = network
        self.server = server

    def call(self, sender: str, ask: Callable[[Callable[[Any], None]], None], done: Callable[[Any], None]) -> None:
        """`done` gets the answer, or None after the time-out; once."""
        state = {"open": True}

        def answer(value: Any) -> None:
            if state["open"]:
                state["open"] = False
                done(value)

        def reply(value: Any) -> None:
            self.network.send("server", sender, partial(answer, value))

        def arrive() -> None:
            if self.server.up:
                with contextlib.suppress(Crash):
                    ask(reply)

        self.network.send(sender, "server", arrive)
        self.clock.after(TIMEOUT_S, partial(answer, None))


class SimPilot:
    """`name` grows a number each time it registers anew."""

    def __init__(
        self, clock: Clock, site: Site, chance: random.Random, truth: Truth, name: str, slots: int, /, **has: Any
    ) -> None:
        """`has`: what it declares besides slots, by the names of a RegisterRequest; `host` too."""
        self.clock, self.site, self.chance, self.truth = clock, site, chance, truth
        self.base, self.life = name, 0
        self.slots = slots
        self.host = str(has.pop("host", name))
        self.has = has
        #: As LENGTHS.
        self.lengths = LENGTHS
        self.machine: Machine | None = None
        self.dead = False
        self.register(1)

    # ---- registration

    @property
    def name(self) -> str:
        return f"{self.base}.{self.life}"

    def register(self, failures: int) -> None:
        if self.dead:
            return
        request = RegisterRequest(self.name, f"nonce {self.name}", 1, "sim", self.host, self.slots, **self.has)
        sent_at = self.clock.now

        def done(answer: Any) -> None:
            if isinstance(answer, ExchangeReply) and not self.dead:
                self.machine = Machine(self.slots, answer.lease_s, answer.wait_s, sent_at, self.chance.random())
                self.perform(self.machine.begin(self.clock.now))
                self.tick(self.machine)
            elif isinstance(answer, Gone):  # an earlier answer was lost, for longer than a lease
                self.life += 1
                self.register(1)
            elif isinstance(answer, Refused):
                self.dead = True  # its program ends and says why; whoever keeps pilots alive starts another
            else:
                self.clock.after(delay(failures, self.chance.random()), partial(self.register, failures + 1))

        self.site.call(self.name, lambda reply: self.site.server.register(request, reply), done)

    # ---- acting

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case OpenLane():
                    self.exchange(action.request, lane=True)
                case Call():
                    self.exchange(action.request, lane=False)
                case Start():
                    self.start(action.order)
                case Kill():
                    self.clock.after(0.01, partial(self.end, self.name, action.job, action.attempt, -action.signal))
                case Finish():
                    self.finish(action)

    def exchange(self, request: ExchangeRequest, lane: bool) -> None:
        machine, name, sent_at = self.machine, self.name, self.clock.now
        assert machine is not None

        def done(answer: Any) -> None:
            if self.dead or self.machine is not machine:
                return
            if isinstance(answer, ExchangeReply):
                react = machine.lane_answered if lane else machine.call_answered
                self.perform(react(answer, sent_at, self.clock.now))
            else:
                fail = machine.lane_failed if lane else machine.call_failed
                self.perform(fail(kind_of(answer), self.clock.now))

        self.site.call(name, lambda reply: self.site.server.exchange(name, request, reply), done)

    def tick(self, machine: Machine) -> None:
        if not self.dead and self.machine is machine and not machine.over:
            self.perform(machine.tick(self.clock.now))
            wait_s = min(0.5, max(0.001, machine.wake_at() - self.clock.now))
            self.clock.after(wait_s, partial(self.tick, machine))

    def start(self, order: Order) -> None:
        job, attempt = order.job, order.attempt
        assert self.machine is not None
        if (self.host, order.payload) in self.truth.lacking:
            self.truth.ends[job, attempt] = 127
            ended = Ended(ended_at=self.clock.now, reason="nonstarter", detail="no such program")
            self.perform(self.machine.child_ended(job, attempt, ended, self.clock.now))
            return
        self.truth.started(self.name, job, attempt, order.payload)
        running = sum(pilot == self.name for pilot in self.truth.alive.values())
        if running > self.slots:
            raise Broken(f"{running} processes in the {self.slots} slots of {self.name}")
        exit_code = 1 if self.chance.random() < 0.1 else 0
        length = self.chance.choice(self.lengths.get(order.payload, self.lengths[""]))
        self.clock.after(length, partial(self.end, self.name, job, attempt, exit_code))
        self.perform(self.machine.child_started(job, attempt, self.clock.now))

    def end(self, name: str, job: str, attempt: int, code: int) -> None:
        """A process ends by itself (exit code) or by our signal (negative)."""
        if self.truth.alive.pop((job, attempt), None) is None:
            return
        self.truth.ends[job, attempt] = code
        if self.dead or self.machine is None or name != self.name:
            return
        machine, child = self.machine, self.machine.children[job, attempt]
        wall_s = self.clock.now - (child.started_at or self.clock.now)
        ended = Ended(code if code >= 0 else None, -code if code < 0 else None, self.clock.now, wall_s)
        names = self.chance.choice(RESULTS[child.order.payload]) if code == 0 and child.order.payload in RESULTS else []
        if not names:
            self.perform(machine.child_ended(job, attempt, ended, self.clock.now))
            return

        def delivered(_: Any) -> None:
            """Or given up: what is told of it goes on."""
            if not self.dead and self.machine is machine and (job, attempt) in machine.children:
                self.perform(machine.child_ended(job, attempt, ended, self.clock.now))

        self.site.call(name, lambda reply: self.site.server.publish(job, attempt, names, reply), delivered)

    def finish(self, action: Finish) -> None:
        if action.again:
            self.life += 1
            self.machine = None
            self.register(1)
        else:
            self.dead = True

    # ---- disasters

    def kill(self, guardian: bool) -> None:
        """`kill -9` of the pilot; its guardian ends the payloads and says so, or the whole node is gone."""
        if self.dead:
            return
        self.dead = True
        for (job, attempt), pilot in list(self.truth.alive.items()):
            if pilot == self.name:
                del self.truth.alive[job, attempt]
                self.truth.ends[job, attempt] = -9
        if guardian:
            self.clock.after(0.2, partial(self.mourn, 1))

    def mourn(self, failures: int) -> None:
        def done(answer: Any) -> None:
            if answer is None:
                self.clock.after(delay(failures, 0.5), partial(self.mourn, failures + 1))

        word = DeathRequest("guardian")
        self.site.call(self.name, lambda reply: self.site.server.death(self.name, word, reply), done)


def kind_of(answer: Any) -> str:
    """How the machine names what went wrong."""
    if isinstance(answer, Gone):
        return "gone"
    if isinstance(answer, Conflict):
        return "conflict"
    if isinstance(answer, NotAllowed):
        return "unknown"
    return "refused" if isinstance(answer, Refused) else "later"
