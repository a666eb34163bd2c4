"""A person has files processed now: those that were left out or went wrong, above prescale, on the record."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

Server = Any
PAYLOAD = {"payload": "true"}


class Case:
    """A stream of the test's own, files of run 1, and what became of them."""

    def __init__(self, server: Server, **rule: Any) -> None:
        self.server, self.name = server, f"s{uuid.uuid4().hex[:12]}"
        self.declare(**{"jobs": {self.name: PAYLOAD}, **rule})

    def declare(self, **rule: Any) -> None:
        self.server.good("PUT", f"/api/v1/streams/{self.name}", {"name": self.name, **rule})

    def arrive(self, *names: str, **more: Any) -> list[Any]:
        files = [{"url": f"/data/{self.name}/{one}", "stream": self.name, "run": 1, **more} for one in names]
        found: list[Any] = self.server.good("POST", "/api/v1/arrivals", {"files": files})["files"]
        return found

    def process(self, **request: Any) -> Any:
        body = {"run": 1, **request}
        return self.server.good("POST", f"/api/v1/streams/{self.name}/process", body)

    def cancel(self, *jobs: str) -> None:
        self.server.good("POST", "/api/v1/cancels", {"uuids": list(jobs)})

    def finish(self, job: str, state: str = "finished", **more: Any) -> None:
        pilot = self.server.pilot()
        pilot.take(job)
        pilot.report(job, 1, state, **more)

    def coverage(self, run: int = 1) -> Any:
        (row,) = self.server.good("GET", f"/api/v1/coverage?stream={self.name}&run={run}")["coverage"]
        return row


@pytest.fixture
def case(server: Server) -> Callable[..., Case]:
    """case(take=...): a stream with one job type of its name."""
    return lambda **rule: Case(server, **rule)


NONE = {"take": {"one_in": 10**9, "first_of_run": 0}}


def names(reply: Any) -> tuple[list[str], list[str]]:
    return [one["name"] for one in reply["taken"]], [f"{one['name']}: {one['why']}" for one in reply["left"]]


def test_what_was_sampled_out_or_ignored_is_processed_and_counts_as_manual(case: Callable[..., Case]) -> None:
    one = case(**NONE)
    one.arrive("a", "b")
    one.arrive("c", ignored="too old")
    looked = one.process(dry_run=True)
    assert [(file["name"], file["was"], file["jobs"]) for file in looked["taken"]] == [
        ("c", "ignored: too old", []),
        ("b", "sampled out", []),
        ("a", "sampled out", []),
    ]
    assert one.coverage()["sampled_out"] == 2
    done = one.process(why="the shifter asks")
    assert names(done) == (["c", "b", "a"], [])
    row = one.coverage()
    assert (row["taken"], row["manual"], row["in_progress"], row["sampled_out"]) == (3, 3, 3, 0)
    job = one.server.job(done["taken"][0]["jobs"][0])
    assert (job["run"], job["stream"], job["stream_version"]) == (1, one.name, 1)
    assert job["events"][0]["why"] == "the shifter asks"
    again = one.process()
    assert names(again) == ([], ["c: in progress", "b: in progress", "a: in progress"])


def test_what_went_wrong_is_run_again_and_what_went_well_is_not(case: Callable[..., Case], server: Server) -> None:
    one = case()
    done, failed, cancelled = (file["jobs"][0] for file in one.arrive("a", "b", "c"))
    one.finish(done)
    one.finish(failed, "failed", exit_code=1, reason="exit code")
    one.cancel(cancelled)
    reply = one.process()
    assert names(reply) == (["c", "b"], ["a: processed"])
    assert [file["was"] for file in reply["taken"]] == ["cancelled", "failed"]
    (again,) = reply["taken"][1]["jobs"]
    assert server.job(again)["rerun_of"] == failed
    for file in reply["taken"]:
        one.cancel(*file["jobs"])
    assert names(one.process(again=True))[0] == ["c", "b", "a"]
    row = one.coverage()
    assert (row["files"], row["in_progress"], row["manual"]) == (3, 3, 3)


def test_the_newest_first_and_no_more_than_asked_for(case: Callable[..., Case]) -> None:
    one = case(**NONE)
    one.arrive("a1", "a2", "b1", "a3")
    assert names(one.process(limit=2, dry_run=True))[0] == ["a3", "b1"]
    assert names(one.process(files="a*", limit=2))[0] == ["a3", "a2"]
    assert names(one.process(files="a*"))[0] == ["a1"]
    assert names(one.process(run=None, files="b1"))[0] == ["b1"]


def test_it_is_by_the_rule_as_it_is_now(case: Callable[..., Case], server: Server) -> None:
    one = case(env={"A": "1"})
    (file,) = one.arrive("a")
    one.cancel(*file["jobs"])
    body = {"changes": {"env.A": "2", "jobs.more.payload": "true", "jobs.more.one_in": 10**9}, "why": "x"}
    server.good("POST", f"/api/v1/streams/{one.name}/changes", body)
    (taken,) = one.process()["taken"]
    found = {job["jobtype"]: job for job in map(server.job, taken["jobs"])}
    assert sorted(found) == sorted([one.name, "more"]), "a job that it never had, too, whatever its prescale"
    assert {job["env"]["A"] for job in found.values()} == {"2"}
    assert found[one.name]["rerun_of"] == file["jobs"][0]
    assert taken["was"] == "cancelled, without more"


def test_what_a_person_asked_for_does_not_give_way(case: Callable[..., Case], server: Server) -> None:
    one = case(**NONE, waiting={"at_most": 1})
    one.arrive("a", "b", "c")
    by_hand = [file["jobs"][0] for file in one.process()["taken"]]
    one.declare(jobs={one.name: PAYLOAD}, waiting={"at_most": 1})
    one.arrive("d", "e")
    assert [server.state(job) for job in by_hand] == ["defined"] * 3
    found = server.good("GET", f"/api/v1/jobs?stream={one.name}")["jobs"]
    assert sorted(job["state"] for job in found) == ["defined"] * 4 + ["dropped"]


def test_a_paused_stream_processes_by_hand(case: Callable[..., Case], server: Server) -> None:
    one = case()
    server.good("POST", f"/api/v1/streams/{one.name}/pause", {"why": "beam off"})
    one.arrive("a")
    (taken,) = one.process()["taken"]
    assert taken["was"] == "ignored: paused"


def test_a_file_that_is_gone_is_left(case: Callable[..., Case], server: Server) -> None:
    one = case(**NONE)
    (file,) = one.arrive("a")
    server.good("POST", f"/api/v1/datasets/{file['dataset']}/adjust", {"state": "missing"})
    assert names(one.process()) == ([], ["a: its file is missing"])


def test_a_purged_job_that_went_well_is_not_done_again(case: Callable[..., Case], server: Server) -> None:
    one = case()
    good, bad = (file["jobs"][0] for file in one.arrive("a", "b"))
    one.finish(good)
    one.cancel(bad)
    server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": [good, bad]})
    row = one.coverage()
    assert (row["processed"], row["cancelled"], row["unknown"]) == (1, 1, 0)
    assert names(one.process()) == (["b"], ["a: processed"])
    row = one.coverage()
    assert (row["processed"], row["cancelled"], row["in_progress"]) == (1, 0, 1)
    (file,) = one.process(files="b", run=None, again=True)["left"]
    assert file["why"] == "in progress"


def test_of_a_file_that_was_run_again_the_last_job_counts_whichever_are_purged(
    case: Callable[..., Case], server: Server
) -> None:
    one = case()
    (first,) = one.arrive("a")[0]["jobs"]
    one.finish(first, "failed", exit_code=1, reason="exit code")
    ((second,),) = (file["jobs"] for file in one.process()["taken"])
    one.finish(second, "failed", exit_code=1, reason="exit code")
    ((third,),) = (file["jobs"] for file in one.process()["taken"])
    one.finish(third)
    for gone in (second, third, first):
        server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": [gone]})
        row = one.coverage()
        assert (row["processed"], row["failed"], row["taken"]) == (1, 0, 1), gone
        assert names(one.process()) == ([], ["a: processed"]), "and it is not done again"


def test_a_job_whose_re_run_was_purged_is_run_again_itself(case: Callable[..., Case], server: Server) -> None:
    one = case()
    (first,) = one.arrive("a")[0]["jobs"]
    one.cancel(first)
    ((second,),) = (file["jobs"] for file in one.process()["taken"])
    one.finish(second)
    server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": [second]})
    ((third,),) = (file["jobs"] for file in one.process(again=True)["taken"])
    assert server.job(third)["rerun_of"] == first
    row = one.coverage()
    assert (row["in_progress"], row["processed"], row["taken"]) == (1, 0, 1)


def test_what_became_of_purged_jobs_is_known_by_type(case: Callable[..., Case], server: Server) -> None:
    good, bad = (f"t{uuid.uuid4().hex[:12]}" for _ in range(2))
    one = case(jobs={good: PAYLOAD, bad: PAYLOAD})
    jobs = {server.job(job)["jobtype"]: job for job in one.arrive("a")[0]["jobs"]}
    one.finish(jobs[good])
    one.cancel(jobs[bad])
    server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": list(jobs.values())})
    assert one.coverage()["cancelled"] == 1
    (file,) = one.process()["taken"]
    assert (file["was"], file["jobtypes"]) == ("cancelled", [bad])
    one.finish(file["jobs"][0])
    assert one.coverage()["processed"] == 1
    assert names(one.process()) == ([], ["a: processed"])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "name a run, or a file"),
        ({"files": "a*"}, "name one"),
        ({"run": 1, "limit": 0}, "limit"),
        ({"run": 1, "after": "x"}, "`next`"),
        ({"run": -1}, "run"),
    ],
)
def test_what_makes_no_sense_is_refused(case: Callable[..., Case], server: Server, body: Any, says: str) -> None:
    answer = server.ask("POST", f"/api/v1/streams/{case().name}/process", body)
    assert (answer.status, says in answer.detail) == (422, True), answer.detail


def test_a_stream_or_file_that_is_none_is_not_known(case: Callable[..., Case], server: Server) -> None:
    assert server.ask("POST", "/api/v1/streams/nobody/process", {"run": 1}).status == 404
    path = f"/api/v1/streams/{case().name}/process"
    refused = {
        "has seen no file a; p3s dataset list": {"files": "a"},
        "has seen no file raw/a; a file's name has no directory": {"files": "raw/a"},
        "has seen no file of run 5": {"run": 5},
    }
    for says, body in refused.items():
        answer = server.ask("POST", path, body)
        assert (answer.status, says in answer.detail) == (404, True)
