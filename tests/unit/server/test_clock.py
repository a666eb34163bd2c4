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
from p3s.server.services.reads import ServiceRow
from p3s.server.upkeep import services
from p3s.server.upkeep.clock import Steps
from p3s.server.upkeep.rounds import Upkeep

NOW = 1_790_000_000.0
LEASE_S, GRACE_S = 300.0, 30.0


class Machine:
    """A server's upkeep over a machine whose clock can be set. Its one pilot is heard when the test says so."""

    def __init__(self) -> None:
        self.steady, self.ahead = 1_000.0, NOW
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


class Registry:
    """One service that runs every 10 s, on a machine whose clock can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *rows: ServiceRow) -> None:
        monkeypatch.setattr(services.reads, "all_of", lambda: list(rows))
        self.steady, self.ahead, self.runs = 0.0, NOW, threading.Semaphore(0)
        broker: Any = SimpleNamespace(clock=lambda: self.steady + self.ahead, post=lambda _, answer: answer(None))
        guard: Any = SimpleNamespace(alarms=dict)
        look = services.Service("disk", "looks", 10.0, lambda: self.runs.release() or "", first_after_s=0.0)
        self.services = services.Services(broker, guard, [look])
        self.services._steps = Steps(broker.clock, lambda: self.steady)

    def ran(self) -> bool:
        """Whether this moment makes it run."""
        self.services.tick()
        ended = self.services._known["disk"].ended
        assert ended is None or ended.wait(20.0)
        return self.runs.acquire(blocking=False)


@pytest.mark.parametrize("by_s", [-3_600.0, 3_600.0])
def test_services_run_as_often_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, by_s: float) -> None:
    """Set back, they waited until it had caught up: nobody looked at the disk for as long."""
    registry = Registry(monkeypatch)
    assert registry.ran()
    registry.ahead += by_s
    assert not registry.ran()
    registry.steady += 5.0
    assert not registry.ran()
    registry.steady += 5.0
    assert registry.ran()


def test_a_run_that_the_tables_have_in_the_future_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ServiceRow("disk", True, "", 10.0, NOW + 3_600.0, None, "", None, "", "", None)
    assert Registry(monkeypatch, row).ran()
