"""What a peer's program measures of itself: W1 and W2. Runs in the peer's environment: psutil and standard library."""

import ctypes
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.cpu import cpu_s
from benchmarks.stamps import latencies

SLOTS = 4
BULK = 1_000
TRUE = ["/bin/true"]

_SET_CHILD_SUBREAPER = 36


class System(Protocol):
    """A peer that runs, with one warm worker of 4 slots."""

    def start(self, words: list[str]) -> None:
        """Have a command run; returns when the system has accepted it, never waits for its end."""

    def run_all(self, words: list[str], count: int) -> None:
        """Have a command run so many times, submitted as fast as the system allows; returns when the client knows
        that the last has ended well."""


def main(begin: Callable[[Path], AbstractContextManager[System]]) -> None:
    """`PROGRAM STAMP_PROGRAM LATENCY_COUNT THROUGHPUT_COUNT`: prints one line of JSON. `begin` gets a directory."""
    program, singles, many = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    # What detaches itself stays in our account: orphans become our children.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="p3s-peer-") as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)
        with begin(directory) as system:
            numbers = latencies(system.start, program, directory, singles)
            numbers |= _throughput(system, many)
    print(json.dumps(numbers), flush=True)


def _throughput(system: System, count: int) -> dict[str, float]:
    everything = [psutil.Process()]
    spent, began = cpu_s(everything), time.perf_counter()
    system.run_all(TRUE, count)
    seconds = time.perf_counter() - began
    return {"jobs_per_s": count / seconds, "cpu_ms_per_job": 1000 * (cpu_s(everything) - spent) / count}
