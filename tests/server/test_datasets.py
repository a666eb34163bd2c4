"""Files arrive: a stream is declared, a file is registered, and its jobs are made once."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

Server = Any
PAYLOAD = {"payload": "monitor.py"}


@pytest.fixture
def stream(server: Server) -> str:
    """A declared stream of two job types."""
    name = f"raw-{uuid.uuid4()}"
    jobs = {"tpc": {**PAYLOAD, "env": {"A": "1"}, "priority": 5, "time_limit": 60.0}, "crt": PAYLOAD}
    assert server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": jobs})["version"] == 1
    return name


def url() -> str:
    return f"/data/{uuid.uuid4()}.root"


def test_a_new_rule_is_a_new_version_and_the_same_is_not(server: Server, stream: str) -> None:
    rule = {"name": stream, "jobs": {"tpc": PAYLOAD}}
    assert server.good("PUT", f"/api/v1/streams/{stream}", rule)["version"] == 2
    assert server.good("PUT", f"/api/v1/streams/{stream}", rule)["version"] == 2


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "other", "jobs": {"tpc": PAYLOAD}},
        {"name": "s", "jobs": {}},
        {"name": "s", "jobs": {"tpc": {}}},
        {"name": "s", "jobs": {"tpc": {"payload": ""}}},
        {"name": "s", "jobs": {"t" * 81: PAYLOAD}},
        {"name": "s", "jobs": {"tpc": {**PAYLOAD, "prio": 3}}},
        {"name": "s", "jobs": {"tpc": {**PAYLOAD, "priority": "3"}}},
        {"name": "s", "jobs": [PAYLOAD]},
        {"jobs": {"tpc": PAYLOAD}},
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_is_refused(server: Server, rule: dict[str, Any]) -> None:
    answer = server.ask("PUT", "/api/v1/streams/s", rule)
    assert answer.status == 422
    assert answer.detail


@pytest.mark.parametrize("name", ["n" * 81, "n" * 200, "a\0b"])
def test_an_odd_stream_name_does_not_fail(server: Server, name: str) -> None:
    from urllib.parse import quote

    rule = {"name": name, "jobs": {"tpc": PAYLOAD}}
    assert server.ask("PUT", f"/api/v1/streams/{quote(name, safe='')}", rule).status in (200, 422)


def test_a_file_gives_a_job_of_each_type_with_the_file_as_its_input(server: Server, stream: str) -> None:
    place = url()
    request = {"url": place, "stream": stream, "run": 7, "subrun": 3, "keys": {"apa": 2}, "size": 10}
    answer = server.good("POST", "/api/v1/datasets", request)
    assert answer["new"] is True
    found = {job["jobtype"]: job for job in map(server.job, answer["jobs"])}
    assert sorted(found) == ["crt", "tpc"]
    tpc = found["tpc"]
    assert (tpc["input"], tpc["run"], tpc["subrun"], tpc["keys"]) == (place, 7, 3, {"apa": 2})
    assert (tpc["priority"], tpc["time_limit"], tpc["stream"], tpc["dataset"]) == (5, 60.0, stream, answer["dataset"])


def test_the_payload_finds_its_input_in_the_environment(server: Server, stream: str) -> None:
    place = url()
    answer = server.good("POST", "/api/v1/datasets", {"url": f"file://{place}", "stream": stream, "run": 7})
    pilot = server.pilot(slots=2)
    orders = {order["job"]: order for order in pilot.orders()}
    assert set(orders) == set(answer["jobs"])
    for order in orders.values():
        said = order["env"]
        assert (said["P3S_INPUT_FILE"], said["P3S_INPUT_PATH"], said["P3S_RUN"]) == (place, place, "7")


def test_the_same_file_again_changes_nothing_and_gives_the_same_answer(server: Server, stream: str) -> None:
    request = {"url": url(), "stream": stream}
    first = server.good("POST", "/api/v1/datasets", request)
    again = server.good("POST", "/api/v1/datasets", {**request, "run": 99})
    assert again == {**first, "new": False, "stays": ["run"]}
    assert server.good("POST", "/api/v1/datasets", {"url": request["url"], "size": 7, "datatype": "X"})["stays"] == [
        "size",
        "datatype",
    ]
    listed = server.good("GET", "/api/v1/jobs?state=defined&limit=1000")["jobs"]
    assert sorted(job["uuid"] for job in listed if job["input"] == request["url"]) == sorted(first["jobs"])


def test_registered_by_many_at_once_it_is_made_once(server: Server, stream: str) -> None:
    request = {"url": url(), "stream": stream}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.good("POST", "/api/v1/datasets", request), range(16)))
    assert sum(answer["new"] for answer in answers) == 1
    assert len({tuple(sorted(answer["jobs"])) for answer in answers}) == 1


def test_an_undeclared_stream_is_not_known(server: Server) -> None:
    answer = server.ask("POST", "/api/v1/datasets", {"url": url(), "stream": "nobody"})
    assert (answer.status, "declare it first" in answer.detail) == (404, True)


@pytest.mark.parametrize(
    "more",
    [
        {"url": ""},
        {"url": "u" * 2001},
        {"size": -1},
        {"size": "10"},
        {"run": True},
        {"run": 2**62},
        {"keys": {"a b": 1}},
        {"keys": {"a": 1.5}},
        {"keys": ["a"]},
        {"colour": "red"},
    ],
    ids=lambda more: str(more)[:40],
)
def test_a_file_that_cannot_be_is_refused(server: Server, stream: str, more: dict[str, Any]) -> None:
    answer = server.ask("POST", "/api/v1/datasets", {"url": url(), "stream": stream, **more})
    assert answer.status == 422
    assert answer.detail


@pytest.mark.parametrize(
    "more",
    [
        {"url": "/data/" + "n" * 300},
        {"stream": "a\0b"},
        {"keys": {"a": "b\0"}},
        {"keys": {f"k{n}": n for n in range(5000)}},
    ],
    ids=lambda more: str(more)[:40],
)
def test_an_odd_file_does_not_fail(server: Server, stream: str, more: dict[str, Any]) -> None:
    answer = server.ask("POST", "/api/v1/datasets", {"url": url(), "stream": stream, **more})
    assert answer.status in (200, 404, 422), answer.body


def test_what_was_taken_can_be_listed(own_server: Callable[..., Server]) -> None:
    """A number that no answer can hold must not be taken: it would break the list of files for good."""
    server = own_server().start()
    server.good("PUT", "/api/v1/streams/raw", {"name": "raw", "jobs": {"tpc": PAYLOAD}})
    for number in (2**63 - 1, 2**63, 2**64, 10**190):
        request = {"url": url(), "stream": "raw", "keys": {"a": number}}
        assert server.ask("POST", "/api/v1/datasets", request).status in (200, 422)
        assert server.ask("GET", "/api/v1/datasets").status == 200, f"after a key of {number:.0e}"


def test_datasets_are_listed_newest_first(server: Server, stream: str) -> None:
    made = [server.good("POST", "/api/v1/datasets", {"url": url(), "stream": stream})["dataset"] for _ in range(3)]
    first = server.good("GET", "/api/v1/datasets?limit=2")
    assert [one["uuid"] for one in first["datasets"]] == made[:0:-1]
    following = server.good("GET", f"/api/v1/datasets?limit=1&cursor={first['next']}")
    assert [one["uuid"] for one in following["datasets"]] == [made[0]]


def test_what_was_registered_survives_kill_9(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    server.good("PUT", "/api/v1/streams/raw", {"name": "raw", "jobs": {"tpc": PAYLOAD}})
    place = url()
    answer = server.good("POST", "/api/v1/datasets", {"url": place, "stream": "raw"})
    server.kill()
    server.start()
    assert server.good("POST", "/api/v1/datasets", {"url": place, "stream": "raw"}) == {**answer, "new": False}
    (order,) = server.pilot().orders(5.0)
    assert (order["job"], order["env"]["P3S_INPUT_PATH"]) == (answer["jobs"][0], place)
