"""Bad weather from a seed: every invariant holds, a seed repeats itself, and planted defects do not pass."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from p3s.domain import brokerage, exchange, expiry, retries
from p3s.domain.book import _APPLY, Book
from p3s.domain.effects import Effect, JobEnded, JobHeld, JobReturned
from p3s.domain.exchange import Known
from p3s.domain.lifecycle import InvalidMove
from p3s.domain.pool import PilotEntry
from p3s.pilot.machine import Machine
from p3s.protocol.messages import JobSpec, Report
from p3s.simulation.fleet import SimPilot
from p3s.simulation.network import Weather
from p3s.simulation.server import SimServer
from p3s.simulation.store import Broken, Store
from p3s.simulation.world import World
from p3s.simulation.worlds import Boastful, Busy, Quick, draw

SEEDS = int(os.environ.get("P3S_SEEDS", "15"))
"""The nightly run sets thousands."""

WITHIN = 60
"""Seeds of the busy world within which a planted defect must show."""


BLOCK = 10


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_every_seed_keeps_every_invariant(first: int) -> None:
    for seed in range(first, min(first + BLOCK, SEEDS)):
        draw(seed).run()


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(274, id="more stale jobs than one round drops"),
        pytest.param(1926, id="two attempts of a job reported at once, of which results are expected"),
    ],
)
def test_seeds_that_once_broke_an_invariant(seed: int) -> None:
    draw(seed).run()


def test_seeds_draw_every_world() -> None:
    assert {type(draw(seed)) for seed in range(SEEDS)} == {World, Busy, Boastful, Quick}


def test_a_server_that_repeats_itself_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    repeat_confirmed_orders(monkeypatch)
    for seed in range(max(4, SEEDS // 10)):
        Busy(seed).run()


def test_quick_jobs_are_ordered_ahead_of_free_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the world of quick jobs would show nothing."""
    ahead = 0
    hold = Book.hold

    def count(self: Book, entry: Any, out: Any) -> None:
        nonlocal ahead
        ahead += entry.free <= 0
        hold(self, entry, out)

    monkeypatch.setattr(Book, "hold", count)
    for seed in range(4):
        Quick(seed).run()
    assert ahead > 10


@pytest.mark.parametrize("seed", [3, 14])
def test_the_same_seed_comes_to_the_same_outcome(seed: int) -> None:
    assert World(seed).run() == World(seed).run()


def test_seeds_differ() -> None:
    assert replace(World(1).run(), seed=0) != replace(World(2).run(), seed=0)


def test_the_weather_is_bad_enough_to_mean_something() -> None:
    outcomes = [World(seed).run() for seed in range(15)]
    assert sum(one.server_crashes for one in outcomes) > 15
    assert sum(one.pilot_kills for one in outcomes) > 3
    assert sum(one.jobs.get("lost", 0) for one in outcomes) > 0
    assert sum(one.jobs.get("cancelled", 0) for one in outcomes) > 0
    assert sum(one.registrations for one in outcomes) > sum(1 for _ in outcomes)


def test_what_the_rules_are_for_happens_too() -> None:
    """Retries, re-runs, holds, drops of every kind, doubts: in some of these seeds at least."""
    seen: Counter[str] = Counter()

    class Counted(Busy):
        def _witness(self, effect: Effect) -> None:
            super()._witness(effect)
            seen[type(effect).__name__] += 1
            seen[str(getattr(effect, "reason", ""))] += 1

    for seed in range(20):
        world = Counted(seed)
        world.run()
        seen["retried"] += sum(row.retried for row in world.store.jobs.values())
        seen["rerun"] += sum(bool(row.rerun_of) for row in world.store.jobs.values())
    for what in ("JobHeld", "JobReleased", "JobAdjusted", "HostDoubted", "TypeDeclared", "retried", "rerun"):
        assert seen[what], what
    for reason in ("stale", "superseded", "shed", "nonstarter", "published nothing", "results missing"):
        assert seen[reason], reason


class OneLacks(World):
    """Ten hosts of four slots, a thousand jobs of ten seconds; on one host the program is not there. Fair weather."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.calm = True
        self.network.weather = Weather(0, 0, 0, 0.01)
        self.server.wait_s, self.server.lease_s = 20.0, 60.0
        self.truth.lacking.add(("host0", "program"))

    def run_all(self) -> Counter[str]:
        for number in range(10):
            pilot = SimPilot(self.clock, self.site, self.chance, self.truth, f"p{number}", 4, host=f"host{number}")
            pilot.lengths = {"": [10.0]}
            self.pilots.append(pilot)
        for part in range(10):
            self._submit(f"key{part}", [JobSpec("program", jobtype="program")] * 100)
        self.clock.run(900.0)
        self._judge()
        return Counter(str(row.reason) for row in self.store.jobs.values())


@pytest.mark.parametrize("seed", range(3))
def test_a_host_that_lacks_the_program_costs_three_times_its_slots_of_a_thousand_jobs(seed: int) -> None:
    ends = OneLacks(seed).run_all()
    assert sum(ends.values()) == 1_000
    assert 3 <= ends["nonstarter"] <= 3 * 4


def test_without_doubts_that_host_would_eat_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail."""
    monkeypatch.setattr("p3s.domain.suspects.judge", lambda *_: [])
    assert OneLacks(0).run_all()["nonstarter"] > 100


# ---- planted defects: each must be caught, or the simulation proves nothing

Plant = Callable[[pytest.MonkeyPatch], None]
PLANTS: dict[str, Plant] = {}


def plant(defect: Plant) -> Plant:
    PLANTS[defect.__name__.replace("_", " ")] = defect
    return defect


def repeat_confirmed_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every new order the server sends the old ones again, confirmed or not."""
    due = exchange.due

    def again(entry: Any, token_of: Any) -> Any:
        orders, instructions = due(entry, token_of)
        if orders:
            acked, entry.acked = entry.acked, 0
            orders = due(entry, token_of)[0]
            entry.acked = acked
        return orders, instructions

    monkeypatch.setattr(exchange, "due", again)


@plant
def the_pilot_forgets_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    repeat_confirmed_orders(monkeypatch)
    take = Machine._take

    def forgetful(self: Machine, *arguments: Any) -> Any:
        self.seen.clear()
        return take(self, *arguments)

    monkeypatch.setattr(Machine, "_take", forgetful)


@plant
def the_server_takes_a_report_of_any_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = exchange.judge_report

    def unfenced(book: Book, pilot: str, report: Any, past: Any, now: float) -> Any:
        out = book.out.get(report.job)
        if out is not None:
            report, pilot = replace(report, attempt=out.attempt), out.pilot
        return judge(book, pilot, report, past, now)

    monkeypatch.setattr(exchange, "judge_report", unfenced)


@plant
def the_server_hands_out_beyond_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokerage, "under_cap", lambda *_: True)


@plant
def the_pilot_ignores_the_end_of_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "lease_ends_at", lambda _: float("inf"))


@plant
def the_pilot_counts_its_lease_from_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Machine.lane_answered

    def late(self: Machine, reply: Any, _: float, now: float) -> Any:
        return answered(self, reply, now + 15.0, now)

    monkeypatch.setattr(Machine, "lane_answered", late)


@plant
def the_server_adds_jobs_again_for_a_key_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = SimServer.submit

    def forgetful(self: SimServer, key: str, wanted: Any, reply: Any) -> None:
        self.store.submissions.pop(key, None)
        submit(self, key, wanted, reply)

    monkeypatch.setattr(SimServer, "submit", forgetful)


@plant
def an_end_frees_the_cap_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Book.ended

    def twice(self: Book, effect: JobEnded) -> None:
        if effect.job in self.out:
            self.in_use[self.out[effect.job].jobtype] -= 1
        ended(self, effect)

    monkeypatch.setitem(_APPLY, JobEnded, twice)


@plant
def orders_that_were_not_confirmed_do_not_go_again(monkeypatch: pytest.MonkeyPatch) -> None:
    due = exchange.due
    told: set[tuple[str, int]] = set()

    def once(entry: Any, token_of: Any) -> Any:
        orders, instructions = due(entry, token_of)
        fresh = [order for order in orders if (entry.pilot, order.number) not in told]
        told.update((entry.pilot, order.number) for order in orders)
        return fresh, instructions

    monkeypatch.setattr(exchange, "due", once)


@plant
def the_server_counts_silence_from_before_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "silent_for", lambda _, entry, now: now - entry.last_seen)


@plant
def the_pilot_drops_a_report_that_got_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("call_failed", "lane_failed"):
        fail = getattr(Machine, name)

        def careless(self: Machine, kind: str, now: float, fail: Any = fail) -> Any:
            self.outbox.clear()
            return fail(self, kind, now)

        monkeypatch.setattr(Machine, name, careless)


@plant
def the_server_answers_before_it_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Store.commit

    def lazily(self: Store) -> None:
        commit(self)
        self.lazy = getattr(self, "lazy", 0) + 1  # type: ignore[attr-defined]
        if self.lazy % 7 == 0 and self.jobs:  # type: ignore[attr-defined]
            self.jobs.popitem()

    monkeypatch.setattr(Store, "commit", lazily)


@plant
def a_refused_order_keeps_its_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    returned = Book.returned

    def same(self: Book, effect: Any) -> None:
        self.out[effect.job].attempt -= 1
        returned(self, effect)

    monkeypatch.setitem(_APPLY, JobReturned, same)


@plant
def a_pilot_is_given_more_than_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokerage, "has_room", lambda *_: True)


@plant
def a_spoiled_attempt_is_tried_again_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    again = retries.end_or_again

    def endless(book: Book, out: Any, ended: Any, now: float) -> Any:
        return again(book, replace(out, retried=0), ended, now)

    monkeypatch.setattr(exchange, "end_or_again", endless)


@plant
def a_retry_starts_before_the_lease_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "silent_for", lambda _, entry, now: (now - entry.last_seen) * 3)


@plant
def a_job_that_was_run_again_is_amended(monkeypatch: pytest.MonkeyPatch) -> None:
    late = exchange._judge_late

    def forgetful(book: Book, pilot: str, report: Report, known: Known, now: float) -> Any:
        past = {job: replace(row, rerun=False) for job, row in known.past.items()}
        return late(book, pilot, report, replace(known, past=past), now)

    monkeypatch.setattr(exchange, "_judge_late", forgetful)


@plant
def what_a_job_should_have_published_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "judged", lambda ended, *_: [ended])


@plant
def a_held_job_stays_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_APPLY, JobHeld, lambda *_: None)


@plant
def a_freed_slot_keeps_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    release = PilotEntry.release

    def forgetful(self: PilotEntry, out: Any) -> None:
        release(self, out)
        self.memory += out.spec.needs.memory

    monkeypatch.setattr(PilotEntry, "release", forgetful)


@dataclass
class Caught:
    seed: int
    error: BaseException


@pytest.fixture
def search() -> Callable[[], Caught | None]:
    def first() -> Caught | None:
        for seed in range(WITHIN):
            try:
                (Boastful if seed % 2 else Busy)(seed).run()
            except (Broken, InvalidMove, KeyError, AssertionError) as error:
                return Caught(seed, error)
        return None

    return first


@pytest.mark.parametrize("defect", PLANTS)
def test_a_planted_defect_is_caught(
    defect: str, monkeypatch: pytest.MonkeyPatch, search: Callable[[], Caught | None]
) -> None:
    PLANTS[defect](monkeypatch)
    assert search() is not None, f"{WITHIN} seeds did not notice that {defect}"
