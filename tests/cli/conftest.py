"""The command line as a process, against a server of the session and against none."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests import tables
from tests.warm import warm

P3S = str(Path(sys.executable).with_name("p3s"))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def wait_until(what: str, condition: Callable[[], Any], within_s: float = 30.0) -> Any:
    """The condition's first true value, or a failure that names what was waited for."""
    end = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"waited {within_s:g} s in vain until {what}; last seen: {found!r}")
        time.sleep(0.05)


def environment(directory: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "PYTHONDONTWRITE"))}
    return {**kept, "P3S_SERVER_DIR": str(directory), "TMPDIR": str(directory.parent), **more}


def left_behind(directory: Path) -> list[str]:
    """Processes of this server directory that are still there."""
    found = []
    for process in psutil.process_iter():
        try:
            ended = process.status() == psutil.STATUS_ZOMBIE
            if not ended and process.environ().get("P3S_SERVER_DIR") == str(directory):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except psutil.Error:
            continue
    return found


def _start(words: list[str], directory: Path, log: Path, ready: str) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        part = subprocess.Popen(
            words, env=environment(directory), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    wait_until(f"{log.name} says {ready!r}", lambda: ready in log.read_text() or part.poll() is not None, 60)
    assert part.poll() is None, log.read_text()
    return part


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A server's directory, address and process."""

    def __init__(self, directory: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.directory, self.port, self.process = directory, port, process
        self.url = f"http://127.0.0.1:{port}"
        self.token = (directory / "token").read_text().strip()


def _serve(base: Path) -> Iterator[Served]:
    directory = base / "server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    tables.put_into(directory)
    process = _start([P3S, "server", "start", "--port", str(port)], directory, base / "server.log", "ready on")
    yield Served(directory, port, process)
    process.terminate()
    process.wait(30)
    wait_until("no process is left", lambda: not left_behind(directory), 20)


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that stays without pilots, jobs and data: tests of it change nothing."""
    yield from _serve(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a pilot."""
    base = tmp_path_factory.mktemp("served")
    serving = _serve(base)
    one = next(serving)
    pilot = _start([P3S, "pilot", "start", "--slots", "2"], one.directory, base / "pilot.log", "with 2 slots")
    yield one
    pilot.send_signal(signal.SIGTERM)
    pilot.wait(30)
    next(serving, None)


@pytest.fixture
def p3s_command() -> str:
    return P3S


@pytest.fixture
def own_environment() -> Callable[..., dict[str, str]]:
    """own_environment(directory, NAME=value): that of a command for the server of a directory."""
    return environment


class Restartable:
    """A server that a test stops and starts again on the same port."""

    def __init__(self, base: Path, port: int) -> None:
        self.directory, self.port, self.log = base / "server", port, base / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        tables.put_into(self.directory)
        self.process = _start([P3S, "server", "start", "--port", str(self.port)], self.directory, self.log, "ready on")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


@pytest.fixture
def restartable(tmp_path: Path, free_port: int) -> Iterator[Restartable]:
    found = Restartable(tmp_path, free_port)
    yield found
    found.stop()
    wait_until("no process is left", lambda: not left_behind(found.directory), 20)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(word, ..., at=directory, NAME=value): a command to its end; without `at`, where no server ever was."""

    def ran(*words: str, at: Path | None = None, timeout: float = 60, **env: str) -> "subprocess.CompletedProcess[str]":
        return warm().run(words, environment(at or tmp_path / "no-server", **env), tmp_path, timeout)

    return ran


@pytest.fixture
def started(tmp_path: Path) -> "Iterator[Callable[..., tuple[subprocess.Popen[bytes], Callable[[], str]]]]":
    """started(ready, word, ...): a command that goes on, once it has said `ready`, and what it said so far."""
    running = []

    def start(ready: str, *words: str) -> "tuple[subprocess.Popen[bytes], Callable[[], str]]":
        log = tmp_path / "started.log"
        process = _start([P3S, *words], tmp_path / "no-server", log, ready)
        running.append(process)
        return process, log.read_text

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """refused(code, word, ...): the command ends with the code and one line on stderr, which is returned."""

    def check(code: int, *words: str, **more: Any) -> str:
        done = run(*words, **more)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, done.stderr
        lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
        assert len(lines) == 1, done.stderr
        return lines[0]

    return check


@pytest.fixture
def pilot(server: Served, tmp_path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """One more pilot, of the site `elsewhere`."""
    words = [P3S, "pilot", "start", "--slots", "1", "--site", "elsewhere"]
    process = _start(words, server.directory, tmp_path / "pilot.log", "with 1 slots")
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(30)
