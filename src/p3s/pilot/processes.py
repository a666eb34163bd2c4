"""Finding and ending processes by what they carry in their environment (Linux)."""

import os
import signal
import time
from typing import Optional

PROC = "/proc"


def carriers(mark: bytes) -> "set[int]":
    """Processes whose environment has `mark` (NAME=VALUE), and all in the sessions these lead or belong to.

    A child that escaped its session and also cleared its environment is not found: the stated limit.
    """
    marked, sessions = set(), {}
    for name in os.listdir(PROC):
        if name.isdigit() and int(name) != os.getpid():
            session = _session(name)
            if session is None:
                continue
            sessions[int(name)] = session
            if _has(name, mark):
                marked.add(int(name))
    owned = {sessions[process] for process in marked} - {os.getsid(0)}
    return marked | {process for process, session in sessions.items() if session in owned}


def _has(name: str, mark: bytes) -> bool:
    try:
        with open(f"{PROC}/{name}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def _session(name: str) -> Optional[int]:
    """The session of a process; None for one that is gone or only waits to be reaped."""
    try:
        with open(f"{PROC}/{name}/stat", "rb") as file:
            fields = file.read().rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[3])


def send(processes: "set[int]", number: int) -> None:
    """Signal them; who is gone is gone."""
    for process in processes:
        try:
            os.kill(process, number)
        except (ProcessLookupError, PermissionError):
            pass


def end_all(mark: bytes, within_s: float = 5.0) -> int:
    """Kill all carriers until none is found; returns how many there were."""
    ended: set[int] = set()
    until = time.monotonic() + within_s
    while True:
        found = carriers(mark)
        if not found or time.monotonic() > until:
            return len(ended)
        send(found, signal.SIGKILL)
        ended |= found
        time.sleep(0.01)
