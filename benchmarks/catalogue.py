"""The benchmarks by name: how each is prepared, once, and what one round of it is."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from . import idle, submit, work
from .backlog import backlog
from .rig import Numbers

Round = Callable[[], Numbers]


@dataclass(frozen=True)
class Asked:
    """The command line."""

    name: str
    json: bool
    rounds: int
    database: str
    count: int
    pages: int
    only: str

    def sized(self, default: int) -> int:
        """How much a round does."""
        return self.count or default


@dataclass(frozen=True)
class Benchmark:
    """`prepare` is entered once and gives the round; `table` shows the rounds where lines do not do."""

    prepare: Callable[[Asked], AbstractContextManager[Round]]
    rounds: int = 3
    table: Callable[[list[Numbers]], str] | None = None


def _plain(run: Callable[[Asked], Numbers]) -> Callable[[Asked], AbstractContextManager[Round]]:
    """A benchmark whose rounds share nothing."""
    return lambda asked: nullcontext(lambda: run(asked))


BENCHMARKS = {
    "floor": Benchmark(_plain(lambda asked: work.floor(asked.sized(5_000)))),
    "latency": Benchmark(_plain(lambda asked: work.latency(asked.database, asked.sized(200), asked.pages))),
    "throughput": Benchmark(_plain(lambda asked: work.beside_floor(asked.database, asked.sized(10_000)))),
    "submit": Benchmark(_plain(lambda asked: submit.submit(asked.database, asked.sized(2_000)))),
    "idle": Benchmark(_plain(lambda asked: idle.idle(asked.database, asked.sized(1_000)))),
    "backlog": Benchmark(lambda asked: backlog(asked.database, asked.sized(1_000_000)), rounds=5),
}
