"""Idle pilots' waits end together and go on together; and the writer's answers reach the loop, each to its own."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from p3s.protocol.errors import Conflict
from p3s.server.door import waits
from p3s.server.door.answers import Answers, value_of
from p3s.server.door.waits import Lane, Waits

Server = Any
Until = Callable[..., Any]


class Ends:
    """What the waits asked of the broker."""

    def __init__(self) -> None:
        self.ended: list[set[Lane]] = []
        self.nudges = 0
        self.waits = Waits(self._end, self._nudge)

    def _end(self, lanes: Iterable[Lane]) -> None:
        self.ended.append(set(lanes))

    def _nudge(self) -> None:
        self.nudges += 1


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """With hundredths of the durations."""
    for name in ("STEP_S", "LONG_S", "PATIENCE_S"):
        monkeypatch.setattr(waits, name, getattr(waits, name) / 100)
    return Ends()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


def test_long_waits_end_together_and_never_later_than_asked(ends: Ends) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        lanes = {(f"p{number}", 1): ends.waits.add((f"p{number}", 1), 0.06) for number in range(50)}
        assert all(at <= loop.time() + 0.06 for at in lanes.values())
        assert all(at > began + 0.06 - waits.STEP_S for at in lanes.values())
        await until(lambda: sum(map(len, ends.ended)) == 50)
        assert set().union(*ends.ended) == set(lanes)
        assert len(ends.ended) <= len(set(lanes.values())) <= 5, "fifty at once are a few moments at most"

    asyncio.run(story())


def test_a_short_wait_lasts_as_long_as_was_asked(ends: Ends) -> None:
    async def story() -> None:
        now = asyncio.get_running_loop().time()
        assert ends.waits.add(("p", 1), waits.LONG_S / 2) >= now + waits.LONG_S / 2
        await until(lambda: ends.ended == [{("p", 1)}])
        assert not ends.waits.goes_on(("p", 2)), "whoever waits for a moment only is looked at at once"

    asyncio.run(story())


def test_a_wait_that_was_answered_does_not_end_again(ends: Ends) -> None:
    async def story() -> None:
        at = ends.waits.add(("p", 1), 0.06)
        ends.waits.add(("q", 1), 0.06)
        ends.waits.drop(("p", 1), at)
        await until(lambda: bool(ends.ended))
        ends.waits.drop(("p", 1), at)
        assert ends.ended == [{("q", 1)}]
        assert not ends.waits.goes_on(("p", 2))

    asyncio.run(story())


def test_waits_that_go_on_are_looked_at_together_in_a_moment(ends: Ends) -> None:
    async def story() -> None:
        for name in ("p", "q"):
            ends.waits.add((name, 1), 0.06)
        await until(lambda: sum(map(len, ends.ended)) == 2)
        assert [ends.waits.goes_on((name, 2)) for name in ("p", "q")] == [True, True]
        assert not ends.waits.goes_on(("p", 3)), "another exchange was between"
        assert ends.nudges == 0
        await until(lambda: ends.nudges > 0)
        assert ends.nudges == 1

    asyncio.run(story())


def test_answers_of_another_thread_come_each_to_its_own() -> None:
    async def story() -> list[Any]:
        answers = Answers()
        kept = [answers.promise() for _ in range(1000)]
        kept[7][0].cancel()

        def write() -> None:
            for number, (_, keep) in enumerate(kept):
                keep(number)

        writer = threading.Thread(target=write)
        writer.start()
        found = await asyncio.gather(*(promise for promise, _ in kept), return_exceptions=True)
        writer.join()
        return found

    found = asyncio.run(story())
    assert isinstance(found[7], asyncio.CancelledError)
    assert [one for one in found if isinstance(one, int)] == [number for number in range(1000) if number != 7]


def test_a_refusal_is_raised_where_its_answer_is_awaited() -> None:
    assert value_of(None) is None
    with pytest.raises(Conflict):
        value_of(Conflict("no"))


def test_a_wait_that_goes_on_is_given_what_comes(own_server: Callable[..., Server]) -> None:
    """The pilot's first wait ends unanswered, its second begins: a job that is submitted right then goes to it."""
    server = own_server(lease_s=300.0).start("--silent", "6.1")
    pilot = server.pilot()
    assert pilot.exchange(5.05).json()["orders"] == []
    answers: list[Any] = []
    waiter = threading.Thread(target=lambda: answers.append(pilot.exchange(5.05).json()))
    waiter.start()
    (job,) = server.submit()
    waiter.join()
    assert [order["job"] for order in answers[0]["orders"]] == [job]
