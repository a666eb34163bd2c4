"""Three hundred pilots fall silent at once and come back: one alarm, no job lost, no rush on the server."""

import bisect
import random
from typing import Any

import pytest

from p3s.domain import silence
from p3s.protocol.messages import ExchangeRequest, JobSpec
from p3s.protocol.states import JobState, PilotState
from p3s.simulation.clock import Clock
from p3s.simulation.fleet import SimPilot, Site, Truth
from p3s.simulation.network import Network, Weather
from p3s.simulation.server import Reply, SimServer
from p3s.simulation.store import Store

PILOTS, HOSTS, SITES = 300, 12, 2
SILENT_S = 30.0
CUT_AT, BACK_AT, END_AT = 100.0, 220.0, 300.0

MOST_AT_ONCE = 0.05
"""Never more than this share of them comes back within one WINDOW_S."""
WINDOW_S = 0.1


class Listening(SimServer):
    """Notes when each pilot is heard first after the outage, and what it asks on its order lane first."""

    came: dict[str, float]
    asked: dict[str, ExchangeRequest]

    def exchange(self, pilot: str, request: ExchangeRequest, reply: Reply) -> None:
        if self.clock.now >= BACK_AT:
            self.came.setdefault(pilot, self.clock.now)
            if request.lane == "orders":
                self.asked.setdefault(pilot, request)
        super().exchange(pilot, request, reply)


class Fleet:
    """Waits, is given a job each, is cut off, comes back. `alarms`: what the rule says each second."""

    def __init__(self) -> None:
        self.clock, chance = Clock(), random.Random(300)
        self.network = Network(self.clock, chance, Weather(0, 0, 0, 0.01))
        self.store, self.truth = Store([]), Truth()
        self.server = Listening(self.clock, self.store, 300.0, 25.0, lambda: False)
        self.server.came, self.server.asked = {}, {}
        site = Site(self.clock, self.network, self.server)
        self.pilots = [
            SimPilot(
                self.clock, site, chance, self.truth, f"pilot{n}", 1, host=f"host{n % HOSTS}", site=f"site{n % SITES}"
            )
            for n in range(PILOTS)
        ]
        self.alarms: dict[float, silence.Alarm | None] = {}

    def run(self) -> None:
        self.clock.run(10.0)
        self.clock.at(
            CUT_AT - 5, lambda: self.server.submit("key", [JobSpec("plain", jobtype="plain")] * PILOTS, lambda _: None)
        )
        self.clock.at(CUT_AT, lambda: self.network.cut.update(pilot.name for pilot in self.pilots))
        self.clock.at(BACK_AT, self.network.cut.clear)
        for second in range(10, int(END_AT)):
            self.clock.run(second)
            assert self.server.book is not None
            self.alarms[second] = silence.alarm(self.server.book, second)
        self.clock.run(END_AT)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    found = Fleet()
    found.run()
    return found


def test_there_is_no_alarm_while_all_are_well(fleet: Fleet) -> None:
    assert [second for second, alarm in fleet.alarms.items() if alarm and second <= CUT_AT + SILENT_S - 25] == []


def test_their_silence_is_one_alarm_by_host_and_site(fleet: Fleet) -> None:
    alarm = fleet.alarms[int(BACK_AT) - 1]
    assert alarm is not None
    assert "all no more: 300 pilots on 12 hosts of 2 sites silent since" in alarm.message
    assert alarm.message.startswith("Is this server's own network well?")
    hosts = [pilots for site in alarm.detail["sites"].values() for pilots in site.values()]
    assert (len(hosts), sum(len(pilots) for pilots in hosts)) == (HOSTS, PILOTS)
    assert {alarm.cause for alarm in fleet.alarms.values() if alarm} == {silence.CAUSE}


def test_it_is_over_when_they_are_back(fleet: Fleet) -> None:
    assert fleet.alarms[int(END_AT) - 1] is None


def test_they_come_back_staggered(fleet: Fleet) -> None:
    moments = sorted(fleet.server.came.values())
    assert len(moments) == PILOTS
    most = max(bisect.bisect_right(moments, moment + WINDOW_S) - place for place, moment in enumerate(moments))
    assert most <= MOST_AT_ONCE * PILOTS, f"{most} of {PILOTS} within {WINDOW_S} s"


def test_they_are_reconciled_and_nothing_is_lost(fleet: Fleet) -> None:
    assert all(request.holding is not None for request in fleet.server.asked.values())
    assert {row.state for row in fleet.store.pilots.values()} == {PilotState.ACTIVE}
    states: list[Any] = [row.state for row in fleet.store.jobs.values()]
    assert len(states) == PILOTS
    assert set(states) <= {JobState.FINISHED, JobState.FAILED}
    assert sum(len(starts) for starts in fleet.truth.starts.values()) == PILOTS
