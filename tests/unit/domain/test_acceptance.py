"""What a description leaves out comes from its type; what supersedes what."""

import pytest

from p3s.domain.acceptance import accept, class_of, same_of
from p3s.protocol.messages import JobSpec, JobTypeSpec, Needs
from p3s.protocol.states import JobState

KIND = JobTypeSpec("t", priority=4, eta=60.0, stale_after=90.0, time_limit=10.0)


def test_what_is_left_out_comes_from_the_type() -> None:
    added = accept(1, "j", JobSpec("x", jobtype="t"), KIND, 1000.0, {})
    assert (added.priority, added.spec.time_limit, added.spec.eta_at, added.spec.stale_at) == (4, 10.0, 1060.0, 1090.0)


def test_what_is_said_counts_also_when_it_is_0() -> None:
    spec = JobSpec("x", jobtype="t", priority=0, time_limit=0.0, eta=0.0, stale_after=5.0, hold=True)
    added = accept(1, "j", spec, KIND, 1000.0, {})
    assert (added.priority, added.spec.time_limit, added.spec.eta_at, added.spec.stale_at) == (0, 0.0, None, 1005.0)
    assert added.state is JobState.HELD


@pytest.mark.parametrize(
    ("input", "how", "shown"),
    [
        ("/data/run7 1.root", "path", "/data/run7 1.root"),
        ("/data/run7 1.root", "name", "run7 1.root"),
        ("/data/run7 1.root", "url", "file:///data/run7 1.root"),
        ("file:///data/run7.root", "path", "/data/run7.root"),
        ("root://x//eos/run7.root?a=/b", "name", "run7.root"),
        ("root://x//eos/run7.root", "url", "root://x//eos/run7.root"),
        ("xroot://x//eos/run7.root", "path", "root://x//eos/run7.root"),
    ],
)
def test_the_input_is_named_as_the_type_says(input: str, how: str, shown: str) -> None:
    added = accept(1, "j", JobSpec("x", input=input), JobTypeSpec("t", input_as=how), 1000.0, {})
    assert added.spec.env["P3S_INPUT_FILE"] == shown


def test_the_jobs_own_word_on_its_input_is_stronger_than_its_types() -> None:
    spec = JobSpec("x", input="/data/a.root", env={"P3S_INPUT_AS": "path", "P3S_INPUT_FILE": "to be replaced"})
    added = accept(1, "j", spec, JobTypeSpec("t", input_as="name"), 1000.0, {})
    assert added.spec.env["P3S_INPUT_FILE"] == "/data/a.root"


def test_equal_needs_are_one_class_whatever_the_order_of_their_tags() -> None:
    one, other = (JobSpec("x", needs=Needs(tags=tags)) for tags in (("b", "a"), ("a", "b", "a")))
    assert class_of(one, KIND) == class_of(other, KIND)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ((7, 1, {"apa": 2}), (7, 9, {"apa": 2}), True),
        ((7, 1, {"apa": 2}), (8, 1, {"apa": 2}), False),
        ((7, 1, {"apa": 2}), (7, 1, {"apa": 3}), False),
    ],
)
def test_equal_values_of_the_keys_supersede(first: tuple, second: tuple, same: bool) -> None:  # type: ignore[type-arg]
    kind = JobTypeSpec("t", supersedes=("run", "apa"))
    assert (same_of(kind, *first) == same_of(kind, *second)) == same


def test_a_job_that_lacks_one_of_the_keys_supersedes_nothing() -> None:
    assert same_of(JobTypeSpec("t", supersedes=("run", "apa")), 7, 1, {}) == ""
