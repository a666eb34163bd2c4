"""Files that were left out and are processed by a person are told again, each once, and no others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.watcher.test_stream_files import written

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply
from p3s.protocol.errors import TryLater
from p3s.watcher import by_hand
from p3s.watcher.by_hand import ByHand
from p3s.watcher.inbox import Clock, Inbox
from p3s.watcher.storage import Storage
from p3s.watcher.storages import Watch
from p3s.watcher.streams import read

FOREVER = float("inf")


class Server:
    """What was made for the one stream, as (what, moment, name of its file), the oldest first; jobs or workflows."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.made: list[tuple[str, float, str]] = []
        self.asked_of: list[str] = []
        self.away = False

    def jobs(self, limit: int, stream: str) -> list[dict[str, Any]]:
        assert stream == "s"
        return self.each_job(stream, 0.0)[:limit]

    def each_job(self, stream: str, since: float) -> list[dict[str, Any]]:
        assert stream == "s"
        return [{"uuid": what, "submitted_at": at} for what, at, _ in reversed(self.made) if at >= since]

    def workflows(self, limit: int | None, stream: str, since: float | None) -> list[dict[str, Any]]:
        found = [
            {"uuid": one["uuid"], "created_at": one["submitted_at"]} for one in self.each_job(stream, since or 0.0)
        ]
        return found[:limit]

    def job(self, what: str) -> dict[str, Any]:
        if self.away:
            raise TryLater("away")
        self.asked_of.append(what)
        return {"dataset": next(name for one, _, name in self.made if one == what)}

    workflow = job

    def dataset(self, name: str) -> dict[str, Any]:
        return {"url": self.place.url(name)}


class Looking:
    def __init__(self, directory: Path, rule: str) -> None:
        streams = read(written(directory, f'streams: {{s: {{files: "x{{run:d}}.dat", {rule}}}}}')).streams
        storage = Storage(streams[0].place, 0, lambda *_: None)
        storage.ask = self._ask  # type: ignore[method-assign]
        self.watch = Watch(storage, Inbox(streams, Clock()), 5.0)
        self.server, self.used, self.told_again = Server(self.watch.place), dict[str, Any](), list[str]()
        self.by_hand = ByHand(cast(Client, self.server), [self.watch], self.used)

    def _ask(self, do: str, names: list[str]) -> int:
        assert do == "unsettle"
        self.told_again += names
        return 1

    def look(self, until: float = FOREVER) -> None:
        self.by_hand.step(FOREVER, until)


JOBS = "payload: y, input_after: delete"
FLOWS = "workflow: t, input_after: {move_to: ../used}"


@pytest.fixture(params=[JOBS, FLOWS], ids=["jobs", "workflows"])
def looking(tmp_path: Path, request: pytest.FixtureRequest) -> Looking:
    one = Looking(tmp_path, request.param)
    one.server.made.append(("a", 1.0, "x1.dat"))
    one.look()  # whatever was made before it began is told anew by the watcher's first scan
    return one


def test_a_file_processed_by_hand_is_told_again_once(looking: Looking) -> None:
    looking.server.made.append(("b", 2.0, "x2.dat"))
    for _ in range(4):
        looking.look()
    assert looking.told_again == ["x2.dat"]
    assert looking.server.asked_of.count("b") == 1


def test_what_is_made_in_the_moment_of_the_last_is_not_missed(looking: Looking) -> None:
    looking.server.made.append(("b", 2.0, "x2.dat"))
    looking.look()
    looking.server.made += [("c", 2.0, "x3.dat"), ("d", 2.0, "x4.dat")]
    for _ in range(3):
        looking.look()
    assert looking.told_again == ["x2.dat", "x4.dat", "x3.dat"]


def test_what_was_made_when_its_file_was_told_is_not_asked_about(looking: Looking) -> None:
    looking.server.made += [("b", 2.0, "x2.dat"), ("c", 3.0, "x3.dat")]
    looking.by_hand.told(DatasetReply("x2.dat", True, ["b"], "taken"))
    looking.by_hand.told(DatasetReply("x3.dat", True, [], "taken", workflow="c"))
    for _ in range(4):
        looking.look()
    assert (looking.told_again, looking.server.asked_of) == ([], [])


def test_a_file_that_is_followed_or_lies_elsewhere_is_left_alone(looking: Looking) -> None:
    looking.used[looking.watch.place.url("x2.dat")] = object()
    looking.server.made += [("b", 2.0, "x2.dat"), ("c", 3.0, "../elsewhere/x3.dat")]
    looking.server.dataset = lambda name: {  # type: ignore[method-assign]
        "url": looking.watch.place.url(name) if name == "x2.dat" else "/elsewhere/x3.dat"
    }
    looking.look()
    assert looking.told_again == []


def test_a_server_that_is_away_in_the_middle_is_asked_again(looking: Looking) -> None:
    looking.server.made.append(("b", 2.0, "x2.dat"))
    looking.server.away = True
    with pytest.raises(TryLater):
        looking.look()
    looking.server.away = False
    looking.look()
    assert looking.told_again == ["x2.dat"]


def test_many_are_looked_at_a_part_at_a_time(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "EVERY_S", 0.0)
    looking.server.made += [(f"b{number}", 2.0, f"x{number}.dat") for number in range(5)]
    turns = 0
    while not turns or not looking.by_hand.idle:
        looking.look(until=0.0)
        turns += 1
    assert turns > 5
    assert sorted(looking.told_again) == [f"x{number}.dat" for number in range(5)]


def test_streams_that_leave_their_files_are_not_asked_about(tmp_path: Path) -> None:
    looking = Looking(tmp_path, "payload: y")
    looking.server.each_job = SimpleNamespace  # type: ignore[method-assign,assignment] # it would be told of no stream
    looking.look()
    looking.look()
    assert looking.told_again == []
