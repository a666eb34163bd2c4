"""The measuring instruments work, whatever they show: each runs small, and documents and tasks know all of them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
DATABASES = ["sqlite", "postgresql"]


def bench(*words: str) -> dict[str, Any]:
    """One round as JSON."""
    command = [sys.executable, "-m", "benchmarks", *words, "--rounds", "1", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert len(found["rounds"]) == 1
    return found


def names() -> list[str]:
    command = [sys.executable, "-m", "benchmarks", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    listed = re.search(r"\{([a-z,]+)\}\n", done.stdout)
    assert listed, done.stdout
    return listed[1].split(",")


def test_each_is_described_and_has_its_task() -> None:
    described = (ROOT / "docs/performance.md").read_text()
    nightly = re.search(r"for name in (.*); do", (ROOT / "justfile").read_text())
    assert nightly
    found = names()
    assert "backlog" in found
    for name in found:
        assert f"| `{name}` |" in described, name
        assert re.search(rf"\b{name}\b", nightly[1]), name


@pytest.mark.parametrize("database", DATABASES)
def test_submissions_are_accepted(database: str) -> None:
    numbers = bench("submit", "--count", "20", "--database", database)["median"]
    assert numbers["single_per_s"] > 0
    assert numbers["bulk_per_s"] > 0


@pytest.mark.nightly
def test_jobs_start_with_pages_open() -> None:
    numbers = bench("latency", "--count", "10", "--pages", "3")["median"]
    assert 0 < numbers["p50_ms"] <= numbers["p99_ms"]
    assert 0 < numbers["pages_p50_ms"] <= numbers["pages_p99_ms"]
    assert numbers["page_reads_per_s"] > 0, "a page reads again what changed"


@pytest.mark.nightly
@pytest.mark.parametrize("database", DATABASES)
def test_a_backlog_is_handed_out_and_keeps_its_length(database: str) -> None:
    """That the length is kept, and that rows are counted at all, the benchmark itself asserts."""
    numbers = bench("backlog", "--count", "100", "--database", database)["median"]
    assert numbers["per_s_100"] > 0
    assert numbers["cpu_ms_100"] > 0
    assert numbers["rows_per_decision"] < 1, "a short queue is in memory"


@pytest.mark.nightly
@pytest.mark.parametrize("database", DATABASES)
def test_lineage_is_asked_for_all_files(database: str) -> None:
    numbers = bench("history", "--count", "50", "--database", database)["median"]
    assert numbers["lineage_things"] == 2 * 50 - 1, "the merge, the files that it reads and the jobs that wrote them"
    assert numbers["publish_cpu_ms"] >= 0
    assert numbers["trends_20_of_100_ms"] > 0


@pytest.mark.nightly
def test_throughput_counts_every_job() -> None:
    numbers = bench("throughput", "--count", "1000")["median"]
    assert numbers["jobs_per_s"] > 0
    assert numbers["cpu_ms_per_job"] > 0
    assert numbers["floor_ratio"] > 0


def test_a_peer_nobody_knows_is_refused() -> None:
    command = [sys.executable, "-m", "benchmarks", "peers", "--only", "nobody"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "no peer is called nobody; there are floor, p3s_sqlite" in done.stderr
