"""Streams that start a workflow of each file: what of it is the stream's, and what became of the files."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

Server = Any
READS = {"payload": "true", "for_each": "inputs"}
NODES = {"a": READS, "b": {"payload": "true", "after": ["a"]}}
"""Two jobs of a file, one after the other."""


class Case:
    """A stream of the test's own that starts a template of its name, and files of run 1."""

    def __init__(self, server: Server, nodes: dict[str, Any] = NODES, **rule: Any) -> None:
        self.server, self.name = server, f"s{uuid.uuid4().hex[:12]}"
        self.put(nodes)
        self.declare(**{"workflow": self.name, **rule})

    def put(self, nodes: dict[str, Any], **more: Any) -> None:
        own = {name: {"jobtype": self.name, **node} for name, node in nodes.items()}
        self.server.good("PUT", f"/api/v1/templates/{self.name}", {"name": self.name, "nodes": own, **more})

    def declare(self, **rule: Any) -> None:
        self.server.good("PUT", f"/api/v1/streams/{self.name}", {"name": self.name, **rule})

    def set(self, **changes: Any) -> None:
        body = {"changes": {path.replace("__", "."): value for path, value in changes.items()}, "why": "x"}
        self.server.good("POST", f"/api/v1/streams/{self.name}/changes", body)

    def arrive(self, *names: str, **more: Any) -> list[Any]:
        files = [{"url": f"/data/{self.name}/{one}", "stream": self.name, "run": 1, **more} for one in names]
        found: list[Any] = self.server.good("POST", "/api/v1/arrivals", {"files": files})["files"]
        return found

    def workflows(self) -> list[Any]:
        """The newest first."""
        found: list[Any] = self.server.good("GET", f"/api/v1/workflows?stream={self.name}&limit=1000")["workflows"]
        return found

    def of(self, dataset: str) -> Any:
        """The latest of a file."""
        return self.server.good("GET", f"/api/v1/workflows?stream={self.name}&dataset={dataset}")["workflows"][0]

    def node(self, workflow: str, name: str) -> Any:
        nodes = self.server.good("GET", f"/api/v1/workflows/{workflow}/nodes")["nodes"]
        return next(one for one in nodes if one["node"] == name)

    def end(self, workflow: str, name: str, state: str = "finished") -> Any:
        """One of its jobs, from its order to its end; the order."""
        pilot = self.server.pilot()
        order = pilot.take(self.node(workflow, name)["job"])
        pilot.report(order["job"], order["attempt"], state, exit_code=int(state == "failed"))
        return order

    def finish(self, workflow: str) -> None:
        for name in NODES:
            self.end(workflow, name)

    def coverage(self) -> Any:
        (row,) = self.server.good("GET", f"/api/v1/coverage?stream={self.name}&run=1")["coverage"]
        return row


@pytest.fixture
def case(server: Server) -> Callable[..., Case]:
    """case(nodes, take=...): a stream that starts a workflow."""
    return lambda *nodes, **rule: Case(server, *nodes, **rule)


# ---- whose the jobs are


def test_its_jobs_and_what_they_publish_name_the_stream_and_its_version(case: Callable[..., Case]) -> None:
    one = case()
    one.set(env__A="1")
    (file,) = one.arrive("x")
    flow = one.of(file["dataset"])["uuid"]
    shown = one.server.good("GET", f"/api/v1/workflows/{flow}")
    assert (shown["stream"], shown["stream_version"], shown["dataset"]) == (one.name, 2, file["dataset"])
    listed = one.server.good("GET", f"/api/v1/jobs?stream={one.name}")["jobs"]
    assert {job["uuid"] for job in listed} == {one.node(flow, name)["job"] for name in NODES}
    for job in listed:
        found = one.server.job(job["uuid"])
        assert (found["stream"], found["stream_version"], found["workflow"]) == (one.name, 2, flow)
    one.set(env__A="2")
    pilot = one.server.pilot()
    order = pilot.take(one.node(flow, "a")["job"])
    result = {"p3s_result": 1, "category": "c", "items": [{"kind": "number", "name": "n", "value": 1.0}]}
    path = f"/api/v1/jobs/{order['job']}/attempts/1/results"
    one.server.good("POST", path, {"results": [result], "problems": []}, token=order["token"])
    (published,) = one.server.good("GET", f"/api/v1/results?stream={one.name}")["results"]
    assert (published["job"], published["stream_version"]) == (order["job"], 2)


def test_nodes_may_be_of_one_job_type_and_the_stream_still_starts_one_of_a_file(case: Callable[..., Case]) -> None:
    one = case({"a": READS, "b": READS})
    for _ in range(2):
        one.arrive("x", "y")
    assert [flow["nodes"] for flow in one.workflows()] == [2, 2]


def test_a_node_that_is_run_again_alone_is_no_job_of_the_stream(case: Callable[..., Case]) -> None:
    one = case()
    (file,) = one.arrive("x")
    flow = one.of(file["dataset"])["uuid"]
    one.end(flow, "a", "failed")
    job = one.node(flow, "a")["job"]
    (again,) = one.server.good("POST", "/api/v1/reruns", {"uuids": [job]})["new"]
    assert one.server.job(again)["stream"] is None
    row = one.coverage()
    assert (row["failed"], row["in_progress"]) == (1, 0), "the file is what its workflow is"


def test_when_the_stream_makes_jobs_instead_those_of_its_workflows_are_not_taken_for_them(
    case: Callable[..., Case],
) -> None:
    """By `waiting` and `gather`, which count jobs of the stream by type."""
    one = case()
    one.arrive("x", "y", "z")
    gather = {"sum": {"payload": "true", "of": one.name, "at_run_end": True}}
    one.declare(jobs={one.name: {"payload": "true"}}, waiting={"at_most": 2, "then": "drop_oldest"}, gather=gather)
    made = [file["jobs"][0] for file in one.arrive("u", "v")]
    assert {one.server.state(job) for job in made} == {"defined"}
    nodes = {one.node(flow["uuid"], "a")["state"] for flow in one.workflows()}
    assert nodes == {"defined"}, "none of them gave way"


# ---- what became of files


def test_a_file_is_what_the_latest_of_its_workflows_is(case: Callable[..., Case]) -> None:
    one = case()
    (file,) = one.arrive("x")
    first = one.of(file["dataset"])["uuid"]
    one.end(first, "a")
    one.end(first, "b", "failed")
    assert one.coverage()["failed"] == 1
    for failed in (True, False):
        one.server.good("POST", f"/api/v1/workflows/{first}/rerun", {"failed": failed})
        row = one.coverage()
        assert (row["failed"], row["in_progress"]) == (0, 1)
    (_, second, _) = one.workflows()
    one.end(second["uuid"], "b", "failed")
    assert one.coverage()["in_progress"] == 1, "it was run again twice, and the later counts"
    one.finish(one.of(file["dataset"])["uuid"])
    row = one.coverage()
    assert (row["taken"], row["processed"], row["failed"], row["unknown"]) == (1, 1, 0, 0)


def test_what_was_left_out_on_purpose_has_not_failed(case: Callable[..., Case], until: Callable[..., Any]) -> None:
    one = case()
    spec = {"name": one.name, "stale_after": 0.2, "cap": 0}
    one.server.good("PUT", f"/api/v1/jobtypes/{one.name}", spec)
    files = one.arrive("x", "y")
    until("they are stale", lambda: all(flow["ended_at"] for flow in one.workflows()))
    assert {flow["state"] for flow in one.workflows()} == {"failed"}
    row = one.coverage()
    assert (row["taken"], row["dropped"], row["failed"], row["cancelled"]) == (2, {"stale": 2}, 0, 0)
    one.server.good("POST", f"/api/v1/workflows/{one.of(files[0]['dataset'])['uuid']}/rerun", {})
    one.server.good("POST", f"/api/v1/workflows/{one.of(files[0]['dataset'])['uuid']}/cancel", {})
    row = one.coverage()
    assert (row["dropped"], row["cancelled"]) == ({"stale": 1}, 1)


def test_purged_workflows_count_as_they_ended(case: Callable[..., Case]) -> None:
    one = case()
    files = one.arrive("good", "bad", "again")
    good, bad, again = (one.of(file["dataset"])["uuid"] for file in files)
    one.finish(good)
    one.end(bad, "a", "failed")
    one.end(again, "a", "failed")
    one.server.good("POST", f"/api/v1/workflows/{again}/rerun", {})
    reply = one.server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [good, bad, again]})
    assert reply["removed"] == 3
    row = one.coverage()
    counts = {name: row[name] for name in ("taken", "processed", "failed", "in_progress", "unknown")}
    assert counts == {"taken": 3, "processed": 1, "failed": 1, "in_progress": 1, "unknown": 0}
