"""The rules over HTTP: job types, needs, holding, re-runs, retries, suspects, deadlines, and why a job does not run."""

from collections.abc import Callable
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """A job type of the test's own: the server is shared."""
    return f"t{abs(hash(request.node.nodeid)) % 10**9}"


def set_type(server: Server, name: str, **settings: Any) -> Any:
    return server.good("PUT", f"/api/v1/jobtypes/{name}", {"name": name, **settings})


def explain(server: Server, job: str) -> str:
    return "; ".join(server.good("GET", f"/api/v1/jobs/{job}/explain")["lines"])


def test_what_is_set_of_a_job_type_is_on_the_record_as_people_write_it(server: Server, kind: str) -> None:
    set_type(server, kind, cap=3, eta=600.0, supersedes=["run", "dl"], critical=True)
    set_type(server, kind, cap=None, expects=["TPC monitor", "TPC monitor/Hits"])
    events = server.good("GET", f"/api/v1/events?kind=jobtype&object={kind}")["events"]
    assert [event["why"] for event in events] == [
        "cap none, eta none, critical no, supersedes none, expects TPC monitor, TPC monitor/Hits",
        "cap 3, eta 10m, critical yes, supersedes run, dl",
    ]


def test_a_job_type_is_set_and_listed_with_what_goes_on(server: Server, kind: str) -> None:
    settings = {"cap": 3, "pick": "deadline", "eta": 60.0, "retries": 1, "supersedes": ["run"], "critical": True}
    assert set_type(server, kind, **settings) == {"name": kind, "changed": True}
    assert set_type(server, kind, **settings)["changed"] is False
    server.submit({"payload": "true", "jobtype": kind}, {"payload": "true", "jobtype": kind})
    (found,) = [one for one in server.good("GET", "/api/v1/jobtypes")["jobtypes"] if one["name"] == kind]
    assert {name: found[name] for name in settings} == settings
    assert (found["out"], found["waiting"]) == (0, 2)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"pick": "best"}, "pick"),
        ({"cap": -1}, "cap"),
        ({"retries": 99}, "retries"),
        ({"input_as": "x"}, "input_as"),
        ({"colour": 1}, "colour"),
    ],
)
def test_settings_that_make_no_sense_are_refused(server: Server, body: dict[str, Any], word: str) -> None:
    answer = server.ask("PUT", "/api/v1/jobtypes/t", {"name": "t", **body})
    assert answer.status == 422
    assert word in answer.detail


# ---- what a file declares


def declared(server: Server, kind: str, force: bool = False, **settings: Any) -> tuple[list[str], list[str]]:
    said = server.good("POST", "/api/v1/declarations", {"jobtypes": {kind: settings}, "force": force})
    return said["changed"], said["kept"]


def settings_of(server: Server, kind: str) -> Any:
    (found,) = [one for one in server.good("GET", "/api/v1/jobtypes")["jobtypes"] if one["name"] == kind]
    return found


def test_what_a_file_says_as_it_said_it_last_undoes_no_live_change(server: Server, kind: str) -> None:
    assert declared(server, kind, cap=40, eta=600) == ([f"job type {kind}"], [])
    assert declared(server, kind, cap=40, eta=600) == ([], [])
    set_type(server, kind, cap=0, eta=600.0, retries=2)
    live = [f"job type {kind}: cap stays 0, which was set live"]
    assert declared(server, kind, cap=40, eta=600) == ([], live)
    assert declared(server, kind, cap=40, eta=300) == ([f"job type {kind}"], live), "the file was changed elsewhere"
    found = settings_of(server, kind)
    assert (found["cap"], found["eta"], found["retries"]) == (0, 300.0, 2)
    assert declared(server, kind, cap=20, eta=300) == ([f"job type {kind}"], []), "what it changed itself wins"
    set_type(server, kind, cap=0)
    assert declared(server, kind, force=True, cap=20, eta=300) == ([f"job type {kind}"], [])
    found = settings_of(server, kind)
    assert (found["cap"], found["eta"], found["retries"]) == (20, 300.0, 0)


def test_limits_and_dimensions_that_were_set_live_stay_too(server: Server, kind: str) -> None:
    def declare(high: float = 3.0, force: bool = False) -> tuple[list[str], list[str]]:
        limit = {"category": kind, "item": "n", "good": [0, high]}
        dimension = {"name": kind[:20], "order": ["2", "1"]}
        body = {"limits": [limit], "dimensions": [dimension], "force": force}
        said = server.good("POST", "/api/v1/declarations", body)
        return said["changed"], said["kept"]

    both = [f"dimension {kind[:20]}", f"limits of {kind}/n"]
    live = [f"{one}: what was set live stays" for one in both]
    assert declare() == (both, [])
    assert declare() == ([], [])
    server.good("PUT", "/api/v1/limits", {"category": kind, "item": "n", "good": [0, 9]})
    server.good("DELETE", f"/api/v1/dimensions?name={kind[:20]}")
    assert declare() == ([], live)
    assert declare(4.0) == (both[1:], live[:1]), "the file's limits were changed"
    assert declare(4.0, force=True) == (both[:1], [])
    (row,) = server.good("GET", f"/api/v1/limits?category={kind}")["limits"]
    assert row["good"] == [0, 4]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"jobtypes": {"x": {"cpa": 4}}}, "jobtypes.x.cpa: is not a known field"),
        ({"jobtypes": {"x": {"cap": -1}}}, "jobtypes.x.cap: "),
        ({"jobtypes": {"x": {"": -(2**63) - 1}}}, "is not a known field"),
        ({"jobtypes": {"x": {"priority": 2**70}}}, "jobtypes.x.priority: "),
        ({"jobtypes": {"": {"cap": 1}}}, "name: is empty"),
        ({"limits": [{"category": "c", "item": "i"}]}, "say good, warn or drift"),
        ({"jobtypes": {f"t{n}": {} for n in range(1001)}}, "at most 1000"),
    ],
)
def test_a_declaration_that_cannot_be_sets_nothing(server: Server, kind: str, body: Any, says: str) -> None:
    body = {**body, "jobtypes": {kind: {"cap": 7}, **body.get("jobtypes", {})}}
    answer = server.ask("POST", "/api/v1/declarations", body)
    assert (answer.status, says in answer.detail) == (422, True), answer.detail
    assert kind not in {one["name"] for one in server.good("GET", "/api/v1/jobtypes")["jobtypes"]}


def test_a_job_takes_from_its_type_what_it_leaves_out(server: Server, kind: str) -> None:
    set_type(server, kind, priority=4, time_limit=50.0, stale_after=900.0)
    plain, own = server.submit(
        {"payload": "true", "jobtype": kind}, {"payload": "true", "jobtype": kind, "priority": 0, "stale_after": 0.0}
    )
    first, second = server.job(plain), server.job(own)
    assert (first["priority"], first["time_limit"]) == (4, 50.0)
    assert first["stale_at"] == pytest.approx(first["submitted_at"] + 900)
    assert (second["priority"], second["stale_at"]) == (0, None)


def test_an_input_is_named_as_the_type_says_also_after_a_restart(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    set_type(server, "named", input_as="name")
    (job,) = server.submit({"payload": "true", "jobtype": "named", "input": "/data/run7_1.root"})
    server.kill()
    server.start()
    (order,) = server.pilot().orders()
    assert (order["job"], order["env"]["P3S_INPUT_FILE"]) == (job, "run7_1.root")
    assert order["env"]["P3S_INPUT_PATH"] == "/data/run7_1.root"
    (found,) = [one for one in server.good("GET", "/api/v1/jobtypes")["jobtypes"] if one["name"] == "named"]
    assert found["input_as"] == "name"


def test_a_cap_holds_and_is_lifted_at_once(server: Server, kind: str) -> None:
    set_type(server, kind, cap=0)
    (job,) = server.submit({"payload": "true", "jobtype": kind})
    pilot = server.pilot()
    assert pilot.orders(0.2) == []
    assert f"cap of {kind} is 0" in explain(server, job)
    waiting = pilot.later()
    set_type(server, kind)
    assert [order["job"] for order in waiting.answer().json()["orders"]] == [job]


def test_a_job_goes_to_the_pilot_that_has_what_it_needs(server: Server) -> None:
    body = {"jobs": [{"payload": "true", "needs": {"gpus": 2, "memory": 4 * 10**9, "tags": ["cvmfs"]}}]}
    plain = server.pilot()
    reply = server.good("POST", "/api/v1/jobs", body)
    (job,) = reply["jobs"]
    assert reply["pilots"] == 0
    assert any("needs 2 GPUs: 0 of" in note for note in reply["notes"])
    assert plain.orders(0.2) == []
    big = server.pilot(gpus=2, memory=8 * 10**9, tags=["cvmfs"])
    assert [order["job"] for order in big.orders(5.0)] == [job]


@pytest.mark.parametrize("needs", [{"cores": 10**9}, {"cores": 0}, {"memory": -1}, {"tags": ["a b"]}, {"cpu": 1}])
def test_needs_that_nothing_could_meet_are_refused_with_a_word(server: Server, needs: dict[str, Any]) -> None:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "true", "needs": needs}]})
    assert (answer.status, "needs" in answer.detail) == (422, True)


def test_hold_release_and_adjust_are_on_the_record(server: Server) -> None:
    (job,) = server.submit()
    held = server.good("POST", f"/api/v1/jobs/{job}/hold", {"why": "calibration"})
    assert held == {"job": job, "state": "held", "note": "it will not run until it is released"}
    assert explain(server, job).startswith("held by ")
    assert server.pilot().orders(0.2) == []
    assert server.good("POST", f"/api/v1/jobs/{job}/adjust", {"priority": 7})["note"] == "priority 7, was 0"
    assert explain(server, job).endswith(": calibration; release it: p3s job release")
    assert server.good("POST", f"/api/v1/jobs/{job}/release", {})["state"] == "defined"
    assert [event["what"] for event in server.job(job)["events"]] == ["released", "adjusted", "held"]
    pilot = server.pilot()
    pilot.take(job)
    assert server.ask("POST", f"/api/v1/jobs/{job}/hold", {}).status == 409


def test_a_job_may_be_submitted_held(server: Server) -> None:
    (job,) = server.submit({"payload": "true", "hold": True})
    assert server.state(job) == "held"


def test_an_ended_job_is_run_again_once(server: Server) -> None:
    (job,) = server.submit({"payload": "true", "env": {"A": "1"}, "needs": {"cores": 2}})
    server.good("POST", f"/api/v1/jobs/{job}/cancel", {})
    reply = server.good("POST", "/api/v1/reruns", {"uuids": [job], "why": "mistake"})
    (again,) = reply["new"]
    found = server.job(again)
    assert (found["rerun_of"], found["env"], found["state"]) == (job, {"A": "1"}, "defined")
    answer = server.ask("POST", "/api/v1/reruns", {"uuids": [job]})
    assert (answer.status, "run again already" in answer.detail) == (409, True)


def test_many_are_chosen_by_what_became_of_them(server: Server, kind: str) -> None:
    jobs = server.submit(
        {"payload": "true", "jobtype": kind},
        {"payload": "true", "jobtype": kind, "stale_after": 0.01},
        {"payload": "true", "jobtype": kind},
    )
    for job in jobs[:2]:
        server.good("POST", f"/api/v1/jobs/{job}/cancel", {})
    choice = {"states": ["cancelled", "dropped"], "since": 1.0, "jobtype": kind, "still_fresh": True}
    assert server.good("POST", "/api/v1/reruns", {**choice, "dry_run": True}) == {"old": jobs[:1], "new": []}
    assert server.good("POST", "/api/v1/reruns", choice)["old"] == jobs[:1]
    assert server.good("POST", "/api/v1/reruns", choice)["old"] == []


@pytest.mark.parametrize(
    "body", [{}, {"uuids": ["x/y"]}, {"states": ["running"]}, {"uuids": ["a"], "states": ["lost"]}]
)
def test_a_rerun_of_nothing_sensible_is_refused(server: Server, body: dict[str, Any]) -> None:
    assert server.ask("POST", "/api/v1/reruns", body).status == 422


def test_a_lost_job_with_a_retry_is_tried_again_and_its_log_kept(server: Server, kind: str) -> None:
    set_type(server, kind, retries=1)
    (job,) = server.submit({"payload": "true", "jobtype": kind})
    first = server.pilot()
    first.take(job)
    first.report(job, 1, "failed", reason="nonstarter", detail="no such file")
    found = server.job(job)
    assert (found["state"], found["retried"], found["attempt"]) == ("defined", 1, 1)
    assert [event["what"] for event in found["events"]] == ["retried"]
    second = server.pilot()
    second.take(job)
    assert first.report(job, 1, "finished", exit_code=0)["verdict"] == "refused"
    second.report(job, 2, "failed", reason="nonstarter")
    assert server.state(job) == "failed"


def test_stale_jobs_are_dropped_by_upkeep_and_say_how_late(server: Server, kind: str, until: Until) -> None:
    (job,) = server.submit({"payload": "true", "jobtype": kind, "stale_after": 0.2})
    until("the job is dropped", lambda: server.state(job) == "dropped")
    found = server.job(job)
    assert found["reason"] == "stale"
    assert found["events"][-1]["why"].startswith("stale for ")


def test_a_newer_file_of_the_same_run_supersedes_the_older(server: Server, kind: str) -> None:
    set_type(server, kind, supersedes=["run"])
    server.good("PUT", f"/api/v1/streams/{kind}", {"name": kind, "jobs": {kind: {"payload": "true"}}})
    jobs = []
    for number, run in enumerate([7, 7, 8]):
        body = {"url": f"/data/{kind}_{number}.root", "stream": kind, "run": run}
        jobs += server.good("POST", "/api/v1/datasets", body)["jobs"]
    assert [server.state(job) for job in jobs] == ["dropped", "defined", "defined"]
    assert server.job(jobs[0])["reason"] == "superseded"
    assert jobs[1] in server.job(jobs[0])["events"][-1]["why"]


def test_a_host_that_cannot_run_what_others_can_is_suspect_until_a_person_trusts_it(server: Server, kind: str) -> None:
    host = f"wn-{kind}"
    good, bad = server.pilot(host=f"good-{kind}"), server.pilot(host=host)
    jobs = server.submit(*[{"payload": "true", "jobtype": kind}] * 6)
    good.take(jobs[0])
    good.report(jobs[0], 1, "finished", exit_code=0)
    for job in jobs[1:4]:
        bad.take(job)
        bad.report(job, 1, "failed", reason="nonstarter")
    (found,) = [one for one in server.good("GET", "/api/v1/hosts")["hosts"] if one["host"] == host]
    assert found["doubts"][0]["why"].startswith("3 jobs in a row could not run there")
    assert bad.orders(0.2) == []
    assert server.good("POST", f"/api/v1/hosts/{host}/trust", {"why": "repaired"})["doubts"] == 1
    assert [order["job"] for order in bad.orders(5.0)] == [jobs[4]]
    assert server.ask("POST", "/api/v1/hosts/nowhere/trust", {}).status == 404


def test_what_was_set_and_suspected_outlives_a_restart(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    set_type(server, "t", cap=5, pick="freshest")
    jobs = server.submit(*[{"payload": "true", "jobtype": "t", "needs": {"cores": 1, "tags": ["x"]}}] * 6)
    server.good("POST", f"/api/v1/jobs/{jobs[5]}/hold", {})
    good, bad = server.pilot(host="good", tags=["x"]), server.pilot(host="bad", tags=["x"])
    (order,) = good.orders(5.0)
    good.report(order["job"], 1, "finished", exit_code=0)
    for _ in range(3):
        (order,) = bad.orders(5.0)
        bad.report(order["job"], 1, "failed", reason="nonstarter")
    server.kill()
    server.start()
    assert [one["host"] for one in server.good("GET", "/api/v1/hosts")["hosts"] if one["doubts"]] == ["bad"]
    assert bad.orders(0.2) == []
    (order,) = good.orders(5.0)
    assert order["job"] == jobs[0], "the last of the freshest: 4, 3, 2, 1 were taken, 5 is held"
    (found,) = [one for one in server.good("GET", "/api/v1/jobtypes")["jobtypes"] if one["name"] == "t"]
    assert (found["cap"], found["pick"]) == (5, "freshest")
