"""Whatever arrives, is left out, processed by hand, dropped, purged or ends: coverage adds up to every file seen."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from p3s.domain.data.coverage import worst

Server = Any
PAYLOAD = {"payload": "true"}
TYPES = ("one", "two")


@dataclass
class Model:
    """What coverage must say: a file's fate and reason, and what became of its last job of each type."""

    fates: dict[str, tuple[str, str]] = field(default_factory=dict)
    last: dict[str, dict[str, str]] = field(default_factory=dict)
    manual: set[str] = field(default_factory=set)

    def row(self) -> dict[str, Any]:
        words = Counter(worst(self.last[name].values()) for name, (fate, _) in self.fates.items() if fate == "taken")
        fates = Counter(fate for fate, _ in self.fates.values())
        return {
            "files": len(self.fates),
            "taken": fates["taken"],
            "sampled_out": fates["sampled out"],
            "ignored": dict(Counter(reason for fate, reason in self.fates.values() if fate == "ignored")),
            "dropped": {word.partition(": ")[2]: n for word, n in words.items() if word.startswith("dropped")},
            "manual": len(self.manual),
            **{
                name: words[name.replace("_", " ")]
                for name in ("processed", "in_progress", "failed", "cancelled", "lost")
            },
            **dict.fromkeys(("skipped", "unknown"), 0),
        }


class World:
    """One stream of a server, run 1; jobs by name of the file and type."""

    def __init__(self, server: Server) -> None:
        self.server, self.name = server, f"s{uuid.uuid4().hex[:10]}"
        self.types = {kind: f"{kind}-{self.name}" for kind in TYPES}
        self.model = Model()
        self.jobs: dict[tuple[str, str], str] = {}
        rule = {
            "name": self.name,
            "jobs": {self.types["one"]: PAYLOAD, self.types["two"]: {**PAYLOAD, "one_in": 2}},
            "take": {"one_in": 3, "first_of_run": 1},
            "waiting": {"at_most": 3, "then": "drop_oldest"},
        }
        server.good("PUT", f"/api/v1/streams/{self.name}", rule)

    def act(self, what: str, number: int) -> None:
        names = sorted(self.model.fates)
        if what in ("arrive", "ignored"):
            self.arrive(f"f{number}", what)
        elif what in ("pause", "resume"):
            self.server.good("POST", f"/api/v1/streams/{self.name}/{what}", {})
        elif what == "process" and names:
            self.process(names[number % len(names)])
        elif what == "purge":
            ended = [one for one in self.jobs if self.model.last[one[0]][one[1]] != "in progress"]
            if ended:
                uuids = [self.jobs.pop(one) for one in ended]
                self.server.good("POST", "/api/v1/purges", {"what": "jobs", "uuids": uuids})
        elif what in ENDS:
            waiting = sorted(one for one in self.jobs if self.model.last[one[0]][one[1]] == "in progress")
            if waiting:
                self.end(waiting[number % len(waiting)], what)
        self.look()

    def arrive(self, name: str, what: str) -> None:
        request = {"url": f"/d/{self.name}/{name}", "stream": self.name, "run": 1}
        request |= {"ignored": "too small"} if what == "ignored" else {}
        said = self.server.good("POST", "/api/v1/datasets", request)
        self.model.fates[name] = (said["fate"], said["reason"])
        if said["new"]:
            self.made(name, said["jobs"])

    def process(self, name: str) -> None:
        body = {"run": 1, "files": name}
        for file in self.server.good("POST", f"/api/v1/streams/{self.name}/process", body)["taken"]:
            self.model.fates[name] = ("taken", "")
            self.model.manual.add(name)
            self.made(name, file["jobs"])

    def made(self, name: str, jobs: list[str]) -> None:
        for job in jobs:
            kind = self.server.job(job)["jobtype"].partition("-")[0]
            self.jobs[name, kind] = job
            self.model.last.setdefault(name, {})[kind] = "in progress"

    def end(self, which: tuple[str, str], how: str) -> None:
        job = self.jobs[which]
        if how == "cancel":
            self.server.good("POST", "/api/v1/cancels", {"uuids": [job]})
        else:
            pilot = self.server.pilot(slots=100)  # it gets all that waits
            for order in pilot.orders(1.0):
                state = how if order["job"] == job else "refused"
                if state != "lost":
                    pilot.report(order["job"], order["attempt"], state, exit_code=int(state == "failed"))
            pilot.die()

    def look(self) -> None:
        """What the list of jobs says of them now: drops happen by themselves."""
        listed = self.server.good("GET", f"/api/v1/jobs?stream={self.name}&limit=1000")["jobs"]
        jobs = {one["uuid"]: one for one in listed}
        words = {"finished": "processed", "failed": "failed", "cancelled": "cancelled", "lost": "lost"}
        for (name, kind), job in self.jobs.items():
            one = jobs[job]
            word = words.get(one["state"], "in progress")
            self.model.last[name][kind] = f"dropped: {one['reason']}" if one["state"] == "dropped" else word

    def check(self) -> None:
        rows = self.server.good("GET", f"/api/v1/coverage?stream={self.name}&run=1")["coverage"]
        for row in rows:
            assert row["files"] == row["taken"] + row["sampled_out"] + sum(row["ignored"].values())
            plain = ("processed", "in_progress", "failed", "lost", "cancelled", "skipped", "unknown")
            assert row["taken"] == sum(row[name] for name in plain) + sum(row["dropped"].values())
            expected = self.model.row()
            assert {name: row[name] for name in expected} == expected


ENDS = ("finished", "failed", "lost", "cancel")
ACTS = ("arrive", "arrive", "arrive", "ignored", "pause", "resume", "process", "process", "purge")


def test_it_adds_up_whatever_happens(server: Server) -> None:
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # shrinking costs minutes on a real server
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(acts=st.lists(st.tuples(st.sampled_from([*ACTS, *ENDS]), st.integers(0, 9)), min_size=10, max_size=30))
    def story(acts: list[tuple[str, int]]) -> None:
        world = World(server)
        for what, number in acts:
            world.act(what, number)
        world.check()

    story()


def test_the_newest_run_comes_first_and_files_without_a_run_last(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    for name in ("a", "b"):
        server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {"t": PAYLOAD}})
    assert server.good("GET", "/api/v1/coverage") == {"coverage": [], "next": None}
    files = [{"url": f"/d/{run}{stream}", "stream": stream, "run": run} for run in (1, 2, 3, None) for stream in "ab"]
    server.good("POST", "/api/v1/arrivals", {"files": [one for one in files if one != files[0]]})
    rows = server.good("GET", "/api/v1/coverage")["coverage"]
    found = [(row["run"], row["stream"], row["files"]) for row in rows]
    assert found == [(3, "a", 1), (3, "b", 1), (2, "a", 1), (2, "b", 1), (1, "b", 1), (None, "a", 1), (None, "b", 1)]
    first = server.good("GET", "/api/v1/coverage?limit=2&stream=a")
    assert [row["run"] for row in first["coverage"]] == [3, 2]
    rest = server.good("GET", f"/api/v1/coverage?limit=2&stream=a&cursor={first['next']}")
    assert ([row["run"] for row in rest["coverage"]], rest["next"]) == ([None], None)
    assert server.good("GET", "/api/v1/coverage?run=2&stream=b")["coverage"] == [rows[3]]


def test_a_file_that_started_a_workflow_is_what_that_becomes(server: Server) -> None:
    name = f"s{uuid.uuid4().hex[:10]}"
    node = {"payload": "true", "jobtype": name, "for_each": "inputs"}
    server.good("PUT", f"/api/v1/templates/{name}", {"name": name, "nodes": {"a": node}})
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "workflow": name})
    files = [{"url": f"/d/{name}{place}", "stream": name, "run": 8} for place in range(2)]
    server.good("POST", "/api/v1/arrivals", {"files": files})

    def row() -> Any:
        (found,) = server.good("GET", f"/api/v1/coverage?stream={name}&run=8")["coverage"]
        return found

    assert (row()["taken"], row()["in_progress"], row()["unknown"]) == (2, 2, 0)
    pilot = server.pilot()
    (other, job) = (one["uuid"] for one in server.good("GET", f"/api/v1/jobs?jobtype={name}")["jobs"])
    pilot.take(job)
    pilot.report(job, 1, "finished", exit_code=0)
    server.good("POST", "/api/v1/cancels", {"uuids": [other]})
    found = row()
    ended = found["failed"] + found["cancelled"]
    assert (found["processed"], ended, found["in_progress"], found["unknown"]) == (1, 1, 0, 0)


def test_many_reasons_are_told_apart_as_far_as_people_read(server: Server) -> None:
    name = f"s{uuid.uuid4().hex[:10]}"
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {name: PAYLOAD}})
    files = [
        {"url": f"/d/{name}{place}", "stream": name, "run": 9, "ignored": f"because {place // 2}"}
        for place in range(60)
    ]
    server.good("POST", "/api/v1/arrivals", {"files": files})
    (row,) = server.good("GET", f"/api/v1/coverage?stream={name}&run=9")["coverage"]
    assert (len(row["ignored"]), row["ignored"]["other"], row["files"]) == (21, 20, 60)


@pytest.mark.parametrize("question", ["cursor=x", "run=-1", "limit=0", "limit=1000", "colour=red", "stream=%00"])
def test_a_question_that_makes_no_sense_is_refused(server: Server, question: str) -> None:
    answer = server.ask("GET", f"/api/v1/coverage?{question}")
    assert (answer.status, bool(answer.detail)) == (422, True)
