"""The watcher's side of a storage: its process, what was asked of it, and whether it has fallen silent."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import orjson

from .places import Place

Message = dict[str, Any]

SILENT_S = 30.0
"""A storage that is asked and says nothing for so long is silent."""

LANES = {"read": "file", "adler32": "file", "move": "file", "delete": "file", "there": "file"}
"""Orders that the file lane does; all others the look lane."""


@dataclass
class _Lane:
    """Orders that were given and not answered, and since when it is unheard."""

    open: int = 0
    heard_at: float = 0.0


class Storage:
    """One process at a time. `post` is called with each message, from a thread of its own; a message of a process
    that was given up is not posted.

    A process that hangs is killed, and followed by a new one when it is really gone: one that waits for a dead mount
    cannot be killed, and to start more of them would help nobody.
    """

    def __init__(self, place: Place, depth: int, post: Callable[["Storage", Message], None], silent_s: float = 0.0):
        self.place, self.depth, self.post = place, depth, post
        self.silent_s = silent_s or SILENT_S
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._number = 0
        self._orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def start(self) -> None:
        """A new process, that is told to open the storage."""
        words = [self.place.root, str(self.depth), *([self.place.host] if self.place.host else [])]
        process = subprocess.Popen(
            [sys.executable, "-m", "p3s.watcher.reader", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.process, self._orders = process, queue.SimpleQueue()
        self._lanes = {"look": _Lane(), "file": _Lane()}
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        threading.Thread(target=self._send, args=(process, self._orders), daemon=True).start()
        self.ask("open")

    def ask(self, do: str, **about: Any) -> int:
        """Give an order; the reply, with the number that is returned as its `id`, is posted. Never blocks. Of a
        process that was given up nothing comes."""
        self._number += 1
        with self._lock:
            lane = self._lanes.get(LANES.get(do, "look"))
            if lane is None:
                return self._number
            if not lane.open:
                lane.heard_at = monotonic()
            lane.open += 1
        self._orders.put(orjson.dumps({"do": do, "id": self._number, **about}) + b"\n")
        return self._number

    def silent_since(self) -> float | None:
        """Since which moment (monotonic) it is silent; None while it answers, or has nothing to answer."""
        with self._lock:
            heard = [lane.heard_at for lane in self._lanes.values() if lane.open]
        since = min(heard, default=None)
        return since if since is not None and monotonic() - since > self.silent_s else None

    def wait(self, seconds: float) -> None:
        """Until its process ends, at most so long."""
        with suppress(subprocess.TimeoutExpired):
            assert self.process is not None
            self.process.wait(seconds)

    @property
    def alive(self) -> bool:
        """Whether its process is there, be it that it cannot be killed."""
        return self.process is not None and self.process.poll() is None

    def give_up(self) -> None:
        """Kill the process and what it started; its replies are not wanted any more."""
        with self._lock:
            self._lanes = {}
        self._orders.put(b"")
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            message = orjson.loads(line)
            if self._heard(process, message):
                self.post(self, message)
        process.wait()
        with self._lock:
            ended = process is self.process and bool(self._lanes)
        if ended:
            self.post(self, {"re": "ended", "error": f"its process ended with {process.returncode}"})

    def _heard(self, process: "subprocess.Popen[bytes]", message: Message) -> bool:
        with self._lock:
            if process is not self.process or not self._lanes:
                return False
            lane = self._lanes.get(message.get("lane", ""))
            if lane is not None:
                lane.heard_at = monotonic()
                lane.open -= message["re"] not in ("still", "found") and message.get("id") is not None
        return True

    @staticmethod
    def _send(process: "subprocess.Popen[bytes]", orders: "queue.SimpleQueue[bytes]") -> None:
        assert process.stdin is not None
        with suppress(OSError), process.stdin as pipe:
            while line := orders.get():
                pipe.write(line)
                pipe.flush()
