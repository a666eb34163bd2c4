"""How long jobs of a type take: learnt from those that finish, and read off the tables by a server that starts."""

from typing import Any

from p3s.domain.estimates import LEAST, RECENT, Estimates

Office = Any


def run(office: Office, jobtype: str, *walls_s: float) -> None:
    """Jobs that finish one after the other at a pilot of their own."""
    pilot = f"pilot of {jobtype}"
    office.register(pilot, host=f"host of {jobtype}")
    for seq, wall_s in enumerate(walls_s, start=1):
        office.now += wall_s
        (job,) = office.submit(1, jobtype)
        office.lane(pilot, seq, acked=office.book.pilots[pilot].numbered)
        office.report(pilot, job, 1, "finished", wall_s=wall_s, ended_ago_s=0.0)
    office.death(pilot)


def test_the_recent_runs_count() -> None:
    estimates = Estimates()
    assert estimates.quantile("t", 0.5) is None
    for wall_s in (9.0, *[1.0] * RECENT):
        estimates.learn("t", wall_s)
    assert estimates.quantile("t", 0.99) == 1.0


def test_a_type_is_quick_after_some_runs_of_milliseconds_until_they_are_longer() -> None:
    estimates = Estimates()
    for _ in range(LEAST - 1):
        estimates.learn("t", 0.001)
    assert estimates.quick == set()
    estimates.learn("t", 0.001)
    assert estimates.quick == {"t"}
    for _ in range(2):
        estimates.learn("t", 1.0)
    assert estimates.quick == set()


def test_a_restart_forgets_none_of_it(office: Office) -> None:
    run(office, "quick", *[0.001] * LEAST)
    run(office, "slow", 5.0, 7.0, 60.0)
    lived = office.book
    office.restart()
    assert office.book is not lived
    assert office.book.estimates == lived.estimates
    assert office.book.estimates.quick == {"quick"}
    assert office.book.estimates.quantile("slow", 0.5) == 7.0
    assert office.book.hosts.good == lived.hosts.good == {"quick": {"host of quick"}, "slow": {"host of slow"}}


def test_quick_jobs_are_ordered_ahead_right_after_a_restart(office: Office) -> None:
    run(office, "quick", *[0.001] * LEAST)
    office.restart()
    office.register("p", host="host of quick")
    (first, *_) = office.submit(9, "quick")
    office.lane("p", 1)
    office.report("p", first, 1, "finished", wall_s=0.001)
    office.lane("p", 2, acked=1)
    assert len(office.book.pilots["p"].out) > 1
