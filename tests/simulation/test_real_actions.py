"""The real broker, actions and SQL do, transaction by transaction, what the pure rules do over a dictionary."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SEEDS = int(os.environ.get("P3S_REAL_SEEDS", "12"))
"""The nightly run sets 200."""

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("real_actions.py")


def run(directory: Path, database: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own: Django reads its settings once a process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "DJANGO_"))}
    own = {"P3S_SERVER_DIR": str(directory), "P3S_DATABASE": database, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        env={**kept, **own},
        capture_output=True,
        text=True,
        timeout=30 * SEEDS,
        check=False,
    )


@pytest.mark.timeout(30 * SEEDS)
def test_the_server_does_what_the_rules_say(database: Callable[[], str], tmp_path: Path) -> None:
    done = run(tmp_path, database(), "0", str(SEEDS))
    assert done.returncode == 0, done.stderr[-4000:]
    said = re.search(r"(\d+) seeds, (\d+) batches, (\d+) quiet, (\d+) planted failures", done.stdout)
    assert said, done.stdout
    seeds, _, quiet, failures = map(int, said.groups())
    assert seeds == SEEDS
    assert min(quiet, failures) > 0, "these happened too"


DEFECTS = [
    "an end is written without its reason",
    "the lane of an order is not written",
    "a returned job keeps its pilot",
    "a key is forgotten",
    "what was published is not seen",
    "a batch that failed is half kept",
    "a refused report is not recorded",
    "a pause is not written",
    "what a pilot is told is not written",
]

SHOWS_LATE = {"a refused report is not recorded": 24}
"""Seeds before this one do not come to it: they are not gone through each time."""


AT_NIGHT = DEFECTS[4:]
"""Each takes ten seconds and more; a few show every day that defects are seen."""


@pytest.mark.parametrize(
    "defect", [pytest.param(one, marks=pytest.mark.nightly) if one in AT_NIGHT else one for one in DEFECTS]
)
def test_a_planted_defect_is_noticed(defect: str, tmp_path: Path) -> None:
    """On SQLite: the defects are in what both databases share."""
    done = run(tmp_path, "", str(SHOWS_LATE.get(defect, 0)), "40", defect)
    assert done.returncode == 1, f"not noticed: {done.stdout} {done.stderr[-2000:]}"
    assert done.stderr.startswith("seed "), done.stderr[-4000:]
