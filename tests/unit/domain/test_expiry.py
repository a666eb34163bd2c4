"""Pilots that fall silent: when they are given up, and from when silence counts."""

from typing import Any

import pytest

from p3s.domain.expiry import overdue, silent_for
from p3s.protocol.errors import Gone
from p3s.protocol.states import JobState, PilotState, Reason

Office = Any
BEYOND = 40.0 + 10.0  # lease plus grace


def test_a_pilot_is_given_up_after_its_lease_plus_grace_and_not_before(office: Office) -> None:
    office.register("p")
    office.submit()
    office.lane("p", 1)
    office.now += BEYOND
    office.expire()
    assert office.store.pilots["p"].state is PilotState.ACTIVE
    office.now += 0.001
    office.expire()
    assert office.store.pilots["p"].state is PilotState.LOST
    assert (office.state("job1"), office.store.jobs["job1"].reason) == (JobState.LOST, Reason.LEASE_ENDED)
    with pytest.raises(Gone):
        office.lane("p", 2)


def test_each_exchange_begins_the_count_anew(office: Office) -> None:
    office.register("p")
    for seq in range(1, 5):
        office.now += 45
        office.lane("p", seq)
        office.expire()
    assert office.store.pilots["p"].state is PilotState.ACTIVE


def test_silence_counts_from_the_server_s_own_start(office: Office) -> None:
    office.register("p")
    office.now += 10_000
    office.restart()
    assert silent_for(office.book, office.book.pilots["p"], office.now) == 0
    office.now += BEYOND
    assert overdue(office.book, 10.0, office.now) == []
    office.now += 0.001
    assert [entry.pilot for entry in overdue(office.book, 10.0, office.now)] == ["p"]
    office.expire()


def test_a_longer_outage_than_the_lease_ends_what_ran_when_nobody_comes_back(office: Office) -> None:
    office.register("p")
    office.submit()
    office.lane("p", 1)
    office.report("p", "job1", 1, "running")
    office.now += 10_000
    office.restart()
    office.expire()
    assert office.state("job1") is JobState.RUNNING
    office.now += BEYOND + 1
    office.expire()
    assert office.state("job1") is JobState.LOST


def test_only_the_silent_are_given_up(office: Office) -> None:
    office.register("p")
    office.register("q")
    office.now += 30
    office.lane("q", 1)
    office.now += 30
    office.expire()
    assert office.store.pilots["p"].state is PilotState.LOST
    assert office.store.pilots["q"].state is PilotState.ACTIVE


def test_the_open_wait_of_a_pilot_that_is_given_up_ends(office: Office) -> None:
    office.register("p")
    office.lane("p", 1)
    office.now += BEYOND + 1
    office.expire()
    assert [answer.seq for answer in office.answers("p")] == [1]
