"""Twice as much data as the slots can do, for ten minutes: results stay fresh, the rest is dropped on the record."""

from collections.abc import Callable

import pytest

from p3s.domain import brokerage, shedding
from p3s.simulation.overload import CASES, ETA_S, Figures, Flood, critical, freshest, late, oldest

SEEDS = range(3)


def judge_freshest(figures: Figures) -> None:
    """The bars."""
    (tale,) = figures.tales.values()
    assert figures.busy >= 0.98
    assert figures.inside >= 0.95, "capacity that became results within the ETA"
    assert tale.oldest_s <= 2 * ETA_S
    assert tale.results + tale.dropped["stale"] == tale.arrived, "the rest is dropped, on the record"
    assert tale.arrived > 1.8 * 600 * figures.slots / 20


def judge_critical(figures: Figures) -> None:
    vital, other = figures.tales["vital"], figures.tales["other"]
    assert vital.inside == vital.results == vital.arrived
    assert other.dropped["shed"] > 0
    assert len(figures.beneficiaries) == other.dropped["shed"], "each drop names for which job"
    assert figures.busy >= 0.97, "slots fill more slowly at first, where less data comes at once"
    assert other.results + sum(other.dropped.values()) == other.arrived


@pytest.mark.parametrize("seed", SEEDS)
def test_with_the_newest_first_results_stay_fresh(seed: int) -> None:
    judge_freshest(Flood(freshest(), seed).run())


@pytest.mark.parametrize("seed", SEEDS)
def test_with_the_oldest_first_the_backlog_eats_the_present(seed: int) -> None:
    """So that the claim can fail."""
    figures = Flood(oldest(), seed).run()
    (tale,) = figures.tales.values()
    assert figures.busy >= 0.98, "it works as hard"
    assert figures.inside < 0.25
    assert tale.oldest_s > 4 * ETA_S
    assert figures.waiting > tale.arrived / 3


def test_dropping_what_is_stale_is_not_enough() -> None:
    figures = Flood(late(), 0).run()
    (tale,) = figures.tales.values()
    assert (figures.inside < 0.25, tale.oldest_s > 2 * ETA_S) == (True, True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_critical_class_keeps_its_eta_while_others_give_way(seed: int) -> None:
    flood = Flood(critical(), seed)
    figures = flood.run()
    judge_critical(figures)
    assert {flood.specs[job][0] for job in figures.beneficiaries} == {"vital"}


def test_the_same_seed_comes_to_the_same_figures() -> None:
    for kinds in CASES.values():
        assert Flood(kinds(), 5).run() == Flood(kinds(), 5).run()


@pytest.mark.parametrize(
    ("case", "judge", "spoil"),
    [
        (freshest, judge_freshest, lambda patch: patch.setattr(brokerage, "too_late", lambda *_: "late")),
        (critical, judge_critical, lambda patch: patch.setattr(shedding, "shed", lambda *_: [])),
        (critical, judge_critical, lambda patch: patch.setattr(shedding, "_victims", lambda *_: iter([]))),
    ],
    ids=["all is too late", "nothing is shed", "nobody gives way"],
)
def test_rules_that_are_broken_miss_the_bars(
    monkeypatch: pytest.MonkeyPatch,
    case: Callable[..., object],
    judge: Callable[[Figures], None],
    spoil: Callable[[pytest.MonkeyPatch], None],
) -> None:
    spoil(monkeypatch)
    figures = Flood(case(), 0).run()  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        judge(figures)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100))
def test_many_seeds_keep_the_bars(seed: int) -> None:
    judge_freshest(Flood(freshest(), seed).run())
    figures = Flood(critical(), seed).run()
    vital = figures.tales["vital"]
    assert vital.inside >= 0.995 * vital.arrived
    assert len(figures.beneficiaries) == figures.tales["other"].dropped["shed"] > 0
