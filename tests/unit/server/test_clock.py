"""The machine's clock is set while pilots work: nobody is given up for that, nor unheard without being noticed."""

import os
import tempfile
import threading
from types import SimpleNamespace
from typing import Any

import django
import pytest
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p3s.server.project.settings")
    os.environ.setdefault("P3S_SERVER_DIR", tempfile.mkdtemp(prefix="p3s-clock-tests-"))
    django.setup()

from p3s.domain.book import Book
from p3s.domain.desk import Desk
from p3s.domain.effects import PilotAdded
from p3s.server.actions.work import Work
from p3s.server.broker import Settings, Unshared
from p3s.server.upkeep import services
from p3s.server.upkeep.clock import Steps
from p3s.server.upkeep.rounds import Upkeep

LEASE_S, GRACE_S = 300.0, 30.0


class Machine:
    """A server's upkeep over a machine whose clock can be set. Its one pilot is heard when the test says so."""

    def __init__(self) -> None:
        self.steady, self.ahead = 1_000.0, 1_790_000_000.0
        broker: Any = SimpleNamespace(
            settings=Settings(LEASE_S, GRACE_S),
            clock=lambda: self.now,
            hold=Unshared(),
            post=lambda *_, **__: None,
            started_at=self.now,
        )
        self.book = Book(self.now)
        self.upkeep = Upkeep(broker, SimpleNamespace())  # type: ignore[arg-type] # rounds tell it afterwards
        self.upkeep.seen.every_s = float("inf")
        self.upkeep.steps = Steps(lambda: self.now, lambda: self.steady)
        self.desk().do([PilotAdded("p", "node", "local", 1, LEASE_S, "", "ana", self.now)])

    @property
    def now(self) -> float:
        return self.steady + self.ahead

    def desk(self) -> Desk:
        return Desk(self.book, lambda *_: "", self.now)

    def hear(self) -> None:
        self.book.heard.again(self.book.pilots["p"], self.now)

    def spend(self, seconds: float) -> None:
        """With a round of upkeep every second."""
        for _ in range(round(seconds)):
            self.steady += 1.0
            self.upkeep.look(Work(self.desk(), SimpleNamespace()))  # type: ignore[arg-type] # nothing is written

    @property
    def lost(self) -> bool:
        return "p" not in self.book.pilots


@pytest.mark.parametrize("by_s", [-86_400.0, -400.0, 400.0, 3_600.0, 1e8])
def test_a_clock_that_is_set_makes_no_pilot_silent_and_keeps_none(by_s: float) -> None:
    machine = Machine()
    machine.spend(100)
    machine.hear()
    machine.spend(20)
    machine.ahead += by_s
    machine.spend(LEASE_S + GRACE_S - 21)
    assert not machine.lost, "it was heard within its lease and the grace"
    machine.spend(3)
    assert machine.lost


@pytest.mark.parametrize("by_s", [-3_600.0, 3_600.0])
def test_a_pilot_that_is_heard_right_after_counts_from_then(by_s: float) -> None:
    machine = Machine()
    machine.spend(100)
    machine.ahead += by_s
    machine.hear()
    machine.spend(LEASE_S + GRACE_S - 1)
    assert machine.lost is (by_s < 0), "set back, it counts from when it was heard before, until it is heard again"
    machine.spend(3)
    assert machine.lost


def test_a_clock_that_is_slewed_and_a_machine_that_sleeps_are_no_steps() -> None:
    steady, ahead = 5.0, 100.0
    steps = Steps(lambda: steady + ahead, lambda: steady)
    for _ in range(10):
        steady, ahead = steady + 1.0, ahead + 0.1
        assert steps.last() == 0.0
    steady += 10_000.0
    assert steps.last() == 0.0
    ahead += 60.0
    assert steps.last() == pytest.approx(61.0), "with what was slewed before"
    assert steps.last() == 0.0


def test_clocks_that_were_not_read_together_say_nothing() -> None:
    moments = iter([0.0, 1.0, 9.0, 10.0, 10.0])
    steps = Steps(lambda: 100.0, lambda: next(moments))
    assert steps.last() == 0.0, "the process stood still between them"


def test_services_run_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """They waited until it had caught up: nobody looked at the disk for as long."""
    monkeypatch.setattr(services.reads, "all_of", list)
    now, runs = 1_790_000_000.0, threading.Semaphore(0)
    broker: Any = SimpleNamespace(clock=lambda: now, post=lambda _, answer: answer(None))
    guard: Any = SimpleNamespace(alarms=dict)
    look = services.Service("disk", "looks", 10.0, lambda: runs.release() or "", first_after_s=0.0)
    registry = services.Services(broker, guard, [look])
    for by_s, runs_again in ((0.0, True), (5.0, False), (-3_600.0, True), (5.0, False), (5.0, True)):
        now += by_s
        registry.tick()
        assert runs.acquire(timeout=20.0 if runs_again else 0.0) is runs_again, by_s
        ended = registry._known["disk"].ended
        assert ended is None or ended.wait(20.0)
