"""Results of a stream's jobs are gathered by a job of their own: after so many, after so long, when their run ends."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]

RUNS = itertools.count(70_000)


@dataclass
class Line:
    """A stream with a gathering of this test's own, and a pilot that only serves its jobs."""

    server: Server
    stream: str
    pilot: Any
    run: int
    tokens: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def arrive(self, run: int | None = None, **more: Any) -> str:
        """A file; returns its job."""
        self.made += 1
        request = {"url": f"/data/{self.stream}/{self.made:04}.root", "stream": self.stream}
        sent = {**request, "run": self.run if run is None else run, **more}
        (job,) = self.server.good("POST", "/api/v1/datasets", sent)["jobs"]
        return str(job)

    def end(self, job: str, state: str = "finished", file: str = "", text: bytes = b"1") -> str:
        """Have a job end, with a file among its results if one is named."""
        self.tokens[job] = self.pilot.take(job)["token"]
        if file:
            self.publish(job, file, text)
        self.pilot.report(job, 1, state, exit_code=0 if state == "finished" else 1)
        return job

    def publish(self, job: str, file: str, text: bytes) -> None:
        place, token = f"/api/v1/jobs/{job}/attempts/1", self.tokens[job]
        assert self.server.ask("PUT", f"{place}/files/{file}", text, token=token).status == 200
        item = {"kind": "root", "name": "ADC", "files": [{"path": file, "by": {}}]}
        result = {"p3s_result": 1, "category": "TPC", "items": [item]}
        self.server.good("POST", f"{place}/results", {"results": [result]}, token=token)

    def process(self, count: int = 1, **more: Any) -> list[str]:
        """Files come and are processed, one after the other."""
        return [self.end(self.arrive(**more)) for _ in range(count)]

    def jobs(self) -> list[dict[str, Any]]:
        """Those that gather, the oldest first."""
        path = f"/api/v1/jobs?stream={self.stream}&jobtype={self.stream}-sum"
        return list(reversed(self.server.good("GET", path)["jobs"]))

    def states(self) -> list[tuple[str, str]]:
        return [(job["state"], job["reason"]) for job in self.jobs()]

    def read(self, job: str, query: str = "", token: str | None = None) -> list[dict[str, Any]]:
        path = f"/api/v1/jobs/{job}/inputs{query}"
        found: list[dict[str, Any]] = self.server.good("GET", path, token=token)["inputs"]
        return found

    def standing(self) -> list[tuple[str, int, int]]:
        rows = self.server.good("GET", f"/api/v1/gatherings?stream={self.stream}")["gatherings"]
        return [(row["value"], row["pending"], row["gathered"]) for row in rows]


@pytest.fixture
def line(server: Server) -> Iterator[Callable[..., Line]]:
    def make(**rule: Any) -> Line:
        name = f"g{uuid.uuid4().hex[:10]}"
        pilot = server.pilot(tags=[name])
        needs = {"tags": [name]}
        gather = {"payload": "merge", "of": name, "env": {"BINS": "7"}, **rule}
        spec = {
            "name": name,
            "env": {"RELEASE": "v1"},
            "jobs": {name: {"payload": "true", "needs": needs}},
            "gather": {f"{name}-sum": gather},
        }
        server.good("PUT", f"/api/v1/streams/{name}", spec)
        return Line(server, name, pilot, next(RUNS))

    yield make
    server.calm()


# ---- when


def test_after_so_many_a_job_reads_all_that_finished(line: Callable[..., Line]) -> None:
    one = line(every=2)
    first = one.process()
    assert (one.jobs(), one.standing()) == ([], [(str(one.run), 1, 0)])
    first += one.process()
    (job,) = one.jobs()
    assert (job["run"], job["name"], job["state"]) == (
        one.run,
        f"{one.stream} {one.stream}-sum run {one.run}",
        "defined",
    )
    assert one.standing() == [(str(one.run), 0, 2)]
    read = one.read(job["uuid"])
    assert [entry["job"] for entry in read] == first
    assert [entry["name"] for entry in read] == ["0001.root", "0002.root"]
    assert "results of 2 jobs" in one.server.ask("GET", f"/jobs/{job['uuid']}").body.decode()
    whole = one.server.job(job["uuid"])
    assert {name: whole["env"][name] for name in ("RELEASE", "BINS")} == {"RELEASE": "v1", "BINS": "7"}
    assert (whole["owner"], whole["stream"]) == ("root", one.stream)


def test_what_comes_later_is_read_too_and_an_older_one_that_waits_is_dropped(line: Callable[..., Line]) -> None:
    one = line(every=2)
    jobs = one.process(4)
    older, newer = one.jobs()
    assert one.states() == [("dropped", "superseded"), ("defined", "")]
    assert [entry["job"] for entry in one.read(newer["uuid"])] == jobs
    assert one.read(older["uuid"]) == [], "it never ran, and has read nothing"
    one.server.pilot().take(newer["uuid"])
    jobs += one.process(2)
    assert one.states() == [("dropped", "superseded"), ("dispatched", ""), ("defined", "")]
    assert [entry["job"] for entry in one.read(one.jobs()[-1]["uuid"])] == jobs


def test_runs_are_gathered_apart(line: Callable[..., Line]) -> None:
    one = line(every=2)
    other = next(RUNS)
    mine, theirs = one.process(), one.process(run=other)
    assert one.jobs() == []
    mine += one.process()
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == mine
    assert one.standing() == [(str(other), 1, 0), (str(one.run), 0, 2)]
    theirs += one.process(run=other)
    assert [entry["job"] for entry in one.read(one.jobs()[1]["uuid"])] == theirs


def test_a_key_of_the_files_is_gathered_over_runs(line: Callable[..., Line]) -> None:
    one = line(every=2, by="dl")
    one.process(keys={"dl": 4})
    one.process(keys={"dl": 5})
    assert one.jobs() == []
    one.process(run=next(RUNS), keys={"dl": 5})
    (job,) = one.jobs()
    assert (job["run"], one.server.job(job["uuid"])["keys"]) == (None, {"dl": 5})
    one.end(one.arrive())
    assert len(one.jobs()) == 1, "a file without the key belongs to none"


def test_what_did_not_finish_is_not_gathered_and_holds_nothing_up(line: Callable[..., Line]) -> None:
    one = line(every=2)
    good = one.process()
    one.end(one.arrive(), "failed")
    doomed = one.server.pilot(tags=[one.stream])
    doomed.take(one.arrive())
    doomed.die()
    one.server.ask("POST", f"/api/v1/jobs/{one.arrive()}/cancel", {})
    assert one.jobs() == []
    good += one.process()
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == good


def test_a_late_report_is_gathered_once(line: Callable[..., Line]) -> None:
    one = line(every=1)
    job = one.arrive()
    one.pilot.take(job)
    one.pilot.die()
    assert one.jobs() == []
    for _ in range(2):
        one.pilot.report(job, 1, "finished", exit_code=0)
    assert len(one.jobs()) == 1
    assert one.standing() == [(str(one.run), 0, 1)]


def test_a_job_that_was_run_again_stands_for_its_file_once(line: Callable[..., Line]) -> None:
    one = line(every=1)
    (first,) = one.process()
    (again,) = one.server.good("POST", "/api/v1/reruns", {"uuids": [first]})["new"]
    one.end(again)
    assert [entry["job"] for entry in one.read(one.jobs()[-1]["uuid"])] == [again]
    assert one.standing() == [(str(one.run), 0, 1)]


def test_after_so_long_they_are_gathered_though_few(line: Callable[..., Line], until: Until) -> None:
    one = line(every=100, or_after=0.5)
    one.process()
    until("the clock has it gathered", one.jobs)
    assert one.standing() == [(str(one.run), 0, 1)]
    one.process()
    until("and again", lambda: len(one.jobs()) == 2)


def test_a_gathering_begins_with_what_finished_before_its_rule_was_there(line: Callable[..., Line]) -> None:
    one = line(every=100)
    (before,) = one.process()
    spec = {"name": one.stream, "jobs": {one.stream: {"payload": "true", "needs": {"tags": [one.stream]}}}}
    gather = {"late": {"payload": "m", "of": one.stream, "every": 2}}
    one.server.good("PUT", f"/api/v1/streams/{one.stream}", {**spec, "gather": gather})
    (after,) = one.process()
    (job,) = one.server.good("GET", f"/api/v1/jobs?stream={one.stream}&jobtype=late")["jobs"]
    assert [entry["job"] for entry in one.read(job["uuid"])] == [before, after]


def test_by_a_key_too_it_begins_with_what_finished_before(line: Callable[..., Line]) -> None:
    """Of each file the latest job, over all runs; what did not finish, has no such key, or is another's, not."""
    one = line(every=100)
    regather(one)
    first, other = one.process(keys={"dl": 4}), one.process(keys={"dl": 5})
    one.end(one.arrive(keys={"dl": 4}), "failed")
    one.process()
    second = one.process(run=next(RUNS), keys={"dl": 4})
    (again,) = one.server.good("POST", "/api/v1/reruns", {"uuids": first})["new"]
    one.end(again)
    regather(one, every=3, by="dl")
    assert sorted(one.standing()) == [("4", 2, 0), ("5", 1, 0)]
    assert one.jobs() == [], "nothing has come since"
    third = one.process(keys={"dl": 4})
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == [*second, again, *third]
    assert one.server.job(job["uuid"])["keys"] == {"dl": 4}
    assert sorted(one.standing()) == [("4", 0, 3), ("5", 1, 0)]
    regather(one)
    while_away = one.process(keys={"dl": 5})
    regather(one, every=3, by="dl")
    last = one.process(keys={"dl": 5})
    assert [entry["job"] for entry in one.read(one.jobs()[-1]["uuid"])] == [*other, *while_away, *last]


def test_what_finished_before_a_rule_by_key_does_not_wait_for_the_clock(
    line: Callable[..., Line], until: Until
) -> None:
    """Others that do are gathered all the same."""
    one, other = line(every=100), line(or_after=0.2)
    regather(one)
    one.process(keys={"dl": 4})
    regather(one, or_after=0.2, by="dl")
    other.process()
    until("it is gathered after so long", other.jobs)
    assert one.jobs() == []
    one.process(keys={"dl": 4})
    until("so is this, when something has come", one.jobs)
    assert len(one.read(one.jobs()[0]["uuid"])) == 2


def test_the_end_of_a_run_gathers_by_key_what_had_finished_before(line: Callable[..., Line]) -> None:
    one = line(every=100)
    regather(one)
    jobs = one.process(2, keys={"dl": 4})
    regather(one, at_run_end=True, by="dl")
    end_run(one)
    assert [[entry["job"] for entry in one.read(job["uuid"])] for job in one.jobs()] == [jobs]


def regather(one: Line, **gather: Any) -> None:
    """Its stream's rule, with this gathering or none."""
    jobs = {one.stream: {"payload": "true", "needs": {"tags": [one.stream]}}}
    rule = {f"{one.stream}-sum": {"payload": "m", "of": one.stream, **gather}} if gather else {}
    one.server.good("PUT", f"/api/v1/streams/{one.stream}", {"name": one.stream, "jobs": jobs, "gather": rule})


def test_what_was_under_way_when_a_rule_came_is_gathered(line: Callable[..., Line]) -> None:
    one = line(every=100)
    regather(one)
    running, queued, held, freed = one.arrive(), one.arrive(), one.arrive(), one.arrive()
    one.tokens[running] = one.pilot.take(running)["token"]
    for job in (held, freed):
        one.server.ask("POST", f"/api/v1/jobs/{job}/hold", {})
    regather(one, every=3)
    one.pilot.report(running, 1, "finished", exit_code=0)
    one.end(queued)
    assert one.jobs() == []
    one.server.ask("POST", f"/api/v1/jobs/{freed}/release", {})
    one.end(freed)
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == [running, queued, freed]


def test_what_was_under_way_is_waited_for_after_a_restart_too(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    one = Line(server, "raw", server.pilot(tags=["raw"]), 5)
    regather(one)
    job, other = one.arrive(), one.arrive()
    one.pilot.take(job)
    regather(one, at_run_end=True)
    server.kill()
    server.start()
    end_run(one)
    second = server.pilot(tags=["raw"])
    second.take(other)
    second.report(other, 1, "finished", exit_code=0)
    assert one.jobs() == []
    one.pilot.report(job, 1, "finished", exit_code=0)
    (gathering,) = one.jobs()
    assert [entry["job"] for entry in one.read(gathering["uuid"])] == [job, other]


def test_a_job_that_is_run_again_after_a_rule_came_is_gathered(line: Callable[..., Line]) -> None:
    one = line(every=100)
    regather(one)
    failed = one.end(one.arrive(), "failed")
    regather(one, every=1)
    (again,) = one.server.good("POST", "/api/v1/reruns", {"uuids": [failed]})["new"]
    one.end(again)
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == [again]


def test_a_rule_that_was_away_or_goes_by_something_else_begins_anew(line: Callable[..., Line]) -> None:
    one = line(every=100)
    jobs = one.process()
    regather(one)
    jobs += one.process()
    regather(one, every=100)
    jobs += one.process()
    assert one.standing() == [(str(one.run), 3, 0)]
    regather(one, every=2, by="dl")
    assert one.standing() == []
    one.process(keys={"dl": one.run})
    assert one.standing() == [(str(one.run), 1, 0)], "a value that looks like the run is not the run"


def test_the_end_of_a_run_gathers_what_had_finished_before_the_rule_came(line: Callable[..., Line]) -> None:
    one = line(every=100)
    regather(one)
    jobs = [one.end(one.arrive(subrun=place)) for place in (1, 2)]
    regather(one, at_run_end=True, by="subrun")
    end_run(one)
    assert [[entry["job"] for entry in one.read(job["uuid"])] for job in one.jobs()] == [[job] for job in jobs]
    assert sorted(one.standing()) == [(f"{one.run}/{place}", 0, 1) for place in (1, 2)]


def test_a_gathering_that_is_run_again_reads_the_same(line: Callable[..., Line]) -> None:
    one = line(every=2)
    jobs = one.process(2)
    (job,) = one.jobs()
    pilot = one.server.pilot()
    pilot.take(job["uuid"])
    pilot.report(job["uuid"], 1, "failed", exit_code=1)
    (again,) = one.server.good("POST", "/api/v1/reruns", {"uuids": [job["uuid"]]})["new"]
    assert [entry["job"] for entry in one.read(again)] == jobs


# ---- what a payload reads


def test_a_payload_fetches_the_files_of_what_it_reads_with_its_own_token(line: Callable[..., Line]) -> None:
    one = line(every=2)
    first, second = one.end(one.arrive(), file="a/hist.root", text=b"first"), one.end(one.arrive())
    (job,) = one.jobs()
    token = one.server.pilot().take(job["uuid"])["token"]
    read = one.read(job["uuid"], token=token)
    assert [entry["job"] for entry in read] == [first, second]
    file = {"path": "a/hist.root", "size": 5, "category": "TPC", "item": "ADC", "kind": "root"}
    assert [entry["files"] for entry in read] == [[file], []]
    place = f"/api/v1/jobs/{job['uuid']}/inputs/{first}/files"
    assert one.server.ask("GET", f"{place}/a/hist.root", token=token).body == b"first"
    for path, status in (("b.root", 404), ("..%2f..%2fsecret", 422), ("%2e%2e/secret", 422), ("%2fetc%2fpasswd", 422)):
        assert one.server.ask("GET", f"{place}/{path}", token=token).status in (status, 404), path
    other = one.end(one.arrive(run=next(RUNS)), file="hist.root")
    answer = one.server.ask("GET", f"/api/v1/jobs/{job['uuid']}/inputs/{other}/files/hist.root", token=token)
    assert (answer.status, "does not read" in answer.detail) == (404, True)


def test_what_a_job_reads_comes_in_pages(line: Callable[..., Line]) -> None:
    one = line(every=3)
    jobs = one.process(3)
    (job,) = one.jobs()
    path = f"/api/v1/jobs/{job['uuid']}/inputs?limit=2"
    first = one.server.good("GET", path)
    second = one.server.good("GET", f"{path}&cursor={first['next']}")
    assert [entry["job"] for entry in first["inputs"] + second["inputs"]] == jobs
    assert second["next"] is None


def test_any_job_reads_its_own_file(line: Callable[..., Line]) -> None:
    one = line(every=9)
    (own,) = one.read(one.arrive(subrun=3))
    assert (own["job"], own["name"], own["url"]) == (None, "0001.root", f"/data/{one.stream}/0001.root")
    assert (own["run"], own["subrun"], own["files"]) == (one.run, 3, [])
    (plain,) = one.server.submit({"payload": "true"})
    assert one.read(plain) == []
    (given,) = one.server.submit({"payload": "true", "input": "root://eos//x/y.root"})
    assert [(entry["name"], entry["dataset"]) for entry in one.read(given)] == [("y.root", None)]
    assert one.server.ask("GET", "/api/v1/jobs/nobody/inputs").status == 404


def test_a_source_that_was_purged_is_still_named_and_has_no_files(line: Callable[..., Line]) -> None:
    one = line(every=2)
    first, second = one.end(one.arrive(), file="hist.root"), one.end(one.arrive(), file="hist.root")
    (job,) = one.jobs()
    request = {"what": "jobs", "uuids": [first], "results": True}
    assert one.server.good("POST", "/api/v1/purges", request)["removed"] == 1
    assert [(entry["job"], len(entry["files"])) for entry in one.read(job["uuid"])] == [(first, 0), (second, 1)]
    place = f"/api/v1/jobs/{job['uuid']}/inputs/{first}/files/hist.root"
    assert one.server.ask("GET", place).status == 404
    third, fourth = one.process(2)
    newer = one.jobs()[-1]["uuid"]
    assert [entry["job"] for entry in one.read(newer)] == [second, third, fourth]
    one.server.ask("POST", f"/api/v1/jobs/{newer}/cancel", {})
    request = {"what": "jobs", "uuids": [newer], "results": True}
    assert one.server.good("POST", "/api/v1/purges", request)["removed"] == 1


# ---- when the run ends


def end_run(one: Line) -> None:
    one.server.good("POST", f"/api/v1/runs/{one.run}/end", {})


def test_the_end_of_its_run_has_the_rest_gathered(line: Callable[..., Line]) -> None:
    one = line(at_run_end=True)
    jobs = one.process(2)
    assert one.jobs() == []
    end_run(one)
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == jobs
    assert one.standing() == [(str(one.run), 0, 2)]


def test_what_still_goes_on_at_the_end_is_waited_for(line: Callable[..., Line]) -> None:
    one = line(at_run_end=True)
    (first,) = one.process()
    second, third, held, fourth = one.arrive(), one.arrive(), one.arrive(), one.arrive()
    one.server.ask("POST", f"/api/v1/jobs/{held}/hold", {})
    end_run(one)
    one.end(second)
    one.end(third, "failed")
    assert one.jobs() == []
    one.server.ask("POST", f"/api/v1/jobs/{fourth}/cancel", {})
    (job,) = one.jobs()
    assert [entry["job"] for entry in one.read(job["uuid"])] == [first, second]


def test_a_file_that_comes_after_the_end_is_gathered_when_its_job_ends(line: Callable[..., Line]) -> None:
    one = line(at_run_end=True)
    jobs = one.process()
    end_run(one)
    jobs += one.process()
    assert [entry["job"] for entry in one.read(one.jobs()[-1]["uuid"])] == jobs
    assert [state for state, _ in one.states()] == ["dropped", "defined"]


def test_without_at_run_end_the_end_changes_nothing(line: Callable[..., Line]) -> None:
    one = line(every=5)
    one.process()
    end_run(one)
    assert one.jobs() == []
