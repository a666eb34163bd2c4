"""What becomes of used files: none that was not processed is moved or deleted, and the loop is not held up."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.watcher.test_stream_files import written

from p3s.client.sdk import Client
from p3s.protocol.catalogue import DatasetChange
from p3s.protocol.data import DatasetReply
from p3s.protocol.errors import BadInput, NotKnown
from p3s.watcher import aftermath as after_use
from p3s.watcher.aftermath import Aftermath
from p3s.watcher.inbox import Clock, Inbox, Ready
from p3s.watcher.storage import Storage
from p3s.watcher.storages import Watch
from p3s.watcher.streams import read

S = 10**9


class Server:
    """What a server has of files, each of which had one job of the type `j`."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        #: The newest first, of each file.
        self.flows: list[dict[str, Any]] = []
        self.changes: list[DatasetChange] = []
        self.asked = 0
        self.refuses: set[str] = set()

    def add(self, url: str, state: str = "finished", **about: Any) -> None:
        known = {"uuid": f"d:{url}", "url": url, "state": "available", "size": 10, "modified_at": 5.0}
        self.files[url] = {**known, **about}
        self.states[f"d:{url}"] = state

    def find_dataset(self, url: str) -> dict[str, Any]:
        self.asked += 1
        if url not in self.files:
            raise NotKnown(url)
        return self.files[url]

    def jobs(self, _: int, stream: str) -> list[dict[str, Any]]:  # noqa: ARG002
        """Those that were made for a stream are the affair of tests of their own."""
        return []

    def each_job(self, uuid: str = "", dataset: str = "", stream: str = "", **_: Any) -> list[dict[str, str]]:
        if stream:
            return []
        if dataset in self.refuses:
            raise BadInput("not that one")
        return [
            {"uuid": f"j:{one}", "jobtype": "j", "state": state, "workflow": self.flow_of(one)}
            for one, state in self.states.items()
            if one == dataset or f"j:{one}" in uuid.split(",")
        ]

    def flow_of(self, dataset: str) -> str | None:
        return next((flow["uuid"] for flow in self.flows if flow["dataset"] == dataset), None)

    def workflows(self, limit: int | None, uuid: str = "", dataset: str = "") -> list[dict[str, Any]]:
        assert limit is None
        found = [one for one in self.flows if one["dataset"] == dataset or one["uuid"] in uuid.split(",")]
        return [{**one, "ended_at": None if one["state"] == "running" else 1.0} for one in found]

    def adjust_dataset(self, dataset: str, change: DatasetChange) -> None:
        self.changes.append(change)
        found = next(one for one in self.files.values() if one["uuid"] == dataset)
        found["state"] = change.state or found["state"]

    def datasets(self, limit: int, **_: Any) -> list[dict[str, Any]]:
        return list(self.files.values())[:limit]


class Using:
    """An aftermath without a storage's process: what is ordered of it, and what was said."""

    def __init__(self, directory: Path, rule: str) -> None:
        text = f'streams: {{s: {{files: "x{{run:d}}.dat", complete: {{renamed: true}}, payload: y, {rule}}}}}'
        streams = read(written(directory, text)).streams
        self.orders: list[dict[str, Any]] = []
        storage = Storage(streams[0].place, 0, lambda *_: None)
        storage.ask = self._ask  # type: ignore[method-assign]
        self.watch = Watch(storage, Inbox(streams, Clock()), 5.0, scans=1, files=1)
        self.woken, self.now, self.said, self.server = 0, time.monotonic(), list[str](), Server()
        storages = SimpleNamespace(on_gone=[], on_reply=[], on_trouble=[], watches=[self.watch], wake=self._wake)
        self.registrar = SimpleNamespace(idle=True)
        watcher = SimpleNamespace(on_told=[], storages=storages, registrar=self.registrar)
        self.aftermath = Aftermath(cast(Client, self.server), cast(Any, watcher), self.said.append)
        self.aftermath._unasked.clear()

    def _ask(self, do: str, **about: Any) -> int:
        self.orders.append({"do": do, **about})
        return len(self.orders)

    def _wake(self) -> None:
        self.woken += 1

    def file(self, name: str, state: str = "finished", **about: Any) -> None:
        """The server has a file, and this watcher told it."""
        url = self.watch.place.url(name)
        self.server.add(url, state, **about)
        ready = Ready(self.watch.inbox.lots[0], name, 10, 5 * S, 0.0)
        flow = self.server.flow_of(f"d:{url}")
        made = DatasetReply(f"d:{url}", True, [] if flow else [f"j:d:{url}"], "taken", workflow=flow or "")
        self.aftermath._told(self.watch, ready, made)

    def turn(self) -> None:
        """Turns of the loop, until there is nothing more to ask."""
        self.now += 1000.0
        for used in self.aftermath.used.values():
            used.not_before = 0.0
        self.aftermath.step(self.now)
        while self.aftermath._tasks:
            self.aftermath.step(self.now)

    def reply(self, number: int, **about: Any) -> None:
        self.aftermath._replied(self.watch, {"id": number, **about})


@pytest.fixture
def using(tmp_path: Path) -> Using:
    return Using(tmp_path, "input_after: delete")


def test_a_used_file_is_deleted_as_it_was_told_and_a_new_one_of_its_name_is_looked_at(using: Using) -> None:
    using.file("x1.dat")
    using.turn()
    assert using.orders == [{"do": "delete", "name": "x1.dat", "seen": [10, 5 * S]}]
    assert using.watch.hidden == {"x1.dat"}
    using.reply(1)
    using.turn()
    assert [change.state for change in using.server.changes] == ["dropped"]
    assert (using.orders[1:], using.watch.hidden) == ([{"do": "unsettle", "names": ["x1.dat"]}], set())
    assert using.said == ["x1.dat deleted"]


def test_a_file_under_the_name_of_one_that_was_deleted_is_not_deleted_unprocessed(using: Using) -> None:
    using.file("x1.dat", state="finished")
    using.server.files[using.watch.place.url("x1.dat")]["state"] = "dropped"
    using.turn()
    assert using.orders == []
    assert "under its name the server has a file that is dropped; give new files new names" in using.said[0]


def test_a_file_that_lies_elsewhere_now_is_not_the_one_that_vanished_or_is_used_here(using: Using) -> None:
    """The server finds it by this address too, where it came."""
    using.file("x1.dat", state="running")
    using.file("x2.dat")
    for name in ("x1.dat", "x2.dat"):
        using.server.files[using.watch.place.url(name)]["url"] = f"/used/{name}"
    using.aftermath._gone(using.watch, ["x1.dat"])
    using.turn()
    assert (using.server.changes, using.orders) == ([], [])
    assert using.said == ["x2.dat is left where it is: the server does not know it"]


@pytest.mark.parametrize("registered", [{"size": 9}, {"modified_at": 4.0}])
def test_a_file_that_was_written_again_stays(using: Using, registered: dict[str, Any]) -> None:
    using.file("x1.dat", **registered)
    using.turn()
    assert using.orders == []
    assert using.said == ["x1.dat is left where it is: it has changed since it was registered"]


def test_what_the_server_does_not_know_of_a_file_says_nothing_against_it(using: Using) -> None:
    using.file("x1.dat", size=None, modified_at=None)
    using.turn()
    assert [order["do"] for order in using.orders] == ["delete"]


def test_a_file_whose_job_failed_is_asked_for_ever_more_rarely_and_said_once(using: Using) -> None:
    using.file("x1.dat", "failed")
    [used] = using.aftermath.used.values()
    for _ in range(6):
        using.turn()
    assert using.said == ["x1.dat is left where it is: j failed"]
    assert used.later_s == after_use.LATER_S[1]


def test_a_file_of_which_the_server_refuses_to_speak_is_asked_for_again(using: Using) -> None:
    using.file("x1.dat")
    using.server.refuses = set(using.server.states)
    using.turn()
    assert using.orders == []
    assert using.said == ["x1.dat is left where it is: not that one"]
    using.server.refuses = set()
    using.turn()
    assert [one["do"] for one in using.orders] == ["delete"]


def test_what_cannot_be_deleted_is_said_once(using: Using) -> None:
    using.file("x1.dat")
    for number in (1, 2):
        using.turn()
        using.reply(number, error="Read-only file system")
    assert using.said == ["x1.dat cannot be deleted: Read-only file system"]
    assert using.watch.hidden == set()


def test_many_files_that_vanish_do_not_hold_up_the_loop(using: Using, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr(after_use, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(after_use, "TURN_S", 2.5)  # of this clock: two tasks
    using.aftermath._gone(using.watch, [f"x{n}.dat" for n in range(1000)])
    using.aftermath.step(1.0)
    assert (using.server.asked, using.woken) == (2, 1)
    using.aftermath.step(1.0)
    assert (using.server.asked, using.woken) == (4, 2)


def test_one_slow_answer_is_no_reason_to_look_seldom(using: Using, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was away for 15 s kept used files from being moved for 5 minutes; one that is slow is spared."""
    clock, took_s, ask = [1000.0], iter([15.0, 0.0, 3.0, 4.0]), using.server.each_job

    def slowly(**about: Any) -> list[dict[str, str]]:
        clock[0] += next(took_s) if "uuid" in about else 0.0
        return ask(**about)

    def rest_s() -> float:
        clock[0] += 1000.0
        began = clock[0]
        using.aftermath.step(began)
        return using.aftermath._next_at - began

    monkeypatch.setattr(after_use, "monotonic", lambda: clock[0])
    monkeypatch.setattr(using.server, "each_job", slowly)
    using.file("x1.dat", "running")
    assert [rest_s() for _ in range(3)] == [after_use.LOOK_S] * 3
    assert rest_s() == 3.0 * after_use.SHARE, "it takes long each time"


def test_at_the_start_the_newest_files_are_looked_for_when_all_was_told_some_at_a_time(
    using: Using, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_use, "BELIEVED", 5)
    monkeypatch.setattr(after_use, "BELIEVED_AT_ONCE", 2)
    for n in range(7):
        using.server.add(using.watch.place.url(f"x{n}.dat"), "running")
    using.aftermath._unasked.add(using.watch)
    using.registrar.idle = False
    using.turn()
    assert using.orders == []
    using.registrar.idle = True
    using.turn()
    assert [order["names"] for order in using.orders] == [["x0.dat", "x1.dat"], ["x2.dat", "x3.dat"], ["x4.dat"]]
    using.reply(1, gone=["x1.dat"], moved=[])
    using.turn()
    assert using.said == ["x1.dat is gone; it is missing"]
    assert not using.aftermath.idle
    for number in (2, 3):
        using.reply(number, gone=[], moved=[])
    assert using.aftermath.idle


@pytest.mark.parametrize(("state", "used"), [("running", False), ("finished", True), ("failed", False)])
def test_a_workflow_counts_as_it_is_and_its_jobs_do_not(using: Using, state: str, used: bool) -> None:
    """One of them failed and may; or all that are there yet have finished, and the last is still to come."""
    dataset = f"d:{using.watch.place.url('x1.dat')}"
    using.server.flows = [
        {"uuid": "w2", "dataset": dataset, "stream": "s", "state": state},
        {"uuid": "w1", "dataset": dataset, "stream": "s", "state": "failed"},
    ]
    using.file("x1.dat", state="finished" if state == "running" else "failed")
    using.turn()
    assert [order["do"] for order in using.orders] == (["delete"] if used else [])
    assert using.said == (["x1.dat is left where it is: workflow of s failed"] if state == "failed" else [])
