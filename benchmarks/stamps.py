"""Latency by a payload that writes when it began. Standard library only: peers use it in environments of their own."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

WARM = 10


def latencies(submit: Callable[[list[str]], None], program: Path, directory: Path, count: int) -> dict[str, float]:
    """Submit call begins -> the payload's own time stamp, at random gaps of 50-200 ms: fixed ones fall in step with
    timers. `submit` has a command run and returns when that is accepted."""
    chance = random.Random(8373)
    took, accepted = [], []
    with TemporaryDirectory(dir=directory) as stamps:
        Path(stamps).chmod(0o777)
        for number in range(count + WARM):
            time.sleep(chance.uniform(0.05, 0.2))
            began = time.time_ns()
            submit([str(program), f"{stamps}/{number}"])
            returned = time.time_ns()
            stamp = _stamp(Path(stamps, str(number)))
            if number >= WARM:
                took.append((stamp - began) / 1e6)
                accepted.append((returned - began) / 1e6)
    share = quantiles(took, n=100)
    return {"p50_ms": share[49], "p95_ms": share[94], "p99_ms": share[98], "submit_p50_ms": median(accepted)}


def _stamp(path: Path) -> int:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            text = path.read_text()
        except FileNotFoundError:
            text = ""
        if text.endswith("\n"):
            return int(text)
        time.sleep(0.001)
    raise TimeoutError(f"no stamp at {path}: the job did not run")
