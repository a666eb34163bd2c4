"""The head of a queue is a window of what its pick takes first, whatever is added, taken and read again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p3s.domain.effects import Queued, Spec
from p3s.domain.queue import PLACES, Head
from p3s.protocol.messages import ANYWHERE

Office = Any
KEY = ("t", 0, ANYWHERE, 0.0)


def queued(number: int, eta_at: float | None = None) -> Queued:
    return Queued(number, f"job{number}", 0, "t", 0, Spec("x", eta_at=eta_at))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.none() | st.integers(0, 9).map(float)),
        st.tuples(st.sampled_from(["take", "cancel", "return", "refill"]), st.integers(0, 99)),
        st.tuples(st.just("pick"), st.sampled_from(["fifo", "freshest", "deadline"])),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.sampled_from(["fifo", "freshest", "deadline"]), st.integers(1, 4))
def test_jobs_go_out_in_the_order_of_the_pick(steps: list[tuple[str, Any]], pick: str, limit: int) -> None:
    head, rows, taken = Head(KEY, pick, limit), dict[str, Queued](), list[Queued]()
    for number, (what, detail) in enumerate(steps):
        if what == "add":
            job = queued(number, detail)
            rows[job.job] = job
            head.add(job)
        elif what == "pick":
            head.sort_by(detail)
        elif what == "take" and (first := head.first()) is not None:
            assert first == min(rows.values(), key=PLACES[head.pick])
            head.remove(first.job)
            taken.append(rows.pop(first.job))
        elif what == "cancel" and rows:
            job = list(rows.values())[detail % len(rows)]
            del rows[job.job]
            head.remove(job.job)
        elif what == "return" and taken:
            job = taken.pop(detail % len(taken))
            rows[job.job] = job
            head.add(job)
        if head.hungry:
            ordered = sorted(rows.values(), key=PLACES[head.pick])
            head.refill(ordered[:limit], len(ordered) > limit)
        place = PLACES[head.pick]
        assert head.waiting == len(rows)
        assert set(head.jobs) == {name for name, job in rows.items() if head.bound is None or place(job) < head.bound}
        assert len(head.jobs) <= limit + limit // 2
        assert bool(rows) == (head.first() is not None)


def pick_office(make_office: Any, pick: str) -> Office:
    office = make_office(window=3)
    office.declare("t", pick=pick)
    return office


def order_of(office: Office, slots: int = 20) -> list[str]:
    office.register("p", slots=slots)
    return [order.job for order in office.lane("p", 1).orders]


def test_freshest_takes_the_newest_first_with_a_long_backlog_behind_it(make_office: Any) -> None:
    office = pick_office(make_office, "freshest")
    office.submit(12, "t")
    office.register("p", slots=1)
    assert [order.job for order in office.lane("p", 1).orders] == ["job12"]
    office.submit(1, "t")
    office.lane("p", 2, acked=1)
    office.report("p", "job12", 1, "finished")
    assert office.ordered() == ["job13"]
    assert len(office.book.queues.heads["t", 0, ANYWHERE, 0.0].jobs) <= 4


def test_freshest_hands_out_the_whole_backlog_newest_first(make_office: Any) -> None:
    office = pick_office(make_office, "freshest")
    office.submit(11, "t")
    assert order_of(office) == [f"job{number}" for number in range(11, 0, -1)]


def test_deadline_takes_the_earliest_eta_first_and_those_without_one_last(make_office: Any) -> None:
    office = pick_office(make_office, "deadline")
    for eta_at in (None, 1500.0, 1200.0, None, 1900.0, 1200.0, 1100.0):
        office.submit(1, "t", eta_at=eta_at)
    assert order_of(office) == ["job7", "job3", "job6", "job2", "job5", "job1", "job4"]


def test_another_pick_is_in_force_at_once_also_for_what_only_the_rows_know(make_office: Any) -> None:
    office = pick_office(make_office, "fifo")
    office.submit(9, "t")
    office.declare("t", pick="freshest")
    assert order_of(office) == [f"job{number}" for number in range(9, 0, -1)]


def test_another_cap_is_in_force_at_once(make_office: Any) -> None:
    office = make_office(caps={"t": 0})
    office.register("p", slots=9)
    office.submit(5, "t")
    office.lane("p", 1)
    assert office.ordered() == []
    office.declare("t", cap=2)
    assert office.ordered() == ["job1", "job2"]
    office.lane("p", 2, acked=2)
    office.declare("t")
    assert office.ordered() == ["job3", "job4", "job5"]


@pytest.mark.parametrize("kinds", [70, 200])
def test_classes_without_jobs_are_forgotten(office: Office, kinds: int) -> None:
    office.register("p", slots=kinds)
    office.lane("p", 1)
    for number in range(kinds):
        office.submit(1, priority=number)
        office.lane("p", number + 2, acked=number + 1)
    assert len(office.book.queues.heads) <= 65
