"""What people and pilots may send, and the line they are refused with."""

from dataclasses import replace
from typing import Any

import pytest

from p3s.protocol import bounds, data_bounds
from p3s.protocol.data import DatasetRequest
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import (
    BOUNDS,
    ExchangeRequest,
    Held,
    JobSpec,
    RegisterRequest,
    Report,
    SubmitRequest,
)

PILOT = RegisterRequest("0b9ad7c2-1111-4444-8888-000000000000", "nonce-nonce", 1, "0.1", "host", 4)


def refused(spec: JobSpec) -> str:
    with pytest.raises(BadInput) as caught:
        bounds.check_submit(SubmitRequest([JobSpec("true"), spec]))
    return str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        JobSpec("true"),
        JobSpec("x" * BOUNDS["payload"]),
        JobSpec("two\nlines\tand a tab"),
        JobSpec("true", name="n" * BOUNDS["name"], jobtype="t" * BOUNDS["jobtype"], input="i" * BOUNDS["input"]),
        JobSpec("true", priority=1000, time_limit=30 * 86_400),
        JobSpec("true", priority=-1000, time_limit=0),
        JobSpec("true", env={"_A9": "v" * BOUNDS["env_value"], "B": "", "C": "a\nb"}),
        JobSpec("true", env={f"V{n}": "" for n in range(BOUNDS["env_variables"])}),
    ],
)
def test_what_is_within_bounds_is_taken(spec: JobSpec) -> None:
    bounds.check_submit(SubmitRequest([spec]))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (JobSpec(""), "jobs[1].payload: is empty; write the command to run"),
        (JobSpec(" \n"), "jobs[1].payload: is empty; write the command to run"),
        (JobSpec("x" * 20_001), "jobs[1].payload: has 20001 characters, at most 20000 are taken"),
        (JobSpec("a\0b"), "jobs[1].payload: holds the control character U+0000; take it out"),
        (JobSpec("true", name="n" * 201), "jobs[1].name: has 201 characters, at most 200 are taken"),
        (JobSpec("true", name="bell\a"), "jobs[1].name: holds the control character U+0007; take it out"),
        (JobSpec("true", jobtype=" "), "jobs[1].jobtype: is empty; leave it out for the type 'default'"),
        (JobSpec("true", jobtype="t" * 81), "jobs[1].jobtype: has 81 characters, at most 80 are taken"),
        (JobSpec("true", input="\x1b[31m"), "jobs[1].input: holds the control character U+001B; take it out"),
        (JobSpec("true", priority=1001), "jobs[1].priority: must be from -1000 to 1000, not 1001"),
        (JobSpec("true", priority=-1001), "jobs[1].priority: must be from -1000 to 1000, not -1001"),
        (JobSpec("true", time_limit=-1), "jobs[1].time_limit: must be from 0 to 2592000, not -1"),
        (JobSpec("true", env={"A B": "1"}), "jobs[1].env: 'A B' is not a variable name; use letters, digits and _"),
        (JobSpec("true", env={"": "1"}), "jobs[1].env: '' is not a variable name; use letters, digits and _"),
        (JobSpec("true", env={"A=B": "1"}), "jobs[1].env: 'A=B' is not a variable name; use letters, digits and _"),
        (JobSpec("true", env={"A\n": "1"}), "jobs[1].env: 'A\\n' is not a variable name; use letters, digits and _"),
        (JobSpec("true", env={"A": "\0"}), "jobs[1].env.A: at most 32000 characters, and no NUL"),
        (JobSpec("true", env={"A": "v" * 32_001}), "jobs[1].env.A: at most 32000 characters, and no NUL"),
    ],
)
def test_what_is_beyond_is_refused_with_its_place(spec: JobSpec, said: str) -> None:
    assert refused(spec) == said


def test_a_time_limit_that_is_no_number_is_refused() -> None:
    assert "time_limit" in refused(JobSpec("true", time_limit=float("nan")))


def test_too_many_variables_are_refused() -> None:
    assert "send it in parts" in refused(JobSpec("true", env={f"V{n}": "" for n in range(501)}))


def test_no_job_and_too_many_jobs_are_refused() -> None:
    with pytest.raises(BadInput, match="the list is empty"):
        bounds.check_submit(SubmitRequest([]))
    bounds.check_submit(SubmitRequest([JobSpec("true")] * 10_000))
    with pytest.raises(BadInput, match="10001 entries, at most 10000"):
        bounds.check_submit(SubmitRequest([JobSpec("true")] * 10_001))


@pytest.mark.parametrize("key", ["k" * 201, "a\0"])
def test_a_key_has_bounds_too(key: str) -> None:
    with pytest.raises(BadInput, match="key"):
        bounds.check_submit(SubmitRequest([JobSpec("true")], key))


@pytest.mark.parametrize("slots", [1, 1024])
def test_a_pilot_within_bounds_is_taken(slots: int) -> None:
    bounds.check_register(replace(PILOT, slots=slots))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"slots": 0}, "slots"),
        ({"slots": 1025}, "slots"),
        ({"pilot": "short"}, "pilot"),
        ({"pilot": "p" * 37}, "pilot"),
        ({"pilot": "../../../etc"}, "pilot"),
        ({"pilot": "aaaaaaaa.bbb"}, "pilot"),
        ({"pilot": "aaaaaaaaa\n"}, "pilot"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "n" * 81}, "nonce"),
        ({"host": "h" * 256}, "host"),
        ({"site": "a\0"}, "site"),
        ({"version": "a\0"}, "version"),
        ({"python": "a\0"}, "python"),
        ({"batch_id": "a\0"}, "batch_id"),
    ],
)
def test_a_pilot_beyond_bounds_is_refused(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput, match=f"^{where}"):
        bounds.check_register(replace(PILOT, **changes))


def test_an_exchange_within_bounds_is_taken() -> None:
    bounds.check_exchange(ExchangeRequest("orders", 7, 3, 25.0, [Held("a", 1)] * 10_000))
    bounds.check_exchange(ExchangeRequest("reports", reports=[Report("a", 1, "running")] * 1_000))


@pytest.mark.parametrize(
    "message",
    [
        ExchangeRequest("sideways"),
        ExchangeRequest("reports", reports=[Report("a", 1, "running")] * 1_001),
        ExchangeRequest("orders", holding=[Held("a", 1)] * 10_001),
    ],
    ids=["lane", "reports", "holding"],
)
def test_an_exchange_beyond_bounds_is_refused(message: ExchangeRequest) -> None:
    with pytest.raises(BadInput):
        bounds.check_exchange(message)


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        (DatasetRequest("", "s"), "url"),
        (DatasetRequest("u" * 2001, "s"), "url"),
        (DatasetRequest("/a\0", "s"), "url"),
        (DatasetRequest("/a", "s", name="n" * 256), "name"),
        (DatasetRequest("/a", "s", size=-1), "size"),
        (DatasetRequest("/a", "s", run=2**62), "run"),
        (DatasetRequest("/a", "s", subrun=-1), "subrun"),
        (DatasetRequest("/a", "s", keys={"a b": 1}), "keys"),
        (DatasetRequest("/a", "s", keys={"a": True}), "keys"),
        (DatasetRequest("/a", "s", keys={"a": 1.5}), "keys"),
        (DatasetRequest("/a", "s", keys={"a": ["x"]}), "keys"),
        (DatasetRequest("/a", "s", keys={"a": "x" * 201}), "keys"),
        (DatasetRequest("/a", "s", keys={"a" * 41: 1}), "keys"),
    ],
)
def test_a_dataset_beyond_bounds_is_refused(request_: DatasetRequest, where: str) -> None:
    with pytest.raises(BadInput, match=where):
        data_bounds.check_dataset(request_)


def test_a_dataset_within_bounds_is_taken() -> None:
    data_bounds.check_dataset(
        DatasetRequest("root://host//a/b.root", "raw", "b.root", 0, 7, 1, {"plane": "U", "apa": 3})
    )
