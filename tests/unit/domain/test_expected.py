"""Jobs that end well and have not published what their type expects."""

from collections.abc import Callable
from typing import Any

import pytest

from p3s.domain.effects import JobEnded, Noted
from p3s.domain.unpublished import Culprit, Lacking, alarm, is_over
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.states import JobState, Reason

Office = Any

TYPES = [JobTypeSpec("monitor", expects=("TPC", "TPC/Hits")), JobTypeSpec("again", retries=1, expects=("TPC",))]


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    found = make_office(types=TYPES)
    found.register("p", slots=4)
    return found


def started(office: Office, jobtype: str = "monitor") -> str:
    (job,) = office.submit(jobtype=jobtype)
    office.lane("p", office.book.pilots["p"].seq + 1, office.book.pilots["p"].numbered)
    office.report("p", job, 1, "running")
    return str(job)


def end_of(office: Office) -> JobEnded:
    (ended,) = [effect for effect in office.effects if isinstance(effect, JobEnded)]
    return ended


def events(office: Office) -> list[tuple[str, str]]:
    return [(effect.what, effect.why) for effect in office.effects if isinstance(effect, Noted)]


@pytest.mark.parametrize(
    ("published", "reason", "lacking"),
    [
        ((), Reason.PUBLISHED_NOTHING, ("TPC", "TPC/Hits")),
        (("Other", "TPC2", "TPC2/Hits"), Reason.PUBLISHED_NOTHING, ("TPC", "TPC/Hits")),
        (("TPC", "TPC/Noise"), Reason.RESULTS_MISSING, ("TPC/Hits",)),
        (("TPC", "TPC/Hits", "Other"), "", ()),
    ],
)
def test_an_end_says_what_did_not_come(
    office: Office, published: tuple[str, ...], reason: str, lacking: tuple[str, ...]
) -> None:
    job = started(office)
    office.publish(job, 1, *published)
    assert office.report("p", job, 1, "finished", exit_code=0).verdict == "applied"
    ended = end_of(office)
    assert (ended.after, ended.reason, ended.lacking) == (JobState.FINISHED, reason, lacking)
    told = [(str(reason), f"its type expects TPC, TPC/Hits; not published: {', '.join(lacking)}")] if lacking else []
    assert events(office) == told


def test_a_failed_job_keeps_its_own_reason(office: Office) -> None:
    job = started(office)
    office.report("p", job, 1, "failed", exit_code=3, reason="exit code")
    assert (end_of(office).reason, end_of(office).lacking, events(office)) == ("exit code", None, [])


def test_results_that_do_not_come_are_no_reason_to_try_again(office: Office) -> None:
    job = started(office, "again")
    office.report("p", job, 1, "finished", exit_code=0)
    assert office.state(job) is JobState.FINISHED


def test_a_type_that_expects_nothing_is_not_judged(office: Office) -> None:
    job = started(office, "plain")
    office.report("p", job, 1, "finished", exit_code=0)
    assert (end_of(office).lacking, office.book.followed) == (None, [])


def test_what_the_type_expects_at_the_end_counts(office: Office) -> None:
    first, second = started(office), started(office, "plain")
    office.declare("monitor", expects=())
    office.declare("plain", expects=("CRT",))
    office.report("p", first, 1, "finished", exit_code=0)
    assert end_of(office).lacking is None
    office.report("p", second, 1, "finished", exit_code=0)
    assert (end_of(office).reason, end_of(office).lacking) == (Reason.PUBLISHED_NOTHING, ("CRT",))


def test_a_late_report_is_judged_too(office: Office) -> None:
    job, other = started(office), started(office)
    office.death("p")
    office.publish(other, 1, "TPC", "TPC/Hits")
    office.report("p", job, 1, "finished", exit_code=0)
    ended = end_of(office)
    assert (ended.before, ended.reason, ended.lacking) == (JobState.LOST, "published nothing", ("TPC", "TPC/Hits"))
    assert [what for what, _ in events(office)] == ["published nothing", "amended"]
    office.report("p", other, 1, "finished", exit_code=0)
    assert (end_of(office).reason, end_of(office).lacking) == (Reason.LATE, ())


def test_what_another_attempt_published_does_not_count(office: Office) -> None:
    (job,) = office.submit(jobtype="again")
    office.lane("p", 1)
    office.publish(job, 1, "TPC")
    office.report("p", job, 1, "refused")
    office.lane("p", 2, 1)
    office.report("p", job, 2, "finished", exit_code=0)
    assert end_of(office).reason == Reason.PUBLISHED_NOTHING


def test_a_restart_forgets_nothing(office: Office) -> None:
    job = started(office)
    office.publish(job, 1, "TPC", "TPC/Hits")
    office.restart()
    office.report("p", job, 1, "finished", exit_code=0)
    assert end_of(office).lacking == ()


# ---- the alarm


def test_an_alarm_counts_jobs_and_names_runs_and_the_latest() -> None:
    whose = Culprit("monitor", "np04")
    one = alarm(whose, Lacking(7, "job7", 4610, ("TPC",), True), {})
    assert one.message == "monitor published nothing: 1 job of stream np04 of run 4610, the latest job7"
    assert (one.severity, one.cause) == ("bad", "results: monitor of np04")
    two = alarm(whose, Lacking(9, "job9", 4611, ("TPC/Hits",), False), one.detail)
    assert two.message == "monitor did not publish TPC/Hits: 2 jobs of stream np04 of runs 4610, 4611, the latest job9"
    assert two.severity == "warning"
    assert [is_over(two.detail, id) for id in (8, 9, 10)] == [False, False, True]


def test_causes_of_long_names_differ_and_fit() -> None:
    long = [Culprit("t" * 80, f"{'s' * 70}{number}").cause for number in range(3)]
    assert len(set(long)) == 3
    assert max(map(len, long)) <= 120
