"""`python -m p3s.simulation --seeds 1000`: run many seeds; any broken invariant ends it with its seed."""

import argparse
import sys
from collections import Counter

from .store import Broken
from .worlds import draw


def main() -> int:
    """Exit code 0 when every seed kept every invariant, 1 with the first that did not."""
    parser = argparse.ArgumentParser(prog="python -m p3s.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many runs (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed; with --seeds 1 it reproduces a run")
    asked = parser.parse_args()
    total: Counter[str] = Counter()
    worlds: Counter[str] = Counter()
    for seed in range(asked.first, asked.first + asked.seeds):
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
