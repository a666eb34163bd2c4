"""Which files a stream takes, and the jobs that it makes of them."""

from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.data.streams import gathered, in_sample, jobs_of, taking, without
from p3s.protocol.data import DatasetRequest, Gather, StreamJob, StreamSpec, Take
from p3s.protocol.messages import Needs
from p3s.protocol.states import Fate

A, B = StreamJob("a"), StreamJob("b")
NAMES = [f"run{run}_{subrun}.root" for run in range(40) for subrun in range(50)]


def test_the_sample_is_the_same_on_every_machine_and_for_ever() -> None:
    """These values are promised: a watcher, a server and a person who asks beforehand must agree."""
    taken = [number for number in range(60) if in_sample(f"np04_raw_run003611_{number:04}_dl1.root", 10)]
    assert taken == [17, 42, 54, 57, 59]


@given(one_in=st.integers(2, 40))
def test_about_one_in_so_many_is_taken(one_in: int) -> None:
    taken = sum(in_sample(name, one_in) for name in NAMES)
    assert 0.5 < taken / (len(NAMES) / one_in) < 1.6


@given(name=st.text(), fine=st.integers(1, 100), coarse=st.integers(1, 100))
def test_what_a_coarser_sample_takes_a_finer_one_that_divides_it_takes_too(name: str, fine: int, coarse: int) -> None:
    assert not in_sample(name, fine * coarse) or in_sample(name, fine)


def test_the_first_of_a_run_are_taken_whole() -> None:
    spec = StreamSpec("s", {"a": A, "b": StreamJob("b", one_in=10**9)}, take=Take(10**9, 2))
    assert taking(spec, "n", before=1).jobtypes == ("a", "b")
    assert taking(spec, "n", before=2).fate is Fate.SAMPLED_OUT


def test_a_job_s_own_prescale_replaces_the_stream_s() -> None:
    spec = StreamSpec("s", {"a": StreamJob("a", one_in=1), "b": B}, take=Take(10**9, 0))
    assert taking(spec, "n") == taking(spec, "n", before=5)
    assert taking(spec, "n").jobtypes == ("a",)


def test_what_is_ignored_says_why_and_a_pause_comes_after() -> None:
    spec = StreamSpec("s", {"a": A})
    assert (taking(spec, "n", ignored="small", paused=True).reason, taking(spec, "n", paused=True).reason) == (
        "small",
        "paused",
    )


def test_a_stream_of_a_workflow_takes_files_without_jobs() -> None:
    spec = StreamSpec("s", workflow="calib", take=Take(10**9, 1))
    assert taking(spec, "n") == taking(StreamSpec("s", workflow="calib"), "n", before=9)
    assert taking(spec, "n", before=1).fate is Fate.SAMPLED_OUT


def test_what_is_refused_is_left_out_and_a_file_without_jobs_is_ignored() -> None:
    taken = taking(StreamSpec("s", {"a": A, "b": B}), "n")
    assert without(taken, []) is taken
    assert (without(taken, ["b"]).jobtypes, without(taken, ["b"]).reason) == (("a",), "overflow: b")
    assert (without(taken, ["a", "b"]).fate, without(taken, ["a", "b"]).reason) == (Fate.IGNORED, "overflow")


def test_a_job_has_what_the_stream_says_and_its_own_before_that() -> None:
    job = StreamJob("p", {"A": "own"}, 3, 60.0, needs=Needs(cores=2))
    spec = StreamSpec("s", {"a": job, "b": B}, env={"A": "all", "B": "all"}, gather={"g": Gather("m", "a", every=2)})
    one, other = jobs_of(spec, DatasetRequest("/d/n.root", name="n.root"))
    assert (one.env, other.env) == ({"A": "own", "B": "all"}, {"A": "all", "B": "all"})
    assert (one.priority, one.time_limit, one.needs.cores, one.input, one.name) == (3, 60.0, 2, "/d/n.root", "s n.root")
    assert [job.jobtype for job in jobs_of(spec, DatasetRequest("/d/n.root"), ["b"])] == ["b"]
    assert gathered(spec) == {"a"}
