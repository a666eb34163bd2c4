"""What is known of a dataset is changed, on the record, by those whose it is."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from p3s.domain.lifecycle import DATASET_MOVES
from p3s.protocol.states import DatasetState

Server = Any
Adjust = Callable[..., Any]


@pytest.fixture
def dataset(server: Server) -> str:
    """One that is available."""
    name = f"raw-{uuid.uuid4()}"
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {"tpc": {"payload": "true"}}})
    request = {"url": f"/data/{name}.root", "stream": name, "run": 7, "keys": {"dl": 1}}
    return str(server.good("POST", "/api/v1/datasets", request)["dataset"])


@pytest.fixture
def adjust(server: Server, dataset: str) -> Adjust:
    return lambda **change: server.ask("POST", f"/api/v1/datasets/{dataset}/adjust", change)


def row(server: Server, dataset: str) -> Any:
    (found,) = [one for one in server.good("GET", "/api/v1/datasets")["datasets"] if one["uuid"] == dataset]
    return found


def test_what_is_said_becomes_so_and_the_rest_stays(server: Server, dataset: str, adjust: Adjust) -> None:
    before = row(server, dataset)
    url = f"/used/{uuid.uuid4()}.root"
    change = {"url": url, "size": 12, "subrun": 3, "keys": {"apa": 2}, "adler32": "0a1b2c3d"}
    assert sorted(adjust(**change).json()["changed"]) == ["adler32", "keys", "size", "subrun", "url"]
    now = row(server, dataset)
    assert (now["url"], now["size"], now["subrun"], now["keys"]) == (url, 12, 3, {"dl": 1, "apa": 2})
    assert {name: now[name] for name in ("name", "run", "state")} == {n: before[n] for n in ("name", "run", "state")}
    assert adjust(**change).json()["changed"] == [], "asked again it changes nothing"


def found(server: Server, which: str) -> list[str]:
    return [one["uuid"] for one in server.good("GET", f"/api/v1/datasets?which={which}")["datasets"]]


def test_what_was_moved_is_found_where_it_came_until_another_file_is_there(
    server: Server, dataset: str, adjust: Adjust
) -> None:
    here = row(server, dataset)["url"]
    assert row(server, dataset)["came_from"] is None
    for place in ("used", "older"):
        there = f"/{place}{here}"
        adjust(url=there)
        assert (row(server, dataset)["url"], row(server, dataset)["came_from"]) == (there, here)
        assert found(server, here) == found(server, there) == [dataset]
    assert server.good("GET", f"/api/v1/lineage?of={here}")["of"] == f"file:{dataset}"
    golden = server.good("PUT", f"/api/v1/sets/{uuid.uuid4()}", {"add": [here]})
    assert (golden["added"], found(server, f"/used{here}")) == (1, []), "it came there, but not to us"

    new = server.good("POST", "/api/v1/datasets", {"url": here})
    assert new["new"], "another file came under its name"
    assert found(server, here) == [new["dataset"]]
    server.good("POST", f"/api/v1/datasets/{new['dataset']}/adjust", {"url": f"/newer{here}"})
    assert found(server, here) == [new["dataset"]], "of several the newest is meant"

    adjust(url=here)
    assert (found(server, here), row(server, dataset)["came_from"]) == ([dataset], None), "it is back"


def test_a_job_of_a_path_where_a_file_came_later_and_was_moved_has_read_that_file(server: Server) -> None:
    url = f"/data/{uuid.uuid4()}.root"
    (job,) = server.submit({"payload": "true", "input": url})
    dataset = server.good("POST", "/api/v1/datasets", {"url": url})["dataset"]
    for there in (url, f"/used{url}"):
        server.good("POST", f"/api/v1/datasets/{dataset}/adjust", {"url": there})
        edges = server.good("GET", f"/api/v1/lineage?of={job}&way=up")["edges"]
        assert [(one["source"], one["target"]) for one in edges] == [(f"file:{dataset}", f"job:{job}")]


def test_what_is_cleared_is_empty_then(server: Server, dataset: str, adjust: Adjust) -> None:
    assert sorted(adjust(clear=["run", "keys"], keys={"apa": 4}).json()["changed"]) == ["keys", "run"]
    now = row(server, dataset)
    assert (now["run"], now["keys"]) == (None, {"apa": 4})


def test_every_change_is_on_the_record(server: Server, dataset: str, adjust: Adjust) -> None:
    adjust(state="dropped", why="disk full")
    adjust(state="dropped")
    asked = f"/api/v1/events?kind=dataset&object={dataset}"
    (event,) = server.good("GET", asked)["events"]
    assert (event["what"], event["why"]) == ("adjusted", "state available -> dropped: disk full")


@pytest.mark.parametrize("before", [DatasetState.AVAILABLE, DatasetState.DROPPED, DatasetState.MISSING])
def test_a_state_moves_as_the_table_says(server: Server, dataset: str, adjust: Adjust, before: DatasetState) -> None:
    assert adjust(state=before).status == 200
    for after in DatasetState:
        if after != before and (before, after) not in DATASET_MOVES:
            answer = adjust(state=after)
            assert answer.status == 409
            assert f"is {before} and may become" in answer.detail
    assert row(server, dataset)["state"] == before
    (after,) = [after for start, after in DATASET_MOVES if start == before][:1]
    assert adjust(state=after).json() == {"dataset": dataset, "state": after, "changed": ["state"]}


def test_an_address_is_of_one_dataset(server: Server, adjust: Adjust) -> None:
    name = f"raw-{uuid.uuid4()}"
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {"tpc": {"payload": "true"}}})
    other = server.good("POST", "/api/v1/datasets", {"url": f"/{name}", "stream": name})
    answer = adjust(url=f"/{name}")
    assert (answer.status, other["dataset"] in answer.detail) == (409, True)


def test_others_data_need_the_scope_operate(server: Server, dataset: str) -> None:
    body = {"name": "t", "scopes": ["submit"], "key": uuid.uuid4().hex, "owner": "eve"}
    token = server.good("POST", "/api/v1/tokens", body)["token"]
    place = f"/api/v1/datasets/{dataset}/adjust"
    answer = server.ask("POST", place, {"comment": "mine"}, token=token)
    assert (answer.status, "only they or an operator" in answer.detail) == (403, True)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"state": "gone"}, "registered, available"),
        ({"adler32": "xyz"}, "eight hex digits"),
        ({"adler32": "0A1B2C3D"}, "small letters"),
        ({"run": -1}, "run"),
        ({"size": 2**63}, "size"),
        ({"url": " "}, "url"),
        ({"url": "/" + "\u20ac" * 1000}, "bytes"),
        ({"keys": {"a b": 1}}, "keys"),
        ({"clear": ["url"]}, "cannot be emptied"),
        ({"modified_at": -1.0}, "modified_at"),
        ({"comment": "c" * 2001}, "comment"),
        ({"colour": "red"}, "not a known field"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(adjust: Adjust, change: dict[str, Any], word: str) -> None:
    answer = adjust(**change)
    assert answer.status == 422
    assert word in answer.detail


def test_what_is_not_there_is_not_known(server: Server, adjust: Adjust) -> None:
    assert "p3s datatype add NONE" in adjust(datatype="NONE").detail
    assert server.ask("POST", "/api/v1/datasets/nothing/adjust", {"run": 1}).status == 404
