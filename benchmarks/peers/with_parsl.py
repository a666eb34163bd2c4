"""Parsl's HighThroughputExecutor: interchange and one block of 4 workers on this host, everything in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import parsl
from parsl import python_app
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

from .measure import SLOTS, System, main


@python_app
def run(words):  # type: ignore[no-untyped-def]  # sent to the worker as it is, which does not know this module
    """The job."""
    import subprocess

    subprocess.run(words, check=True)


class Parsl:
    def start(self, words: list[str]) -> None:
        run(words)

    def run_all(self, words: list[str], count: int) -> None:
        for future in [run(words) for _ in range(count)]:
            future.result()


@contextmanager
def begin(directory: Path) -> Iterator[System]:
    executor = HighThroughputExecutor(
        address="127.0.0.1", max_workers_per_node=SLOTS, provider=LocalProvider(init_blocks=1, max_blocks=1)
    )
    with parsl.load(Config(executors=[executor], strategy="none", run_dir=str(directory / "runs"))):
        yield Parsl()


if __name__ == "__main__":
    main(begin)
