"""Workflows on a real server: jobs wait for their inputs, what fails has its consequences, every workflow ends."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Server = Any
Pilot = Any


def name() -> str:
    return f"t{uuid.uuid4().hex[:10]}"


def chain(*policies: str) -> dict[str, Any]:
    """n0 -> n1 -> ..., each with its word on failure; each reads what the one before wrote."""
    nodes: dict[str, Any] = {}
    for place, policy in enumerate(policies):
        reads = {"IN": [f"n{place - 1}.OUT"]} if place else {}
        nodes[f"n{place}"] = {"payload": f"run {place}", "on_failure": policy, "inputs": reads}
    return nodes


def outs(nodes: dict[str, Any]) -> dict[str, Any]:
    return {f"{node}.OUT": {"node": node, "variable": "OUT"} for node in nodes}


def started(server: Server, nodes: dict[str, Any], data: dict[str, Any] | None = None, **more: Any) -> str:
    template = name()
    body = {"name": template, "nodes": nodes, "data": outs(nodes) if data is None else data}
    server.good("PUT", f"/api/v1/templates/{template}", body)
    reply = server.good("POST", "/api/v1/workflows", {"template": template, **more})
    return str(reply["workflow"])


def shown(server: Server, workflow: str) -> dict[str, Any]:
    found: dict[str, Any] = server.good("GET", f"/api/v1/workflows/{workflow}")
    return found


def nodes_of(server: Server, workflow: str) -> dict[str, dict[str, Any]]:
    found = server.good("GET", f"/api/v1/workflows/{workflow}/nodes?limit=1000")["nodes"]
    return {one["name"]: one for one in found}


def states(server: Server, workflow: str) -> dict[str, str]:
    return {node: one["state"] for node, one in nodes_of(server, workflow).items()}


def run(pilot: Pilot, job: str, state: str = "finished", **more: Any) -> dict[str, Any]:
    """One job from its order to its end; returns the order."""
    order: dict[str, Any] = pilot.take(job)
    pilot.report(job, order["attempt"], "running", started_ago_s=0.0)
    code = {"finished": {"exit_code": 0}, "failed": {"exit_code": 3, "reason": "exit code"}}.get(state, {})
    verdict = pilot.report(job, order["attempt"], state, **{**code, **more})
    assert verdict["verdict"] == "applied", verdict
    return order


def job(server: Server, workflow: str, node: str) -> str:
    return str(nodes_of(server, workflow)[node]["job"])


def test_a_job_waits_for_its_input_and_then_runs_on_it(server: Server) -> None:
    workflow = started(server, chain("stop", "stop"), directory="/data/here")
    assert states(server, workflow) == {"n0": "defined", "n1": "waiting"}
    first, second = (nodes_of(server, workflow)[node] for node in ("n0", "n1"))
    assert second["waits_for"] == ["n0"]
    (path,) = [one["path"] for one in first["outputs"]]
    assert path.startswith("/data/here/")
    said = server.good("GET", f"/api/v1/jobs/{second['job']}/explain")["lines"]
    assert said == [f"waiting for input IN of workflow {workflow}: node n0 is queued (job {first['job']})"]
    pilot = server.pilot()
    order = run(pilot, first["job"])
    assert order["env"]["OUT"] == path
    assert order["env"]["P3S_OUTPUTS"] == "OUT"
    assert order["env"]["P3S_WORKFLOW_UUID"] == workflow
    assert shown(server, workflow)["state"] == "running"
    order = run(pilot, second["job"])
    assert order["env"]["IN"] == path
    found = shown(server, workflow)
    assert (found["state"], found["counts"], found["reason"]) == ("finished", {"finished": 2}, "")
    assert found["started_at"] <= found["ended_at"]
    assert server.good("GET", f"/api/v1/workflows?template={found['template']}")["workflows"][0]["uuid"] == workflow


@pytest.mark.parametrize(
    ("policy", "third", "whole"),
    [("stop", "cancelled", "failed"), ("skip", "defined", "running"), ("continue", "defined", "running")],
)
def test_what_follows_a_failure_is_the_node_s_word(server: Server, policy: str, third: str, whole: str) -> None:
    nodes = {**chain(policy, "stop"), "other": {"payload": "true"}}
    workflow = started(server, nodes)
    pilot = server.pilot()
    run(pilot, job(server, workflow, "n0"), "failed")
    found = nodes_of(server, workflow)
    assert found["other"]["state"] == third
    assert found["n1"]["state"] == ("cancelled" if policy == "stop" else "skipped")
    assert "n0 failed" in found["n1"]["reason"]
    assert shown(server, workflow)["state"] == whole
    if policy != "stop":
        run(pilot, found["other"]["job"])
    expected = {"stop": "failed", "skip": "failed", "continue": "finished"}
    assert shown(server, workflow)["state"] == expected[policy]
    assert "n0 failed" in shown(server, workflow)["reason"] or policy == "continue"


@pytest.mark.parametrize(("lists", "between"), [([], " "), (["PARTS"], "\n")])
def test_a_merge_runs_on_what_exists(server: Server, lists: list[str], between: str) -> None:
    nodes = {
        "part": {"payload": "true", "values": ["a", "b", "c"], "on_failure": "continue"},
        "sum": {"payload": "true", "inputs": {"PARTS": ["part.OUT"]}, "lists": lists},
    }
    data = {"part.OUT": {"node": "part", "variable": "OUT", "name": "part-{value}.txt"}}
    workflow = started(server, nodes, data, directory="/d")
    pilot = server.pilot()
    for place, state in enumerate(["finished", "failed", "finished"]):
        run(pilot, job(server, workflow, f"part[{place}]"), state)
    order = run(pilot, job(server, workflow, "sum"))
    assert order["env"]["PARTS"] == f"/d/part-a.txt{between}/d/part-c.txt"
    assert shown(server, workflow)["state"] == "finished"
    assert shown(server, workflow)["counts"] == {"finished": 3, "failed": 1}


def test_running_jobs_of_a_workflow_that_stops_are_ended(server: Server) -> None:
    workflow = started(server, {"a": {"payload": "true"}, "b": {"payload": "true"}}, {})
    pilot = server.pilot(slots=2)
    wait, other = pilot.orders(5.0)
    pilot.report(other["job"], 1, "failed", exit_code=1)
    (kill,) = pilot.exchange().json()["instructions"]
    assert (kill["kind"], kill["job"]) == ("kill", wait["job"])
    assert shown(server, workflow)["state"] == "running"
    pilot.report(wait["job"], wait["attempt"], "cancelled")
    assert shown(server, workflow)["state"] == "failed"
    assert states(server, workflow) == {"a": "cancelled", "b": "failed"}


def test_a_job_that_is_dropped_has_its_consequences_at_once(server: Server, until: Callable[..., Any]) -> None:
    kind = name()
    server.good("PUT", f"/api/v1/jobtypes/{kind}", {"name": kind, "stale_after": 1.0, "cap": 0})
    nodes = {"a": {"payload": "true", "jobtype": kind}, "b": {"payload": "true", "inputs": {"X": ["a.OUT"]}}}
    workflow = started(server, nodes)
    until("the workflow has ended", lambda: shown(server, workflow)["state"] == "failed")
    assert states(server, workflow) == {"a": "dropped", "b": "cancelled"}


def test_a_held_workflow_begins_when_it_is_released(server: Server) -> None:
    workflow = started(server, chain("stop", "stop"), hold=True)
    assert states(server, workflow) == {"n0": "waiting", "n1": "waiting"}
    said = server.good("GET", f"/api/v1/jobs/{job(server, workflow, 'n0')}/explain")["lines"]
    assert said == [f"workflow {workflow} is held; p3s workflow release {workflow} lets it begin"]
    reply = server.good("POST", f"/api/v1/workflows/{workflow}/release", {"why": "now"})
    assert (reply["state"], reply["note"]) == ("defined", "it may run now")
    assert states(server, workflow) == {"n0": "defined", "n1": "waiting"}
    assert shown(server, workflow)["events"][0]["what"] == "released"


@pytest.mark.parametrize("hold", [True, False])
def test_a_workflow_that_has_not_started_is_cancelled_at_once(server: Server, hold: bool) -> None:
    workflow = started(server, chain("stop", "stop"), hold=hold)
    reply = server.good("POST", f"/api/v1/workflows/{workflow}/cancel", {"why": "wrong run"})
    assert reply["state"] == "cancelled"
    assert set(states(server, workflow).values()) == {"cancelled"}
    again = server.good("POST", f"/api/v1/workflows/{workflow}/cancel", {})
    assert again["note"] == "it had already ended as cancelled"
    assert server.ask("POST", f"/api/v1/workflows/{workflow}/release", {}).status == 409


def test_a_waiting_job_is_cancelled_or_adjusted_but_not_held(server: Server) -> None:
    workflow = started(server, chain("continue", "continue", "continue"))
    middle = job(server, workflow, "n1")
    refused = server.ask("POST", f"/api/v1/jobs/{middle}/hold", {})
    assert refused.status == 409
    assert "waits for its inputs in workflow" in refused.detail
    last = job(server, workflow, "n2")
    assert server.good("POST", f"/api/v1/jobs/{last}/adjust", {"priority": 7})["state"] == "waiting"
    pilot = server.pilot()
    run(pilot, job(server, workflow, "n0"))
    run(pilot, middle)
    assert server.job(last)["priority"] == 7
    server.good("POST", f"/api/v1/jobs/{last}/cancel", {})
    assert shown(server, workflow)["state"] == "finished"


def test_a_late_report_counts_while_nothing_was_concluded(server: Server) -> None:
    nodes = {
        "a": {"payload": "true", "on_failure": "continue"},
        "b": {"payload": "true", "on_failure": "continue"},
        "sum": {"payload": "true", "inputs": {"PARTS": ["a.OUT", "b.OUT"]}},
    }
    workflow = started(server, nodes)
    gone, pilot = server.pilot(), server.pilot()
    order = gone.take(job(server, workflow, "a"))
    gone.die()
    assert states(server, workflow)["a"] == "lost"
    assert gone.report(order["job"], order["attempt"], "finished", exit_code=0)["verdict"] == "applied"
    assert states(server, workflow)["a"] == "finished"
    run(pilot, job(server, workflow, "b"))
    order = run(pilot, job(server, workflow, "sum"))
    assert len(order["env"]["PARTS"].split()) == 2
    assert shown(server, workflow)["counts"] == {"finished": 3}


def test_a_late_report_is_refused_once_what_depends_on_it_was_skipped(server: Server) -> None:
    workflow = started(server, {**chain("skip", "stop"), "other": {"payload": "true"}})
    gone = server.pilot()
    order = gone.take(job(server, workflow, "n0"))
    gone.die()
    verdict = gone.report(order["job"], order["attempt"], "finished", exit_code=0)
    assert verdict["verdict"] == "refused"
    assert "n1, which depends on it, was skipped" in verdict["why"]
    assert states(server, workflow)["n0"] == "lost"


def test_files_are_datasets_that_become_available(server: Server) -> None:
    workflow = started(server, chain("skip", "stop"), directory=f"/{name()}")
    found = nodes_of(server, workflow)
    path = found["n0"]["outputs"][0]["path"]

    def dataset(path: str) -> dict[str, Any]:
        (row,) = server.good("GET", f"/api/v1/datasets?name={path.rpartition('/')[2]}")["datasets"]
        return dict(row)

    assert dataset(path)["state"] == "registered"
    pilot = server.pilot()
    run(pilot, found["n0"]["job"])
    assert dataset(path)["state"] == "available"
    run(pilot, found["n1"]["job"], "failed")
    assert dataset(found["n1"]["outputs"][0]["path"])["state"] == "dropped"


def test_nodes_without_a_job_pass_on(server: Server) -> None:
    nodes = {
        "begin": {"jobtype": "noop"},
        "work": {"payload": "true", "inputs": {"RAW": ["begin:work"]}},
        "end": {"jobtype": "noop", "inputs": {"OUT": ["work.OUT"]}},
    }
    data = {
        "begin:work": {"node": "begin", "variable": "RAW", "path": "/in/raw.txt"},
        "work.OUT": {"node": "work", "variable": "OUT"},
    }
    workflow = started(server, nodes, data)
    assert states(server, workflow) == {"begin": "finished", "work": "defined", "end": "waiting"}
    order = run(server.pilot(), job(server, workflow, "work"))
    assert order["env"]["RAW"] == "/in/raw.txt"
    assert states(server, workflow)["end"] == "finished"
    assert shown(server, workflow)["state"] == "finished"


def test_what_a_node_reads_is_its_own_file_and_what_others_wrote(server: Server) -> None:
    known, new = (f"/in/{name()}.raw" for _ in range(2))
    server.good("POST", "/api/v1/datasets", {"url": known})
    nodes = {
        "table": {"payload": "true"},
        "each": {"payload": "true", "for_each": "inputs", "inputs": {"TABLE": ["table.OUT"]}},
    }
    data = {"table.OUT": {"node": "table", "variable": "OUT", "path": f"/d/{name()}.txt"}}
    workflow = started(server, nodes, data, inputs=[known, new])
    for place, own in enumerate((known, new)):
        asked = f"/api/v1/jobs/{job(server, workflow, f'each[{place}]')}/inputs?limit="
        read = server.good("GET", f"{asked}9")["inputs"]
        assert [one["url"] for one in read] == [own, data["table.OUT"]["path"]]
        first = server.good("GET", f"{asked}1")
        second = server.good("GET", f"{asked}1&cursor={first['next']}")
        assert (first["inputs"] + second["inputs"], second["next"]) == (read, None), "in pages too"


def test_a_start_may_be_asked_again(server: Server) -> None:
    template, key = name(), name()
    server.good("PUT", f"/api/v1/templates/{template}", {"name": template, "nodes": {"a": {"payload": "true"}}})
    body = {"template": template, "key": key}
    first = server.good("POST", "/api/v1/workflows", body)["workflow"]
    assert server.good("POST", "/api/v1/workflows", body)["workflow"] == first
    assert server.ask("POST", "/api/v1/workflows", {**body, "comment": "another"}).status == 409
    dry = server.good("POST", "/api/v1/workflows", {"template": template, "dry_run": True})
    assert (dry["workflow"], dry["jobs"]) == ("", 1)
    assert len(server.good("GET", f"/api/v1/workflows?template={template}")["workflows"]) == 1


def test_a_template_that_is_changed_or_deleted_leaves_running_workflows_as_they_are(server: Server) -> None:
    workflow = started(server, chain("stop", "stop"))
    template = shown(server, workflow)["template"]
    body = {"name": template, "nodes": {"new": {"payload": "false"}}}
    assert server.good("PUT", f"/api/v1/templates/{template}", body)["version"] == 2
    assert server.good("DELETE", f"/api/v1/templates/{template}?why=old") == {"name": template, "running": 1}
    refused = server.ask("POST", "/api/v1/workflows", {"template": template})
    assert refused.status == 409
    assert "was deleted" in refused.detail
    listed = server.good("GET", f"/api/v1/templates?deleted=true&name={template}")["templates"]
    assert listed[0]["deleted_at"] is not None
    pilot = server.pilot()
    for node in ("n0", "n1"):
        run(pilot, job(server, workflow, node), "finished" if node == "n0" else "failed")
    assert (shown(server, workflow)["version"], shown(server, workflow)["state"]) == (1, "failed")
    again = server.good("POST", f"/api/v1/workflows/{workflow}/rerun", {"failed": True})["workflow"]
    assert states(server, again) == {"n0": "finished", "n1": "defined"}


def test_what_failed_is_run_again_on_the_files_that_are_there(server: Server) -> None:
    workflow = started(server, chain("stop", "stop", "stop"))
    pilot = server.pilot()
    first = run(pilot, job(server, workflow, "n0"))
    run(pilot, job(server, workflow, "n1"), "failed")
    reply = server.good("POST", f"/api/v1/workflows/{workflow}/rerun", {"failed": True, "why": "fixed"})
    again = reply["workflow"]
    assert reply["jobs"] == 2
    refused = server.ask("POST", f"/api/v1/workflows/{workflow}/rerun", {"failed": True})
    assert refused.status == 409
    assert again in refused.detail
    order = run(pilot, job(server, again, "n1"))
    assert order["env"]["IN"] == first["env"]["OUT"]
    run(pilot, job(server, again, "n2"))
    assert shown(server, again)["state"] == "finished"
    assert shown(server, workflow)["rerun_as"] == again
    whole = server.good("POST", f"/api/v1/workflows/{again}/rerun", {})
    assert whole["jobs"] == 3
    assert server.ask("POST", f"/api/v1/workflows/{again}/rerun", {"failed": True}).status == 422
    outputs = {nodes_of(server, one)["n0"]["outputs"][0]["path"] for one in (workflow, again, whole["workflow"])}
    assert len(outputs) == 2, "a whole new run writes files of its own"


def test_the_start_tells_what_no_pilot_has_for_nodes_that_come_later(server: Server) -> None:
    server.pilot()
    nodes = chain("stop", "stop")
    nodes["n1"]["needs"] = {"tags": ["no-such-tag"]}
    template = name()
    server.good("PUT", f"/api/v1/templates/{template}", {"name": template, "nodes": nodes, "data": outs(nodes)})
    would = server.good("POST", "/api/v1/workflows", {"template": template, "dry_run": True})
    reply = server.good("POST", "/api/v1/workflows", {"template": template})
    for notes in (would["notes"], reply["notes"]):
        [said] = [note for note in notes if "no-such-tag" in note]
        assert said.startswith("default: needs the tag no-such-tag: 0 of ")


def test_what_would_be_started_is_told_as_the_start_tells_it_and_nothing_is_made(server: Server) -> None:
    kind, template, path = name(), name(), f"/d/{name()}.txt"
    nodes = {"a": {"payload": "true", "jobtype": kind, "needs": {"tags": ["no-such-tag"]}}}
    data = {"a.OUT": {"node": "a", "variable": "OUT", "path": path}}
    server.good("PUT", f"/api/v1/templates/{template}", {"name": template, "nodes": nodes, "data": data})
    body = {"template": template, "hold": True}
    would = [server.good("POST", "/api/v1/workflows", {**body, "dry_run": True}) for _ in range(2)]
    told = [server.good("POST", "/api/v1/workflows", body) for _ in range(2)]
    assert would[0] == would[1] == {**told[0], "workflow": "", "state": ""}
    assert f"job type {kind} is new: created with defaults (no cap)" in would[0]["notes"]
    again = server.good("POST", "/api/v1/workflows", {**body, "dry_run": True})
    assert again["notes"] == told[1]["notes"]
    assert f"{path} is also to be written by a workflow that was made before" in again["notes"]


def test_a_merge_that_ran_on_what_there_was_is_run_again_with_what_comes_now(server: Server) -> None:
    nodes = {
        "part": {"payload": "true", "values": ["a", "b"], "on_failure": "continue"},
        "sum": {"payload": "true", "inputs": {"PARTS": ["part.OUT"]}},
        "end": {"jobtype": "noop", "inputs": {"OUT": ["sum.OUT"]}},
        "alone": {"payload": "true"},
    }
    workflow = started(server, nodes, {**outs({"part": 0, "sum": 0})})
    pilot = server.pilot()
    for node, state in (("part[0]", "finished"), ("part[1]", "failed"), ("alone", "finished")):
        run(pilot, job(server, workflow, node), state)
    assert len(run(pilot, job(server, workflow, "sum"))["env"]["PARTS"].split()) == 1
    assert shown(server, workflow)["state"] == "finished"
    path = f"/api/v1/workflows/{workflow}/rerun"
    would = server.good("POST", path, {"failed": True, "dry_run": True})
    assert (would["workflow"], would["state"], would["jobs"]) == ("", "", 2)
    again = server.good("POST", path, {"failed": True})["workflow"]
    run(pilot, job(server, again, "part[1]"))
    assert len(run(pilot, job(server, again, "sum"))["env"]["PARTS"].split()) == 2
    assert shown(server, again)["state"] == "finished"
    assert set(states(server, again).values()) == {"finished"}


def test_the_rest_of_a_workflow_is_run_by_one_at_a_time(server: Server) -> None:
    """They would write the same files; also when nothing of it is taken over, and over several that did the rest."""

    def again(one: str, **more: bool) -> Any:
        return server.ask("POST", f"/api/v1/workflows/{one}/rerun", {"failed": True, **more})

    first = started(server, chain("stop"))
    pilot = server.pilot()
    run(pilot, job(server, first, "n0"), "failed")
    second = again(first).json()["workflow"]
    assert second in again(first).detail
    run(pilot, job(server, second, "n0"), "failed")
    third = again(second).json()["workflow"]
    assert (again(first).status, third in again(first).detail) == (409, True)
    assert again(first, failed=False).status == 200, "files of its own"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"template": "no such"}, "there is no template 'no such'"),
        ({"version": 9}, "has no version 9"),
        ({"dataset": "no such"}, "there is no dataset 'no such'"),
        ({"inputs": ["relative"]}, "must be an absolute path"),
        ({"parameters": {"wrong": 1}}, "wrong"),
        ({"nodes": {"wrong": {"payload": "x"}}}, "wrong"),
    ],
)
def test_a_start_that_cannot_be_says_what_to_write(server: Server, body: dict[str, Any], words: str) -> None:
    template = name()
    server.good("PUT", f"/api/v1/templates/{template}", {"name": template, "nodes": {"a": {"payload": "true"}}})
    answer = server.ask("POST", "/api/v1/workflows", {"template": template, **body})
    assert answer.status in (404, 422)
    assert words in answer.detail


def test_a_data_type_that_is_missing_is_named_with_the_command_that_adds_it(server: Server) -> None:
    template = name()
    data = {"a.OUT": {"node": "a", "variable": "OUT", "type": "CSV9"}}
    body = {"name": template, "nodes": {"a": {"payload": "true"}}, "data": data}
    server.good("PUT", f"/api/v1/templates/{template}", body)
    answer = server.ask("POST", "/api/v1/workflows", {"template": template})
    assert answer.status == 422
    assert "p3s datatype add CSV9" in answer.detail


def test_workflows_belong_to_who_started_them(server: Server) -> None:
    workflow = started(server, chain("stop"))
    body = {"name": "other", "scopes": ["submit", "read"], "key": uuid.uuid4().hex, "owner": "other"}
    token = server.good("POST", "/api/v1/tokens", body)["token"]
    template = shown(server, workflow)["template"]
    for method, path, sent in (
        ("POST", f"/api/v1/workflows/{workflow}/cancel", {}),
        ("DELETE", f"/api/v1/templates/{template}", None),
        ("PUT", f"/api/v1/templates/{template}", {"name": template, "nodes": {"a": {"payload": "x"}}}),
    ):
        assert server.ask(method, path, sent, token=token).status == 403, path


def test_a_workflow_is_purged_with_its_jobs_and_not_without(server: Server) -> None:
    workflow = started(server, chain("stop", "stop"), directory=f"/{name()}")
    found = nodes_of(server, workflow)
    pilot = server.pilot()
    run(pilot, found["n0"]["job"])
    jobs = [found[node]["job"] for node in ("n0", "n1")]
    unended = server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [workflow]})
    assert (unended["removed"], unended["kept"]) == (0, 1)
    run(pilot, found["n1"]["job"], "failed")
    alone = server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": jobs})
    assert (alone["removed"], alone["kept"]) == (0, 2)
    dry = server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [workflow], "dry_run": True})
    assert dry["removed"] == 1
    assert server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [workflow]})["removed"] == 1
    assert server.ask("GET", f"/api/v1/workflows/{workflow}").status == 404
    assert [server.ask("GET", f"/api/v1/jobs/{one}").status for one in jobs] == [404, 404]
    written, never = (found[node]["outputs"][0]["path"].rpartition("/")[2] for node in ("n0", "n1"))
    assert len(server.good("GET", f"/api/v1/datasets?name={written}")["datasets"]) == 1
    assert server.good("GET", f"/api/v1/datasets?name={never}")["datasets"] == []


def test_a_stream_starts_a_workflow_of_each_file_once(server: Server) -> None:
    template, stream = name(), name()
    body = {
        "name": template,
        "nodes": {"a": {"payload": "true", "for_each": "inputs", "env": {"N": "{events}", "R": "{run}"}}},
        "parameters": {"events": {"type": "int"}},
    }
    rule = {"name": stream, "workflow": template, "parameters": {"events": 7}}
    server.good("PUT", f"/api/v1/streams/{stream}", rule)
    file = {"url": f"/data/{stream}.root", "stream": stream, "run": 12, "keys": {"dl": 3}}
    early = server.good("POST", "/api/v1/datasets", file)
    assert early["fate"] == "ignored"
    assert early["reason"].startswith(f"workflow {template}: there is no template")
    server.good("PUT", f"/api/v1/templates/{template}", body)
    assert server.good("POST", "/api/v1/datasets", file)["fate"] == "taken"
    assert server.good("POST", "/api/v1/datasets", file)["fate"] == "taken"
    (row,) = server.good("GET", f"/api/v1/workflows?stream={stream}&run=12")["workflows"]
    found = shown(server, row["uuid"])
    assert (found["dataset"], found["run"], found["keys"]) == (early["dataset"], 12, {"dl": 3})
    order = run(server.pilot(), job(server, row["uuid"], "a[0]"))
    wanted = {"N": "7", "R": "12", "P3S_RUN": "12", "P3S_KEY_DL": "3", "P3S_INPUT_PATH": file["url"]}
    assert {key: order["env"][key] for key in wanted} == wanted


def test_what_the_database_has_is_enough_after_a_kill(own_server: Callable[..., Any]) -> None:
    server = own_server().start()
    workflow = started(server, chain("skip", "skip", "skip"))
    pilot = server.pilot()
    run(pilot, job(server, workflow, "n0"))
    order = pilot.take(job(server, workflow, "n1"))
    server.kill()
    server.start()
    pilot.report(order["job"], order["attempt"], "finished", exit_code=0)
    assert states(server, workflow) == {"n0": "finished", "n1": "finished", "n2": "defined"}
    server.kill()
    server.start()
    run(pilot, job(server, workflow, "n2"), "failed")
    assert shown(server, workflow)["state"] == "failed"
    assert shown(server, workflow)["counts"] == {"finished": 2, "failed": 1}


def test_a_refusal_lists_all_mistakes_of_a_template(server: Server) -> None:
    nodes = {"a": {"payload": "", "at_most": 0}, "b": {"payload": "x", "inputs": {"X": ["a.OUT"]}}}
    answer = server.ask("PUT", "/api/v1/templates/wrong", {"name": "wrong", "nodes": nodes})
    assert (answer.status, answer.json()["detail"]) == (422, f"{answer.json()['errors'][0]} (and 2 more)")
    assert [one.partition(": ")[0] for one in answer.json()["errors"]] == [
        "nodes.a.at_most",
        "nodes.a.payload",
        "nodes.b.in.X",
    ]
    answer = server.ask("PUT", "/api/v1/templates/wrong", {"name": 3, "nodez": {}})
    assert [one.partition(": ")[0] for one in answer.json()["errors"]] == ["name", "nodes", "nodez"]
    answer = server.ask("PUT", "/api/v1/templates/wrong", {"name": "wrong", "nodes": {}})
    assert "errors" not in answer.json(), "of one"


def graph(chance: random.Random) -> dict[str, Any]:
    """Some nodes, each reading some of those before."""
    nodes: dict[str, Any] = {}
    for place in range(8):
        before = chance.sample(range(place), min(place, chance.randint(0, 2)))
        noop = chance.random() < 0.15
        nodes[f"n{place}"] = {
            **({"jobtype": "noop"} if noop else {"payload": "true"}),
            "on_failure": chance.choice(["stop", "skip", "skip", "continue", "continue"]),
            "inputs": {f"IN{one}": [f"n{one}.OUT"] for one in before},
        }
    return nodes


@pytest.mark.parametrize("seed", range(2))
def test_every_workflow_ends_whatever_becomes_of_its_jobs(server: Server, seed: int) -> None:
    chance = random.Random(seed)
    nodes = graph(chance)
    data = {f"{node}.OUT": {"node": node, "variable": "OUT", "path": f"{node}.txt"} for node in nodes}
    workflow = started(server, nodes, data, directory=f"/{name()}")
    pilot = server.pilot(slots=3)
    held: list[dict[str, Any]] = []
    for _ in range(60):
        if shown(server, workflow)["ended_at"] is not None:
            break
        held += pilot.orders(0.0)
        gone = [job for job in held if server.state(job["job"]) not in ("dispatched", "running")]
        held = [job for job in held if job not in gone]
        if held and chance.random() < 0.1:
            pilot.die()
            pilot, held = server.pilot(slots=3), []
        elif held:
            one = held.pop(chance.randrange(len(held)))
            state = chance.choice(["finished", "finished", "failed", "cancelled"])
            pilot.report(one["job"], one["attempt"], state, exit_code=int(state != "finished"))
    found, ended = shown(server, workflow), states(server, workflow)
    assert found["state"] in ("finished", "failed"), ended
    final = {"finished", "failed", "dropped", "cancelled", "lost", "skipped"}
    assert set(ended.values()) <= final
    assert found["counts"] == dict(Counter(ended.values()))
    bad = [node for node, state in ended.items() if state in final - {"finished", "skipped"}]
    if any(nodes[node]["on_failure"] != "continue" for node in bad):
        assert found["state"] == "failed"
