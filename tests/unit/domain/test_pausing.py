"""People pause a job type or everything, and resume: what runs goes on, the cap stays, a restart remembers."""

from typing import Any

import pytest

from p3s.domain.effects import Noted
from p3s.domain.explain import explain, pilots_now
from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.errors import NotKnown
from p3s.protocol.messages import JobTypeSpec

Office = Any


def pause(office: Office, jobtype: str, why: str = "noise") -> bool:
    return bool(office.act(lambda desk: desk.pause(jobtype, "ana", why)))


def resume(office: Office, jobtype: str) -> bool:
    return bool(office.act(lambda desk: desk.resume(jobtype, "ana", "")))


@pytest.fixture
def busy(make_office: Any) -> Office:
    """Two types, one pilot that waits."""
    office = make_office(types=[JobTypeSpec("a", cap=5), JobTypeSpec("b")])
    office.register("p", slots=4)
    office.lane("p", 1)
    return office


@pytest.mark.parametrize("what", ["a", ALL_TYPES])
def test_what_is_paused_waits_until_it_is_resumed(busy: Office, what: str) -> None:
    assert pause(busy, what)
    busy.submit(1, "a")
    busy.submit(1, "b")
    assert busy.ordered() == ([] if what == ALL_TYPES else ["job2"])
    busy.lane("p", 2, acked=9)
    assert resume(busy, what)
    assert "job1" in busy.ordered()
    assert busy.book.types["a"].cap == 5


def test_a_pause_of_all_is_apart_from_that_of_one(busy: Office) -> None:
    pause(busy, "a")
    pause(busy, ALL_TYPES)
    busy.submit(1, "a")
    assert resume(busy, ALL_TYPES)
    assert busy.ordered() == []
    assert resume(busy, "a")
    assert busy.ordered() == ["job1"]


def test_again_is_no_change_and_another_reason_is(busy: Office) -> None:
    assert pause(busy, "a", "noise")
    assert not pause(busy, "a", "noise")
    assert pause(busy, "a", "calibration")
    assert [one.why for one in busy.effects if isinstance(one, Noted)] == ["calibration"]
    assert not resume(busy, "b")


def test_a_type_that_nobody_named_is_not_known(busy: Office) -> None:
    with pytest.raises(NotKnown, match="no job type c"):
        pause(busy, "c")


def test_a_restart_remembers_it(busy: Office) -> None:
    pause(busy, "a")
    busy.restart()
    assert {name: one.why for name, one in busy.book.pauses.items()} == {"a": "noise"}


def test_explain_and_the_outlook_say_so(busy: Office) -> None:
    pause(busy, "a")
    busy.now += 180.0
    (job,) = busy.submit(1, "a")
    past = busy.store.past(job)
    assert explain(busy.book, job, past, "", busy.now)[0] == "a is paused by ana, for 3 min: noise"
    assert pilots_now(busy.book, past.queued.key, busy.now) == 0
    pause(busy, ALL_TYPES, "")
    resume(busy, "a")
    assert explain(busy.book, job, past, "", busy.now)[0] == "everything is paused by ana, for less than a minute"
