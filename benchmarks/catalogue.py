"""The benchmarks by name: how each is prepared, once, and what one round of it is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from . import idle, submit, work
from .backlog import backlog
from .classes import classes
from .history import history
from .lists import lists
from .peers.compare import Comparison
from .rig import Numbers
from .workflow import workflow


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
class Prepared:
    """`table` shows the rounds where lines do not do; `notes` says what could not be measured, and why."""

    run: Callable[[], Numbers]
    table: Callable[[list[Numbers]], str] | None = None
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """`prepare` is entered once and gives the round."""

    prepare: Callable[[Asked], AbstractContextManager[Prepared]]
    rounds: int = 3


def _plain(run: Callable[[Asked], Numbers]) -> Callable[[Asked], AbstractContextManager[Prepared]]:
    """A benchmark whose rounds share nothing."""
    return lambda asked: nullcontext(Prepared(lambda: run(asked)))


@contextmanager
def _backlog(asked: Asked) -> Iterator[Prepared]:
    with backlog(asked.database, asked.sized(1_000_000)) as run:
        yield Prepared(run)


@contextmanager
def _lists(asked: Asked) -> Iterator[Prepared]:
    with lists(asked.database, asked.sized(1_000_000)) as run:
        yield Prepared(run)


@contextmanager
def _history(asked: Asked) -> Iterator[Prepared]:
    with history(asked.database, asked.sized(10_000)) as run:
        yield Prepared(run)


@contextmanager
def _peers(asked: Asked) -> Iterator[Prepared]:
    comparison = Comparison(set(asked.only.split(",")) - {""}, asked.sized(4_000))
    yield Prepared(comparison.round, comparison.table, comparison.notes)


BENCHMARKS = {
    "floor": Benchmark(_plain(lambda asked: work.floor(asked.sized(5_000)))),
    "latency": Benchmark(_plain(lambda asked: work.latency(asked.database, asked.sized(200), asked.pages))),
    "throughput": Benchmark(_plain(lambda asked: work.beside_floor(asked.database, asked.sized(10_000)))),
    "submit": Benchmark(_plain(lambda asked: submit.submit(asked.database, asked.sized(2_000)))),
    "idle": Benchmark(_plain(lambda asked: idle.idle(asked.database, asked.sized(1_000)))),
    "backlog": Benchmark(_backlog, rounds=5),
    "list": Benchmark(_lists),
    "history": Benchmark(_history),
    "classes": Benchmark(_plain(lambda asked: classes(asked.sized(2_000)))),
    "workflow": Benchmark(_plain(lambda asked: workflow(asked.database, asked.sized(2_000)))),
    "peers": Benchmark(_peers),
}
