"""Streams that start a workflow of each file: what of it is the stream's, and what became of the files."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from p3s.domain.data.coverage import word_of, word_of_workflow

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

    def process(self, **request: Any) -> Any:
        return self.server.good("POST", f"/api/v1/streams/{self.name}/process", {"run": 1, **request})

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


def test_a_file_is_processed_when_its_workflow_has_ended(case: Callable[..., Case]) -> None:
    """As coverage has it, and the watcher that moves it then."""
    one = case({"a": READS, "b": {"payload": "true", "after": ["a"]}})
    (file,) = one.arrive("x")
    flow = one.of(file["dataset"])["uuid"]

    def told() -> tuple[str, str]:
        found = one.server.good("GET", f"/api/v1/datasets/{file['dataset']}")
        return found["processing"], found["says"].rpartition("; ")[2]

    one.end(flow, "a")
    assert (told(), one.coverage()["in_progress"]) == (("processing", "workflow: in progress"), 1)
    one.end(flow, "b", "failed")
    assert (told(), one.coverage()["failed"]) == (("processed", "workflow: failed"), 1)
    again = one.server.good("POST", f"/api/v1/workflows/{flow}/rerun", {"failed": True})["workflow"]
    assert (told(), one.coverage()["in_progress"]) == (("processing", "workflow: in progress"), 1)
    one.end(again, "b")
    assert (told(), one.coverage()["processed"]) == (("processed", "workflow: processed"), 1)


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
    one.set(env__A="2")
    for _ in range(2):  # also of the one that was run again
        (job,) = one.server.good("POST", "/api/v1/reruns", {"uuids": [job]})["new"]
        found = one.server.job(job)
        assert (found["stream"], found["stream_version"], found["workflow"]) == (one.name, 1, None), "what it ran by"
        row = one.coverage()
        assert (row["failed"], row["in_progress"]) == (1, 0), "the file is what its workflow is"
        pilot = one.server.pilot()
        order = pilot.take(job)
        result = {"p3s_result": 1, "category": "again", "items": [{"kind": "number", "name": "n", "value": 1.0}]}
        path = f"/api/v1/jobs/{order['job']}/attempts/1/results"
        one.server.good("POST", path, {"results": [result], "problems": []}, token=order["token"])
        (published,) = one.server.good("GET", f"/api/v1/results?stream={one.name}&category=again")["results"]
        assert (published["job"], published["stream_version"]) == (job, 1)
        pilot.report(job, order["attempt"], "finished", exit_code=0)
    body = {"what": "jobs", "uuids": [job], "results": True, "why": "x"}
    assert one.server.good("POST", "/api/v1/purges", body)["removed"] == 1
    assert one.coverage()["failed"] == 1


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


# ---- what they find


def test_the_environment_of_the_stream_is_that_of_the_nodes_and_live_changes_have_effect(
    case: Callable[..., Case],
) -> None:
    nodes = {"a": {**READS, "env": {"OWN": "node"}}, "b": {"payload": "true", "after": ["a"]}}
    one = case(nodes, env={"RELEASE": "v1", "OWN": "stream"})
    one.put(nodes, env={"RELEASE": "v0", "DEFAULT": "template"})
    (file,) = one.arrive("x")
    one.set(env__RELEASE="v2")
    (later,) = one.arrive("y")

    def found(dataset: str) -> list[tuple[str, ...]]:
        flow = one.of(dataset)["uuid"]
        orders = [one.end(flow, name, "failed" if name == "b" else "finished")["env"] for name in NODES]
        return [tuple(env[name] for name in ("RELEASE", "OWN", "DEFAULT")) for env in orders]

    assert found(file["dataset"]) == [("v1", "node", "template"), ("v1", "stream", "template")]
    assert found(later["dataset"]) == [("v2", "node", "template"), ("v2", "stream", "template")]
    one.server.good("POST", f"/api/v1/workflows/{one.of(file['dataset'])['uuid']}/rerun", {"failed": True})
    again = one.server.good("GET", f"/api/v1/workflows/{one.of(file['dataset'])['uuid']}")
    order = one.end(again["uuid"], "b")
    assert (order["env"]["RELEASE"], again["stream_version"]) == ("v1", 1), "run again as it was chosen then"


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


def test_a_workflow_that_did_the_work_again_is_not_purged_before_the_first(case: Callable[..., Case]) -> None:
    """Else the first would count again."""
    one = case()
    (file,) = one.arrive("x")
    first = one.of(file["dataset"])["uuid"]
    one.end(first, "a", "failed")
    one.server.good("POST", f"/api/v1/workflows/{first}/rerun", {})
    second = one.of(file["dataset"])["uuid"]
    one.finish(second)

    def purge(*uuids: str) -> Any:
        reply = one.server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": list(uuids)})
        return reply["removed"], reply["kept"], one.coverage()["processed"]

    assert purge(second) == (0, 1, 1)
    assert purge(second, first) == (2, 0, 1)


# ---- by hand


def names(reply: Any) -> tuple[list[str], list[str]]:
    return [one["name"] for one in reply["taken"]], [f"{one['name']}: {one['why']}" for one in reply["left"]]


def test_files_are_processed_by_hand_whatever_was_left_out_or_went_wrong(case: Callable[..., Case]) -> None:
    one = case(take={"one_in": 10**9, "first_of_run": 2})
    files = one.arrive("good", "bad", "sampled")
    good, bad = (one.of(file["dataset"])["uuid"] for file in files[:2])
    assert [file["workflow"] for file in files] == [good, bad, ""]
    one.finish(good)
    one.end(bad, "a", "failed")
    looked = one.process(dry_run=True)
    assert [(file["was"], file["template"], file["workflow"]) for file in looked["taken"]] == [
        ("sampled out", one.name, ""),
        ("failed", one.name, ""),
    ]
    assert len(one.workflows()) == 2
    one.set(env__A="2")
    done = one.process(why="spikes in plane U")
    assert names(done) == (["sampled", "bad"], ["good: processed"])
    sampled, again = (file["workflow"] for file in done["taken"])
    found = one.server.good("GET", f"/api/v1/workflows/{again}")
    assert (found["rerun_of"], found["stream_version"], found["dataset"]) == (bad, 2, files[1]["dataset"])
    assert found["events"][0]["why"].endswith("spikes in plane U")
    assert one.server.good("GET", f"/api/v1/workflows/{sampled}")["rerun_of"] is None
    assert names(one.process()) == ([], ["sampled: in progress", "bad: in progress", "good: processed"])
    row = one.coverage()
    counts = {name: row[name] for name in ("taken", "sampled_out", "processed", "failed", "in_progress", "manual")}
    assert counts == {"taken": 3, "sampled_out": 0, "processed": 1, "failed": 0, "in_progress": 2, "manual": 2}
    assert names(one.process(again=True, files="good"))[0] == ["good"]
    assert [file["workflow"] for file in one.arrive("sampled", "bad")] == [sampled, again], "known: the latest"


def test_what_cannot_be_started_is_left_and_says_why(case: Callable[..., Case]) -> None:
    one = case()
    one.put(NODES, parameters={"events": {"type": "int"}})
    one.arrive("x")
    for dry_run in (True, False):
        (left,) = one.process(dry_run=dry_run)["left"]
        assert "events" in left["why"]
    assert one.coverage()["taken"] == 0
    one.set(parameters__events=3)
    assert names(one.process(limit=1)) == (["x"], [])
    assert one.coverage()["in_progress"] == 1


def test_many_files_are_begun_in_portions_and_each_once(case: Callable[..., Case]) -> None:
    one = case(take={"one_in": 10**9, "first_of_run": 0})
    one.put(
        {"a": {"payload": "true", "values": ["{many}"]}, "b": READS},
        parameters={"many": {"type": "list", "default": [str(place) for place in range(99)]}},
    )
    one.arrive(*"uvwxyz")
    assert len(one.process(limit=5)["taken"]) == 5
    assert names(one.process()) == (["u"], [f"{name}: in progress" for name in "zyxwv"])
    assert len(one.workflows()) == 6


def test_a_purged_workflow_that_went_well_is_not_done_again(case: Callable[..., Case]) -> None:
    one = case()
    good, bad = (one.of(file["dataset"])["uuid"] for file in one.arrive("good", "bad"))
    one.finish(good)
    one.end(bad, "a", "failed")
    one.server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [good, bad]})
    assert names(one.process()) == (["bad"], ["good: processed"])
    row = one.coverage()
    assert (row["processed"], row["failed"], row["in_progress"]) == (1, 0, 1)


# ---- whatever happens


@dataclass
class Flow:
    """What a workflow is expected to be: a word for its file, and its jobs that go on by node."""

    uuid: str
    word: str = "in progress"


@dataclass
class World:
    """A stream and its files: for each its fate and the workflow that counts."""

    case: Case
    fates: dict[str, tuple[str, str]] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    manual: set[str] = field(default_factory=set)

    def act(self, what: str, number: int) -> None:
        known = sorted(self.flows)
        server, name = self.case.server, known[number % len(known)] if known else ""
        if what in ("arrive", "ignored"):
            self.arrive(f"f{number}", what)
        elif what in ("pause", "resume"):
            server.good("POST", f"/api/v1/streams/{self.case.name}/{what}", {})
        elif what == "process" and self.fates:
            seen = sorted(self.fates)
            for file in self.case.process(files=seen[number % len(seen)])["taken"]:
                self.began(file["name"], file["workflow"])
        elif not name:
            return
        elif what == "purge":
            server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": self.purgeable(name)})
        elif what == "cancel":
            server.good("POST", f"/api/v1/workflows/{self.flows[name].uuid}/cancel", {})
        elif what in ("rerun", "failed only"):
            body = {"failed": what == "failed only"}
            answer = server.ask("POST", f"/api/v1/workflows/{self.flows[name].uuid}/rerun", body)
            if answer.status == 200:
                self.flows[name] = Flow(answer.json()["workflow"])
        else:
            self.end(name, what)

    def arrive(self, name: str, what: str) -> None:
        (said,) = self.case.arrive(name, **({"ignored": "too small"} if what == "ignored" else {}))
        self.fates[name] = (said["fate"], said["reason"])
        if said["new"] and said["workflow"]:
            self.flows[name] = Flow(said["workflow"])

    def began(self, name: str, workflow: str) -> None:
        self.fates[name] = ("taken", "")
        self.manual.add(name)
        self.flows[name] = Flow(workflow)

    def purgeable(self, name: str) -> list[str]:
        """All that its stream has started of a file."""
        path = f"/api/v1/workflows?stream={self.case.name}&name={self.case.name} {name}".replace(" ", "%20")
        return [one["uuid"] for one in self.case.server.good("GET", path)["workflows"]]

    def end(self, name: str, state: str) -> None:
        """A job of its workflow that is queued."""
        server = self.case.server
        jobs = server.ask("GET", f"/api/v1/jobs?workflow={self.flows[name].uuid}&state=defined").json()["jobs"]
        if not jobs:
            return
        pilot = server.pilot(slots=100, host=uuid.uuid4().hex)  # it gets all that waits
        for order in pilot.orders(1.0):
            said = state if order["job"] == jobs[0]["uuid"] else "refused"
            if said != "lost":
                pilot.report(order["job"], order["attempt"], said, exit_code=int(said == "failed"))
        pilot.die()

    def look(self) -> None:
        """What workflows that are there are; one that was purged is what it was."""
        server = self.case.server
        for flow in self.flows.values():
            answer = server.ask("GET", f"/api/v1/workflows/{flow.uuid}")
            if answer.status == 200:
                jobs = server.good("GET", f"/api/v1/jobs?workflow={flow.uuid}")["jobs"]
                words = [word_of(job["state"], job["reason"]) for job in jobs if job["state"] != "finished"]
                flow.word = word_of_workflow(answer.json()["state"], words)

    def check(self) -> None:
        words = Counter(self.flows[name].word for name, (fate, _) in self.fates.items() if fate == "taken")
        fates = Counter(fate for fate, _ in self.fates.values())
        ignored = Counter(reason for fate, reason in self.fates.values() if fate == "ignored")
        plain = ("processed", "in progress", "failed", "lost", "cancelled")
        expected = {
            "files": len(self.fates),
            "taken": fates["taken"],
            "sampled_out": fates["sampled out"],
            "ignored": dict(ignored),
            "manual": len(self.manual),
            "dropped": {},
            **{word.replace(" ", "_"): words[word] for word in plain},
            **dict.fromkeys(("skipped", "unknown"), 0),
        }
        if self.fates:
            row = self.case.coverage()
            assert {name: row[name] for name in expected} == expected


ACTS = ("arrive", "arrive", "arrive", "ignored", "pause", "resume", "process", "process", "purge")
ENDS = ("finished", "finished", "finished", "failed", "lost", "cancel", "rerun", "failed only")


def test_coverage_adds_up_whatever_happens(server: Server) -> None:
    @settings(
        max_examples=5,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # shrinking costs minutes on a real server
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(acts=st.lists(st.tuples(st.sampled_from([*ACTS, *ENDS]), st.integers(0, 6)), min_size=15, max_size=35))
    def story(acts: list[tuple[str, int]]) -> None:
        world = World(Case(server, take={"one_in": 2, "first_of_run": 1}))
        for what, number in acts:
            world.act(what, number)
            world.look()
        world.check()

    story()


def test_what_was_taken_is_the_same_after_a_kill(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    one = Case(server)
    first, second, third = (one.of(file["dataset"])["uuid"] for file in one.arrive("x", "y", "z"))
    one.finish(first)
    one.end(second, "a")
    server.good("POST", f"/api/v1/workflows/{third}/cancel", {})
    before = one.coverage()
    server.kill()
    server.start()
    assert [file["workflow"] for file in one.arrive("x", "y", "z")] == [first, second, third]
    assert one.coverage() == before
    one.end(second, "b", "failed")
    again = one.process()["taken"]
    assert sorted(file["was"] for file in again) == ["cancelled", "failed"]
    server.kill()
    server.start()
    row = one.coverage()
    counts = {name: row[name] for name in ("taken", "processed", "in_progress", "failed", "cancelled", "manual")}
    assert counts == {"taken": 3, "processed": 1, "in_progress": 2, "failed": 0, "cancelled": 0, "manual": 2}


# ---- at the door


def test_what_cannot_be_is_refused_when_it_is_changed_and_told_when_it_is_declared(case: Callable[..., Case]) -> None:
    one = case()
    path = f"/api/v1/streams/{one.name}"
    for changes, says in (
        ({"parameters.evnts": 3}, "evnts"),
        ({"workflow": "nobody"}, "there is no template 'nobody'"),
        ({"waiting.at_most": 3}, "counts jobs, and the stream starts a workflow"),
        ({"gather.sum.payload": "x", "gather.sum.of": "a", "gather.sum.every": 2}, "let a node merge"),
    ):
        answer = one.server.ask("POST", f"{path}/changes", {"changes": changes, "why": "x"})
        assert (answer.status, says in answer.detail) == (422, True), answer.detail
    one.put({"a": {**READS, "env": {"A": "1"}}}, parameters={"events": {"type": "int", "default": 1}})
    body = {"changes": {"parameters.events": 3, "env.A": "2"}, "why": "x"}
    (note,) = one.server.good("POST", f"{path}/changes", body)["notes"]
    assert note.startswith(f"every node of {one.name} sets A itself")
    rule = {"name": one.name, "workflow": "nobody"}
    (note,) = one.server.good("PUT", f"{path}?force=true", rule)["notes"]
    assert note.startswith("its files are left out: workflow nobody: there is no template")
    (file,) = one.arrive("x")
    assert (file["fate"], file["workflow"]) == ("ignored", "")


def test_what_a_paused_stream_leaves_out_starts_nothing_and_is_processed_by_hand(case: Callable[..., Case]) -> None:
    one = case()
    one.server.good("POST", f"/api/v1/streams/{one.name}/pause", {"why": "beam off"})
    (file,) = one.arrive("x")
    assert (file["fate"], file["reason"], one.workflows()) == ("ignored", "paused", [])
    (taken,) = one.process()["taken"]
    assert (taken["was"], one.of(file["dataset"])["uuid"]) == ("ignored: paused", taken["workflow"])
    one.server.good("POST", f"/api/v1/streams/{one.name}/resume", {})
    (later,) = one.arrive("y")
    assert later["workflow"]


def test_eta_and_stale_after_count_from_when_the_file_came(case: Callable[..., Case]) -> None:
    one = case()
    spec = {"name": one.name, "stale_after": 3600, "eta": 600}
    one.server.good("PUT", f"/api/v1/jobtypes/{one.name}", spec)
    (file,) = one.arrive("x")
    flow = one.of(file["dataset"])
    one.end(flow["uuid"], "a")
    for name in NODES:
        job = one.server.job(one.node(flow["uuid"], name)["job"])
        assert job["eta_at"] == pytest.approx(flow["created_at"] + 600)
        assert job["stale_at"] == pytest.approx(flow["created_at"] + 3600)
