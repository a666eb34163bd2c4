"""When a service is due, when it is late, and what is said of it."""

from dataclasses import replace

import pytest

from p3s.domain.services import Standing, alarm, alarms, due_at, late

START = 1_000.0
SCRIPT = Standing("probe", False, 600.0, START + 100, "3 TB")
OWN = Standing("purge", True, 3_600.0, START + 100, "nothing to purge")


def test_what_never_ran_is_due_at_once_and_then_after_its_period() -> None:
    assert due_at(replace(OWN, last_at=None), START + 60) == START + 60
    assert due_at(OWN, START + 60) == START + 3_700
    assert due_at(replace(OWN, last_at=START - 9_999), START + 60) == START + 60


def test_what_failed_is_tried_again_after_a_quarter_of_an_hour_at_most() -> None:
    assert due_at(replace(OWN, error="x"), START) == START + 100 + 900
    assert due_at(replace(OWN, error="x", every_s=10.0), START) == START + 110


@pytest.mark.parametrize(("now", "expected"), [(START + 700, False), (START + 760, False), (START + 761, True)])
def test_a_script_is_late_a_tenth_beyond_its_promise(now: float, expected: bool) -> None:
    assert late(SCRIPT, START, now) is expected


def test_without_a_promise_nothing_is_late() -> None:
    assert not late(replace(SCRIPT, every_s=0.0), START, START + 1e9)


def test_silence_counts_from_the_server_s_own_start() -> None:
    """It could not be heard while the server was away."""
    assert not late(SCRIPT, START + 5_000, START + 5_600)
    assert late(SCRIPT, START + 5_000, START + 5_700)


def test_the_server_s_own_have_half_a_minute_at_least() -> None:
    reaper = Standing("reaper", True, 1.0, START + 100)
    assert not late(reaper, START, START + 131)
    assert late(reaper, START, START + 131.5)


def test_a_run_under_way_is_late_when_it_takes_longer_than_the_period() -> None:
    running = replace(OWN, running_since=START + 3_700)
    assert not late(running, START, START + 7_600)
    found = alarm(running, START, START + 7_700)
    assert found is not None
    assert found.message == "The service purge does not come to an end; it should run every 1 h"


def test_one_alarm_a_service_and_what_it_says() -> None:
    failed = replace(OWN, error="the disk broke")
    found = alarms([SCRIPT, failed, replace(OWN, name="disk", last_at=START + 9_000)], START, START + 10_000)
    assert {cause: (one.message, one.severity) for cause, one in found.items()} == {
        "service probe": (
            "The service probe is silent; it promised a word every 10 min, the last was: 3 TB",
            "warning",
        ),
        "service purge": ("The service purge failed: the disk broke", "bad"),
    }
    stopped = alarm(OWN, START, START + 10_000)
    assert stopped is not None
    assert stopped.message == "The service purge has stopped; it should run every 1 h"
