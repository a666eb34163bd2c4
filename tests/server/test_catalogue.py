"""Datasets, sets, data types and runs: made, shown, changed and removed, by those who may."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

Server = Any
Register = Callable[..., str]


@pytest.fixture
def name() -> str:
    """Of a thing of the test's own: the server is shared."""
    return f"n{uuid.uuid4().hex[:12]}"


@pytest.fixture
def register(server: Server, name: str) -> Register:
    """register(...): a file's UUID; nothing is made of it."""

    def made(**more: Any) -> str:
        url = f"/data/{name}/{uuid.uuid4().hex}.root"
        return str(server.good("POST", "/api/v1/datasets", {"url": url, **more})["dataset"])

    return made


def shown(server: Server, dataset: str) -> Any:
    return server.good("GET", f"/api/v1/datasets/{dataset}")


def listed(server: Server, **asked: Any) -> list[str]:
    return [one["uuid"] for one in server.good("GET", f"/api/v1/datasets?{urlencode(asked)}")["datasets"]]


def token_of(server: Server, owner: str) -> str:
    body = {"name": "t", "scopes": ["submit"], "key": uuid.uuid4().hex, "owner": owner}
    return str(server.good("POST", "/api/v1/tokens", body)["token"])


# ---- datasets


def test_all_there_is_about_a_file_is_shown(server: Server, name: str) -> None:
    jobs = {name: {"payload": "true"}}
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": jobs})
    request = {"url": f"/{name}", "stream": name, "run": 7, "metadata": {"detector": "NP04"}, "datatype": "RAW"}
    made = server.good("POST", "/api/v1/datasets", request)
    found = shown(server, made["dataset"])
    assert (found["metadata"], found["datatype"], found["kind"]) == ({"detector": "NP04"}, "RAW", "file")
    assert [(one["stream"], one["fate"]) for one in found["arrivals"]] == [(name, "taken")]
    assert [one["uuid"] for one in found["jobs"]] == made["jobs"]
    assert (found["taken"], found["processing"], found["job_states"]) == (True, "processing", {"defined": 1})
    server.good("POST", "/api/v1/cancels", {"uuids": made["jobs"]})
    found = shown(server, made["dataset"])
    assert (found["processing"], found["says"]) == ("processed", f"{name}: taken; jobs: 1 cancelled")


def test_a_file_that_was_left_out_says_why(server: Server, name: str, register: Register) -> None:
    assert shown(server, register())["says"] == "no stream was told of it"
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {name: {"payload": "true"}}})
    found = shown(server, register(stream=name, ignored="below 7 GB"))
    assert (found["taken"], found["says"]) == (False, f"{name}: ignored (below 7 GB)")


def test_files_are_found_by_name_address_and_what_they_are(server: Server, name: str, register: Register) -> None:
    one, other = register(name=name, run=31, datatype="RAW"), register(name=name)
    url = shown(server, one)["url"]
    assert listed(server, which=name) == [other, one]
    assert listed(server, which=url) == listed(server, which=one) == [one]
    assert listed(server, which=name[:-1]) == []
    assert listed(server, name=name, datatype="RAW") == [one]
    server.good("PUT", f"/api/v1/sets/{name}", {"add": [one]})
    assert listed(server, set=name) == [one]
    assert listed(server, name=name, kind="file") == [other, one]
    answer = server.ask("GET", "/api/v1/datasets?set=nothing")
    assert (answer.status, "there is no set nothing" in answer.detail) == (404, True)


def test_a_file_that_nothing_names_is_forgotten(server: Server, name: str, register: Register) -> None:
    dataset = register(name=name)
    place = f"/api/v1/datasets/{dataset}"
    assert server.good("DELETE", f"{place}?dry_run=true") == {"name": name, "note": ""}
    assert shown(server, dataset)["name"] == name
    server.good("DELETE", f"{place}?why=a+mistake")
    assert server.ask("GET", place).status == 404
    (event,) = server.good("GET", f"/api/v1/events?kind=dataset&object={dataset}")["events"]
    assert (event["what"], event["why"].endswith(": a mistake")) == ("deleted", True)
    assert server.ask("DELETE", place).status == 404


def test_a_file_that_something_names_stays(server: Server, name: str, register: Register) -> None:
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {name: {"payload": "true"}}})
    dataset = register(stream=name)
    place = f"/api/v1/datasets/{dataset}"

    def refusal() -> str:
        answer = server.ask("DELETE", place)
        assert answer.status == 409
        return str(answer.detail)

    assert "have not ended" in refusal()
    (job,) = shown(server, dataset)["jobs"]
    server.good("POST", "/api/v1/cancels", {"uuids": [job["uuid"]]})
    assert "--state dropped" in refusal()
    server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": [job["uuid"]]})
    server.good("PUT", f"/api/v1/sets/{name}", {"add": [dataset]})
    assert f"p3s dataset set remove {name} {dataset}" in refusal()
    server.good("POST", f"/api/v1/sets/{name}/members", {"remove": [dataset]})
    assert server.good("DELETE", place)["note"] == "with 1 arrivals"


def test_a_file_of_a_workflow_stays(server: Server, name: str, register: Register) -> None:
    """Also when the workflow has no job that could name it."""
    template = {"name": name, "nodes": {"a": {"jobtype": "noop"}}}
    assert server.ask("PUT", f"/api/v1/templates/{name}", template).status == 200
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "workflow": name})
    answer = server.ask("DELETE", f"/api/v1/datasets/{register(stream=name)}")
    assert (answer.status, "a workflow was started of" in answer.detail) == (409, True), answer.body


def test_others_files_are_theirs(server: Server, register: Register) -> None:
    answer = server.ask("DELETE", f"/api/v1/datasets/{register()}", token=token_of(server, "eve"))
    assert (answer.status, "only they or an operator" in answer.detail) == (403, True)


# ---- sets


def test_a_set_counts_its_files_and_adds_up_their_sizes(server: Server, name: str, register: Register) -> None:
    files = [register(size=size) for size in (1, 20, 300)]
    made = server.good("PUT", f"/api/v1/sets/{name}", {"comment": "golden", "add": files[:2]})
    assert (made["new"], made["added"], made["members"]) == (True, 2, 2)
    again = server.good("PUT", f"/api/v1/sets/{name}", {"add": files})
    assert (again["new"], again["added"], again["members"]) == (False, 1, 3)
    changed = server.good("POST", f"/api/v1/sets/{name}/members", {"add": files[:1], "remove": files[1:2]})
    assert (changed["added"], changed["removed"], changed["members"]) == (0, 1, 2)
    found = shown(server, made["dataset"])
    assert (found["kind"], found["members"], found["size"], found["comment"]) == ("set", 2, 301, "golden")
    assert [one["name"] for one in shown(server, files[0])["sets"]] == [name]
    assert server.good("DELETE", f"/api/v1/datasets/{made['dataset']}")["note"] == "with 2 memberships"
    assert shown(server, files[0])["sets"] == []


def test_of_files_that_join_all_are_known_or_none_joins(server: Server, name: str, register: Register) -> None:
    one, other = register(name=name), register(name=name)
    made = server.good("PUT", f"/api/v1/sets/{name}s", {})
    place = f"/api/v1/sets/{name}s/members"
    for added, status, said in (
        ([one, "nothing.root"], 404, "there is no file nothing.root"),
        ([name], 409, "is the name of 2 datasets"),
        ([made["dataset"]], 422, "a set has files only"),
    ):
        answer = server.ask("POST", place, {"add": added})
        assert (answer.status, said in answer.detail) == (status, True), answer.detail
    assert shown(server, made["dataset"])["members"] == 0
    url = shown(server, other)["url"]
    assert server.good("POST", place, {"add": [one, url, other]})["members"] == 2
    assert server.ask("POST", f"/api/v1/sets/{name}x/members", {"add": [one]}).status == 404
    mine = token_of(server, "eve")
    assert server.ask("POST", place, {"add": [one]}, token=mine).status == 403


@pytest.mark.parametrize("set_name", ["a/b", " a", "\0", "s" * 256], ids=repr)
def test_a_set_has_a_name(server: Server, set_name: str) -> None:
    assert server.ask("PUT", f"/api/v1/sets/{quote(set_name, safe='')}", {}).status in (404, 422)


# ---- data types


def test_a_data_type_is_made_changed_and_removed(server: Server, name: str, register: Register) -> None:
    place, spec = f"/api/v1/datatypes/{name}", {"name": name, "ext": ".root", "comment": "raw"}
    assert server.good("PUT", place, spec) == {"name": name, "new": True, "changed": True}
    assert server.good("PUT", place, spec) == {"name": name, "new": False, "changed": False}
    assert server.good("PUT", place, {"name": name, "ext": ".h5"})["changed"]
    dataset = register(datatype=name)
    found = server.good("GET", place)
    assert (found["ext"], found["comment"], found["datasets"]) == (".h5", "", 1)
    answer = server.ask("DELETE", place)
    assert (answer.status, "is that of 1 dataset;" in answer.detail) == (409, True)
    server.good("POST", f"/api/v1/datasets/{dataset}/adjust", {"clear": ["datatype"]})
    server.good("DELETE", place)
    assert server.ask("GET", place).status == server.ask("DELETE", place).status == 404
    whats = [one["what"] for one in server.good("GET", f"/api/v1/events?kind=datatype&object={name}")["events"]]
    assert whats == ["removed", "set", "made"]


def test_data_types_are_listed_by_name(server: Server, name: str) -> None:
    for letter in "bca":
        server.good("PUT", f"/api/v1/datatypes/{name}{letter}", {"name": f"{name}{letter}"})
    found, cursor = [], name
    while cursor is not None:
        page = server.good("GET", f"/api/v1/datatypes?limit=2&cursor={cursor}")
        found += [one["name"] for one in page["datatypes"] if one["name"].startswith(name)]
        cursor = page["next"]
    assert found == [f"{name}a", f"{name}b", f"{name}c"]


@pytest.mark.parametrize(
    "spec", [{"ext": "root"}, {"ext": "."}, {"ext": ".a/b"}, {"name": "other"}, {"size": 1}], ids=str
)
def test_a_data_type_that_cannot_be_is_refused(server: Server, spec: dict[str, Any]) -> None:
    assert server.ask("PUT", "/api/v1/datatypes/t", {"name": "t", **spec}).status == 422


# ---- runs


@pytest.fixture
def number() -> int:
    """A run of the test's own."""
    return uuid.uuid4().int % 10**12


def run_of(server: Server, number: int) -> Any:
    return server.good("GET", f"/api/v1/runs/{number}")


def test_a_run_is_started_ended_and_reopened(server: Server, number: int) -> None:
    place = f"/api/v1/runs/{number}"
    assert server.good("POST", f"{place}/start", {"type": "cosmic", "comment": "HV on"})["note"] == "started"
    assert server.good("POST", f"{place}/start", {}) == {
        "run": number,
        "open": True,
        "changed": False,
        "note": "it is open already",
        "ended": [],
    }
    again = server.good("POST", f"{place}/start", {"type": "beam"})
    assert (again["changed"], "its type stays 'cosmic'" in again["note"]) == (False, True)
    ended = server.good("POST", f"{place}/end", {"comment": "beam off"})
    assert (ended["changed"], ended["open"], ended["ended"]) == (True, False, [number])
    found = run_of(server, number)
    assert (found["open"], found["comment"]) == (False, "HV on\nbeam off")
    assert not server.good("POST", f"{place}/end", {})["changed"]
    answer = server.ask("POST", f"{place}/start", {})
    assert (answer.status, "--reopen" in answer.detail) == (409, True)
    assert server.good("POST", f"{place}/start", {"reopen": True})["note"] == "reopened"
    found = run_of(server, number)
    assert (found["open"], [one["what"] for one in found["events"]]) == (True, ["reopened", "ended", "started"])


def test_a_run_counts_the_results_that_its_page_and_the_list_show(server: Server, number: int) -> None:
    stream = f"s{number}"
    server.good("PUT", f"/api/v1/streams/{stream}", {"name": stream, "jobs": {stream: {"payload": "true"}}})
    file = {"url": f"/data/{number}", "stream": stream, "run": number}
    (job,) = server.good("POST", "/api/v1/datasets", file)["jobs"]
    pilot = server.pilot()
    result = {"p3s_result": 1, "category": "c", "items": [{"kind": "number", "name": "n", "value": 1}]}
    for _ in range(2):
        order = pilot.take(job)
        place = f"/api/v1/jobs/{job}/attempts/{order['attempt']}/results"
        server.good("POST", place, {"results": [result]}, token=order["token"])
        pilot.report(job, order["attempt"], "finished")
        job = next(iter(server.good("POST", "/api/v1/reruns", {"uuids": [job]})["new"]))
    shown = server.good("GET", f"/api/v1/results?run={number}")["results"]
    assert len(server.good("GET", f"/api/v1/results?run={number}&all=true")["results"]) == 2
    assert run_of(server, number)["results"] == len(shown) == 1


def test_a_run_that_a_file_opened_gets_its_type_when_it_is_started(
    server: Server, number: int, register: Register
) -> None:
    register(run=number, size=5)
    register(run=number, size=7)
    found = run_of(server, number)
    assert (found["open"], found["type"], found["files"], found["size"]) == (True, "", 2, 12)
    started = server.good("POST", f"/api/v1/runs/{number}/start", {"type": "cosmic"})
    assert (started["changed"], run_of(server, number)["type"]) == (True, "cosmic")
    assert run_of(server, number)["file_states"] == {"available": 2}


def test_the_start_of_a_run_ends_others_when_told_so(server: Server, number: int) -> None:
    for one in (number, number + 1):
        server.good("POST", f"/api/v1/runs/{one}/start", {})
    assert run_of(server, number)["open"]
    ended = server.good("POST", f"/api/v1/runs/{number + 2}/start", {"end_others": True})["ended"]
    assert {number, number + 1} <= set(ended)
    assert [one["run"] for one in server.good("GET", "/api/v1/runs?open=true")["runs"]] == [number + 2]
    assert run_of(server, number)["events"][0]["why"] == f"run {number + 2} started"


def test_runs_are_listed_open_ones_first(server: Server, number: int) -> None:
    for one in range(4):
        server.good("POST", f"/api/v1/runs/{number + one}/start", {"type": str(number)})
    server.good("POST", f"/api/v1/runs/{number + 3}/end", {})
    server.good("POST", f"/api/v1/runs/{number + 1}/end", {})
    for limit in (1, 3, 10):
        found: list[int] = []
        cursor = ""
        while cursor is not None:
            page = server.good("GET", f"/api/v1/runs?type={number}&limit={limit}&cursor={cursor}")
            found += [one["run"] for one in page["runs"]]
            cursor = page["next"]
        assert found == [number + 2, number, number + 3, number + 1]


def test_runs_say_what_became_of_their_files(server: Server, number: int) -> None:
    streams = [f"{letter}{number}" for letter in "ab"]
    for one in streams:
        server.good("PUT", f"/api/v1/streams/{one}", {"name": one, "jobs": {one: {"payload": "true"}}})
    files = [
        {"url": f"/d/{number}/{place}", "stream": streams[place % 2], "run": number + place // 2} for place in range(4)
    ]
    server.good("POST", "/api/v1/arrivals", {"files": files})
    server.good("POST", f"/api/v1/runs/{number}/start", {"type": str(number)})
    path = f"/api/v1/runs?type={number}"
    (plain,) = server.good("GET", path)["runs"]
    (covered,) = server.good("GET", f"{path}&coverage=true")["runs"]
    assert plain == {**covered, "coverage": []}
    assert covered["coverage"] == server.good("GET", f"/api/v1/coverage?run={number}")["coverage"]
    assert [(row["stream"], row["in_progress"]) for row in covered["coverage"]] == [(one, 1) for one in streams]
    assert run_of(server, number)["coverage"] == covered["coverage"]
    answer = server.ask("GET", f"{path}&coverage=true&limit=201")
    assert (answer.status, "at most 200 with coverage" in answer.detail) == (422, True)


def test_what_is_known_of_a_run_is_changed(server: Server, number: int) -> None:
    place = f"/api/v1/runs/{number}"
    server.good("POST", f"{place}/start", {})
    changed = server.good("POST", f"{place}/adjust", {"type": "laser", "started_at": 1e9, "why": "as the log has it"})
    assert changed["changed"]
    assert run_of(server, number)["started_at"] == 1e9
    assert not server.good("POST", f"{place}/adjust", {"type": "laser"})["changed"]
    assert server.ask("POST", f"{place}/adjust", {"ended_at": 2e9}).status == 409
    server.good("POST", f"{place}/end", {})
    assert server.ask("POST", f"{place}/adjust", {"ended_at": 1.0}).status == 422
    assert server.good("POST", f"{place}/adjust", {"ended_at": 1e9 + 5})["changed"]
    assert run_of(server, number)["events"][0]["why"].startswith("ended_at ")


def test_a_run_that_was_started_by_mistake_is_forgotten(server: Server, number: int) -> None:
    place = f"/api/v1/runs/{number}"
    server.good("POST", f"{place}/start", {})
    assert server.good("DELETE", f"{place}?dry_run=true") == {"name": str(number), "note": ""}
    assert run_of(server, number)["open"]
    server.good("DELETE", f"{place}?why=a+slip")
    assert server.ask("GET", place).status == 404
    assert server.ask("DELETE", place).status == 404
    server.good("POST", f"{place}/start", {})
    events = [(one["what"], one["why"]) for one in run_of(server, number)["events"]]
    assert events == [("started", ""), ("deleted", "a slip"), ("started", "")]


def test_a_run_that_something_is_of_stays(server: Server, number: int, name: str, register: Register) -> None:
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {name: {"payload": "true"}}})
    dataset = register(run=number, stream=name)
    answer = server.ask("DELETE", f"/api/v1/runs/{number}")
    says = f"run {number} has 1 file, 1 job, and stays with them; p3s run end {number} says that it is over"
    assert (answer.status, answer.detail) == (409, says)
    server.good("POST", f"/api/v1/datasets/{dataset}/adjust", {"run": number + 1})
    assert f"run {number} has 1 job, and" in server.ask("DELETE", f"/api/v1/runs/{number}").detail


def test_a_run_that_is_none_is_not_known(server: Server, number: int) -> None:
    server.good("POST", f"/api/v1/runs/{number}/start", {})
    for act in ("end", "adjust"):
        answer = server.ask("POST", f"/api/v1/runs/{number + 1}/{act}", {})
        assert (answer.status, str(number) in answer.detail) == (404, True)
    assert server.ask("GET", f"/api/v1/runs/{2**62 + 1}").status == 404
    assert server.ask("POST", f"/api/v1/runs/{2**62 + 1}/start", {}).status == 422
    assert server.ask("POST", "/api/v1/runs/-1/start", {}).status == 422
