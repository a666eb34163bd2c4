"""Anything that can be said, in any order, against a simple model of what must follow."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from p3s.domain.effects import JobEnded, LaneAnswered
from p3s.protocol.errors import Conflict, Gone
from p3s.protocol.messages import JobTypeSpec, Needs
from p3s.protocol.states import FINAL_JOB_STATES, JobState

CAPS = {"capped": 2, "braked": 0}
TYPES = [JobTypeSpec("again", retries=1), JobTypeSpec("fresh", pick="freshest")]
CLASSES = [
    ("plain", 0),
    ("plain", 3),
    ("capped", 3),
    ("capped", 9),
    ("braked", 9),
    ("wide", 3),
    ("again", 2),
    ("fresh", 0),
]
WIDE = Needs(cores=2)
WHICH = st.integers(0, 999)
ENDS = ["finished", "failed", "cancelled", "lost"]


@dataclass
class Job:
    """What the model knows: `QUEUED`, `OUT`, or the final state."""

    number: int
    kind: str
    priority: int
    state: str = "QUEUED"
    attempt: int = 0
    pilot: str = ""
    running: bool = False
    killed: bool = False
    retried: bool = False
    #: A person held it or changed its priority: it may have been overtaken.
    moved: bool = False

    @property
    def cores(self) -> int:
        return 2 if self.kind == "wide" else 1


@dataclass
class Pilot:
    slots: int
    seq: int = 0
    received: int = 0
    started: set[tuple[str, int]] = field(default_factory=set)
    waits: bool = False
    draining: bool = False
    alive: bool = True
    heard_at: float = 0.0


class DeskMachine(RuleBasedStateMachine):
    """`office_type` is set by the test."""

    office_type: Any = None
    jobs_ = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.office = self.office_type(caps=CAPS, window=3, types=TYPES)
        self.jobs: dict[str, Job] = {}
        self.pilots: dict[str, Pilot] = {}
        #: (pilot, job, attempt) of all that was ever ordered, and with a state of all that was ever reported.
        self.orders: list[tuple[str, str, int]] = []
        self.reports: list[tuple[str, str, int, str]] = []
        self.started_at = self.office.now

    # ---- the model follows what was answered, and judges it

    def follow(self) -> None:
        """New orders of the last act are in the pilots' hands."""
        for effect in self.office.effects:
            if isinstance(effect, LaneAnswered):
                self.pilots[effect.pilot].waits = False
                for order in effect.orders:
                    self.take(effect.pilot, order.job, order.attempt, order.number)
                numbers = [one.number for one in (*effect.orders, *effect.instructions)]
                self.pilots[effect.pilot].received = max([self.pilots[effect.pilot].received, *numbers])

    def take(self, pilot: str, name: str, attempt: int, number: int) -> None:
        job, holder = self.jobs[name], self.pilots[pilot]
        if (name, attempt) in holder.started:
            assert (job.pilot, job.attempt) == (pilot, attempt), "an old order went again"
            return
        assert job.state == "QUEUED", f"{name} went out as {job.state}"
        assert attempt == job.attempt + 1
        assert holder.alive
        assert not holder.draining
        assert number > holder.received, "order numbers grow"
        job.state, job.attempt, job.pilot, job.running, job.killed = "OUT", attempt, pilot, False, False
        holder.started.add((name, attempt))
        self.orders.append((pilot, name, attempt))

    def end(self, name: str, state: str) -> None:
        job = self.jobs[name]
        job.state, job.running = state, False

    def end_pilot(self, pilot: str) -> None:
        holder = self.pilots[pilot]
        holder.alive = holder.waits = False
        for name, job in self.jobs.items():
            if job.state == "OUT" and job.pilot == pilot:
                self.lose(name)

    def lose(self, name: str) -> None:
        """The node is gone: the end, or another try."""
        job = self.jobs[name]
        if job.kind == "again" and not job.retried and not job.killed:
            job.state, job.retried, job.running, job.pilot = "QUEUED", True, False, ""
        else:
            self.end(name, "lost")

    # ---- what people do

    @rule(target=jobs_, count=st.integers(1, 5), which=st.sampled_from(CLASSES))
    def submit(self, count: int, which: tuple[str, int]) -> Any:
        before = self.office.book.next_id
        names = [f"job{before + place}" for place in range(count)]
        for place, name in enumerate(names):
            self.jobs[name] = Job(before + place, *which)
        needs = {"needs": WIDE} if which[0] == "wide" else {}
        assert self.office.submit(count, *which, **needs) == names
        self.follow()
        return multiple(*names)

    @rule(job=jobs_)
    def cancel(self, job: str) -> None:
        known = self.jobs[job]
        self.office.cancel(job)
        if known.state in ("QUEUED", "HELD"):
            self.end(job, "cancelled")
        elif known.state == "OUT":
            known.killed = True
        else:
            assert self.office.effects == []
        self.follow()

    @rule(job=jobs_, what=st.sampled_from(["hold", "release"]))
    def hold_or_release(self, job: str, what: str) -> None:
        known = self.jobs[job]
        if known.state not in ("QUEUED", "HELD"):
            with pytest.raises(Conflict):
                getattr(self.office, what)(job)
            return
        getattr(self.office, what)(job)
        known.state, known.moved = "HELD" if what == "hold" else "QUEUED", True
        self.follow()

    @rule(job=jobs_, priority=st.sampled_from([0, 3, 9]))
    def adjust(self, job: str, priority: int) -> None:
        known = self.jobs[job]
        if known.state in ("QUEUED", "HELD"):
            self.office.adjust(job, priority)
            known.priority, known.moved = priority, True
            self.follow()

    # ---- what pilots do

    @initialize()
    def a_pilot_waits(self) -> None:
        self.register(2)
        self.exchange(1, True, False, 0)
        self.submit(3, ("plain", 0))

    @precondition(lambda self: sum(pilot.alive for pilot in self.pilots.values()) < 3)
    @rule(slots=st.integers(1, 3))
    def register(self, slots: int) -> None:
        name = f"pilot{len(self.pilots)}"
        self.pilots[name] = Pilot(slots, heard_at=self.office.now)
        self.office.register(name, slots)

    def some_pilot(self, which: int) -> str:
        """Mostly one that lives."""
        alive = [name for name, pilot in self.pilots.items() if pilot.alive]
        names = alive if alive and which % 8 else list(self.pilots)
        return names[which % len(names)]

    @precondition(lambda self: self.pilots)
    @rule(which=WHICH, confirms=st.booleans(), reconciles=st.booleans(), drains=st.integers(0, 20))
    def exchange(self, which: int, confirms: bool, reconciles: bool, drains: int) -> None:
        pilot = self.some_pilot(which)
        holder = self.pilots[pilot]
        holder.seq += 1
        mine = [(name, job.attempt) for name, job in self.jobs.items() if job.pilot == pilot and job.state == "OUT"]
        acked = holder.received if confirms else 0
        if not holder.alive:
            with pytest.raises(Gone):
                self.office.lane(pilot, holder.seq, acked)
            return
        holder.waits, holder.heard_at = True, self.office.now
        holder.draining = holder.draining or drains == 20
        self.office.lane(pilot, holder.seq, acked, mine if reconciles else None, draining=drains == 20)
        self.follow()

    @precondition(lambda self: self.pilots)
    @rule(which=WHICH, back=st.integers(0, 3))
    def repeat_an_old_exchange(self, which: int, back: int) -> None:
        pilot = self.some_pilot(which)
        holder = self.pilots[pilot]
        if holder.alive and self.office.book.pilots[pilot].seq >= holder.seq - back:
            with pytest.raises(Conflict):
                self.office.lane(pilot, holder.seq - back, 0)

    @precondition(lambda self: self.pilots)
    @rule(which=WHICH, how=st.integers(0, 9))
    def a_pilot_ends(self, which: int, how: int) -> None:
        """Seldom, or nothing would ever get far."""
        pilot = self.some_pilot(which)
        holder = self.pilots[pilot]
        if how == 9 and holder.alive:
            holder.seq += 1
            self.end_pilot(pilot)
            self.office.lane(pilot, holder.seq, holder.received, goodbye="asked to")
            self.follow()
        elif how == 8:
            assert self.office.death(pilot) is holder.alive
            self.end_pilot(pilot)
            self.follow()

    @precondition(lambda self: self.orders)
    @rule(which=WHICH, state=st.sampled_from(["running", "running", *ENDS, "refused", "refused"]))
    def report(self, which: int, state: str) -> None:
        """On any order ever, mostly the latest: what is true, late, superseded, or contradicts an earlier one."""
        order = self.orders[-1 - min(which % 7, which % len(self.orders))]
        self.reports.append((*order, state))
        self.tell(*order, state)

    @precondition(lambda self: self.reports)
    @rule(which=WHICH)
    def repeat_a_report(self, which: int) -> None:
        self.tell(*self.reports[which % len(self.reports)])

    @precondition(lambda self: self.reports)
    @rule(which=WHICH, whose=WHICH)
    def report_for_another(self, which: int, whose: int) -> None:
        other = self.some_pilot(whose)
        pilot, *said = self.reports[which % len(self.reports)]
        if other != pilot:
            self.tell(other, *said)

    def tell(self, pilot: str, name: str, attempt: int, state: str) -> None:
        job = self.jobs[name]
        in_force = (job.pilot, job.attempt) == (pilot, attempt)
        self.pilots[pilot].heard_at = self.office.now
        returned = (job.pilot, job.attempt) == ("", attempt)
        expected = self.expect(job, in_force, returned, state)
        verdict = self.office.report(pilot, name, attempt, state).verdict
        assert verdict in expected, f"{name} of {pilot} as {state}, known as {job}"
        if verdict != "applied":
            assert not [one for one in self.office.effects if isinstance(one, JobEnded)]
        elif state == "running":
            job.running = True
        elif state == "refused" and not job.killed:
            job.state, job.pilot = "QUEUED", ""
        elif state == "lost":
            self.lose(name)
        else:
            self.end(name, "cancelled" if state == "refused" else state)
        self.follow()

    def expect(self, job: Job, in_force: bool, returned: bool, state: str) -> set[str]:
        if returned:  # nothing that is said of it counts, whatever became of the job
            return {"repeated"} if state == "refused" else {"refused"}
        if not in_force:
            return {"refused"}
        if job.state == "OUT":
            if state == "refused" and job.running:
                return {"refused"}
            return {"repeated"} if state == "running" and job.running else {"applied"}
        return {"applied"} if job.state == "lost" and state in ("finished", "failed") else {"repeated"}

    # ---- what befalls the server

    @rule(seconds=st.sampled_from([1.0, 1.0, 5.0, 20.0, 49.0, 51.0]))
    def time_passes(self, seconds: float) -> None:
        self.office.now += seconds
        self.office.expire()
        for name, pilot in self.pilots.items():
            if pilot.alive and self.office.now - max(pilot.heard_at, self.started_at) > 50.0:
                self.end_pilot(name)
        self.follow()

    @rule(how=st.integers(0, 9))
    def restart(self, how: int) -> None:
        """Seldom too."""
        if how == 9:
            self.office.restart()
            self.started_at = self.office.now
            for pilot in self.pilots.values():
                pilot.waits = False

    # ---- what must hold after every step

    @invariant()
    def rows_say_what_the_model_says(self) -> None:
        for name, job in self.jobs.items():
            row = self.office.store.jobs[name]
            states = {
                "QUEUED": {JobState.DEFINED},
                "HELD": {JobState.HELD},
                "OUT": {JobState.DISPATCHED, JobState.RUNNING},
            }
            expected = states.get(job.state) or {JobState(job.state)}
            assert row.state in expected, f"{name} is {row.state}, the model says {job.state}"
            assert job.state != "OUT" or (row.state is JobState.RUNNING) == job.running

    @invariant()
    def nothing_waits_that_could_go(self) -> None:
        ready = [one for one in self.pilots if self.pilots[one].waits and not self.pilots[one].draining]
        for one in ready:
            if self.used(one) < self.pilots[one].slots:
                free = self.pilots[one].slots - sum(
                    job.cores for job in self.jobs.values() if job.state == "OUT" and job.pilot == one
                )
                left = [name for name, job in self.jobs.items() if job.state == "QUEUED" and self.may_go(job, free)]
                assert not left, f"{left} could go to {one}, which has {free} cores"

    def used(self, pilot: str) -> int:
        return sum(job.state == "OUT" and job.pilot == pilot for job in self.jobs.values())

    def may_go(self, job: Job, cores: int) -> bool:
        cap = CAPS.get(job.kind)
        if job.cores > cores:
            return False
        return cap is None or sum(one.state == "OUT" and one.kind == job.kind for one in self.jobs.values()) < cap

    @precondition(lambda self: self.jobs)
    @invariant()
    def who_is_out_did_not_overtake(self) -> None:
        """First attempts of a class went out in the order of submission."""
        for which in CLASSES:
            if which[0] == "fresh":
                continue
            mine = [j for j in self.jobs.values() if (j.kind, j.priority) == which and not j.moved]
            never = [j.number for j in mine if not j.attempt and j.state == "QUEUED"]
            first = [j.number for j in mine if j.attempt > 0]
            assert not never or not first or max(first) < min(never)

    @invariant()
    def the_office_is_in_order(self) -> None:
        self.office.check()

    def teardown(self) -> None:
        self.office.check()
        for row in self.office.store.jobs.values():
            assert len(row.ends) == (row.state in FINAL_JOB_STATES) + (row.reason == "late")


def test_whatever_is_said_the_desk_does_what_the_model_does(office_type: Any) -> None:
    machine = type("Machine", (DeskMachine,), {"office_type": office_type})
    run_machine(
        machine,
        settings=settings(
            deadline=None,
            derandomize=True,
            max_examples=150,
            stateful_step_count=50,
            suppress_health_check=list(HealthCheck),
        ),
    )
