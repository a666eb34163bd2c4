"""What a job needs and what a pilot declares: who may have which job, and nothing is over-filled."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.needs import REQUIREMENTS, Offer, last_moment, suits
from p3s.protocol.messages import Needs

Office = Any
MakeOffice = Callable[..., Any]
GB = 10**9

SITES = st.sampled_from(["", "here", "there"])
WORDS = st.lists(st.sampled_from(["cvmfs", "xrootd", "gpu"]), max_size=3, unique=True)
NEEDS = st.builds(
    Needs,
    st.integers(1, 4),
    st.sampled_from([0, GB, 4 * GB]),
    st.integers(0, 2),
    SITES,
    WORDS.map(tuple),
    st.sampled_from(["", "apptainer"]),
)
OFFERS = st.builds(
    Offer,
    SITES,
    st.integers(1, 4),
    st.sampled_from([0, GB, 4 * GB]),
    st.integers(0, 2),
    WORDS.map(frozenset),
    st.sampled_from([frozenset(), frozenset({"apptainer"})]),
)


@pytest.mark.parametrize(
    ("needs", "offer", "expected"),
    [
        (Needs(), {}, True),
        (Needs(cores=2), {"cores": 1}, False),
        (Needs(cores=2), {"cores": 2}, True),
        (Needs(memory=4 * GB), {}, False),
        (Needs(memory=4 * GB), {"memory": 4 * GB}, True),
        (Needs(gpus=1), {"gpus": 0}, False),
        (Needs(gpus=1), {"gpus": 2}, True),
        (Needs(site="lxbatch"), {"site": "lxplus"}, False),
        (Needs(site="lxbatch"), {"site": "lxbatch"}, True),
        (Needs(tags=("cvmfs", "xrootd")), {"tags": frozenset({"cvmfs"})}, False),
        (Needs(tags=("cvmfs",)), {"tags": frozenset({"cvmfs", "xrootd"})}, True),
        (Needs(runtime="apptainer"), {}, False),
        (Needs(runtime="apptainer"), {"runtimes": frozenset({"apptainer"})}, True),
    ],
)
def test_a_job_goes_to_a_pilot_that_has_what_it_needs_and_to_no_other(
    office: Office, needs: Needs, offer: dict[str, Any], expected: bool
) -> None:
    office.register("p", slots=2, **offer)
    office.submit(needs=needs)
    assert bool(office.lane("p", 1)) == expected


def test_the_job_waits_for_the_pilot_that_suits_and_lets_others_pass(office: Office) -> None:
    office.register("plain")
    office.lane("plain", 1)
    office.submit(needs=Needs(gpus=1), priority=9)
    office.submit(1)
    assert office.ordered() == ["job2"]
    office.register("big", gpus=1)
    assert [order.job for order in office.lane("big", 1).orders] == ["job1"]


def test_many_idle_pilots_that_declare_the_same_are_one_group(office: Office) -> None:
    for number in range(50):
        office.register(f"p{number}")
        office.lane(f"p{number}", 1)
    assert len(office.book.ready.groups) == 1


def test_cores_are_not_over_filled(office: Office) -> None:
    office.register("p", slots=4, cores=4)
    office.submit(3, needs=Needs(cores=3))
    office.submit(3)
    orders = office.lane("p", 1).orders
    assert [order.job for order in orders] == ["job1", "job4"]
    office.lane("p", 2, acked=2)
    office.report("p", "job4", 1, "finished")
    assert office.ordered() == ["job5"]


def test_memory_and_gpus_are_not_over_filled(office: Office) -> None:
    office.register("p", slots=4, memory=4 * GB, gpus=1)
    office.submit(2, "a", needs=Needs(memory=3 * GB))
    office.submit(2, "b", needs=Needs(gpus=1))
    office.submit(1, "c", needs=Needs(memory=GB))
    assert [order.job for order in office.lane("p", 1).orders] == ["job1", "job3", "job5"]


def test_quick_jobs_are_not_ordered_ahead_of_one_that_takes_several_cores(office: Office) -> None:
    office.register("p", slots=2, cores=4)
    learn(office, "plain", 0.001)
    office.submit(1, "wide", needs=Needs(cores=3))
    office.lane("p", 12, acked=11)
    office.submit(9)
    office.lane("p", 13, acked=12)
    assert len(office.book.pilots["p"].out) == 2


def learn(office: Office, jobtype: str, wall_s: float, count: int = 10) -> None:
    """Runs of a type, one after the other, at pilot p."""
    for seq in range(1, count + 1):
        (job,) = office.submit(1, jobtype)
        office.lane("p", seq, acked=office.book.pilots["p"].numbered)
        office.report("p", job, 1, "finished", wall_s=wall_s)
    office.lane("p", count + 1, acked=office.book.pilots["p"].numbered)


def test_a_full_pilot_of_quick_jobs_is_ordered_some_ahead_and_not_on_a_host_where_they_never_ran(
    make_office: MakeOffice,
) -> None:
    office = make_office()
    office.register("p", slots=1)
    learn(office, "plain", 0.001)
    office.submit(9)
    assert len(office.book.pilots["p"].out) == 5
    office.register("q", slots=1, host="other")
    office.lane("q", 1)
    assert len(office.book.pilots["q"].out) == 1


# ---- life


@pytest.mark.parametrize(("limit", "expected"), [(3000.0, True), (3700.0, False), (0.0, True)])
def test_a_pilot_gets_no_job_longer_than_its_remaining_life(office: Office, limit: float, expected: bool) -> None:
    office.register("p", life_s=3600.0)
    office.submit(time_limit=limit)
    assert bool(office.lane("p", 1)) == expected


def test_without_a_limit_the_recent_runs_of_the_type_count(office: Office) -> None:
    office.register("p")
    learn(office, "plain", 500.0)
    office.death("p")
    office.register("short", life_s=400.0)
    (job,) = office.submit(1)
    assert office.lane("short", 1) is None
    office.register("long", life_s=600.0)
    assert [order.job for order in office.lane("long", 1).orders] == [job]


def test_a_long_job_does_not_hold_up_shorter_ones_of_its_type(office: Office) -> None:
    office.register("p", life_s=3600.0)
    office.submit(1, time_limit=9000.0)
    office.submit(1, time_limit=60.0)
    assert [order.job for order in office.lane("p", 1).orders] == ["job2"]


def test_a_pilot_at_the_end_of_its_life_gets_nothing(office: Office) -> None:
    office.register("p", life_s=100.0)
    office.now += 30
    office.submit(time_limit=80.0)
    assert office.lane("p", 1) is None


@given(st.floats(1e9, 2e9), st.floats(1.0, 1e6))
def test_the_end_of_a_life_is_rounded_down_by_little(now: float, life_s: float) -> None:
    until = last_moment(now + life_s, life_s)
    assert now + life_s - max(1.0, life_s / 64) <= until <= now + life_s


# ---- the predicates


@given(NEEDS, OFFERS)
def test_what_is_not_suited_is_said_in_words(needs: Needs, offer: Offer) -> None:
    """Explain can always name what is missing."""
    lacking = [one.words(needs) for one in REQUIREMENTS if not one.met(needs, offer)]
    assert suits(needs, offer) == (not lacking)
    assert all(lacking)


@given(NEEDS, OFFERS)
def test_more_is_never_worse(needs: Needs, offer: Offer) -> None:
    if suits(needs, offer):
        assert suits(
            needs,
            Offer(
                offer.site,
                offer.cores + 1,
                offer.memory + 1,
                offer.gpus + 1,
                offer.tags | {"x"},
                offer.runtimes | {"y"},
            ),
        )
