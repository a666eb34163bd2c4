"""Why is it not running? Each thing in the way in words, and never a word when nothing is."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p3s.domain.explain import explain, lacking, pilots_now
from p3s.protocol.messages import JobTypeSpec, Needs

Office = Any


def words(office: Office, job: str, said: str = "") -> str:
    return "; ".join(explain(office.book, job, office.store.past(job), said, office.now))


def now(office: Office, job: str) -> int:
    return pilots_now(office.book, office.store.past(job).queued.key, office.now)


def test_without_pilots_it_says_so(office: Office) -> None:
    office.submit(1)
    assert words(office, "job1") == "no pilot is in service"


def test_what_no_pilot_has_is_named_with_counts(office: Office) -> None:
    office.register("a", slots=4)
    office.register("b", tags=frozenset({"cvmfs"}))
    office.submit(1, needs=Needs(gpus=2))
    office.submit(1, needs=Needs(tags=("cvmfs",), cores=2, memory=4 * 10**9))
    assert words(office, "job1") == "needs 2 GPUs: 0 of 2 pilots have that"
    assert words(office, "job2").startswith(
        "needs 2 cores: 1 of 2 pilots have it; needs 4 GB of memory: 0 of 2 pilots have that; "
        "needs the tag cvmfs: 1 of 2 pilots have it"
    )


def test_when_no_single_pilot_has_all_that_it_needs_it_says_so(office: Office) -> None:
    office.register("a", gpus=1)
    office.register("b", tags=frozenset({"cvmfs"}))
    office.submit(1, needs=Needs(gpus=1, tags=("cvmfs",)))
    assert words(office, "job1").endswith("no pilot has all that it needs")


def test_what_no_pilot_has_is_lacking_for_jobs_to_come_however_busy_pilots_are(office: Office) -> None:
    needs = Needs(gpus=1, tags=("cvmfs",))
    assert lacking(office.book, needs) == []
    office.register("a", gpus=1)
    assert lacking(office.book, needs) == ["needs the tag cvmfs: 0 of 1 pilots have that"]
    office.register("b", tags=frozenset({"cvmfs"}))
    assert lacking(office.book, needs) == ["no pilot has all that it needs"]
    office.register("c", slots=1, gpus=1, tags=frozenset({"cvmfs"}))
    office.submit(1, needs=needs)
    office.lane("c", 1)
    assert lacking(office.book, needs) == []


def test_a_used_up_cap_and_a_brake_are_named(make_office: Any) -> None:
    office = make_office(types=[JobTypeSpec("t", cap=1), JobTypeSpec("off", cap=0)])
    office.register("p", slots=5)
    office.submit(2, "t")
    office.submit(1, "off")
    office.lane("p", 1)
    assert "cap of t: 1 of 1 in use" in words(office, "job2")
    assert "cap of off is 0" in words(office, "job3")
    assert now(office, "job2") == 0


def test_full_pilots_and_the_jobs_before_it_are_counted(office: Office) -> None:
    office.register("p", slots=1)
    office.submit(1)
    office.lane("p", 1)
    office.submit(3)
    office.submit(1, "urgent", priority=5)
    assert words(office, "job4") == "1 of the 1 pilots that could run it is full; 3 jobs before it"


def test_deadlines_are_said(office: Office) -> None:
    office.submit(1, eta_at=office.now + 40, stale_at=office.now + 90)
    office.now += 50
    assert words(office, "job1").endswith("ETA 10 s ago; stale in 40 s")


def test_a_silent_pilot_is_named(office: Office) -> None:
    office.register("p")
    office.submit(1)
    office.lane("p", 1)
    office.now += 47
    assert words(office, "job1") == "was given to pilot p on host, attempt 1; pilot p on host silent 47 s"


def test_a_suspect_host_is_named(office: Office) -> None:
    for host in ("good", "wn7"):
        office.register(host, host=host)
    office.submit(9)
    office.lane("good", 1)
    office.report("good", "job1", 1, "finished")
    for seq in (1, 2, 3):
        office.lane("wn7", seq, acked=seq - 1)
        job = next(iter(office.book.pilots["wn7"].out))
        office.report("wn7", job, 1, "failed", reason="nonstarter")
    assert "host wn7 is suspect: 3 jobs in a row could not run there" in words(office, "job9")


def test_a_held_job_says_by_whom(office: Office) -> None:
    office.submit(1)
    office.hold("job1")
    assert words(office, "job1", "held by ana: to look") == "held by ana: to look; release it: p3s job release"


def test_an_ended_job_says_how(office: Office) -> None:
    office.submit(1)
    office.cancel("job1")
    assert words(office, "job1", "cancelled by ana: not needed") == (
        "it has ended: cancelled; cancelled by ana: not needed"
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_job_that_could_go_now_goes_and_one_that_cannot_has_a_reason(office_type: Any, data: st.DataObject) -> None:
    """The words and the brokerage agree, whatever is there."""
    needs = st.builds(Needs, cores=st.integers(1, 3), gpus=st.integers(0, 1))
    office = office_type(types=[JobTypeSpec("t", cap=data.draw(st.none() | st.integers(0, 2)))])
    for number in range(data.draw(st.integers(0, 3))):
        slots = data.draw(st.integers(1, 3))
        office.register(f"p{number}", slots, gpus=data.draw(st.integers(0, 1)), cores=data.draw(st.integers(1, 3)))
        if data.draw(st.booleans()):
            office.lane(f"p{number}", 1)
    for _ in range(data.draw(st.integers(1, 6))):
        office.submit(1, "t", needs=data.draw(needs))
    for job, row in office.store.jobs.items():
        if row.state.value == "defined":
            assert now(office, job) == 0, "it could go and did not"
            assert words(office, job)
