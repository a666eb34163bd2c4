"""Lists: filters say what they choose, cursors go through everything once."""

from typing import Any
from urllib.parse import urlencode

import pytest

Server = Any


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """A job type of the test's own: the server is shared."""
    return f"t{abs(hash(request.node.nodeid)) % 10**9}"


def listed(server: Server, what: str, **asked: Any) -> list[Any]:
    """All pages."""
    found, cursor = [], ""
    while True:
        page = server.good("GET", f"/api/v1/{what}?{urlencode({**asked, 'cursor': cursor})}")
        assert len(page[what]) <= int(asked.get("limit", 1_000))
        found += page[what]
        if page["next"] is None:
            return found
        cursor = page["next"]


def jobs(server: Server, **asked: Any) -> list[str]:
    return [one["uuid"] for one in listed(server, "jobs", **asked)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_everything_once_in_order(server: Server, kind: str, limit: int) -> None:
    made = server.submit(*[{"payload": "true", "jobtype": kind}] * 6)
    assert jobs(server, jobtype=kind, limit=limit) == made[::-1]
    everything = jobs(server, limit=max(limit, 50))
    assert len(everything) == len(set(everything))
    assert set(made) <= set(everything)


def test_jobs_are_chosen_by_what_they_are(server: Server, kind: str) -> None:
    named, plain = server.submit(
        {"payload": "true", "jobtype": kind, "name": "FEMB 12"}, {"payload": "true", "jobtype": kind}
    )
    server.good("POST", f"/api/v1/jobs/{plain}/hold", {})
    at = server.job(plain)["submitted_at"]
    owner = server.job(plain)["owner"]
    for asked in ({"name": "femb 12"}, {"name": "femb*"}, {"name": "* 12"}, {"name": "*mb 1*"}, {"state": "defined"}):
        assert jobs(server, jobtype=kind, **asked) == [named], asked
    both = [plain, named]
    for asked in ({"state": "defined,held"}, {"owner": owner}, {"since": at - 1}, {"until": at + 1}):
        assert jobs(server, jobtype=kind, **asked) == both, asked
    for asked in ({"owner": "nobody"}, {"since": at + 1}, {"until": at - 1}, {"run": 3}, {"stream": "x"}):
        assert jobs(server, jobtype=kind, **asked) == [], asked


def test_jobs_are_chosen_by_where_they_are(server: Server, kind: str) -> None:
    job, other = server.submit(*[{"payload": "true", "jobtype": kind}] * 2)
    pilot = server.pilot(host="h7", site="s7")
    pilot.take(job)
    for asked in ({"host": "h7"}, {"site": "s7"}, {"pilot": pilot.pilot}, {"state": "dispatched"}):
        assert jobs(server, jobtype=kind, **asked) == [job], asked
    assert jobs(server, jobtype=kind, state="defined") == [other]
    assert jobs(server, jobtype=kind, host="h8") == []


def test_jobs_are_chosen_by_their_data(server: Server, kind: str) -> None:
    server.good("PUT", f"/api/v1/streams/{kind}", {"name": kind, "jobs": {kind: {"payload": "true"}}})
    request = {"url": f"/data/{kind}.root", "stream": kind, "run": 4610, "subrun": 2}
    made = server.good("POST", "/api/v1/datasets", request)
    for asked in ({"stream": kind}, {"run": 4610, "jobtype": kind}, {"dataset": made["dataset"]}):
        assert jobs(server, **asked) == made["jobs"], asked
    name = f"{kind}.root"
    for asked in ({"run": 4610, "subrun": 2}, {"name": kind}, {"state": "available"}):
        found = listed(server, "datasets", **asked)
        assert name in [one["name"] for one in found], asked
    assert listed(server, "datasets", name=kind, run=4611) == []


def test_pilots_are_listed_ended_ones_too(server: Server, kind: str) -> None:
    made = [server.pilot(site=kind, host=f"h{number}", batch_id=f"b{number}") for number in range(3)]
    made[0].die()
    alive = listed(server, "pilots", site=kind, limit=1)
    assert [one["uuid"] for one in alive] == [made[2].pilot, made[1].pilot]
    assert [one["uuid"] for one in listed(server, "pilots", site=kind, ended="true")] == [made[0].pilot]
    assert [one["host"] for one in listed(server, "pilots", site=kind, state="lost,active")] == ["h2", "h1", "h0"]
    assert [one["host"] for one in listed(server, "pilots", site=kind, batch_id="b1")] == ["h1"]


def test_results_are_listed_with_their_items(server: Server, kind: str) -> None:
    (job,) = server.submit({"payload": "true", "jobtype": kind})
    token = server.pilot().take(job)["token"]
    items = [{"kind": "number", "name": "n", "value": 1.5}]
    document = {"p3s_result": 1, "category": kind, "run": 7, "items": items}
    more = {**document, "category": f"{kind}x"}
    place = f"/api/v1/jobs/{job}/attempts/1/results"
    assert server.ask("POST", place, {"results": [document, more]}, token=token).status == 200
    found = listed(server, "results", job=job, limit=1)
    assert [one["category"] for one in found] == [f"{kind}x", kind]
    (one,) = listed(server, "results", category=kind, run=7, jobtype=kind, items="true")
    assert [(item["name"], item["value"]) for item in one["items"]] == [("n", 1.5)]
    assert server.good("GET", f"/api/v1/results/{one['id']}") == one
    assert listed(server, "results", category=kind, run=8) == []


@pytest.mark.parametrize(
    ("what", "asked", "word"),
    [
        ("pilots", "state=tired", "state"),
        ("pilots", "cursor=x", "cursor"),
        ("pilots", "cursor=nan~x", "cursor"),
        ("datasets", "state=x", "state"),
        ("datasets", "cursor=1~%00", "cursor"),
        ("datasets", "since=-1", "since"),
        ("results", "status=x", "status"),
        ("results", "run=1.5", "run"),
        ("results", "cursor=-3", "cursor"),
        ("alarms", "severity=x", "severity"),
        ("alarms", "cursor=abc", "cursor"),
        ("jobs", "state=x", "state"),
        ("jobs", "colour=red", "colour"),
        ("pilots", "sites=a", "sites"),
        ("events", "before=3", "before"),
        ("jobs", "cursor=1.5", "cursor"),
    ],
)
def test_a_wrong_value_is_named(server: Server, what: str, asked: str, word: str) -> None:
    answer = server.ask("GET", f"/api/v1/{what}?{asked}")
    assert (answer.status, answer.detail.startswith(word)) == (422, True), answer.detail
