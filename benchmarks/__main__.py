"""`uv run python -m benchmarks NAME [--json] [--rounds N] [--count N] [--database sqlite|postgresql]`."""

import argparse
import json
import sys
from statistics import median

from .catalogue import BENCHMARKS, Asked
from .rig import Numbers


def main() -> int:
    """Rounds; their medians and spread."""
    asked = _asked()
    benchmark = BENCHMARKS[asked.name]
    rounds: list[Numbers] = []
    with benchmark.prepare(asked) as prepared:
        for number in range(asked.rounds or benchmark.rounds):
            rounds.append(prepared.run())
            print(f"round {number + 1}: {_words(rounds[-1])}", file=sys.stderr, flush=True)
    if asked.json:
        middle = {key: _median(key, rounds) for key in _keys(rounds)}
        shown = {"name": asked.name, "database": asked.database, "rounds": rounds, "median": middle}
        print(json.dumps({**shown, "notes": prepared.notes}))
    else:
        print((prepared.table or spread)(rounds))
    return 0


def _asked() -> Asked:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=list(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--rounds", type=int, default=0, help="default: that of the benchmark, 3 or 5")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--count", type=int, default=0, help="how much a round does (default: that of the benchmark)")
    parser.add_argument("--pages", type=int, default=0, help="latency: again with so many live pages open")
    parser.add_argument("--only", default="", help="peers: these, separated by commas")
    return Asked(**vars(parser.parse_args()))


def _keys(rounds: list[Numbers]) -> list[str]:
    return list(dict.fromkeys(key for one in rounds for key in one))


def _median(key: str, rounds: list[Numbers]) -> float | None:
    """Over the rounds that measured it."""
    found = [value for one in rounds if (value := one.get(key)) is not None]
    return median(found) if found else None


def spread(rounds: list[Numbers]) -> str:
    """A line a number: its median, lowest and highest round."""
    lines = []
    for key in _keys(rounds):
        found = [value for one in rounds if (value := one.get(key)) is not None]
        words = f"{median(found):10.4g}   ({min(found):.4g} to {max(found):.4g})" if found else "not measured"
        lines.append(f"{key:28} {words}")
    return "\n".join(lines)


def _words(numbers: Numbers) -> str:
    return ", ".join(f"{key} {'-' if value is None else f'{value:.3g}'}" for key, value in numbers.items())


if __name__ == "__main__":
    sys.exit(main())
