"""People and programs submit jobs: what is taken, what is refused and with which line, and asking again."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Server = Any


def test_jobs_are_taken_in_the_order_given(server: Server) -> None:
    answer = server.good("POST", "/api/v1/jobs", {"jobs": [{"payload": f"echo {n}"} for n in range(5)]})
    assert len(set(answer["jobs"])) == 5
    assert [server.job(job)["payload"] for job in answer["jobs"]] == [f"echo {n}" for n in range(5)]


def test_a_job_has_what_was_said_of_it(server: Server) -> None:
    said = {
        "payload": "run.sh 'a b'",
        "name": "ñandú",
        "jobtype": "tpc",
        "input": "/data/x.root",
        "env": {"A": "1"},
        "priority": 7,
        "time_limit": 60.5,
    }
    (job,) = server.submit(said)
    found = server.job(job)
    assert {name: found[name] for name in said} == said
    assert (found["state"], found["attempt"], found["pilot"]) == ("defined", 0, None)


def test_an_unknown_job_type_is_made_and_the_person_told(server: Server) -> None:
    body = {"jobs": [{"payload": "true", "jobtype": "newtype"}] * 2}
    said = "job type newtype is new: created with defaults (no cap)"
    assert server.good("POST", "/api/v1/jobs", body)["notes"].count(said) == 1
    assert said not in server.good("POST", "/api/v1/jobs", body)["notes"]


def test_a_description_with_replicas_makes_so_many_jobs(server: Server) -> None:
    made = server.submit({"payload": "echo a", "env": {"A": "1"}, "replicas": 3}, {"payload": "echo b"})
    found = [server.job(job) for job in made]
    assert len(set(made)) == 4
    assert [one["payload"] for one in found] == ["echo a"] * 3 + ["echo b"]
    assert [one["env"] for one in found] == [{"A": "1"}] * 3 + [{}]
    assert {one["state"] for one in found} == {"defined"}


# ---- asking again


def test_the_same_key_and_jobs_give_the_same_answer(server: Server) -> None:
    first = server.submit({"payload": "true"}, {"payload": "false"}, key="once")
    assert server.submit({"payload": "true"}, {"payload": "false"}, key="once") == first


def test_a_key_that_was_used_for_other_jobs_is_a_conflict(server: Server) -> None:
    server.submit({"payload": "true"}, key="twice")
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "false"}], "key": "twice"})
    assert (answer.status, answer.detail) == (
        409,
        "the key 'twice' was used for other jobs; take a new key for each new submission",
    )


def test_a_key_from_before_a_restart_is_known(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    jobs = [{"payload": "true", "replicas": 3}, {"payload": "false"}]
    first = server.submit(*jobs, key="once")
    server.kill()
    server.start()
    assert server.submit(*jobs, key="once") == first
    assert server.submit(*jobs, key="once") == first
    assert server.ask("POST", "/api/v1/jobs", {"jobs": [JOB], "key": "once"}).status == 409


def test_a_key_may_be_used_again_after_its_jobs_were_refused(server: Server) -> None:
    assert server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": ""}], "key": "third time"}).status == 422
    assert len(server.submit(JOB, key="third time")) == 1


def test_without_a_key_each_call_adds(server: Server) -> None:
    assert server.submit({"payload": "true"}) != server.submit({"payload": "true"})


# ---- refusals

JOB = {"payload": "true"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"jobs": []}, "jobs: the list is empty; name at least one job"),
        ({}, "jobs: is required"),
        ({"jobs": [{}]}, "jobs[0].payload: is required"),
        ({"jobs": [JOB], "kye": "x"}, "kye: is not a known field; take it out or correct its name"),
        ({"jobs": [JOB, {**JOB, "timelimit": 3}]}, "jobs[1].timelimit: is not a known field"),
        ({"jobs": [{**JOB, "priority": True}]}, "jobs[0].priority: "),
        ({"jobs": [{**JOB, "priority": "3"}]}, "jobs[0].priority: "),
        ({"jobs": [{**JOB, "priority": 1.5}]}, "jobs[0].priority: "),
        ({"jobs": [{**JOB, "priority": 2**70}]}, "jobs[0].priority: "),
        ({"jobs": [{**JOB, "priority": 1001}]}, "jobs[0].priority: must be from -1000 to 1000, not 1001"),
        ({"jobs": [{**JOB, "time_limit": "60"}]}, "jobs[0].time_limit: "),
        ({"jobs": [{**JOB, "time_limit": True}]}, "jobs[0].time_limit: "),
        ({"jobs": [{**JOB, "time_limit": -1}]}, "jobs[0].time_limit: must be from 0 to 2592000, not -1"),
        ({"jobs": [{**JOB, "env": {"A": 1}}]}, "jobs[0].env.A: "),
        ({"jobs": [{**JOB, "env": ["A=1"]}]}, "jobs[0].env: "),
        ({"jobs": [{**JOB, "env": {"A-B": "1"}}]}, "jobs[0].env: 'A-B' is not a variable name"),
        ({"jobs": [{"payload": None}]}, "jobs[0].payload: "),
        ({"jobs": [{"payload": ["ls"]}]}, "jobs[0].payload: "),
        ({"jobs": [{"payload": "  "}]}, "jobs[0].payload: is empty; write the command to run"),
        ({"jobs": [{"payload": "x" * 20_001}]}, "jobs[0].payload: has 20001 characters, at most 20000 are taken"),
        ({"jobs": [{"payload": "a\0b"}]}, "jobs[0].payload: holds the control character U+0000; take it out"),
        ({"jobs": JOB}, "jobs: "),
        ({"jobs": [{**JOB, "replicas": 0}]}, "jobs[0].replicas: must be from 1 to 10000, not 0"),
        ({"jobs": [{**JOB, "replicas": True}]}, "jobs[0].replicas: "),
        ({"jobs": [{**JOB, "replicas": 9_999}] * 2}, "jobs: replicas in all: must be from 1 to 10000, not 19998"),
        ({"jobs": [JOB], "key": 7}, "key: "),
        ({"jobs": ["true"]}, "jobs[0]: must be an object, not 'true'"),
        ([JOB], "the body: must be an object"),
        ("true", "the body: must be an object, not 'true'"),
        (None, "the body: "),
    ],
    ids=lambda value: json.dumps(value)[:60] if not isinstance(value, str) else None,
)
def test_what_cannot_be_is_refused_with_its_place(server: Server, body: Any, said: str) -> None:
    answer = server.ask("POST", "/api/v1/jobs", json.dumps(body).encode())
    assert answer.status == 422
    assert answer.detail.startswith(said)
    assert "\n" not in answer.detail


def test_a_body_that_is_empty_is_refused_in_words(server: Server) -> None:
    assert server.ask("POST", "/api/v1/jobs", b"").detail == "the body: is empty; write a JSON object, {} at least"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(server: Server, number: str) -> None:
    body = b'{"jobs":[{"payload":"true","time_limit":%s}]}' % number.encode()
    answer = server.ask("POST", "/api/v1/jobs", body)
    assert answer.status == 422
    assert "jobs[0].time_limit" in answer.detail or "JSON" in answer.detail


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"<xml/>", b'{"jobs":', b"[" * 100_000, b'"\\ud800"'])
def test_what_is_no_json_is_refused(server: Server, body: bytes) -> None:
    answer = server.ask("POST", "/api/v1/jobs", body)
    assert answer.status == 422
    assert answer.detail


def test_one_wrong_job_refuses_the_whole_submission(server: Server) -> None:
    before = server.good("GET", "/api/v1/summary")["jobs"]
    assert server.ask("POST", "/api/v1/jobs", {"jobs": [JOB, {"payload": ""}]}).status == 422
    assert server.good("GET", "/api/v1/summary")["jobs"] == before


def test_more_jobs_than_a_call_may_have_are_refused(server: Server) -> None:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [JOB] * 10_001})
    assert (answer.status, "at most 10000" in answer.detail) == (422, True)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Server) -> None:
    headers = {"Content-Length": str(16 * 1024 * 1024 + 1)}
    answer = server.ask("POST", "/api/v1/jobs", b"", headers=headers)
    assert (answer.status, "send it in parts" in answer.detail) == (413, True)


# ---- who may


@pytest.mark.parametrize(
    ("token", "said"), [("", "no token: set P3S_TOKEN"), ("p3su_wrong", "this token is not valid"), ("p3sp.x.y.z", "")]
)
def test_without_a_valid_token_nothing_is_taken(server: Server, token: str, said: str) -> None:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [JOB]}, token=token)
    assert answer.status == 401
    assert answer.detail.startswith(said)


@pytest.mark.parametrize(
    "authorization", ["Basic abc", "Bearer", "Bearer ", "bearer\tx", "Bearer p3sj.a.b", "x" * 5000]
)
def test_an_odd_authorization_is_no_token(server: Server, authorization: str) -> None:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [JOB]}, token="", headers={"Authorization": authorization})
    assert answer.status == 401


@pytest.mark.parametrize("token", ["p3sp.pilot.mark.s\xe9al", "p3sj.job.1.s\xe9al", "\xe9"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/jobs"), ("GET", "/api/v1/jobs")])
def test_a_token_that_is_no_ascii_is_not_valid(server: Server, method: str, path: str, token: str) -> None:
    answer = server.ask(method, path, {"jobs": [JOB]}, token=token)
    assert answer.status == 401


def test_a_pilot_s_token_may_not_submit(server: Server) -> None:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [JOB]}, token=server.pilot().token)
    assert (answer.status, "scope 'submit'" in answer.detail) == (403, True)


def test_a_host_name_that_is_not_ours_is_refused(server: Server) -> None:
    answer = server.ask("POST", "/api/v1/jobs", {"jobs": [JOB]}, headers={"Host": "evil.example"})
    assert (answer.status, "--allow-host evil.example" in answer.detail) == (422, True)
