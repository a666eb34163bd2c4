"""Results of an attempt: uploaded, published, repeated; and what a hostile payload tries."""

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]


@dataclass
class Attempt:
    """A running attempt with its own token."""

    server: Server
    pilot: Any
    job: str
    number: int
    token: str

    def path(self, what: str) -> str:
        return f"/api/v1/jobs/{self.job}/attempts/{self.number}/{what}"

    def upload(self, name: str, data: bytes = b"\x89PNG", token: str | None = None) -> Any:
        return self.server.ask("PUT", self.path(f"files/{name}"), data, token=self.token if token is None else token)

    def publish(self, *results: dict[str, Any], problems: tuple[str, ...] = (), token: str | None = None) -> Any:
        body = {"results": list(results), "problems": list(problems)}
        return self.server.ask("POST", self.path("results"), body, token=self.token if token is None else token)


@pytest.fixture
def attempt(server: Server) -> Attempt:
    pilot = server.pilot()
    (job,) = server.submit()
    order = pilot.take(job)
    pilot.report(job, 1, "running")
    return Attempt(server, pilot, job, 1, order["token"])


def result(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"p3s_result": 1, "category": "TPC", "items": list(items), **more}


NUMBER = {"kind": "number", "name": "dead", "value": 3}
IMAGE = {"kind": "images", "name": "Hits", "files": [{"path": "hits/plane U.png", "by": {"plane": "U"}}]}


def test_files_and_results_come_in_with_the_attempt_s_own_token(attempt: Attempt) -> None:
    data = b"\x89PNG" + bytes(range(256)) * 10
    assert attempt.upload("hits/plane%20U.png", data).json() == {"bytes": len(data)}
    assert attempt.publish(result(NUMBER, IMAGE, run=7)).json() == {"results": 1}
    summary = attempt.server.good("GET", "/api/v1/summary")
    assert summary["newest_result_age_s"] < 60


def test_sent_twice_everything_is_stored_once(attempt: Attempt) -> None:
    before = attempt.server.good("GET", "/api/v1/summary")["results"]
    for _ in range(3):
        assert attempt.upload("a.png").status == 200
        assert attempt.publish(result(NUMBER), result(NUMBER, category="CRT")).json() == {"results": 2}
    assert attempt.server.good("GET", "/api/v1/summary")["results"] == before + 2


def test_problems_are_on_record(attempt: Attempt) -> None:
    attempt.publish(result(NUMBER), problems=("plot.png: too big",))
    assert [(one["what"], one["why"]) for one in attempt.server.job(attempt.job)["events"]] == [
        ("result problem", "plot.png: too big")
    ]


def test_problems_alone_sent_twice_are_on_record_once(attempt: Attempt) -> None:
    for _ in range(2):
        assert attempt.publish(problems=("p3s-result.json: not JSON",)).json() == {"results": 0}
    assert len(attempt.server.job(attempt.job)["events"]) == 1


def test_the_files_of_a_result_are_at_most_200_mb_whatever_the_node_says(attempt: Attempt) -> None:
    files = attempt.server.directory / "blobs" / attempt.job[-2:] / attempt.job / "1"
    attempt.upload("0.png")
    for index in range(11):
        with (files / f"{index}.png").open("wb") as file:
            file.truncate(20_000_000)
    items = [{"kind": "images", "name": str(index), "files": f"{index}.png"} for index in range(11)]
    assert attempt.publish(result(*items, NUMBER)).status == 200
    (found,) = attempt.server.good("GET", f"/api/v1/results?job={attempt.job}&items=true")["results"]
    holes = {one["name"]: one["problem"] for one in found["items"] if one["problem"]}
    assert list(holes) == ["10"]
    assert "more than 200 MB together" in holes["10"]


def test_a_page_of_results_with_very_many_points_ends_earlier(attempt: Attempt) -> None:
    """No items are left out of a result that is shown, and no page is without bound."""
    graph = {"kind": "graph", "name": "HV", "x": list(range(19_990)), "y": [1] * 19_990}
    results = [result(graph, NUMBER, category=str(one)) for one in range(6)]
    assert attempt.publish(*results).status == 200
    pages, cursor = [], ""
    while cursor is not None:
        place = f"/api/v1/results?job={attempt.job}&items=true&limit=6&cursor={cursor}"
        page = attempt.server.good("GET", place)
        pages.append([(one["category"], len(one["items"])) for one in page["results"]])
        cursor = page["next"]
    assert pages == [[("5", 2), ("4", 2), ("3", 2), ("2", 2), ("1", 2)], [("0", 2)]]


def test_results_of_a_job_that_is_over_are_a_conflict(attempt: Attempt) -> None:
    attempt.pilot.report(attempt.job, 1, "finished", exit_code=0)
    answer = attempt.publish(result(NUMBER))
    assert (answer.status, "not in force" in answer.detail) == (409, True)


def test_a_lost_job_s_results_are_taken_with_its_late_report(attempt: Attempt) -> None:
    attempt.pilot.die()
    assert attempt.publish(result(NUMBER)).status == 200
    assert attempt.pilot.report(attempt.job, 1, "finished", exit_code=0)["verdict"] == "applied"


def test_another_token_does_not_reach(attempt: Attempt, server: Server) -> None:
    pilot = server.pilot()
    (other,) = server.submit()
    order = pilot.take(other)
    for token, status in ((order["token"], 403), (attempt.pilot.token, 403), (server.token, 403), ("", 401)):
        assert attempt.upload("a.png", token=token).status == status
        assert attempt.publish(result(NUMBER), token=token).status == status


def test_a_token_of_another_attempt_does_not_reach(attempt: Attempt) -> None:
    attempt.number = 2
    assert attempt.upload("a.png").status == 403
    assert attempt.publish(result(NUMBER)).status == 403


def test_a_superseded_attempt_may_not_publish(server: Server) -> None:
    pilot, other = server.pilot(), server.pilot()
    (job,) = server.submit()
    first = Attempt(server, pilot, job, 1, pilot.take(job)["token"])
    pilot.report(job, 1, "refused")
    assert other.take(job)["attempt"] == 2
    answer = first.publish(result(NUMBER))
    assert (answer.status, "attempt 1" in answer.detail) == (409, True)


def test_a_forged_token_does_not_reach(attempt: Attempt) -> None:
    head, _, seal = attempt.token.rpartition(".")
    for token in (f"{head}.{'0' * len(seal)}", attempt.token.replace(".1.", ".01."), head, f"{attempt.token}.x"):
        assert attempt.upload("a.png", token=token).status == 401


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "a/../../b.png",
        "%2e%2e/a.png",
        "..%2f..%2fa.png",
        "%2fetc%2fpasswd",
        "a//b.png",
        "./a.png",
        "a%00.png",
        "a%0a.png",
        "a%5c..%5cb.png",
        "x" * 250,
        "/".join("abcdefghi"),
        "",
    ],
)
def test_no_path_leaves_its_directory(attempt: Attempt, name: str) -> None:
    answer = attempt.upload(name)
    assert answer.status in (404, 405, 422), answer.body
    blobs = attempt.server.directory / "blobs"
    assert [path for path in blobs.rglob("*") if attempt.job in str(path) and path.is_file()] == []


def test_a_file_is_at_most_20_mb(attempt: Attempt) -> None:
    assert attempt.upload("fits.bin", bytes(20_000_000)).status == 200
    assert attempt.upload("large.bin", bytes(20_000_001)).status == 413
    assert not list((attempt.server.directory / "blobs").rglob("large.bin"))
    assert not list((attempt.server.directory / "blobs").rglob(".part-*"))


def test_a_chunked_upload_is_stored_whole_or_refused(attempt: Attempt) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", attempt.server.port, timeout=20)
    headers = {"Authorization": f"Bearer {attempt.token}"}
    connection.request("PUT", attempt.path("files/c.bin"), iter([b"x" * 1000] * 3), headers, encode_chunked=True)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status in (411, 422) or json.loads(said) == {"bytes": 3000}


def test_an_upload_that_breaks_off_is_not_stored(attempt: Attempt, until: Until) -> None:
    assert attempt.upload("whole.bin", b"whole").status == 200
    head = (
        f"PUT {attempt.path('files/whole.bin')} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {attempt.token}\r\nContent-Length: 100000\r\n\r\n"
    )
    blobs = attempt.server.directory / "blobs"
    (stored,) = blobs.rglob("whole.bin")
    with socket.create_connection(("127.0.0.1", attempt.server.port)) as sock:
        sock.sendall(head.encode() + b"half")
        until("the server is writing it", lambda: list(blobs.rglob(".part-*")))
    until("the server has given it up", lambda: not list(blobs.rglob(".part-*")))
    assert stored.read_bytes() == b"whole"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_result_that_is_no_number_is_refused(attempt: Attempt, value: str) -> None:
    body = json.dumps({"results": [result(NUMBER)]}).replace('"value": 3', f'"value": {value}').encode()
    answer = attempt.server.ask("POST", attempt.path("results"), body, token=attempt.token)
    if answer.status == 200:  # then the item is a hole, and the rest is there
        items = attempt.server.job(attempt.job)
        assert items
    else:
        assert answer.status == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"results": {}},
        {"results": [7]},
        {"results": [{}]},
        {"results": [{"p3s_result": 2, "category": "x", "items": []}]},
        {"results": [{"p3s_result": 1, "items": []}]},
        {"results": [], "extra": 1},
        {"results": [result()] * 101},
        {"results": [], "problems": ["x"] * 101},
        {"results": [], "problems": [7]},
    ],
    ids=lambda body: str(body)[:40],
)
def test_a_publication_that_cannot_be_is_refused(attempt: Attempt, body: Any) -> None:
    answer = attempt.server.ask("POST", attempt.path("results"), body, token=attempt.token)
    assert answer.status == 422
    assert answer.detail


@pytest.mark.parametrize(
    "body",
    [
        {"results": [], "problems": ["a\0b", "p" * 100_000]},
        {"results": [result({"kind": "number", "name": "n\0", "value": 1})]},
        {"results": [result({"kind": "number", "name": "n", "value": 10**300})]},
        {"results": [result({"kind": "number", "name": "n", "value": 1e308, "unit": "u" * 1000})]},
        {"results": [result(NUMBER, run=2**62, keys={"a": 2**62}, comment="c" * 5000)]},
        {"results": [result(NUMBER, run=2**70)]},
        {"results": [result(NUMBER, time="2018-08-23T21:03:34." + "9" * 9 + "+00:00")]},
        {"results": [result({"kind": "images", "name": "x", "files": [{"path": "../../etc/passwd", "by": {}}]})]},
    ],
    ids=lambda body: str(body)[:70],
)
def test_an_odd_publication_does_not_fail(attempt: Attempt, body: Any) -> None:
    answer = attempt.server.ask("POST", attempt.path("results"), body, token=attempt.token)
    assert answer.status in (200, 422), answer.body


@pytest.mark.parametrize("result_id", ["0", "999999", "-1", str(2**63), str(2**70), "x"])
def test_a_file_of_a_result_that_is_none_is_not_known(server: Server, result_id: str) -> None:
    assert server.ask("GET", f"/api/v1/results/{result_id}/files/a.png").status in (404, 422)


def test_after_its_end_the_files_stay_as_they_are(attempt: Attempt) -> None:
    attempt.upload("a.png", b"first")
    attempt.publish(result({"kind": "images", "name": "Hits", "files": [{"path": "a.png"}]}))
    attempt.pilot.report(attempt.job, 1, "finished", exit_code=0)
    answer = attempt.upload("a.png", b"second")
    assert (answer.status, "is over" in answer.detail) == (409, True)
    (found,) = attempt.server.good("GET", f"/api/v1/results?job={attempt.job}")["results"]
    assert attempt.server.ask("GET", f"/api/v1/results/{found['id']}/files/a.png").body == b"first"
