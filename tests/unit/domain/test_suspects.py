"""Black holes: which host is doubted when, for what, until when; and when it is the type that is at fault."""

from collections.abc import Callable
from typing import Any

import pytest

from p3s.domain.effects import Noted
from p3s.protocol.errors import NotKnown
from p3s.protocol.messages import Needs

Office = Any
MakeOffice = Callable[..., Any]


class Fleet:
    """One pilot a host, one slot each; `turn` lets a host take its next job and end it."""

    def __init__(self, office: Office, *hosts: str) -> None:
        self.office = office
        self.seq = dict.fromkeys(hosts, 0)
        for host in hosts:
            office.register(host, host=host)

    def open(self, host: str) -> str | None:
        """The next job that the host is given."""
        self.seq[host] += 1
        acked = self.office.book.pilots[host].numbered
        answer = self.office.lane(host, self.seq[host], acked=acked)
        return answer.orders[0].job if answer and answer.orders else None

    def turn(self, host: str, state: str, reason: str = "") -> str | None:
        job = self.open(host)
        if job is not None:
            self.office.report(host, job, 1, state, reason=reason, wall_s=0.001)
        return job

    def fail(self, host: str, times: int = 3) -> list[str | None]:
        return [self.turn(host, "failed", "nonstarter") for _ in range(times)]

    def doubts(self) -> set[tuple[str, str]]:
        return {(host.name, doubt.jobtype) for host, doubt in self.office.book.hosts.doubts()}


def test_a_host_where_types_that_succeed_elsewhere_fail_is_suspect_after_three(office: Office) -> None:
    fleet = Fleet(office, "good", "bad")
    office.submit(50, "t")
    fleet.turn("good", "finished")
    assert None not in fleet.fail("bad")
    assert fleet.doubts() == {("bad", "")}
    assert fleet.open("bad") is None
    assert fleet.open("good") is not None


def test_failures_of_the_payload_make_no_suspect(office: Office) -> None:
    fleet = Fleet(office, "good", "bad")
    office.submit(50, "t")
    fleet.turn("good", "finished")
    for _ in range(9):
        fleet.turn("bad", "failed", "exit code")
    assert fleet.doubts() == set()


def test_slow_failures_make_no_suspect(office: Office) -> None:
    fleet = Fleet(office, "good", "bad")
    office.submit(50, "t")
    fleet.turn("good", "finished")
    for _ in range(5):
        office.report("bad", fleet.open("bad"), 1, "failed", reason="stage-in", wall_s=100.0)
    assert fleet.doubts() == set()


def test_a_type_that_succeeded_nowhere_is_kept_from_the_host_and_others_are_not(office: Office) -> None:
    fleet = Fleet(office, "one", "two")
    office.submit(50, "t", priority=1)
    office.submit(50, "other")
    fleet.fail("one")
    assert fleet.doubts() == {("one", "t")}
    job = fleet.open("one")
    assert office.store.jobs[job].jobtype == "other"
    assert office.store.jobs[fleet.open("two")].jobtype == "t"


def test_another_host_s_success_shows_that_it_is_the_host(office: Office) -> None:
    fleet = Fleet(office, "one", "two")
    office.submit(50, "t")
    fleet.fail("one")
    fleet.turn("two", "finished")
    assert fleet.doubts() == {("one", "t"), ("one", "")}


def test_a_host_that_runs_other_types_well_is_kept_from_the_one_type_only(office: Office) -> None:
    fleet = Fleet(office, "good", "half")
    office.submit(9, "t")
    fleet.turn("good", "finished")
    fleet.fail("half", 2)
    office.submit(1, "fine", priority=9)
    fleet.turn("half", "finished")
    fleet.fail("half", 1)
    assert fleet.doubts() == {("half", "t")}


def test_failures_on_three_hosts_show_that_it_is_the_type(office: Office) -> None:
    fleet = Fleet(office, "one", "two", "three", "four")
    office.submit(50, "t")
    fleet.fail("one")
    fleet.fail("two")
    assert fleet.doubts() == {("one", "t"), ("two", "t")}
    fleet.fail("three")
    assert fleet.doubts() == set()
    assert None not in fleet.fail("one", 9), "all go on"
    assert fleet.doubts() == set()


def test_with_no_other_host_that_could_run_it_the_type_is_at_fault(office: Office) -> None:
    fleet = Fleet(office, "one", "two")
    office.register("gpu", host="gpu", gpus=1)
    fleet.seq["gpu"] = 0
    office.submit(50, "t", needs=Needs(gpus=1))
    assert None not in fleet.fail("gpu", 9)
    assert fleet.doubts() == set()


def test_a_type_at_fault_that_succeeds_again_is_judged_anew(office: Office) -> None:
    fleet = Fleet(office, "one")
    office.submit(50, "t")
    fleet.fail("one", 4)
    assert office.book.hosts.blamed == {"t"}
    fleet.turn("one", "finished")
    assert office.book.hosts.blamed == set()


# ---- probes


@pytest.fixture
def suspect(office: Office) -> Fleet:
    fleet = Fleet(office, "good", "bad")
    office.submit(100, "t")
    fleet.turn("good", "finished")
    fleet.fail("bad")
    fleet.open("bad")
    return fleet


def later(fleet: Fleet, seconds: float) -> list[str]:
    """Time passes, everybody is heard; jobs that go out to the bad host."""
    office = fleet.office
    office.now += seconds
    office.tend()
    return [order.job for answer in office.answers("bad") for order in answer.orders]


def test_a_probe_goes_after_a_minute_and_one_only(suspect: Fleet) -> None:
    assert later(suspect, 59.0) == []
    assert len(later(suspect, 2.0)) == 1
    assert later(suspect, 30.0) == []
    assert suspect.open("bad") is None


def test_a_probe_that_runs_clears_the_host(suspect: Fleet) -> None:
    (probe,) = later(suspect, 61.0)
    suspect.office.report("bad", probe, 1, "finished")
    assert suspect.doubts() == set()
    assert suspect.open("bad") is not None


def test_a_probe_that_could_not_run_doubles_the_pause_up_to_an_hour(suspect: Fleet) -> None:
    office = suspect.office
    for pause_s in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        assert later(suspect, pause_s - 1.0) == []
        (probe,) = later(suspect, 2.0)
        suspect.open("bad")
        office.report("bad", probe, 1, "failed", reason="nonstarter", wall_s=0.001)
        (doubt,) = [doubt for _, doubt in office.book.hosts.doubts()]
        assert doubt.probe_at == office.now + min(pause_s * 2, 3600)


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another(suspect: Fleet) -> None:
    (probe,) = later(suspect, 61.0)
    suspect.open("bad")
    suspect.office.cancel(probe)
    suspect.office.report("bad", probe, 1, "cancelled")
    suspect.open("bad")
    assert len(later(suspect, 61.0)) == 1


def test_suspicion_outlives_a_restart(suspect: Fleet) -> None:
    suspect.office.restart()
    suspect.seq["bad"] += 5
    assert suspect.open("bad") is None
    assert len(later(suspect, 61.0)) == 1


def test_a_person_may_trust_the_host_on_the_record(suspect: Fleet) -> None:
    assert suspect.office.trust("bad") == 1
    assert [(one.what, one.who) for one in suspect.office.effects if isinstance(one, Noted)] == [("trusted", "ana")]
    assert suspect.doubts() == set()
    assert len(suspect.office.ordered()) == 1


def test_a_host_that_nobody_knows_cannot_be_trusted(office: Office) -> None:
    with pytest.raises(NotKnown, match="p3s pilot hosts"):
        office.trust("nowhere")


def test_hosts_without_pilots_and_doubts_are_forgotten(office: Office) -> None:
    for number in range(5):
        office.register(f"p{number}", host=f"h{number}")
        office.death(f"p{number}")
    assert office.book.hosts.known == {}
