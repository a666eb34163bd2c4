"""Real processes on a server directory of their own, and the rule that none of them outlives its test."""

import os
import shutil
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

from p3s.client.sdk import Client
from p3s.protocol.errors import P3sError

P3S = str(Path(sys.executable).with_name("p3s"))
PROJECT = Path(__file__).parents[2]
SHARED_DATA = PROJECT.parent / "shared" / "data"

#: Carried by every process of a place, whatever becomes of its P3S_ variables.
MARK = "P3S_TEST_PLACE"

FINAL = {"finished", "failed", "dropped", "cancelled", "lost", "skipped"}


def until(what: str, condition: Callable[[], Any], within_s: float = 30.0) -> Any:
    """The condition's first true value, or a failure that names what was waited for."""
    end = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"waited {within_s:g} s in vain until {what}; last seen: {found!r}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Place:
    """A server directory, what runs on it, and what a person at its keyboard can do."""

    until = staticmethod(until)

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.server_dir = directory / "server"
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.parts: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._client: Client | None = None

    # ---- processes

    def env(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "PYTHONDONTWRITE"))}
        kept |= {"P3S_SERVER_DIR": str(self.server_dir), "TMPDIR": str(self.temporary), MARK: str(self.directory)}
        return {**kept, **more}

    def spawn(self, name: str, *words: str, **env: str) -> "subprocess.Popen[bytes]":
        """Start a part; what it says goes to NAME.log."""
        with (self.directory / f"{name}.log").open("ab") as log:
            part = subprocess.Popen(
                words, env=self.env(**env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.parts.append((name, part))
        return part

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def start_server(self, *words: str) -> "subprocess.Popen[bytes]":
        if "--database" not in words:
            tables.put_into(self.server_dir)
        server = self.spawn("server", P3S, "server", "start", "--port", str(self.port), *words)
        until(f"the server answers ({self.directory}/server.log)", lambda: self._answers(server), 60)
        return server

    def _answers(self, server: "subprocess.Popen[bytes]") -> bool:
        assert server.poll() is None, f"the server ended: {self.log('server')}"
        try:
            Client(self.url, patience_s=0).whoami()
        except P3sError as error:
            return "answers" not in str(error)  # it asks for a token: it is there
        return True

    def start_pilot(self, *words: str, name: str = "pilot", slots: int = 1) -> "subprocess.Popen[bytes]":
        """A pilot from this checkout, once it serves."""
        part = self.spawn(name, P3S, "pilot", "start", "--slots", str(slots), *words)
        until(f"the {name} serves", lambda: f" with {slots} slots" in self.log(name), 60)
        return part

    def processes(self) -> list[psutil.Process]:
        """Everything alive that was started, by anybody, on behalf of this place."""
        return [one for one in psutil.process_iter() if one.pid != os.getpid() and self._ours(one)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            carried = process.environ()
        except psutil.Error:
            return False
        where = str(self.directory)
        return carried.get(MARK) == where or carried.get("P3S_SERVER_DIR", "").startswith(where)

    def until_nothing_runs(self, within_s: float = 30.0) -> None:
        try:
            until("no process is left", lambda: not self._named(), within_s)
        except pytest.fail.Exception:
            pytest.fail(f"after {within_s:g} s there still are: {'; '.join(self._named())}")

    def _named(self) -> list[str]:
        names = []
        for process in self.processes():
            try:
                names.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
            except psutil.Error:
                continue
        return names

    def end(self) -> None:
        """End the parts as a person would, servers last; fail when anything is left, and end that too."""
        for _, part in sorted(self.parts, key=lambda named: named[0] == "server"):
            if part.poll() is None:
                part.send_signal(signal.SIGCONT)
                part.terminate()
            try:
                part.wait(30)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()
        self.parts.clear()
        try:
            self.until_nothing_runs(20)
        finally:
            for process in self.processes():
                process.kill()

    # ---- asking

    @property
    def token(self) -> str:
        return (self.server_dir / "token").read_text().strip()

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(self.url, self.token)
        return self._client

    def p3s(self, *words: str, timeout: float = 90.0, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line to its end."""
        return warm().run(words, self.env(**env), self.directory, timeout)

    def job_is(self, job: str, *states: str, within_s: float = 30.0) -> dict[str, Any]:
        """The job, once it is in one of the states."""

        def look() -> dict[str, Any] | None:
            found = self.client.job(job)
            return found if found["state"] in states else None

        try:
            return until(f"job {job} is {' or '.join(states)}", look, within_s)
        except pytest.fail.Exception:
            pytest.fail(f"after {within_s:g} s job {job} is not {' or '.join(states)}: {self.client.job(job)}")

    def ended(self, job: str, within_s: float = 40.0) -> dict[str, Any]:
        return self.job_is(job, *FINAL, within_s=within_s)

    def script(self, name: str, text: str) -> str:
        """An executable script; its path."""
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place for one test."""
    one = Place(tmp_path)
    yield one
    one.end()


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server and a pilot of three slots for the tests of a module that leave them as they are."""
    one = Place(tmp_path_factory.mktemp("place"))
    one.start_server()
    one.start_pilot(slots=3)
    yield one
    one.end()


@pytest.fixture(scope="session")
def classic() -> Path:
    """Job descriptions and wrappers of 2018."""
    found = SHARED_DATA / "classic"
    if not found.is_dir():
        pytest.skip(f"the collection of 2018's job descriptions is not at {found}")
    return found


@pytest.fixture
def root_files(tmp_path: Path) -> Path:
    """A directory with a copy of real ROOT files."""
    source = SHARED_DATA / "root"
    found = sorted(source.glob("*.root"))
    if not found:
        pytest.skip(f"the collection of ROOT files is not at {source}")
    target = tmp_path / "data"
    target.mkdir()
    for file in found:
        shutil.copy(file, target)
        (target / file.name).chmod(0o644)
    return target
