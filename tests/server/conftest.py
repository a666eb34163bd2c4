"""Real servers on SQLite and on real PostgreSQL, and fake pilots that speak the protocol to them over HTTP."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests import tables

CANARY = {"jobs": [{"payload": "true", "name": "canary"}], "key": "canary"}
"""Submitted once and cancelled; asked again it adds nothing and says how many pilots wait."""

ROOT = Path(__file__).parents[2]


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """Of a problem body; each refusal must be one."""
        assert self.headers["content-type"] == "application/problem+json", self.body[:300]
        body = self.json()
        assert body["status"] == self.status
        assert body["title"]
        return str(body["detail"])


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    token: str = "",
    timeout_s: float = 30.0,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One call on a connection of its own. `body`: bytes as they are, anything else as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    given = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, data, {**given, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
    finally:
        connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """One server's directory, port and process. `ask` speaks with its local token unless told otherwise."""

    def __init__(self, directory: Path, database: str, lease_s: float = 60.0, grace_s: float = 10.0) -> None:
        self.directory = directory
        self.database = database
        self.port = free_port()
        self.settings = ["--lease", str(lease_s), "--grace", str(grace_s)]
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory.parent / f"{directory.name}.log"

    def command(self, *more: str, port: int | None = None) -> list[str]:
        database = ["--database", self.database] if self.database else []
        place = ["--dir", str(self.directory), "--port", str(port or self.port)]
        return [sys.executable, "-m", "p3s.server", *place, *database, *self.settings, *more]

    @staticmethod
    def environment() -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "DJANGO_"))}
        return {**kept, "PYTHONPATH": str(ROOT / "src")}

    def launch(self, *more: str) -> "Server":
        if not self.database:
            tables.put_into(self.directory)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*more), env=self.environment(), stdout=log, stderr=log, cwd=self.directory.parent
            )
        return self

    def start(self, *more: str) -> "Server":
        """Launch and wait until it is ready."""
        self.launch(*more)
        self.wait_ready()
        (canary,) = self.good("POST", "/api/v1/jobs", CANARY)["jobs"]
        self.ask("POST", f"/api/v1/jobs/{canary}/cancel", {})
        return self

    def waiters(self) -> int:
        """Pilots with an open lane and a free slot."""
        return int(self.good("POST", "/api/v1/jobs", CANARY)["pilots"])

    def wait_ready(self, within_s: float = 60.0) -> None:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f"the server ended with {self.process.returncode}: {self.said()[-2000:]}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if ask(self.port, "GET", "/healthz").status == 200:
                    return
            time.sleep(0.05)
        pytest.fail(f"waited in vain until the server is ready: {self.said()[-2000:]}")

    def kill(self) -> None:
        """As the machine would: `kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = 20.0) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def token(self) -> str:
        return (self.directory / "token").read_text().strip()

    # ---- calls

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None, **more: Any) -> Answer:
        return ask(self.port, method, path, body, self.token if token is None else token, **more)

    def good(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.ask(method, path, body, **more)
        assert answer.status == 200, (answer.status, answer.body[:500])
        return answer.json()

    def submit(self, *jobs: dict[str, Any], key: str = "") -> list[str]:
        found: list[str] = self.good("POST", "/api/v1/jobs", {"jobs": list(jobs or [{"payload": "true"}]), "key": key})[
            "jobs"
        ]
        return found

    def job(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.good("GET", f"/api/v1/jobs/{job}")
        return found

    def ran(self, service: str) -> dict[str, Any]:
        """How a service of the server's own stands after a run that began now: one under way is waited for first."""
        while self.good("GET", f"/api/v1/services/{service}")["running"]:
            time.sleep(0.05)
        found: dict[str, Any] = self.good("POST", f"/api/v1/services/{service}/run?wait=20")
        while found["running"]:
            time.sleep(0.05)
            found = self.good("GET", f"/api/v1/services/{service}")
        return found

    def state(self, job: str) -> str:
        return str(self.job(job)["state"])

    def pilot(self, slots: int = 1, **more: Any) -> "Pilot":
        known = {name: more.pop(name) for name in ("pilot", "nonce", "host", "site") if name in more}
        return Pilot(self, slots, **known, has=more)

    def calm(self) -> None:
        """Nothing is queued and nobody waits: what one test left must not meet the next."""
        for one in self.good("GET", "/api/v1/jobs?state=defined&limit=1000")["jobs"]:
            self.ask("POST", f"/api/v1/jobs/{one['uuid']}/cancel", {})
        for one in self.good("GET", "/api/v1/pilots")["pilots"]:
            known = Pilot.known.get(one["uuid"])
            if known is not None:
                known.die()


@dataclass
class Pilot:
    """A pilot written by hand: it does what the test says, and nothing by itself."""

    server: Server
    slots: int = 1
    pilot: str = ""
    nonce: str = ""
    token: str = ""
    seq: int = 0
    acked: int = 0
    host: str = "node"
    site: str = "local"
    #: What it says of itself besides, by the names of a RegisterRequest.
    has: dict[str, Any] = field(default_factory=dict)

    #: By uuid, over all servers of the session.
    known: ClassVar[dict[str, "Pilot"]] = {}

    def __post_init__(self) -> None:
        self.pilot = self.pilot or str(uuid.uuid4())
        self.nonce = self.nonce or uuid.uuid4().hex
        self.token = self.register().json()["token"]
        Pilot.known[self.pilot] = self

    def register(self, **changes: Any) -> Answer:
        body = {
            "pilot": self.pilot,
            "nonce": self.nonce,
            "protocol": 1,
            "version": "0.1",
            "host": self.host,
            "site": self.site,
            "slots": self.slots,
            **self.has,
            **changes,
        }
        return self.server.ask("POST", "/api/v1/pilots", body)

    @property
    def path(self) -> str:
        return f"/api/v1/pilots/{self.pilot}/exchange"

    def exchange(self, wait_s: float = 0.0, seq: int | None = None, acked: int | None = None, **more: Any) -> Answer:
        """One exchange on the order lane; what it brings is confirmed by the next."""
        self.seq = self.seq + 1 if seq is None else seq
        body = {
            "lane": "orders",
            "seq": self.seq,
            "acked": self.acked if acked is None else acked,
            "wait_s": wait_s,
            **more,
        }
        answer = self.server.ask("POST", self.path, body, token=self.token)
        if answer.status == 200:
            said = answer.json()
            self.acked = max([self.acked, *(one["number"] for one in said["orders"] + said["instructions"])])
        return answer

    def orders(self, wait_s: float = 0.0, **more: Any) -> list[dict[str, Any]]:
        answer = self.exchange(wait_s, **more)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json()["orders"]
        return found

    def later(self, wait_s: float = 20.0, **more: Any) -> "Later":
        """An exchange that waits, in a thread of its own. Returns once the server counts the pilot as waiting."""
        return Later(self, wait_s, more)

    def report(self, job: str, attempt: int, state: str, **more: Any) -> dict[str, Any]:
        """One report on the report lane, and the verdict on it."""
        body = {"lane": "reports", "reports": [{"job": job, "attempt": attempt, "state": state, **more}]}
        answer = self.server.ask("POST", self.path, body, token=self.token)
        assert answer.status == 200, answer.body
        (verdict,) = answer.json()["verdicts"]
        found: dict[str, Any] = verdict
        return found

    def take(self, job: str) -> dict[str, Any]:
        """Exchange until the job is ordered; every other order is refused."""
        for _ in range(20):
            for order in self.orders(1.0):
                if order["job"] == job:
                    return order
                self.report(order["job"], order["attempt"], "refused")
        raise AssertionError(f"{job} was never ordered: {self.server.job(job)}")

    def die(self) -> Answer:
        """Its guardian says so."""
        return self.server.ask("POST", f"/api/v1/pilots/{self.pilot}/death", {"evidence": "test"}, token=self.token)


class Later:
    """An exchange under way."""

    def __init__(self, pilot: Pilot, wait_s: float, more: dict[str, Any]) -> None:
        self.value: Answer | BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(pilot, wait_s, more), daemon=True)
        free = pilot.server.waiters()
        self.thread.start()
        end = time.monotonic() + 10
        while time.monotonic() < end and self.thread.is_alive() and pilot.server.waiters() <= free:
            time.sleep(0.01)

    def _run(self, pilot: Pilot, wait_s: float, more: dict[str, Any]) -> None:
        try:
            self.value = pilot.exchange(wait_s, **more)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.value = error

    def done(self) -> bool:
        return not self.thread.is_alive()

    def answer(self, within_s: float = 20.0) -> Answer:
        self.thread.join(within_s)
        assert not self.thread.is_alive(), f"no answer within {within_s} s"
        if isinstance(self.value, BaseException):
            raise self.value
        assert self.value is not None
        return self.value


# ---- servers


@pytest.fixture(scope="session")
def shared_server(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server") / "dir", database())
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """One server a database for all tests that leave it as they found it."""
    before = len(shared_server.said())
    yield shared_server
    shared_server.calm()
    said = shared_server.said()[before:]
    assert "Traceback" not in said, said[-5000:]


@pytest.fixture
def own_server(database: Callable[..., str], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """own_server(**settings): a server that the test may kill; not yet started. `empty`: without tables."""
    made: list[Server] = []

    def make(**settings: Any) -> Server:
        empty, given = settings.pop("empty", False), settings.pop("database", None)
        server = Server(tmp_path / f"dir{len(made)}", database(empty) if given is None else given, **settings)
        made.append(server)
        return server

    yield make
    for server in made:
        if server.process is not None and server.process.poll() is None:
            server.kill()
