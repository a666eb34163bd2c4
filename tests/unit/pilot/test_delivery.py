"""Delivering what a payload left, while what it left running goes on."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from p3s.pilot import agent, delivery
from p3s.protocol.results import MAX_FILE_BYTES


class Server:
    """Takes all; with the first file that comes, `then` happens on the node."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then = then
        self.files: dict[str, bytes] = {}
        self.published: dict[str, Any] = {}

    def __call__(self, *_: Any, **__: Any) -> "Server":
        return self

    def call(self, method: str, path: str, body: bytes) -> None:
        if method == "PUT":
            self.files[path.rpartition("/files/")[2]] = body
            self.then()
        else:
            self.published = json.loads(body)

    def close(self) -> None:
        pass


def running(results: Path) -> Any:
    """An attempt that has ended with results."""
    berth = SimpleNamespace(results=results, work=results, has_results=lambda: True)
    order = SimpleNamespace(job="j", attempt=1, token="t")
    return SimpleNamespace(order=order, place=SimpleNamespace(server=""), berth=berth, long_logs=list)


def grow(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Path.unlink, "b.png: No such file or directory"),
        (grow, "b.png: has grown beyond 20 MB"),
        (to_pipe, "b.png: is no regular file"),
    ],
)
def test_a_file_that_changes_while_it_is_fetched_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], says: str
) -> None:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"x")
    items = [{"kind": "images", "name": name, "files": f"{name}.png"} for name in "abc"]
    (tmp_path / "p3s-result.json").write_text(json.dumps({"p3s_result": 1, "category": "C", "items": items}))
    server = Server(lambda: change(tmp_path / "b.png") if len(server.files) == 1 else None)
    monkeypatch.setattr(delivery, "Connection", server)
    delivery.deliver(running(tmp_path), lambda: 0.0)
    assert list(server.files) == ["a.png", "c.png"]
    (problem,) = server.published["problems"]
    assert problem.startswith(says)
    assert len(server.published["results"]) == 1


@pytest.mark.parametrize("error", [OSError("the disk is gone"), RuntimeError("a defect")])
def test_whatever_delivering_meets_the_job_ends(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def deliver(*_: Any) -> None:
        raise error

    monkeypatch.setattr(agent, "deliver", deliver)
    settled: list[dict[str, Any]] = []
    one = SimpleNamespace(machine=SimpleNamespace(lease_s=1.0), tell=lambda act: act())
    one._settle = lambda _, ended: settled.append(ended)
    agent.Agent._deliver(one, None, {})  # type: ignore[arg-type]
    assert [ended["reason"] for ended in settled] == ["stage-out"]
    assert str(error) in settled[0]["detail"]
