"""Storages that go and come back, and telling a server that does."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.watcher.test_stream_files import written

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply, DatasetRequest
from p3s.protocol.errors import BadInput, NotAllowed, P3sError, TryLater
from p3s.watcher import registrar as telling
from p3s.watcher.inbox import Ready
from p3s.watcher.registrar import Registrar
from p3s.watcher.storages import SHARE, Storages, Watch
from p3s.watcher.streams import read

Until = Callable[..., Any]


class Watching:
    """Storages without a server: what was found gone, and what was said."""

    def __init__(self, directory: Path, rule: str = "", complete: str = "{renamed: true}") -> None:
        text = f'streams: {{s: {{files: "data/x{{run:d}}.dat", complete: {complete}, payload: y{rule}}}}}'
        self.said: list[str] = []
        self.gone: list[str] = []
        self.released: list[Ready] = []
        self.storages = Storages(read(written(directory, text)).streams, self.said.append)
        self.storages.on_gone.append(lambda _, names: self.gone.extend(names))
        self.storages.on_release.append(self._settle)

    def _settle(self, watch: Watch) -> None:
        for ready in watch.inbox.release():
            self.released.append(ready)
            self.storages.settle(watch, watch.inbox.told(ready))

    @property
    def watch(self) -> Watch:
        return self.storages.watches[0]

    def turn(self, scan: bool = False) -> bool:
        """A turn of the loop; always true."""
        if scan:
            self.watch.next_scan_at = 0.0
        self.storages.receive(0.05)
        self.storages.attend(time.monotonic())
        return True


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "data").mkdir()
    one = Watching(tmp_path)
    yield one
    one.storages.close()


def test_an_unmounted_directory_is_trouble_and_its_files_are_not_gone(
    watching: Watching, tmp_path: Path, until: Until
) -> None:
    (tmp_path / "data/x1.dat").touch()
    watching.storages.open()
    until("the file is settled", lambda: watching.turn(scan=True) and watching.watch.scans > 1 and watching.released)
    (tmp_path / "data").rename(tmp_path / "mounted")
    (tmp_path / "data").mkdir()
    until("it is trouble", lambda: watching.turn(scan=True) and watching.watch.trouble)
    assert "not mounted?" in watching.watch.trouble
    (tmp_path / "data").rmdir()
    (tmp_path / "mounted").rename(tmp_path / "data")
    until("its process is gone", lambda: not watching.watch.storage.alive)
    watching.watch.again_at = 0.0
    until("it is back", lambda: watching.turn() and any("is back" in line for line in watching.said))
    assert watching.gone == []


def test_a_file_that_is_really_gone_is_told(watching: Watching, tmp_path: Path, until: Until) -> None:
    (tmp_path / "data/x1.dat").touch()
    watching.storages.open()
    until("the file is settled", lambda: watching.turn(scan=True) and watching.watch.scans > 1 and watching.released)
    (tmp_path / "data/x1.dat").unlink()
    until("it is gone", lambda: watching.turn(scan=True) and watching.gone)
    assert watching.gone == ["x1.dat"]


def test_a_directory_is_not_empty_when_a_file_has_come_since_it_was_read(
    watching: Watching, tmp_path: Path, until: Until
) -> None:
    watching.storages.open()
    until("it is watched and read", lambda: watching.turn() and watching.watch.scans > 1)
    assert watching.watch.files == 0
    watching.watch.next_scan_at = float("inf")
    (tmp_path / "data/x1.dat").touch()
    until("the file is seen", lambda: watching.turn() and watching.released)
    assert watching.watch.files == 1


def test_a_storage_that_hung_once_is_read_again_as_soon_as_ever(watching: Watching, until: Until) -> None:
    """One that hung for 25 s was not read for 8 minutes, and NFS tells of no files meanwhile."""
    storages, watch = watching.storages, watching.watch
    storages.open()
    until("it is watched and read", lambda: watching.turn() and watch.scans > 1)
    scan = {"identity": watch.identity, "count": 0, "troubles": [], "odd": 0, "gone": []}
    storages._scanned(watch, {**scan, "took_s": 25.0})
    assert watch.next_scan_at - time.monotonic() <= watch.every_s
    storages._scanned(watch, {**scan, "took_s": 20.0})
    assert watch.next_scan_at - time.monotonic() > 19.0 * SHARE, "it takes long each time"


def test_a_directory_that_is_not_there_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a directory here; make it, or correct files in the stream"):
        Watching(tmp_path).storages.open()


def test_the_loop_does_not_turn_for_what_a_silent_storage_keeps_waiting(
    watching: Watching, tmp_path: Path, until: Until
) -> None:
    storages, watch = watching.storages, watching.watch
    (tmp_path / "data/x1.dat").touch()
    storages.open()
    until("it is read", lambda: watching.turn(scan=True) and watch.scans)
    watch.inbox._again.append((0.0, ["x1.dat"]))
    storages._troubled(watch, "silent", 1.0)
    now = time.monotonic()
    assert storages.next_at(now) == now + 1.0
    until("its process is gone", lambda: not watch.storage.alive)
    watch.again_at = 0.0
    until("it is back", lambda: watching.turn() and any("is back" in line for line in watching.said))
    until("it is at rest", lambda: watching.turn() and storages.next_at(now := time.monotonic()) > now)


def test_a_marker_in_a_directory_below_is_found(tmp_path: Path, until: Until) -> None:
    (tmp_path / "data/done").mkdir(parents=True)
    (tmp_path / "data/x1.dat").touch()
    (tmp_path / "data/done/x1.dat").touch()
    one = Watching(tmp_path, complete='{marker: "done/{name}"}')
    one.storages.open()
    until("the file is taken", lambda: one.turn(scan=True) and one.released)
    assert [ready.name for ready in one.released] == ["x1.dat"]
    one.storages.close()


# ---- telling


class Server:
    """Answers as it is told; None is an answer for every file."""

    def __init__(self, *answers: P3sError | str | None) -> None:
        self.answers = list(answers)
        self.told: list[list[str]] = []

    def register_datasets(self, requests: list[DatasetRequest]) -> list[DatasetReply]:
        self.told.append([one.name for one in requests])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, P3sError):
            raise answer
        return [DatasetReply(one.name, True, [], "taken", "", answer or "") for one in requests]


@pytest.fixture
def tell(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Server, Registrar, list[str]]]:
    monkeypatch.setattr(telling, "AWAY_S", 0.0)
    monkeypatch.setattr(telling, "REFUSED_S", 0.0)
    lot = watching.watch.inbox.lots[0]

    def make(*answers: P3sError | str | None, late: int = 0) -> tuple[Server, Registrar, list[str]]:
        server, said = Server(*answers), watching.said
        one = Registrar(cast(Client, server), said.append, lambda *_: None)
        for number in range(3):
            one.add(watching.watch, Ready(lot, f"x{number}.dat", 1, 1, 0.0), first=number >= 3 - late)
        return server, one, said

    return make


@pytest.mark.parametrize("error", [TryLater("no server answers"), NotAllowed("the token is revoked")])
def test_what_could_not_be_told_is_told_again_in_order_and_said_once(tell: Callable[..., Any], error: P3sError) -> None:
    server, registrar, said = tell(error, error)
    for _ in range(3):
        registrar.step(time.monotonic())
    assert server.told == [["x0.dat", "x1.dat", "x2.dat"]] * 3
    assert registrar.idle
    assert [line for line in said if str(error) in line] == [f"{error}; nothing is lost, the files are told again"]
    assert "the server is back" in said


def test_what_comes_now_goes_before_what_was_there(tell: Callable[..., Any]) -> None:
    server, registrar, _ = tell(late=1)
    registrar.step(time.monotonic())
    registrar.step(time.monotonic())
    assert server.told == [["x2.dat"], ["x0.dat", "x1.dat"]]


def test_files_that_were_refused_are_told_again_later(tell: Callable[..., Any]) -> None:
    server, registrar, said = tell("keys.name: is too long")
    now = time.monotonic()
    registrar.step(now)
    assert len(registrar.refused) == 3
    assert sum("refused: keys.name: is too long" in line for line in said) == 3
    registrar.step(now + 299)
    assert len(server.told) == 1
    registrar.step(now + 310)
    assert (len(server.told), registrar.refused) == (2, {})


def test_a_side_car_that_is_half_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    watching, server = Watching(tmp_path, ', sidecar: "{name}.json"'), Server()
    watch, asked = watching.watch, list[str]()
    monkeypatch.setattr(watch.storage, "ask", lambda do, **_: asked.append(do) or len(asked))
    registrar = Registrar(cast(Client, server), watching.said.append, lambda *_: None)
    watch.inbox._beside.add("x1.dat.json")
    now = time.monotonic()
    registrar.add(watch, Ready(watch.inbox.lots[0], "x1.dat", 1, 1, now))
    registrar.replied(watch, {"id": 1, "text": '{"run": '})
    registrar.step(now)
    assert (asked, server.told, registrar.idle) == (["read"], [], False)
    registrar.step(now + 10)
    registrar.replied(watch, {"id": 2, "text": '{"run": 7}'})
    registrar.step(now + 10)
    assert (asked, server.told) == (["read", "read"], [["x1.dat"]])
