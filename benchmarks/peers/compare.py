"""`peers`: p3s, the floor and the peers in turn, round after round, and a table of them all."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from platformdirs import user_cache_path

from benchmarks import work
from benchmarks.rig import HERE, Numbers, compiled, scratch

from .pins import PEERS, PSUTIL, PYTHON, Peer

COLUMNS = ("p50_ms", "p95_ms", "p99_ms", "jobs_per_s", "cpu_ms_per_job")
TITLES = ("W1 p50, ms", "p95", "p99", "W2 jobs/s", "CPU ms/job")
OURS = {
    "p3s_sqlite": "SQLite, each commit to disk",
    "p3s_postgresql": "PostgreSQL, each commit to disk",
}
SINGLES = 200
LONGEST_S = 600


class CannotMeasure(Exception):
    """One line that says why."""


class Comparison:
    """`only`: some of the names, empty for all. `count`: jobs of W2, in thousands; W1 has a twentieth, 200 at most."""

    def __init__(self, only: set[str], count: int) -> None:
        self.count = max(1, count // 1_000) * 1_000
        self.singles = min(SINGLES, self.count // 20)
        self.turns: dict[str, Callable[[], Numbers]] = {"floor": self._floor}
        self.turns |= {name: partial(self._ours, name.removeprefix("p3s_")) for name in OURS}
        self.turns |= {peer.name: partial(self._theirs, peer) for peer in PEERS}
        unknown = only - set(self.turns)
        if unknown:
            raise SystemExit(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(self.turns)}")
        self.turns = {name: turn for name, turn in self.turns.items() if not only or name in only}
        #: Why a peer was not measured.
        self.notes: dict[str, str] = {}

    def round(self) -> Numbers:
        """Each in turn; one that cannot be measured is noted and passed over from then on."""
        numbers: Numbers = {}
        for name, turn in self.turns.items():
            if name in self.notes:
                continue
            try:
                numbers |= {f"{name} {key}": value for key, value in turn().items()}
            except CannotMeasure as error:
                self.notes[name] = str(error)
                print(f"{name}: not measured: {error}", file=sys.stderr, flush=True)
        return numbers

    def table(self, rounds: list[Numbers]) -> str:
        """Markdown: medians, and in brackets the lowest and highest round."""
        durabilities = {"floor": "-", **OURS, **{peer.name: peer.durability for peer in PEERS}}
        lines = [f"| system | durability | {' | '.join(TITLES)} |", "|---" * (2 + len(TITLES)) + "|"]
        for name in self.turns:
            if name in self.notes:
                lines.append(f"| {name} | not measured: {self.notes[name]} |")
                continue
            cells = [_cell([value for one in rounds if (value := one.get(f"{name} {key}"))]) for key in COLUMNS]
            lines.append(f"| {name} | {durabilities[name]} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def _floor(self) -> Numbers:
        return {"jobs_per_s": work.floor(self.count)["spawns_per_s"]}

    def _ours(self, database: str) -> Numbers:
        return {**work.latency(database, self.singles), **work.throughput(database, self.count)}

    def _theirs(self, peer: Peer) -> Numbers:
        python = _environment(peer)
        with scratch() as directory:
            program = compiled("stamp", directory)
            programs = {"PATH": f"{python.parent}:{os.environ['PATH']}"}  # some start programs of their own by name
            command = [str(python), "-m", peer.module, str(program), str(self.singles), str(self.count)]
            try:
                done = _run(command, **programs)
            except subprocess.TimeoutExpired:
                raise CannotMeasure(f"did not end within {LONGEST_S} s") from None
        if done.returncode:
            raise CannotMeasure(_shortened(done.stderr))
        found: Numbers = json.loads(done.stdout.splitlines()[-1])
        return found


def _cell(found: list[float]) -> str:
    if not found:
        return "-"
    return f"{median(found):.3g} ({min(found):.3g} to {max(found):.3g})"


def _environment(peer: Peer) -> Path:
    """The Python of the peer's environment, which is made when it is not there; raises CannotMeasure."""
    if peer.program and shutil.which(peer.program) is None:
        raise CannotMeasure(f"{peer.program} is not installed: apt-get install {peer.program}")
    mark = hashlib.sha256(" ".join([PYTHON, PSUTIL, *peer.pins]).encode()).hexdigest()[:8]
    directory = user_cache_path("p3s-benchmarks") / f"{peer.name}-{mark}"
    python = directory / "bin" / "python"
    if not (directory / "complete").exists():
        for words in (
            ["venv", "--clear", "--python", PYTHON, str(directory)],
            ["pip", "install", "--python", str(python), PSUTIL, *peer.pins],
        ):
            done = _run(["uv", "--no-config", *words])  # our own constraints are not theirs
            if done.returncode:
                raise CannotMeasure(f"cannot be installed: {_shortened(done.stderr)}")
        (directory / "complete").touch()
    return python


def _run(command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    ours = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    return subprocess.run(
        command,
        cwd=HERE.parent,
        env={**ours, **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def _shortened(text: str) -> str:
    """The end of what a program said, on one line: that is where it says why."""
    return " ".join(text.split())[-300:] or "no reason was given"
