"""Records of what has ended are removed, and nothing else."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

Server = Any


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """A job type of the test's own: the server is shared."""
    return f"t{abs(hash(request.node.nodeid)) % 10**9}"


def purge(server: Server, **request: Any) -> Any:
    return server.good("POST", "/api/v1/purges", {"what": "jobs", **request})


def ended(server: Server, kind: str, count: int = 1) -> list[str]:
    jobs: list[str] = server.submit(*[{"payload": "true", "jobtype": kind}] * count)
    server.good("POST", "/api/v1/cancels", {"uuids": jobs})
    return jobs


def with_result(server: Server, kind: str) -> str:
    """A finished job with a result and a file."""
    (job,) = server.submit({"payload": "true", "jobtype": kind})
    pilot = server.pilot()
    token = pilot.take(job)["token"]
    place = f"/api/v1/jobs/{job}/attempts/1"
    assert server.ask("PUT", f"{place}/files/a.txt", b"hello", token=token).status == 200
    result = {"p3s_result": 1, "category": "c", "items": [{"kind": "number", "name": "n", "value": 1}]}
    assert server.ask("POST", f"{place}/results", {"results": [result]}, token=token).status == 200
    pilot.report(job, 1, "finished", exit_code=0, stdout="out")
    return str(job)


def test_ended_jobs_go_and_others_stay(server: Server, kind: str) -> None:
    gone = ended(server, kind, 120)
    (left,) = server.submit({"payload": "true", "jobtype": kind})
    assert purge(server, older_than=0.0, jobtype=kind, dry_run=True)["removed"] == 120
    assert server.state(gone[0]) == "cancelled"
    assert purge(server, older_than=0.0, jobtype=kind, why="room") == {"removed": 120, "kept": 0, "next": None}
    assert server.ask("GET", f"/api/v1/jobs/{gone[0]}").status == 404
    assert server.state(left) == "defined"
    assert purge(server, older_than=0.0, jobtype=kind)["removed"] == 0
    assert purge(server, uuids=[left]) == {"removed": 0, "kept": 1, "next": None}


def test_age_and_state_choose(server: Server, kind: str) -> None:
    ended(server, kind)
    assert purge(server, older_than=3600.0, jobtype=kind)["removed"] == 0
    assert purge(server, older_than=0.0, states=["lost"], jobtype=kind)["removed"] == 0
    assert purge(server, older_than=0.0, states=["cancelled", "lost"], jobtype=kind)["removed"] == 1


def test_jobs_with_results_are_kept_unless_said(server: Server, kind: str) -> None:
    job = with_result(server, kind)
    files = server.directory / "blobs" / job[-2:] / job
    assert purge(server, older_than=0.0, jobtype=kind) == {"removed": 0, "kept": 1, "next": None}
    assert files.is_dir()
    (result,) = server.good("GET", f"/api/v1/results?job={job}")["results"]
    assert purge(server, uuids=[job], results=True)["removed"] == 1
    assert not files.exists()
    assert server.ask("GET", f"/api/v1/results/{result['id']}").status == 404
    assert server.good("GET", f"/api/v1/results?job={job}")["results"] == []


def test_coverage_remembers_what_became_of_purged_jobs(server: Server, kind: str) -> None:
    server.good("PUT", f"/api/v1/streams/{kind}", {"name": kind, "jobs": {kind: {"payload": "true"}}})
    request = {"url": f"/data/{kind}.root", "stream": kind}
    made = server.good("POST", "/api/v1/datasets", request)
    server.good("POST", "/api/v1/cancels", {"uuids": made["jobs"]})
    assert purge(server, uuids=made["jobs"])["removed"] == 1
    again = server.good("POST", "/api/v1/datasets", request)
    assert (again["dataset"], again["new"]) == (made["dataset"], False), "it is not processed again"
    (row,) = server.good("GET", f"/api/v1/datasets?name={kind}")["datasets"]
    assert row["purged"] == {"cancelled": 1}
    assert server.ask("GET", f"/data/{made['dataset']}").status == 200


def test_pilots_go_when_no_job_names_them(server: Server, kind: str) -> None:
    idle, used = server.pilot(), server.pilot()
    (job,) = server.submit({"payload": "true", "jobtype": kind})
    used.take(job)
    used.report(job, 1, "finished", exit_code=0)
    for one in (idle, used):
        one.die()
    alive = server.pilot()
    named = [idle.pilot, used.pilot, alive.pilot]
    assert purge(server, what="pilots", uuids=named) == {"removed": 1, "kept": 2, "next": None}
    assert server.ask("GET", f"/api/v1/pilots/{idle.pilot}").status == 404
    assert server.job(job)["host"] == "node"
    assert purge(server, uuids=[job])["removed"] == 1
    assert purge(server, what="pilots", older_than=0.0)["removed"] >= 1
    assert server.ask("GET", f"/api/v1/pilots/{used.pilot}").status == 404
    assert server.good("GET", f"/api/v1/pilots/{alive.pilot}")["state"] == "active"


def test_a_key_whose_jobs_are_purged_runs_nothing_again(server: Server, kind: str) -> None:
    jobs = server.submit({"payload": "true", "jobtype": kind}, key=kind)
    server.good("POST", "/api/v1/cancels", {"uuids": jobs})
    purge(server, uuids=jobs)
    body = {"jobs": [{"payload": "true", "jobtype": kind}], "key": kind}
    answer = server.ask("POST", "/api/v1/jobs", body)
    assert (answer.status, "purged" in answer.detail) == (409, True)
    assert server.good("GET", f"/api/v1/jobs?jobtype={kind}")["jobs"] == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"what": "runs", "older_than": 1.0}, "what"),
        ({"what": "jobs"}, "older_than"),
        ({"what": "jobs", "older_than": -1.0}, "older_than"),
        ({"what": "jobs", "older_than": 1.0, "uuids": ["a"]}, "older_than"),
        ({"what": "jobs", "older_than": 1.0, "states": ["running"]}, "states"),
        ({"what": "pilots", "older_than": 1.0, "results": True}, "what"),
        ({"what": "jobs", "older_than": 1.0, "after": "x"}, "after"),
    ],
)
def test_what_makes_no_sense_is_refused(server: Server, body: dict[str, Any], word: str) -> None:
    answer = server.ask("POST", "/api/v1/purges", body)
    assert (answer.status, word in answer.detail) == (422, True), answer.detail


def test_it_needs_an_operator(server: Server) -> None:
    assert server.ask("POST", "/api/v1/purges", {"what": "jobs", "older_than": 0.0}, token="").status == 401


def test_a_restart_finds_all_in_order(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    gone = ended(server, "a", 3)
    (left,) = server.submit({"payload": "true", "jobtype": "a"})
    assert purge(server, older_than=0.0, jobtype="a")["removed"] == 3
    server.kill()
    server.start()
    assert server.state(left) == "defined"
    assert server.ask("GET", f"/api/v1/jobs/{gone[0]}").status == 404
    assert [order["job"] for order in server.pilot().orders(5.0)] == [left]


def test_files_that_a_broken_off_purge_has_left_go_with_the_next_one(server: Server, kind: str) -> None:
    (kept,) = server.submit({"payload": "true", "jobtype": kind})
    stray = str(uuid.uuid4())
    blobs = server.directory / "blobs"
    for job in (kept, stray):
        place = blobs / job[-2:] / job / "1"
        place.mkdir(parents=True)
        (place / "a.txt").write_text("hello")
    mark = blobs / ".part-purge-1"
    mark.write_text(f"{kept}\n{stray}")
    ended(server, kind)
    assert purge(server, older_than=0.0, jobtype=kind)["removed"] == 1
    assert [(blobs / job[-2:] / job).exists() for job in (kept, stray)] == [True, False]
    server.good("POST", "/api/v1/cancels", {"uuids": [kept]})
    purge(server, uuids=[kept])
    ended(server, kind)
    purge(server, older_than=0.0, jobtype=kind)
    assert not list(blobs.glob(".part-*"))


def test_a_number_that_was_purged_is_not_given_again(own_server: Callable[..., Server], kind: str) -> None:
    """Else a key would name the jobs of another submission."""
    server = own_server().start()
    jobs = server.submit({"payload": "true", "jobtype": kind}, key=kind)
    server.good("POST", "/api/v1/cancels", {"uuids": jobs})
    assert purge(server, older_than=0.0, jobtype=kind)["removed"] == 1
    assert server.stop() == 0
    server.start()
    server.submit({"payload": "true", "jobtype": kind})
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "true", "jobtype": kind}], "key": kind})
    assert (answer.status, "purged" in answer.detail) == (409, True)


def test_many_pilots_go_portion_by_portion(server: Server) -> None:
    one = server.pilot()
    one.die()
    assert purge(server, what="pilots", older_than=0.0, after=str(uuid.UUID(int=2**128 - 1)))["removed"] == 0
    assert purge(server, what="pilots", older_than=0.0, after=str(uuid.UUID(int=0)))["removed"] >= 1
