"""The demo's processes: each in a session of its own, ended in order, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from p3s.client.sdk import Client
from p3s.protocol.errors import P3sError

#: What would lead a process of the demo elsewhere, or keep its payloads from caching their bytecode.
_NOT_OURS = ("P3S_", "PYTHONDONTWRITEBYTECODE")
READY_S = 60.0
END_S = 20.0
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PartFailed(Exception):
    """A part of the demo did not start or ended by itself; one line with the last it said."""


class Parts:
    """Starts and ends processes; their output goes to `DIRECTORY/NAME.log`."""

    def __init__(self, directory: Path, server: str) -> None:
        self.directory = directory
        self.server = server
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *words: str, token: str = "") -> None:
        """Start `words` as the part `name`."""
        with self._log(name).open("wb") as log:
            process = self._spawn(words, token, log)
        self._running.append((name, process))

    def _spawn(self, words: tuple[str, ...], token: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_OURS)}
        environment |= {"P3S_SERVER_DIR": str(self.directory / "server"), "P3S_SERVER": self.server}
        if token:
            environment["P3S_TOKEN"] = token
        return subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def python(self, name: str, *words: str, token: str = "") -> None:
        """Start a part with this interpreter."""
        self.start(name, sys.executable, *words, token=token)

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def check(self, but: str = "") -> None:
        """Raise PartFailed when a part has ended by itself; `but` names one that may."""
        for name, process in self._running:
            if process.poll() is not None and (name != but or process.returncode):
                raise PartFailed(f"the {name} ended with {process.returncode}: {self._last(name)}")

    def ended(self, name: str) -> bool:
        """Whether a part has ended."""
        return any(one == name and process.poll() is not None for one, process in self._running)

    def _last(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def client(self, token_file: Path) -> Client:
        """A client, once the server answers. Raises PartFailed."""
        until = time.monotonic() + READY_S
        while True:
            self.check()
            try:
                client = Client(self.server, token_file.read_text().strip(), patience_s=0)
                client.whoami()
                return client
            except (P3sError, OSError):
                if time.monotonic() > until:
                    raise PartFailed(f"the server did not answer within {READY_S:g} s") from None
                time.sleep(0.05)

    def end(self) -> None:
        """End all, the latest first: what feeds before what is fed, the server last.

        Whatever else asks us to end meanwhile is not heard: nothing may be left behind.
        """
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        while self._running:
            _, process = self._running[-1]
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._running.pop()
