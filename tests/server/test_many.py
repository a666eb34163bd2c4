"""Many jobs at once: cancelled, held, released, given another priority, by name or by choice."""

import uuid
from typing import Any

import pytest

Server = Any


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """A job type of the test's own: the server is shared."""
    return f"t{abs(hash(request.node.nodeid)) % 10**9}"


def submitted(server: Server, kind: str, count: int = 3, **more: Any) -> list[str]:
    found: list[str] = server.submit(*[{"payload": "true", "jobtype": kind, **more}] * count)
    return found


def states(server: Server, jobs: list[str]) -> list[str]:
    return [server.state(job) for job in jobs]


def test_jobs_are_cancelled_by_name(server: Server, kind: str) -> None:
    jobs = submitted(server, kind)
    reply = server.good("POST", "/api/v1/cancels", {"uuids": jobs[:2], "why": "typo"})
    assert reply == {"jobs": jobs[:2], "running": 0, "passed": 0, "next": None}
    assert states(server, jobs) == ["cancelled", "cancelled", "defined"]
    assert server.job(jobs[0])["events"][0]["why"] == "typo"
    assert server.good("POST", "/api/v1/cancels", {"uuids": jobs})["passed"] == 2


def test_a_choice_takes_what_it_says_and_no_more(server: Server, kind: str) -> None:
    jobs = submitted(server, kind, 250)
    other = submitted(server, f"{kind}x", 1)
    pilot = server.pilot()
    pilot.take(jobs[0])
    choice = {"states": ["defined", "dispatched"], "jobtype": kind}
    seen = server.good("POST", "/api/v1/cancels", {**choice, "dry_run": True})
    assert (sorted(seen["jobs"]), seen["running"]) == (sorted(jobs), 1)
    assert server.state(jobs[5]) == "defined"
    done = server.good("POST", "/api/v1/cancels", choice)
    assert (sorted(done["jobs"]), done["running"]) == (sorted(jobs), 1)
    assert states(server, [jobs[0], jobs[1], *other]) == ["dispatched", "cancelled", "defined"]
    (kill,) = pilot.exchange(5.0).json()["instructions"]
    assert kill["job"] == jobs[0]


def test_hold_release_and_adjust_have_the_same_shape(server: Server, kind: str) -> None:
    jobs = submitted(server, kind)
    assert server.good("POST", "/api/v1/holds", {"states": ["defined"], "jobtype": kind})["jobs"] == jobs[::-1]
    choice = {"states": ["held"], "jobtype": kind}
    assert server.good("POST", "/api/v1/adjustments", {**choice, "priority": 7})["jobs"] == jobs[::-1]
    assert server.job(jobs[0])["priority"] == 7
    assert server.good("POST", "/api/v1/releases", choice)["jobs"] == jobs[::-1]
    assert states(server, jobs) == ["defined"] * 3
    assert server.good("POST", "/api/v1/releases", {"uuids": jobs})["passed"] == 3


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("cancels", {}, "uuids"),
        ("cancels", {"uuids": ["a"], "states": ["held"]}, "uuids"),
        ("cancels", {"states": ["finished"]}, "states"),
        ("cancels", {"states": ["defined"], "since": -1.0}, "since"),
        ("cancels", {"states": ["defined"], "owner": "\u0007"}, "owner"),
        ("cancels", {"uuids": ["a"], "jobtype": "x"}, "uuids"),
        ("cancels", {"uuids": ["../x"]}, "uuids"),
        ("holds", {"states": ["running"]}, "states"),
        ("adjustments", {"states": ["held"]}, "priority"),
        ("adjustments", {"states": ["held"], "priority": 10**9}, "priority"),
        ("releases", {"states": ["held"], "colour": 1}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused(server: Server, path: str, body: dict[str, Any], word: str) -> None:
    answer = server.ask("POST", f"/api/v1/{path}", body)
    assert (answer.status, word in answer.detail) == (422, True), answer.detail


def test_an_unknown_name_stops_it_before_anything_is_done(server: Server, kind: str) -> None:
    (job,) = submitted(server, kind, 1)
    answer = server.ask("POST", "/api/v1/cancels", {"uuids": [job, "nobody"]})
    assert (answer.status, server.state(job)) == (404, "defined")


def test_others_jobs_are_theirs(server: Server, kind: str) -> None:
    (job,) = submitted(server, kind, 1)
    wanted = {"name": "bo", "scopes": ["submit"], "owner": "bo", "key": uuid.uuid4().hex}
    made = server.good("POST", "/api/v1/tokens", wanted)
    answer = server.ask("POST", "/api/v1/cancels", {"uuids": [job]}, token=made["token"])
    assert answer.status == 403
    mine = server.good("POST", "/api/v1/jobs", {"jobs": [{"payload": "x", "jobtype": kind}]}, token=made["token"])
    choice = {"states": ["defined"], "jobtype": kind}
    reply = server.good("POST", "/api/v1/cancels", choice, token=made["token"])
    assert reply["jobs"] == mine["jobs"]
    assert server.ask("POST", "/api/v1/cancels", {**choice, "owner": "x"}, token=made["token"]).status == 403
    assert server.state(job) == "defined"


def test_a_call_goes_on_where_the_one_before_ended(server: Server, kind: str) -> None:
    """`next` is a place among all jobs, as in lists."""
    jobs = submitted(server, kind, 4)
    after = server.good("GET", f"/api/v1/jobs?jobtype={kind}&limit=2")["next"]
    choice = {"states": ["defined"], "jobtype": kind, "priority": 3}
    reply = server.good("POST", "/api/v1/adjustments", {**choice, "after": str(after)})
    assert reply == {"jobs": jobs[1::-1], "running": 0, "passed": 0, "next": None}
    assert server.ask("POST", "/api/v1/adjustments", {**choice, "after": "x"}).status == 422
