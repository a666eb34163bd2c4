"""Numbers and table cells over runs: judged by the server's limits and a reference run, and read again."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

Server = Any


@dataclass
class Publisher:
    """Publishes under a category that no other test has, each time as a job of its own."""

    server: Server
    pilot: Any
    category: str

    def publish(self, *items: dict[str, Any], run: int | None = None, jobtype: str = "monitor", **more: Any) -> int:
        """The number of the result."""
        (job,) = self.server.submit({"payload": "true", "jobtype": jobtype})
        token = self.pilot.take(job)["token"]
        document = {"p3s_result": 1, "category": self.category, "items": list(items), **more}
        document |= {} if run is None else {"run": run}
        path = f"/api/v1/jobs/{job}/attempts/1"
        for item in items:
            for file in item.get("files", ()):
                assert self.server.ask("PUT", f"{path}/files/{file['path']}", b"x", token=token).status == 200
        self.server.good("POST", f"{path}/results", {"results": [document]}, token=token)
        self.pilot.report(job, 1, "finished", exit_code=0)
        (found,) = self.server.good("GET", f"/api/v1/results?job={job}")["results"]
        return int(found["id"])

    def ask(self, what: str, **asked: Any) -> Any:
        return self.server.good("GET", f"/api/v1/{what}?{urlencode({'category': self.category, **asked})}")

    def trend(self, item: str, **asked: Any) -> dict[str, Any]:
        (found,) = self.ask("trends", item=item, **asked)["trends"]
        return dict(found)

    def values(self, item: str, **asked: Any) -> list[Any]:
        return [(point["run"], point["value"], point["status"]) for point in self.trend(item, **asked)["points"]]

    def set(self, what: str, **spec: Any) -> bool:
        return bool(self.server.good("PUT", f"/api/v1/{what}", spec)["changed"])

    def delete(self, what: str, **asked: Any) -> bool:
        return bool(self.server.good("DELETE", f"/api/v1/{what}?{urlencode(asked)}")["changed"])

    def item(self, result: int, place: int = 0) -> dict[str, Any]:
        return dict(self.server.good("GET", f"/api/v1/results/{result}")["items"][place])


@pytest.fixture
def of(server: Server) -> Iterator[Publisher]:
    publisher = Publisher(server, server.pilot(slots=8), f"C{uuid.uuid4().hex[:8]}")
    yield publisher
    publisher.delete("references", category="")


def number(value: Any = 1.0, name: str = "n", **more: Any) -> dict[str, Any]:
    return {"kind": "number", "name": name, "value": value, **more}


def table(values: dict[str, list[Any]], **columns: Any) -> dict[str, Any]:
    return {"kind": "table", "name": "t", "rows": "apa", "columns": columns or {"a": {}}, "values": values}


def test_numbers_are_trended_in_the_order_of_runs(of: Publisher) -> None:
    for run, value in ((9, 1.5), (10, None), (7, 3.0)):
        of.publish(number(value, good=[0, 2], error=0.1, unit="ms"), run=run)
    found = of.trend("n")
    assert (found["name"], found["unit"], found["by"], found["limits"]) == ("n", "ms", {}, None)
    assert of.values("n") == [(7, 3.0, "warning"), (9, 1.5, "good"), (10, None, "none")]
    assert (found["points"][0]["good"], found["points"][0]["warn"], found["points"][0]["error"]) == ([0, 2], None, 0.1)
    assert of.values("n", last=2) == [(9, 1.5, "good"), (10, None, "none")]
    assert of.values("n", since_run=8, until_run=9) == [(9, 1.5, "good")]


def test_cells_of_a_table_are_trended_each_and_their_rows_keep_their_order(of: Publisher) -> None:
    """Whatever order the database keeps the fields of an object in."""
    columns = {"noisy": {"unit": "ch", "good": [0, 5]}, "b": {}, "aa": {}}
    result = of.publish(table({"10": [9, 1, 2], "9": [4, None, 3]}, **columns), run=1)
    detail = of.item(result)["detail"]
    assert [column["name"] for column in detail["columns"]] == ["noisy", "b", "aa"]
    assert [(row["row"], [cell["value"] for cell in row["cells"]]) for row in detail["values"]] == [
        ("10", [9, 1, 2]),
        ("9", [4, None, 3]),
    ]
    assert [cell["status"] for cell in detail["values"][0]["cells"]] == ["warning", "none", "none"]
    assert of.item(result)["status"] == "warning"
    names = of.ask("trends/names", item="t")["names"]
    assert [(one["name"], one["by"]["apa"]) for one in names] == [
        (f"t/{column}", apa) for column in ("aa", "b", "noisy") for apa in (9, 10)
    ]
    assert of.values("t/noisy", by="apa=10") == [(1, 9, "warning")]
    assert of.values("t", column="b", by="apa=9") == [(1, None, "none")]
    assert len(of.ask("trends", item="t/noisy")["trends"]) == 2


def test_trends_come_in_pages(of: Publisher) -> None:
    of.publish(table({str(apa): [apa] for apa in range(45)}), run=1)
    seen: list[Any] = []
    cursor = ""
    for size in (20, 20, 5):
        page = of.ask("trends", item="t", cursor=cursor)
        assert len(page["trends"]) == size
        seen += [(one["by"]["apa"], one["points"][0]["value"]) for one in page["trends"]]
        cursor = page["next"]
    assert cursor is None
    assert seen == [(apa, apa) for apa in range(45)]
    whole = of.ask("trends/names", limit=44)
    assert (len(whole["names"]), len(of.ask("trends/names", cursor=whole["next"])["names"])) == (44, 1)


@pytest.mark.parametrize("cursor", ["x", "1" * 30, str(2**63 - 1), "-1", "1.5"])
def test_a_cursor_that_is_none_is_refused(of: Publisher, cursor: str) -> None:
    for path in ("trends", "trends/names", "limits"):
        assert of.server.ask("GET", f"/api/v1/{path}?cursor={cursor}").status == 422


@pytest.mark.parametrize("by", ["apa", "apa=", "=3", "apa=3,,x=1"])
def test_coordinates_that_are_none_are_refused(of: Publisher, by: str) -> None:
    answer = of.server.ask("GET", f"/api/v1/trends?by={by}")
    assert (answer.status, "write NAME=VALUE" in answer.detail) == (422, True)


def test_without_a_run_values_come_in_their_own_order(of: Publisher) -> None:
    for value in (1.0, 2.0):
        of.publish(number(value))
    assert of.values("n") == [(None, 1.0, "none"), (None, 2.0, "none")]


def test_the_time_is_that_of_the_data_where_the_payload_says_it(of: Publisher) -> None:
    of.publish(number(), run=1, time="2018-08-23T21:03:34.5+02:00")
    of.publish(number(), run=2, time="2016-12-31T23:59:59+99:99")
    of.publish(number(), run=0, time="2018-08-23t21:03:34z")
    small, first, second = of.trend("n")["points"]
    assert first["at"] == 1535051014.5
    assert small["at"] == 1535058214.0
    assert second["at"] > 1.7e9


def test_the_unit_of_a_trend_is_that_of_the_last_publication(of: Publisher) -> None:
    of.publish(number(unit="ms"), table({"1": [1.0], "2": [2.0]}, a={"unit": "ch"}), run=1)
    of.publish(number(unit="us"), table({"1": [1.0], "2": [2.0]}, a={"unit": "MHz"}), run=2)
    units = {(one["name"], one["by"].get("apa")): one["unit"] for one in of.ask("trends/names")["names"]}
    assert units == {("n", None): "us", ("t/a", 1): "MHz", ("t/a", 2): "MHz"}


def test_the_newest_attempt_is_shown_and_older_ones_are_kept(of: Publisher) -> None:
    first = of.publish(number(1.0), run=5, keys={"dl": 1})
    other = of.publish(number(2.0), run=5, keys={"dl": 2})
    second = of.publish(number(3.0), run=5, keys={"dl": 1})
    another = of.publish(number(4.0), run=5, keys={"dl": 1}, jobtype="calib")
    shown = [one["id"] for one in of.ask("results")["results"]]
    assert shown == [another, second, other]
    assert [one["id"] for one in of.ask("results", all="true")["results"]] == [another, second, other, first]
    assert [value for _, value, _ in of.values("n")] == [2.0, 3.0, 4.0]
    assert [value for _, value, _ in of.values("n", all="true")] == [1.0, 2.0, 3.0, 4.0]


# ---- limits


def test_limits_set_on_the_server_win_from_then_on(of: Publisher) -> None:
    before = of.publish(number(5, good=[0, 10]), run=1)
    assert of.set("limits", category=of.category, item="n", good=[0, 3], warn=[None, 4], why="noise")
    assert not of.set("limits", category=of.category, item="n", good=[0, 3], warn=[None, 4])
    after = of.publish(number(5, good=[0, 10]), run=2)
    assert of.values("n") == [(1, 5, "good"), (2, 5, "bad")]
    assert [point["good"] for point in of.trend("n")["points"]] == [[0, 10], [0, 3]]
    limits = of.trend("n")["limits"]
    assert (limits["good"], limits["warn"], limits["why"]) == ([0, 3], [None, 4], "noise")
    assert (of.item(before)["status"], of.item(after)["status"]) == ("good", "bad")
    detail = of.item(after)["detail"]
    assert (detail["good"], detail["warn"], detail["limits_by"]) == ([0, 3], [None, 4], "server")
    rows = {one["id"]: one["status"] for one in of.ask("results")["results"]}
    assert (rows[before], rows[after]) == ("good", "bad")
    assert of.delete("limits", category=of.category, item="n", why="over")
    assert not of.delete("limits", category=of.category, item="n")
    of.publish(number(5, good=[0, 10]), run=3)
    assert of.values("n")[-1] == (3, 5, "good")
    events = of.server.good("GET", f"/api/v1/events?kind=limit&object={of.category}/n")["events"]
    assert [(one["what"], one["why"]) for one in events] == [
        ("deleted", "over"),
        ("set", "good 0,3; warn ,4: noise"),
    ]


def test_limits_of_the_server_may_be_wider_than_those_of_the_payload(of: Publisher) -> None:
    """What the payload's limits said must not stay; its own word does."""
    of.set("limits", category=of.category, item="n", good=[0, 100])
    of.publish(number(50, good=[0, 1], warn=[0, 2]), run=1)
    of.publish(number(50, good=[0, 1], status="bad"), run=2)
    assert [status for _, _, status in of.values("n")] == ["good", "good"]
    shown = {one["run"]: one["status"] for one in of.ask("results")["results"]}
    assert shown == {1: "good", 2: "bad"}


def test_limits_of_a_column_count_for_each_of_its_rows(of: Publisher) -> None:
    of.set("limits", category=of.category, item="t/a", good=[0, 1])
    result = of.publish(table({"1": [1, 9], "2": [2, 9]}, a={"unit": "ch"}, b={"good": [0, 1]}), run=1)
    cells = [[cell["status"] for cell in row["cells"]] for row in of.item(result)["detail"]["values"]]
    assert cells == [["good", "warning"], ["warning", "warning"]]
    a, b = of.item(result)["detail"]["columns"]
    assert (a["limits_by"], "limits_by" in b, a["good"], a["unit"]) == ("server", False, [0, 1], "ch")


def test_limits_are_listed_by_category_in_pages(of: Publisher) -> None:
    for item in ("a", "b", "c"):
        of.set("limits", category=of.category, item=item, drift=[0.1, 0.2])
    page = of.ask("limits", limit=2)
    rest = of.ask("limits", limit=2, cursor=page["next"])
    assert [one["item"] for one in page["limits"] + rest["limits"]] == ["a", "b", "c"]
    assert (rest["next"], page["limits"][0]["drift"], page["limits"][0]["good"]) == (None, [0.1, 0.2], None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"category": ""}, "category: is empty"),
        ({"item": " "}, "item: is empty"),
        ({"good": None}, "good: say good, warn or drift"),
        ({"good": [None, None]}, "good: has no limit on either side"),
        ({"good": [2, 1]}, "good: the low limit"),
        ({"warn": [0, 1], "good": [0, 2]}, "warn: narrower than good"),
        ({"drift": [0.5, 0.2]}, "drift: write [warning, bad]"),
        ({"drift": [-1, 0.2]}, "drift: write [warning, bad]"),
        ({"item": "x" * 402}, "item: has 402 characters"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_limits_that_cannot_be_are_refused(of: Publisher, change: dict[str, Any], says: str) -> None:
    answer = of.server.ask("PUT", "/api/v1/limits", {"category": "c", "item": "i", "good": [0, 1], **change})
    assert (answer.status, says in answer.detail) == (422, True), answer.body


# ---- reference runs


def test_drift_is_judged_against_the_reference_run(of: Publisher) -> None:
    drifting = {"drift": [0.2, 0.5]}
    of.publish(number(10, **drifting), table({"1": [4]}, a=drifting), run=1)
    assert of.set("references", run=1, category=of.category, why="first of the month")
    assert not of.set("references", run=1, category=of.category)
    result = of.publish(number(13, **drifting), table({"1": [10], "2": [1]}, a=drifting), number(1, "m"), run=2)
    assert of.item(result)["status"] == "warning"
    assert of.item(result)["detail"]["reference"] == 1
    assert of.item(result)["detail"]["deviation"] == pytest.approx(0.3)
    assert of.item(result, 1)["detail"]["values"][0]["cells"] == [{"value": 10, "status": "bad", "deviation": 1.5}]
    assert of.item(result, 1)["detail"]["values"][1]["cells"] == [{"value": 1, "status": "none"}]
    first, second = of.trend("n")["points"]
    assert (first["status"], first["deviation"], first["reference"]) == ("none", None, None)
    assert (second["status"], second["reference"]) == ("warning", 1)
    assert second["deviation"] == pytest.approx(0.3)


def test_the_reference_is_the_last_value_of_its_run_and_its_own_subruns_do_not_drift(of: Publisher) -> None:
    of.set("references", run=1, category=of.category)
    for subrun, value in ((2, 10), (1, 99)):
        of.publish(number(value, drift=[0.2, 0.5]), run=1, subrun=subrun)
    of.publish(number(None, drift=[0.2, 0.5]), run=1, subrun=3)
    of.publish(number(11, drift=[0.2, 0.5]), run=2)
    assert [status for _, _, status in of.values("n")] == ["none", "none", "none", "good"]
    assert of.trend("n")["points"][-1]["deviation"] == pytest.approx(0.1)


def test_the_reference_of_all_counts_where_a_category_has_none_of_its_own(of: Publisher) -> None:
    of.publish(number(10), run=1)
    of.publish(number(20), run=2)
    of.set("references", run=1)
    of.publish(number(20, drift=[0.2, 0.5]), run=3)
    of.set("references", run=2, category=of.category)
    of.publish(number(20, drift=[0.2, 0.5]), run=4)
    assert of.delete("references", category=of.category, why="wrong")
    assert not of.delete("references", category=of.category)
    of.publish(number(20, drift=[0.2, 0.5]), run=5)
    assert [status for _, _, status in of.values("n")[2:]] == ["bad", "good", "bad"]
    marks = {one["category"]: one["run"] for one in of.server.good("GET", "/api/v1/references")["references"]}
    assert (marks[""], of.category in marks) == (1, False)
    events = of.server.good("GET", f"/api/v1/events?kind=reference&object={of.category}")["events"]
    assert [(one["what"], one["why"]) for one in events] == [("deleted", "was run 2: wrong"), ("set", "run 2")]


def test_drift_set_on_the_server_counts_beside_the_limits_of_the_payload(of: Publisher) -> None:
    of.publish(number(10), run=1)
    of.set("references", run=1, category=of.category)
    of.set("limits", category=of.category, item="n", drift=[0.1, 0.2])
    of.publish(number(11.5, good=[0, 100]), run=2)
    assert of.values("n")[-1] == (2, 11.5, "warning")
    assert of.trend("n")["points"][-1]["good"] == [0, 100]


# ---- purge


def test_what_is_purged_is_trended_no_more_and_reference_runs_are_kept(of: Publisher) -> None:
    kept = of.publish(number(1), run=1)
    gone = of.publish(number(2), number(2, "only here"), run=2)
    of.set("references", run=1, category=of.category)
    jobs = [of.server.good("GET", f"/api/v1/results/{result}")["job"] for result in (kept, gone)]
    reply = of.server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": jobs, "results": True})
    assert (reply["removed"], reply["kept"]) == (1, 1)
    assert of.values("n") == [(1, 1, "none")]
    assert [one["name"] for one in of.ask("trends/names")["names"]] == ["n"]
    of.delete("references", category=of.category)
    of.set("references", run=1)
    of.set("references", run=3, category=of.category)
    reply = of.server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": jobs[:1], "results": True})
    assert (reply["removed"], reply["kept"]) == (1, 0), "run 1 is the reference of the others only"
    assert of.ask("trends/names")["names"] == []


# ---- dimensions


def test_how_a_coordinate_is_shown_is_set_and_listed(of: Publisher) -> None:
    name = of.category.lower()
    spec = {"name": name, "order": ["3", "1"], "labels": {"3": "APA3 RaS-US"}}
    assert of.set("dimensions", **spec)
    assert not of.set("dimensions", **spec, why="again")
    (found,) = [one for one in of.server.good("GET", "/api/v1/dimensions")["dimensions"] if one["name"] == name]
    assert (found["order"], found["labels"]) == (["3", "1"], {"3": "APA3 RaS-US"})
    assert of.delete("dimensions", name=name)
    assert not of.delete("dimensions", name=name)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": ""},
        {"name": "a"},
        {"name": "a", "order": ["1", "1"]},
        {"name": "x" * 41, "order": ["1"]},
        {"name": "a", "order": ["\n\0"]},
        {"name": "a", "labels": {"1": "x" * 201}},
        {"name": "a", "order": [str(n) for n in range(1001)]},
    ],
    ids=lambda spec: str(spec)[:40],
)
def test_a_dimension_that_cannot_be_is_refused(of: Publisher, spec: dict[str, Any]) -> None:
    answer = of.server.ask("PUT", "/api/v1/dimensions", spec)
    assert (answer.status, bool(answer.detail)) == (422, True), answer.body


# ---- who may


@pytest.mark.parametrize("what", ["limits", "references", "dimensions"])
def test_who_only_reads_or_submits_sets_nothing(of: Publisher, what: str) -> None:
    body = {"name": "x", "scopes": ["submit", "read"], "key": uuid.uuid4().hex, "owner": "ana"}
    token = of.server.good("POST", "/api/v1/tokens", body)["token"]
    assert of.server.ask("GET", f"/api/v1/{what}", token=token).status == 200
    for method, spec in (("PUT", {}), ("DELETE", None)):
        assert of.server.ask(method, f"/api/v1/{what}", spec, token=token).status == 403


# ---- hostile results


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "k" * 40, "name": "n"},
        number(unit="u" * 41),
        number(10**17),
        number(2**63 - 1, by={"a" * 40: "v" * 200, "b": -(2**63) + 1}),
        table({"v" * 200: [1e308]}, **{"c" * 200: {"unit": "u" * 40}}),
        table({"1": [1]}, a={"unit": "u" * 41}),
        {"kind": "graph", "name": "g", "x": [1e308, -1e308], "y": [None, 5e-324]},
        {"kind": "graph", "name": "g", "x": [], "y": []},
        {"kind": "table", "name": "t", "columns": ["a"], "values": {}},
    ],
    ids=lambda item: str(item)[:60],
)
def test_odd_items_are_stored_or_become_holes(of: Publisher, item: dict[str, Any]) -> None:
    result = of.publish(item, number(name="other"), run=1)
    assert of.item(result, 1)["value"] == 1.0
    assert of.ask("trends")["trends"][-1]["points"]


def test_a_publication_of_too_many_values_is_refused(of: Publisher) -> None:
    (job,) = of.server.submit()
    token = of.pilot.take(job)["token"]
    values = {str(row): [1] * 5 for row in range(1000)}
    items = [table(values, **{name: {} for name in "abcde"})]
    many = [{"p3s_result": 1, "category": f"{of.category}{n}", "items": items} for n in range(5)]
    path = f"/api/v1/jobs/{job}/attempts/1/results"
    answer = of.server.ask("POST", path, {"results": many}, token=token)
    assert (answer.status, "25000 numbers and table cells; at most 20000" in answer.detail) == (422, True)
    assert of.server.ask("POST", path, {"results": many[:4]}, token=token).status == 200
