"""One run: a server, a fleet, a user, bad weather, disasters; then calm, and the questions of design that must hold."""

import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from p3s.domain.effects import Effect, JobDispatched, JobEnded, JobHeld, JobReturned
from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.messages import JobSpec, JobTypeSpec, Needs
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_PILOT_STATES, JobState, Reason

from .clock import Clock
from .fleet import SimPilot, Site, Truth
from .network import Network, Weather
from .server import Crash, SimServer
from .store import Broken, Store

CALM_S = 1500.0
"""Within so long after the storm everything must have come to its end."""

QUIET_S = 100.0
"""So long after that nothing more may happen: longer than any lease, delay or back-off."""

TYPES = [
    JobTypeSpec("capped", cap=2, priority=9),
    JobTypeSpec("again", retries=2, priority=3),
    JobTypeSpec("fresh", pick="freshest", stale_after=60.0, supersedes=("run",), retries=1),
    JobTypeSpec("vital", pick="deadline", eta=30.0, critical=True, priority=7),
    JobTypeSpec("absent", retries=1),
    JobTypeSpec("telling", retries=1, expects=("A", "A/b")),
]
FRESH = JobSpec("fresh", jobtype="fresh")
KINDS = [
    JobSpec("plain", jobtype="plain"),
    JobSpec("plain", jobtype="plain", priority=5),
    JobSpec("capped", jobtype="capped"),
    JobSpec("again", jobtype="again"),
    FRESH,
    JobSpec("vital", jobtype="vital"),
    JobSpec("absent", jobtype="absent", time_limit=40.0),
    JobSpec("wide", jobtype="wide", needs=Needs(cores=2, memory=2)),
    JobSpec("gpu", jobtype="gpu", needs=Needs(gpus=1), hold=True),
    JobSpec("telling", jobtype="telling"),
]
"""Payloads are named for their types, so that the nodes know what they run. `absent` is not there on some hosts."""
ENDED = frozenset(FINAL_JOB_STATES)
PEOPLE = {
    "cancel": frozenset(JobState) - ENDED,
    "hold": frozenset({JobState.DEFINED}),
    "release": frozenset({JobState.HELD}),
    "rerun": ENDED,
    "adjust": frozenset({JobState.DEFINED, JobState.HELD}),
}
"""What people do, and to jobs in which states it makes sense."""


@dataclass
class Outcome:
    """What a run came to: jobs by state, starts, crashes. Two runs of a seed are equal."""

    seed: int
    jobs: dict[str, int] = field(default_factory=dict)
    starts: int = 0
    server_crashes: int = 0
    pilot_kills: int = 0
    amended: int = 0
    registrations: int = 0


class World:
    """Build it with a seed, `run` it, read the outcome. Raises Broken, naming the seed, when an invariant fails."""

    kinds = KINDS
    lease_s = 40.0
    storm_s = 300.0
    quiet_s = QUIET_S

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.clock = Clock()
        self.calm = False
        self.network = Network(self.clock, self.chance, Weather())
        self.store = Store(TYPES, self._witness)
        self.truth = Truth(retries={spec.name: spec.retries for spec in TYPES})
        self.outcome = Outcome(seed)
        self.server = self._make_server()
        self.site = Site(self.clock, self.network, self.server)
        self.pilots: list[SimPilot] = []
        self.acknowledged: list[str] = []
        #: Jobs that a person has held once: released, they may be started though newer ones have come.
        self.held: set[str] = set()

    def run(self) -> Outcome:
        """The storm, the calm, the judgement."""
        try:
            for _ in range(self.chance.randint(1, 4)):
                self._add_pilot()
            self._schedule_user()
            self._schedule_disasters()
            self._schedule_operator()
            self.clock.run(self.storm_s)
            self._clear_up()
            self._calm_down()
            self._judge()
        except Broken as error:
            raise Broken(f"seed {self.seed}, at {self.clock.now:.3f} s: {error}") from error
        return self.outcome

    def _make_server(self) -> SimServer:
        return SimServer(self.clock, self.store, self.lease_s, wait_s=5.0, fate=self._fate)

    # ---- what happens

    def _fate(self) -> bool:
        """Whether the server dies here."""
        died = not self.calm and self.chance.random() < 0.004
        self.outcome.server_crashes += died
        return died

    def _add_pilot(self) -> None:
        """Pilots share hosts; every other host lacks a program."""
        number = len(self.pilots)
        host = number if self.calm else number // 2
        has: dict[str, Any] = {"host": f"host{host}", "memory": self.chance.choice([0, 2, 5]), "gpus": number % 2}
        if self.chance.random() < 0.3:
            has["life_s"] = self.chance.choice([60.0, 400.0])
        if self.calm:
            has.update(host="last host", memory=20, gpus=6, cores=20, life_s=0.0)
        elif host % 2 == 1:
            self.truth.lacking.add((f"host{host}", "absent"))
        slots = 12 if self.calm else self.chance.randint(1, 4)
        self.pilots.append(SimPilot(self.clock, self.site, self.chance, self.truth, f"pilot{number}", slots, **has))

    def _schedule_user(self) -> None:
        for number in range(self.chance.randint(3, 15)):
            at = self.chance.uniform(0, self.storm_s - 20)
            wanted = [self.chance.choice(self.kinds) for _ in range(self.chance.choice([1, 1, 3, 12]))]
            self.clock.at(at, partial(self._submit, f"key{number}", wanted))
        for _ in range(self.chance.randint(0, 16)):
            self.clock.at(self.chance.uniform(0, self.storm_s), partial(self._meddle, self.chance.choice(list(PEOPLE))))
        for _ in range(self.chance.randint(0, 3)):
            self.clock.at(self.chance.uniform(0, self.storm_s), self._change_type)

    def _submit(self, key: str, wanted: list[JobSpec]) -> None:
        def done(answer: Any) -> None:
            if isinstance(answer, list):
                self.acknowledged += [job for job in answer if job not in self.acknowledged]
            else:
                self.clock.after(1.0, partial(self._submit, key, wanted))

        self.site.call("user", lambda reply: self.server.submit(key, wanted, reply), done)

    def _arrive(self) -> None:
        """Data of one of few runs."""
        if self.server.up:
            self.server.arrive(FRESH, self.chance.randint(0, 2))

    def _meddle(self, what: str) -> None:
        """A person does something to one of the jobs, mostly to one with which it can be done."""
        if self.acknowledged and self.server.up:
            more = [self.chance.choice([0, 5, 9])] if what == "adjust" else []
            rows = [self.store.jobs[job] for job in self.acknowledged]
            lost = [row.job for row in rows if row.state is JobState.LOST and what == "rerun"]
            apt = [row.job for row in rows if row.state in PEOPLE[what] and self.chance.random() < 0.9]
            getattr(self.server, what)(self.chance.choice(lost or apt or self.acknowledged), *more)

    def _change_type(self) -> None:
        if self.server.up:
            change: dict[str, Any] = self.chance.choice(
                [{"cap": 1}, {"cap": 4}, {"pick": "freshest"}, {"pick": "deadline"}]
            )
            with contextlib.suppress(Crash):
                self.server.declare("capped", **change)
                self.server.declare("telling", expects=self.chance.choice([(), ("A",), ("A", "A/b"), ("C",)]))

    def _schedule_operator(self) -> None:
        """By chance of its own, so that the same seed otherwise goes as it did."""
        chance = random.Random(f"operator of {self.seed}")
        for _ in range(chance.randint(0, 6)):
            jobtype = chance.choice(["capped", "again", "fresh", "vital", ALL_TYPES])
            self.clock.at(chance.uniform(0, self.storm_s), partial(self._pause, jobtype, False))
            self.clock.at(chance.uniform(0, self.storm_s), partial(self._pause, jobtype, True))
        for _ in range(chance.randint(0, 3)):
            what, which = chance.choice(["drain", "stop"]), chance.random()
            self.clock.at(chance.uniform(0, self.storm_s), partial(self._instruct, what, which))

    def _pause(self, jobtype: str, goes_on: bool) -> None:
        if self.server.up:
            with contextlib.suppress(Crash):
                self.server.pause(jobtype, goes_on)

    def _instruct(self, what: str, which: float) -> None:
        names = sorted(name for name, row in self.store.pilots.items() if row.state not in FINAL_PILOT_STATES)
        if self.server.up and names:
            with contextlib.suppress(Crash):
                self.server.instruct(names[int(which * len(names))], what)

    def _schedule_disasters(self) -> None:
        for _ in range(self.chance.randint(0, 3)):
            self.clock.at(self.chance.uniform(0, self.storm_s), self._kill_server)
        for _ in range(self.chance.randint(0, 3)):
            self.clock.at(self.chance.uniform(0, self.storm_s), self._kill_pilot)
        for _ in range(self.chance.randint(0, 4)):
            self.clock.at(self.chance.uniform(0, self.storm_s), self._cut_off)
        if self.chance.random() < 0.3:
            self.clock.at(self.chance.uniform(0, self.storm_s), self._drain_one)

    def _kill_server(self) -> None:
        if self.server.up:
            self.outcome.server_crashes += 1
            self.server.die()
            self.clock.after(self.chance.choice([0.5, 5.0, 90.0]), self.server.start)

    def _kill_pilot(self) -> None:
        pilot = self.chance.choice(self.pilots)
        self.outcome.pilot_kills += not pilot.dead
        pilot.kill(guardian=self.chance.random() < 0.6)

    def _cut_off(self) -> None:
        name = self.chance.choice(self.pilots).name
        self.network.cut.add(name)
        self.clock.after(self.chance.choice([3.0, 30.0, 120.0]), partial(self.network.cut.discard, name))

    def _drain_one(self) -> None:
        pilot = self.chance.choice(self.pilots)
        if pilot.machine is not None and not pilot.dead:
            hard = self.chance.random() < 0.5
            pilot.perform(pilot.machine.ask_to_end("asked", self.clock.now, hard))

    def _clear_up(self) -> None:
        """Calm weather, a server, and a fresh pilot: from here on everything must come to its end."""
        self.calm = True
        self.network.weather = Weather(0, 0, 0, 0.01)
        self.network.cut.clear()
        self.server.start()
        for jobtype in list(self.store.pauses):
            self._pause(jobtype, True)
        self._add_pilot()
        self._release_all()

    def _release_all(self) -> None:
        """Until the end, for submissions may be delivered late."""
        for row in list(self.store.jobs.values()):
            if row.state is JobState.HELD:
                self.server.release(row.job)
        self.clock.after(20.0, self._release_all)

    def _calm_down(self) -> None:
        ended = 0.0
        while self.clock.now < self.storm_s + CALM_S and ended < self.quiet_s:
            self.clock.run(self.clock.now + 10)
            over = all(row.state in FINAL_JOB_STATES for row in self.store.jobs.values())
            ended = ended + 10 if over and not self.truth.alive else 0.0

    # ---- the questions

    def _witness(self, effect: Effect) -> None:
        """`lost` is true when it is said, also of an attempt that is tried again; what was superseded is not; who ended
        well lacks what it has not published."""
        if isinstance(effect, JobEnded) and effect.after is JobState.FINISHED:
            there = self.store.published.get((effect.job, effect.attempt), [])
            jobtype = self.store.jobs[effect.job].jobtype
            expects = self.store.types[jobtype].expects if jobtype in self.store.types else ()
            if effect.lacking != (tuple(name for name in expects if name not in there) if expects else None):
                raise Broken(f"{effect.job} lacks {effect.lacking} of {expects}, it published {there}")
        if isinstance(effect, JobHeld):
            self.held.add(effect.queued.job)
        if isinstance(effect, JobDispatched) and effect.attempt > 1 and effect.job not in self.held:
            newer = self.store.newer(effect.job)
            if newer:
                raise Broken(f"{effect.job} is tried again, {newer} supersedes it")
        gone = (isinstance(effect, JobEnded) and effect.after is JobState.LOST) or (
            isinstance(effect, JobReturned) and bool(effect.failed)
        )
        if gone and isinstance(effect, (JobEnded, JobReturned)):
            holder = self.truth.alive.get((effect.job, effect.attempt))
            if holder is not None:
                raise Broken(f"{effect} is said of an attempt that still runs on {holder}")

    def _judge(self) -> None:
        self.outcome.jobs = dict(sorted(Counter(str(row.state) for row in self.store.jobs.values()).items()))
        self.outcome.starts = sum(len(starts) for starts in self.truth.starts.values())
        self.outcome.amended = sum(row.reason == Reason.LATE for row in self.store.jobs.values())
        self.outcome.registrations = len(self.store.pilots)
        for job in self.acknowledged:
            if job not in self.store.jobs:
                raise Broken(f"{job} was acknowledged and is gone")
        submitted = {job for jobs in self.store.submissions.values() for job in jobs}
        # What data made is of no submission; it has a key of its own, the run, by which it supersedes.
        made = {job for job, row in self.store.jobs.items() if not (row.rerun_of or row.same)}
        strange = made - submitted | submitted - self.store.jobs.keys()
        if strange:
            raise Broken(f"jobs without a submission, or the other way about: {sorted(strange)}")
        again = Counter(row.rerun_of for row in self.store.jobs.values() if row.rerun_of)
        if again and max(again.values()) > 1:
            raise Broken(f"run again twice: {again}")
        if self.truth.alive:
            raise Broken(f"processes are left: {self.truth.alive}")
        for row in self.store.jobs.values():
            if row.state not in FINAL_JOB_STATES:
                raise Broken(f"{row.job} is still {row.state}")
            self._judge_end(row.job, row.attempt, row.state)

    def _judge_end(self, job: str, attempt: int, state: JobState) -> None:
        """The record says what was so on the node."""
        code = self.truth.ends.get((job, attempt))
        if state is JobState.FINISHED and code != 0:
            raise Broken(f"{job} is finished, its process ended with {code}")
        if state is JobState.FAILED and (code is None or code == 0):
            raise Broken(f"{job} is failed, its process ended with {code}")
