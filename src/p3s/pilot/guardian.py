"""The tiny process at the other end of a pipe: when the pilot dies, it ends what the pilot ran and tells the server.

It learns the pilot's name and token from the pipe, one JSON object a line. The pipe's end without the word `end`
means that the pilot is dead, however it died.
"""

import json
import shutil
import sys
import time
from typing import Any

from p3s.protocol import codec, routes
from p3s.protocol.errors import Refused, TryLater
from p3s.protocol.messages import DeathRequest
from p3s.transport.http import Connection

from . import processes
from .backoff import delay


def watch() -> int:
    """Read the pipe on stdin to its end, then act. Runs as a process of its own, in a session of its own."""
    known: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        known = json.loads(line)
    if known.get("end"):
        return 0
    if "pilot" in known:
        _bury(known)
    return 0


def _bury(known: "dict[str, Any]") -> None:
    killed = processes.end_all(f"P3S_PILOT_UUID={known['pilot']}".encode())
    if known.get("directory"):
        shutil.rmtree(known["directory"], ignore_errors=True)
    word = codec.encode(DeathRequest("its guardian saw the pilot's process end", killed))
    path = routes.DEATH.url(pilot=known["pilot"])
    connection = Connection(known["server"], known["token"], timeout_s=10.0)
    until = time.monotonic() + known["lease_s"]
    failures = 0
    while time.monotonic() < until:  # beyond the lease the server knows by itself
        try:
            connection.call(routes.DEATH.method, path, word)
            return
        except Refused:
            return
        except TryLater:
            failures += 1
            time.sleep(delay(failures, 0.5))
