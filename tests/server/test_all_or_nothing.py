"""A request that is refused leaves nothing behind, however far it had come."""

import uuid
from typing import Any

import pytest

Server = Any


def ended(server: Server) -> str:
    pilot = server.pilot()
    (job,) = server.submit()
    order = pilot.take(job)
    assert pilot.report(job, order["attempt"], "finished", exit_code=0)["verdict"] == "applied"
    return job


def jobs(server: Server) -> set[str]:
    return {one["uuid"] for one in server.good("GET", "/api/v1/jobs?limit=1000")["jobs"]}


@pytest.mark.parametrize("second", ["waits", "was run again"])
def test_of_jobs_that_are_run_again_one_that_cannot_be_keeps_all_from_it(server: Server, second: str) -> None:
    first = ended(server)
    if second == "waits":
        (other,) = server.submit()
    else:
        other = ended(server)
        server.good("POST", "/api/v1/reruns", {"uuids": [other]})
    before = jobs(server)
    answer = server.ask("POST", "/api/v1/reruns", {"uuids": [first, other]})
    assert answer.status == 409, answer.body
    assert other in answer.detail
    assert jobs(server) == before
    assert server.good("POST", "/api/v1/reruns", {"uuids": [first]})["old"] == [first], "it was not run again yet"


def test_a_set_that_is_to_have_a_file_that_is_none_is_not_made(server: Server) -> None:
    name = f"set {uuid.uuid4()}"
    assert server.ask("PUT", f"/api/v1/sets/{name.replace(' ', '%20')}", {"add": ["/none"]}).status == 404
    assert server.good("GET", f"/api/v1/datasets?name={name.replace(' ', '%20')}")["datasets"] == []


def test_a_file_that_was_announced_and_has_come_in_one_call_is_there(server: Server) -> None:
    url = f"/data/{uuid.uuid4()}.root"
    files = [{"url": url, "state": "registered"}, {"url": url, "size": 5}]
    said = server.good("POST", "/api/v1/arrivals", {"files": files})
    assert [one["problem"] for one in said["files"]] == ["", ""]
    (found,) = server.good("GET", f"/api/v1/datasets?which={url}")["datasets"]
    assert (found["state"], found["size"]) == ("available", 5)
