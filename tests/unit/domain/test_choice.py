"""The order of choice: the same as by looking at every class, without looking at every class."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p3s.domain import brokerage, choice
from p3s.domain.book import Book
from p3s.domain.effects import Queued, Spec
from p3s.domain.needs import Offer
from p3s.domain.pool import PilotEntry
from p3s.protocol.messages import ANYWHERE, JobTypeSpec, Needs
from p3s.protocol.states import PilotState

NOW = 100.0
TYPES = {
    "fifo": JobTypeSpec("fifo"),
    "fresh": JobTypeSpec("fresh", pick="freshest"),
    "soon": JobTypeSpec("soon", pick="deadline"),
    "capped": JobTypeSpec("capped", cap=0),
}


def pilot(name: str, site: str = "", cores: int = 4, memory: int = 4, gpus: int = 0, **more: Any) -> PilotEntry:
    tags = frozenset(more.pop("tags", ()))
    offer = Offer(site, cores, memory, gpus, tags)
    return PilotEntry(name, "host", 4, PilotState.ACTIVE, 60.0, "", NOW, offer=offer, **more)


def by_looking_at_all(book: Book) -> list[str]:
    """What `_in_turn` must find, by the definition."""
    found: list[tuple[Any, str]] = []
    heads = [head for head in book.queues.heads.values() if brokerage.under_cap(book, head.key[0])]
    end = max((head.key[1] for head in heads if head.hungry), default=-99)
    for head in heads:
        job, fits = head.first(), brokerage.fitting(book, head.key, NOW)
        if job is not None and head.key[1] > end and any(fits(room) for room in book.ready.groups):
            turn = (book.queues.served[head.key[0]], head.key[0])
            found.append(((-head.key[1], turn, head.place()), job.job))
    return [job for _, job in sorted(found)]


def in_turn(book: Book) -> list[str]:
    return [job.job for job, _, _ in brokerage._in_turn(book, book.ready, NOW)]


needs = st.sampled_from(
    [
        *(Needs(cores=cores) for cores in (2, 5)),
        *(Needs(memory=memory, gpus=memory % 2) for memory in range(1, 7)),
        *(Needs(site=site, tags=tags, memory=memory) for site in "ab" for tags in ((), ("x",)) for memory in (0, 3)),
        Needs(tags=("x", "y")),
    ]
)
jobs = st.tuples(
    st.sampled_from(list(TYPES)),
    st.integers(-1, 1),
    needs | needs | st.just(ANYWHERE),
    st.sampled_from([0.0, 0.0, 0.0, 5.0, 50.0]),
    st.none() | st.integers(90, 120).map(float),
)
pilots = st.builds(
    pilot,
    st.sampled_from(["p", "q", "r", "s"]),
    st.sampled_from(["", "a", "b"]),
    memory=st.integers(0, 6),
    gpus=st.integers(0, 1),
    tags=st.sampled_from([(), ("x",), ("x", "y", "z")]),
    until=st.sampled_from([float("inf"), NOW + 10, NOW + 60]),
    cores=st.integers(1, 4),
)
steps = st.lists(
    st.tuples(st.just("job"), jobs)
    | st.tuples(st.just("gone"), st.integers(0, 10**6))
    | st.tuples(st.just("pilot"), pilots)
    | st.tuples(st.just("left"), st.integers(0, 10**6))
    | st.tuples(st.just("taken"), st.integers(0, 10**6))
    | st.tuples(st.just("look"), st.none()),
    min_size=5,
    max_size=40,
)


class Stage:
    """A book that is changed directly; `queued` are its jobs."""

    def __init__(self) -> None:
        self.book = Book(0.0, window=3)
        self.book.types = dict(TYPES)
        self.queued: list[Queued] = []
        self.numbers = iter(range(1, 10**6))

    def job(self, one: Any) -> None:
        jobtype, priority, needs, time_limit, eta_at = one
        number = next(self.numbers)
        spec = Spec("", {}, time_limit, needs, eta_at)
        self.queued.append(Queued(number, f"job{number}", 0, jobtype, priority, spec))
        self.book.queues.add(self.queued[-1])

    def gone(self, which: int) -> None:
        if self.queued:
            job = self.queued.pop(which % len(self.queued))
            self.book.queues.remove(job.key, job.job)

    def taken(self, which: int) -> None:
        if self.queued:
            self.book.queues.serve(self.queued[which % len(self.queued)].jobtype)
            self.gone(which)

    def pilot(self, entry: PilotEntry) -> None:
        if entry.pilot not in self.book.pilots:
            self.book.restore_pilot(entry)
            self.book.open_lane(entry, 1, 0)

    def left(self, which: int) -> None:
        names = list(self.book.pilots)
        if names:
            entry = self.book.pilots.pop(names[which % len(names)])
            self.book.close_lane(entry)
            self.book.queues.left(entry.offer)

    def look(self, _: None) -> None:
        assert in_turn(self.book) == by_looking_at_all(self.book)
        assert in_turn(self.book) == by_looking_at_all(self.book)  # looking in vain changes nothing


@settings(max_examples=400)
@given(st.lists(jobs, min_size=10, max_size=40), st.lists(pilots, min_size=1, max_size=4), steps)
def test_the_order_is_that_of_looking_at_all(first: Any, there: Any, taken: list[tuple[str, Any]]) -> None:
    stage, most = Stage(), choice.MOST_IN_BLOCK
    choice.MOST_IN_BLOCK = 3
    for one in first:
        stage.job(one)
    for one in there:
        stage.pilot(one)
    try:
        for what, value in taken:
            getattr(stage, what)(value)
        stage.look(None)
    finally:
        choice.MOST_IN_BLOCK = most


def test_jobs_of_many_classes_go_in_the_order_in_which_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "MOST_IN_BLOCK", 3)
    stage, chance = Stage(), random.Random(5)
    stage.pilot(pilot("p", memory=100))
    stage.book.queues.window = 100
    for _ in range(150):
        stage.job(("fifo", 0, Needs(memory=chance.randint(1, 12)), 0.0, None))
    gone = []
    while going := in_turn(stage.book):
        gone.append(going[0])
        stage.gone([job.job for job in stage.queued].index(going[0]))
    assert gone == [f"job{number}" for number in range(1, 151)]


def looked_at(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many heads one look at the first candidate takes."""
    count = 0
    candidate = brokerage._candidate

    def counted(*words: Any) -> Any:
        nonlocal count
        count += 1
        return candidate(*words)

    in_turn(stage.book)  # blocks that were looked at in vain are skipped from then on
    monkeypatch.setattr(brokerage, "_candidate", counted)
    next(brokerage._in_turn(stage.book, stage.book.ready, NOW), None)
    return count


@pytest.mark.parametrize(
    "hopeless",
    [
        lambda n: Needs(memory=10 + n),
        lambda n: Needs(tags=(f"t{n}",)),
        lambda n: Needs(site=f"s{n}"),
        lambda n: Needs(cores=4, memory=n % 5),
    ],
    ids=["memory", "tags", "sites", "all cores"],
)
def test_of_a_thousand_classes_that_cannot_go_few_are_looked_at(hopeless: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    entry = pilot("p")
    entry.cores = 3
    stage.pilot(entry)
    for number in range(1_000):
        stage.job(("fifo", 1, hopeless(number), 0.0, None))
    stage.job(("fifo", 0, ANYWHERE, 0.0, None))
    assert in_turn(stage.book) == ["job1001"]
    assert looked_at(stage, monkeypatch) == 1


def test_of_a_thousand_classes_that_fit_the_first_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    stage.pilot(pilot("p", memory=10**6))
    for number in range(1_000):
        stage.job(("fifo", 1, Needs(memory=number + 1), 0.0, None))
    assert looked_at(stage, monkeypatch) == 1


def test_a_pilot_of_a_new_kind_brings_what_stood_aside_into_the_order() -> None:
    stage = Stage()
    stage.job(("fifo", 0, Needs(tags=("x",)), 0.0, None))
    stage.pilot(pilot("p"))
    assert in_turn(stage.book) == []
    stage.pilot(pilot("q", tags=("x",)))
    assert in_turn(stage.book) == ["job1"]


def test_windows_are_small_when_there_are_very_many_classes() -> None:
    stage = Stage()
    stage.book.queues.window = 2_000
    for number in range(3_000):
        stage.job(("fifo", 0, Needs(memory=number + 1), 0.0, None))
    heads = list(stage.book.queues.heads.values())
    assert (heads[0].limit, heads[-1].limit) == (2_000, 20)
