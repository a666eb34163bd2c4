"""`uv run python -m benchmarks NAME [--json] [--rounds N] [--database sqlite|postgresql]`."""

import argparse
import json
import sys
from collections.abc import Callable
from statistics import median

from . import work
from .work import Numbers


def main() -> int:
    """Rounds, each with the floor beside the work; medians and spread."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=["floor", "latency", "throughput"])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--count", type=int, default=0, help="jobs a round (default: that of the benchmark)")
    asked = parser.parse_args()
    count = {"count": asked.count} if asked.count else {}
    run: Callable[[], Numbers] = {
        "floor": lambda: work.floor(**count),
        "latency": lambda: work.latency(asked.database, **count),
        "throughput": lambda: _beside_floor(lambda: work.throughput(asked.database, **count)),
    }[asked.name]
    rounds = []
    for number in range(asked.rounds):
        rounds.append(run())
        print(f"round {number + 1}: {_words(rounds[-1])}", file=sys.stderr, flush=True)
    middle = {key: median(one[key] for one in rounds) for key in rounds[0]}
    if asked.json:
        shown = {"name": asked.name, "database": asked.database, "rounds": rounds, "median": middle}
        print(json.dumps(shown))
    else:
        print(f"median:  {_words(middle)}")
    return 0


def _beside_floor(run: Callable[[], Numbers]) -> Numbers:
    """The work with the C floor measured right before it, and their ratio."""
    spawns = work.floor(2_000)["spawns_per_s"]
    numbers = run()
    return {**numbers, "floor_per_s": spawns, "floor_ratio": numbers["jobs_per_s"] / spawns}


def _words(numbers: Numbers) -> str:
    return ", ".join(f"{key} {value:.3g}" for key, value in numbers.items())


if __name__ == "__main__":
    sys.exit(main())
