"""Files arrive, one by one and many at once: what a stream takes of them, how many of its jobs may wait."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from p3s.domain.data.streams import in_sample

Server = Any
PAYLOAD = {"payload": "true"}


@pytest.fixture
def declared(server: Server) -> Callable[..., str]:
    """declared(take=...): a stream with one job type, both of the test's own."""

    def declare(**rule: Any) -> str:
        name = f"s{uuid.uuid4().hex[:12]}"
        spec = {"name": name, **({} if "jobs" in rule else {"jobs": {name: PAYLOAD}}), **rule}
        server.good("PUT", f"/api/v1/streams/{name}", spec)
        return name

    return declare


def files(stream: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"url": f"/data/{stream}/{place:06}.root", "stream": stream, **more} for place in range(count)]


def arrive(server: Server, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.good("POST", "/api/v1/arrivals", {"files": list(requests)})["files"]
    return found


def states(server: Server, stream: str, jobtype: str = "") -> list[str]:
    """Of its jobs, the oldest first."""
    jobs = server.good("GET", f"/api/v1/jobs?stream={stream}&jobtype={jobtype}&limit=1000")["jobs"]
    return [f"{job['state']} {job['reason']}".strip() for job in reversed(jobs)]


# ---- many


def test_many_are_registered_in_one_call_and_again_nothing_changes(
    server: Server, declared: Callable[..., str]
) -> None:
    stream = declared()
    sent = files(stream, 250, run=7)
    first = arrive(server, *sent)
    assert all(one["new"] and one["fate"] == "taken" and len(one["jobs"]) == 1 for one in first)
    assert arrive(server, *sent) == [{**one, "new": False} for one in first]
    assert arrive(server, sent[3], sent[3]) == [{**first[3], "new": False}] * 2
    assert len(states(server, stream)) == 250


def test_one_that_is_refused_costs_the_others_nothing(server: Server, declared: Callable[..., str]) -> None:
    good = files(declared(), 2)
    bad = [{**good[0], "url": ""}, {"url": "/data/a", "stream": "nobody"}, {**good[0], "adler32": "xyz"}]
    said = arrive(server, bad[0], good[0], bad[1], good[1], bad[2])
    assert [one["fate"] for one in said] == ["", "taken", "", "taken", ""]
    assert ["url: is empty" in said[0]["problem"], "there is no stream" in said[2]["problem"]] == [True, True]
    assert "adler32" in said[4]["problem"]


def test_more_than_a_call_may_have_is_refused(server: Server) -> None:
    answer = server.ask("POST", "/api/v1/arrivals", {"files": files("nobody", 1001)})
    assert (answer.status, "at most 1000" in answer.detail) == (422, True)


def test_the_same_file_twice_in_a_call_is_made_once(server: Server, declared: Callable[..., str]) -> None:
    (one,) = files(declared(), 1)
    first, second = arrive(server, one, one)
    assert second == {**first, "new": False}


def test_a_file_that_is_ignored_and_then_taken_in_one_call_is_stored_as_it_was_at_the_end(
    server: Server, declared: Callable[..., str]
) -> None:
    (one,) = files(declared(), 1, keys={"dl": 3}, metadata={"beam": {"on": True}})
    ignored, taken = arrive(server, {**one, "size": 1, "ignored": "too small"}, {**one, "size": 3})
    assert (ignored["fate"], taken["fate"], len(taken["jobs"])) == ("ignored", "taken", 1)
    (again,) = arrive(server, one)
    assert again == {**taken, "new": False}
    found = server.good("GET", f"/api/v1/datasets/{taken['dataset']}")
    assert (found["size"], found["keys"], found["metadata"]) == (3, {"dl": 3}, {"beam": {"on": True}})


def test_a_file_of_two_streams_has_jobs_of_both(server: Server, declared: Callable[..., str]) -> None:
    one, other = declared(), declared()
    url = f"/data/{one}.root"
    first, second = arrive(server, {"url": url, "stream": one}, {"url": url, "stream": other})
    assert first["dataset"] == second["dataset"]
    assert (first["new"], second["new"]) == (True, True)
    assert set(first["jobs"]).isdisjoint(second["jobs"])
    assert [len(states(server, name)) for name in (one, other)] == [1, 1]


def test_what_is_said_of_a_file_is_kept(server: Server, declared: Callable[..., str]) -> None:
    stream = declared()
    facts = {"size": 5, "adler32": "0000abcd", "modified_at": 1.7e9, "datatype": stream[:40], "comment": "c"}
    (said,) = arrive(server, {**files(stream, 1)[0], **facts, "metadata": {"events": 3}})
    (row,) = [one for one in server.good("GET", "/api/v1/datasets")["datasets"] if one["uuid"] == said["dataset"]]
    assert row["size"] == 5


@pytest.mark.parametrize(
    "more",
    [
        {"adler32": "123"},
        {"state": "missing"},
        {"ignored": "paused"},
        {"ignored": "i" * 201},
        {"modified_at": -1.0},
        {"datatype": "d" * 41},
        {"metadata": {"a": "b\0"}},
        {"metadata": {"a": 10**100}},
        {"metadata": {"a": [[[[[[[[[1]]]]]]]]]}},
        {"metadata": {"a": "b" * 70_000}},
    ],
    ids=lambda more: str(more)[:40],
)
def test_what_cannot_be_of_a_file_is_refused(server: Server, declared: Callable[..., str], more: Any) -> None:
    answer = server.ask("POST", "/api/v1/datasets", {**files(declared(), 1)[0], **more})
    assert (answer.status, next(iter(more)) in answer.detail) == (422, True)


# ---- which are taken


def test_one_in_so_many_is_taken_by_the_hash_of_its_name(server: Server, declared: Callable[..., str]) -> None:
    stream = declared(take={"one_in": 4, "first_of_run": 0})
    sent = files(stream, 60, run=1)
    said = arrive(server, *sent)
    expected = [in_sample(one["url"].rpartition("/")[2], 4) for one in sent]
    assert [one["fate"] == "taken" for one in said] == expected
    assert {one["fate"] for one in said} == {"taken", "sampled out"}
    assert [len(one["jobs"]) for one in said] == [int(taken) for taken in expected]


def test_the_first_of_each_run_are_always_taken(server: Server, declared: Callable[..., str]) -> None:
    stream = declared(take={"one_in": 1_000_000_000, "first_of_run": 2})
    sent = [{"url": f"/data/{stream}/{run}_{n}", "stream": stream, "run": run} for n in range(3) for run in (1, 2)]
    ignored = {"url": f"/data/{stream}/small", "stream": stream, "run": 1, "ignored": "below 7 GB"}
    said = arrive(server, ignored, *sent[:3]) + arrive(server, *sent[3:])
    assert [one["fate"] for one in said] == ["ignored", *["taken"] * 4, *["sampled out"] * 2]
    no_run = arrive(server, *files(stream, 3))
    assert {one["fate"] for one in no_run} == {"sampled out"}


def test_a_job_type_may_have_a_prescale_of_its_own(server: Server, declared: Callable[..., str]) -> None:
    types = [f"t{uuid.uuid4().hex}" for _ in range(2)]
    jobs = {types[0]: {**PAYLOAD, "one_in": 1}, types[1]: {**PAYLOAD, "env": {"A": "own"}}}
    stream = declared(take={"one_in": 10**9, "first_of_run": 0}, jobs=jobs, env={"A": "stream", "B": "b"})
    (said,) = arrive(server, files(stream, 1)[0])
    (job,) = map(server.job, said["jobs"])
    assert (job["jobtype"], job["env"]) == (types[0], {"A": "stream", "B": "b"})


def test_what_was_ignored_is_taken_when_it_comes_again_without_a_reason(
    server: Server, declared: Callable[..., str]
) -> None:
    (one,) = files(declared(), 1)
    (young,) = arrive(server, {**one, "size": 1, "ignored": "too young"})
    assert (young["fate"], young["reason"], young["jobs"]) == ("ignored", "too young", [])
    (small,) = arrive(server, {**one, "size": 2, "ignored": "too small"})
    assert (small["fate"], small["reason"], small["new"]) == ("ignored", "too small", False)
    (taken,) = arrive(server, {**one, "size": 3})
    assert (taken["fate"], taken["new"], len(taken["jobs"])) == ("taken", True, 1)
    (still,) = arrive(server, {**one, "ignored": "too old"})
    assert still == {**taken, "new": False}


def test_a_file_that_is_not_there_yet_makes_jobs_when_it_is(server: Server, declared: Callable[..., str]) -> None:
    (one,) = files(declared(), 1)
    (named,) = arrive(server, {**one, "state": "registered"})
    assert (named["new"], named["fate"], named["jobs"]) == (True, "", [])
    (there,) = arrive(server, {**one, "size": 9})
    assert (there["dataset"], there["fate"], len(there["jobs"])) == (named["dataset"], "taken", 1)


def test_a_file_without_a_stream_is_known_and_nothing_is_made_of_it(server: Server) -> None:
    request = {"url": f"/data/{uuid.uuid4()}"}
    (said,) = arrive(server, request)
    assert (said["new"], said["fate"], said["jobs"]) == (True, "", [])
    assert arrive(server, request) == [{**said, "new": False}]


# ---- how many may wait


def test_the_oldest_gives_way(server: Server, declared: Callable[..., str]) -> None:
    stream = declared(waiting={"at_most": 3})
    arrive(server, *files(stream, 5))
    assert states(server, stream) == ["dropped overflow"] * 2 + ["defined"] * 3
    arrive(server, *files(stream, 6))
    assert states(server, stream) == ["dropped overflow"] * 3 + ["defined"] * 3


def test_the_newest_gives_way(server: Server, declared: Callable[..., str]) -> None:
    stream = declared(waiting={"at_most": 3, "then": "drop_newest"})
    said = arrive(server, *files(stream, 5))
    assert states(server, stream) == ["defined"] * 3 + ["dropped overflow"] * 2
    assert {one["fate"] for one in said} == {"taken"}
    event = server.job(said[4]["jobs"][0])["events"][0]
    assert (event["what"], event["who"], stream in event["why"]) == ("dropped", "p3s", True)


def test_no_more_are_made(server: Server, declared: Callable[..., str]) -> None:
    types = [f"t{uuid.uuid4().hex}" for _ in range(2)]
    jobs = {types[0]: PAYLOAD, types[1]: {**PAYLOAD, "one_in": 10**9}}
    stream = declared(waiting={"at_most": 2, "then": "refuse"}, jobs=jobs)
    said = arrive(server, *files(stream, 4, run=5))
    assert [one["fate"] for one in said] == ["taken", "taken", "ignored", "ignored"]
    assert said[2]["reason"] == "overflow"
    assert arrive(server, files(stream, 4)[3])[0]["fate"] == "ignored", "it is not tried again by itself"
    assert [len(states(server, stream, one)) for one in types] == [2, 1], "the first of the run had both"


def test_what_a_pilot_is_free_for_does_not_wait(server: Server, declared: Callable[..., str]) -> None:
    stream = declared(waiting={"at_most": 1})
    pilot = server.pilot(slots=3)
    waits = pilot.later()
    arrive(server, *files(stream, 5))
    assert waits.answer().status == 200
    found = states(server, stream)
    assert sorted(found) == ["defined", "dispatched", "dispatched", "dispatched", "dropped overflow"]


def test_jobs_that_run_are_not_counted(server: Server, declared: Callable[..., str]) -> None:
    stream = declared(waiting={"at_most": 1})
    (said,) = arrive(server, files(stream, 1)[0])
    server.pilot().take(said["jobs"][0])
    arrive(server, *files(stream, 3))
    assert states(server, stream) == ["dispatched", "dropped overflow", "defined"]
