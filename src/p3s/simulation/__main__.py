"""`python -m p3s.simulation --seeds 1000`: run many seeds; any broken invariant ends it with its seed."""

import argparse
import sys
from collections import Counter

from .store import Broken
from .world import World


def main() -> int:
    """Exit code 0 when every seed kept every invariant, 1 with the first that did not."""
    parser = argparse.ArgumentParser(prog="python -m p3s.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many runs (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed; with --seeds 1 it reproduces a run")
    asked = parser.parse_args()
    total: Counter[str] = Counter()
    for seed in range(asked.first, asked.first + asked.seeds):
        try:
            outcome = World(seed).run()
        except Broken as error:
            print(f"broken: {error}\nreproduce: python -m p3s.simulation --seeds 1 --first {seed}", file=sys.stderr)
            return 1
        total.update(outcome.jobs)
        total.update(
            starts=outcome.starts,
            server_crashes=outcome.server_crashes,
            pilot_kills=outcome.pilot_kills,
            amended=outcome.amended,
        )
    print(f"{asked.seeds} seeds kept every invariant: " + ", ".join(f"{n} {what}" for what, n in sorted(total.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
