"""`python -m p3s.simulation --seeds 1000`: run many seeds; any broken invariant ends it with its seed. With --overload:
what becomes of twice as much data as the slots can do."""

import argparse
import sys
from collections import Counter

from .overload import CASES, Flood, told
from .store import Broken
from .worlds import draw


def main() -> int:
    """Exit code 0 when every seed kept every invariant, 1 with the first that did not."""
    parser = argparse.ArgumentParser(prog="python -m p3s.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many runs (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed; with --seeds 1 it reproduces a run")
    parser.add_argument("--overload", action="store_true", help="print the figures of an overload, by seed and case")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.overload:
        for case, kinds in CASES.items():
            for seed in seeds:
                print(told(case, Flood(kinds(), seed).run()))
        return 0
    total: Counter[str] = Counter()
    worlds: Counter[str] = Counter()
    for seed in seeds:
        try:
            world = draw(seed)
            outcome = world.run()
        except Broken as error:
            print(
                f"broken: {type(world).__name__} {error}\nreproduce: python -m p3s.simulation --seeds 1 --first {seed}",
                file=sys.stderr,
            )
            return 1
        total.update(outcome.jobs)
        worlds[type(world).__name__] += 1
        total.update(
            starts=outcome.starts,
            server_crashes=outcome.server_crashes,
            pilot_kills=outcome.pilot_kills,
            amended=outcome.amended,
        )
    print(f"{asked.seeds} seeds kept every invariant: {_list(total)}; worlds: {_list(worlds)}")
    return 0


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
