"""When a file is complete and what leaves it out: whatever clocks say, none too early, none missed, none twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.watcher.test_stream_files import written

from p3s.watcher.inbox import Clock, Inbox, Ready
from p3s.watcher.rules import Beside
from p3s.watcher.streams import read

S = 10**9


class Steady:
    """A machine's clocks: `now` goes forward, `wall` may step."""

    def __init__(self) -> None:
        self.now, self.wall = 1000.0, 1.7e9

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.now)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


class Looked:
    """An inbox with its clocks."""

    def __init__(self, inbox: Inbox, steady: Steady) -> None:
        self.inbox, self.steady = inbox, steady

    def see(self, name: str, size: int = 10, age_s: float = 0.0, readable: bool = True) -> list[Ready]:
        """A file is seen; what is to be told."""
        modified = int((self.steady.wall - age_s) * S)
        self.inbox.found([(name, size, modified, readable)], self.steady.now, self.steady.now)
        self.inbox.scanned()
        return self.inbox.release()

    def same(self, name: str, size: int, modified_ns: int) -> list[Ready]:
        self.inbox.found([(name, size, modified_ns, True)], self.steady.now, self.steady.now)
        return self.inbox.release()

    def why(self) -> list[str]:
        return [held.reason for _, _, held in self.inbox.waiting()]


@pytest.fixture
def inbox(tmp_path: Path) -> Callable[..., Looked]:
    def make(*rules: str) -> Looked:
        steady = Steady()
        lines = [f'  s{n}: {{files: "x{{run:d}}.dat", payload: y, {rule}}}' for n, rule in enumerate(rules or [""])]
        streams = read(written(tmp_path, "\n".join(["streams:", *lines]))).streams
        return Looked(Inbox(streams, steady.clock()), steady)

    return make


@pytest.mark.parametrize("age_s", [0.0, 3600.0, 1e9, -3600.0])
def test_a_file_must_be_seen_to_rest_however_old_it_says_it_is(inbox: Callable[..., Looked], age_s: float) -> None:
    """A writer whose clock is wrong, or that stepped: its files look old, or come from the future."""
    looked = inbox("complete: {rested: 30s}")
    modified = int((looked.steady.wall - age_s) * S)
    assert looked.same("x1.dat", 10, modified) == []
    looked.steady.pass_(29.9)
    assert looked.same("x1.dat", 10, modified) == []
    looked.steady.pass_(0.1)
    assert [one.name for one in looked.same("x1.dat", 10, modified)] == ["x1.dat"]


def test_what_still_changes_is_not_taken_even_when_its_time_stands_still(inbox: Callable[..., Looked]) -> None:
    looked = inbox("complete: {rested: 30s}")
    for size in range(10, 15):
        assert looked.same("x1.dat", size, S) == []
        looked.steady.pass_(20)
    looked.steady.pass_(10)
    assert looked.same("x1.dat", 14, S) != []


def test_a_look_that_came_late_counts_from_when_it_was_made(inbox: Callable[..., Looked]) -> None:
    """Messages may wait. What counts is the time between two looks: from the end of one to the begin of the next."""
    looked = inbox("complete: {rested: 2s}")
    looked.inbox.found([("x1.dat", 1, S, True)], 1000.0, 1005.0)
    looked.inbox.found([("x1.dat", 1, S, True)], 1006.0, 1009.0)
    assert looked.inbox.release() == []
    looked.inbox.found([("x1.dat", 1, S, True)], 1007.0, 1009.0)
    assert len(looked.inbox.release()) == 1


@pytest.mark.parametrize("step_s", [-7200.0, 7200.0])
def test_a_step_of_the_machine_s_clock_makes_no_file_too_old(inbox: Callable[..., Looked], step_s: float) -> None:
    looked = inbox("complete: {renamed: true}, ignore: {older: 14m}")
    before = int(looked.steady.wall * S)
    looked.steady.wall += step_s
    [one] = looked.same("x1.dat", 10, before)
    [other] = looked.same("x2.dat", 10, int(looked.steady.wall * S))
    assert (one.reason, other.reason) == ("", "")
    [old] = looked.same("x3.dat", 10, min(before, int(looked.steady.wall * S)) - 900 * S)
    assert old.reason == "older than 14m"


RULES: list[tuple[str, dict[str, Any], str]] = [
    ("ignore: {below: 1kB}", {"size": 999}, "smaller than 1kB"),
    ("ignore: {below: 1kB}", {"size": 1000}, ""),
    ("ignore: {above: 1kB}", {"size": 1001}, "larger than 1kB"),
    ("ignore: {older: 1h}", {"age_s": 3601}, "older than 1h"),
    ("ignore: {older: 1h}", {"age_s": 3599}, ""),
    ('ignore: {names: ["*7*"]}', {}, "its name fits *7*"),
]


@pytest.mark.parametrize(("rule", "seen", "reason"), RULES)
def test_what_is_left_out_is_told_with_its_reason(
    inbox: Callable[..., Looked], rule: str, seen: dict[str, Any], reason: str
) -> None:
    [one] = inbox(f"complete: {{renamed: true}}, {rule}").see("x7.dat", **seen)
    assert one.reason == reason


def test_a_file_that_is_too_young_waits_until_it_is_not(inbox: Callable[..., Looked]) -> None:
    looked = inbox("complete: {renamed: true}, ignore: {younger: 1m}")
    modified = int(looked.steady.wall * S)
    assert looked.same("x1.dat", 10, modified) == []
    assert looked.why() == ["it is younger than 1m"]
    looked.steady.pass_(60)
    assert looked.inbox.due(looked.steady.now) == ["x1.dat"]
    assert looked.same("x1.dat", 10, modified)[0].reason == ""


def test_a_small_file_that_grows_is_told_again_and_taken(inbox: Callable[..., Looked]) -> None:
    looked = inbox("complete: {renamed: true}, ignore: {below: 1kB}")
    [small] = looked.same("x1.dat", 10, S)
    assert looked.inbox.told(small) == []
    assert looked.same("x1.dat", 10, S) == []
    [large] = looked.same("x1.dat", 2000, 2 * S)
    assert large.reason == ""
    assert looked.inbox.told(large) == ["x1.dat"]


def test_an_empty_file_is_waited_for_and_then_left_out(inbox: Callable[..., Looked]) -> None:
    looked = inbox("")
    assert looked.same("x1.dat", 0, S) == []
    looked.steady.pass_(599)
    assert looked.same("x1.dat", 0, S) == []
    assert looked.why() == ["it is empty"]
    looked.steady.pass_(1)
    assert looked.same("x1.dat", 0, S)[0].reason == "empty"


def test_a_file_that_may_not_be_read_waits(inbox: Callable[..., Looked]) -> None:
    looked = inbox("complete: {renamed: true}")
    assert looked.see("x1.dat", readable=False) == []
    assert looked.why() == ["it may not be read"]
    assert len(looked.see("x1.dat")) == 1


@pytest.mark.parametrize("first", ["x1.dat", "x1.dat.done"])
def test_a_marker_makes_a_file_complete_whichever_comes_first(inbox: Callable[..., Looked], first: str) -> None:
    looked = inbox('complete: {marker: "{name}.done"}')
    names = sorted(["x1.dat", "x1.dat.done"], key=lambda name: name != first)
    assert looked.see(names[0]) == []
    released = looked.see(names[1])
    for name in looked.inbox.due(looked.steady.now):
        released += looked.see(name)
    [one] = released
    assert one.name == "x1.dat"
    assert looked.inbox.told(one) == ["x1.dat", "x1.dat.done"]


def test_a_file_waits_for_its_side_car_but_not_for_ever(inbox: Callable[..., Looked]) -> None:
    looked = inbox('complete: {renamed: true}, sidecar: "{name}.json"')
    assert looked.same("x1.dat", 1, S) == []
    assert looked.why() == ["its side-car x1.dat.json is not there yet"]
    assert looked.same("x1.dat.json", 1, S) == []
    assert looked.inbox.due(looked.steady.now) == ["x1.dat"]
    assert len(looked.same("x1.dat", 1, S)) == 1
    assert looked.same("x2.dat", 1, S) == []
    looked.steady.pass_(30)
    assert len(looked.same("x2.dat", 1, S)) == 1


@pytest.mark.parametrize(("order", "names"), [("newest", ["x3.dat", "x2.dat"]), ("oldest", ["x1.dat", "x2.dat"])])
def test_at_most_so_many_are_taken_a_scan_and_the_rest_waits(
    inbox: Callable[..., Looked], order: str, names: list[str]
) -> None:
    looked = inbox(f"complete: {{renamed: true}}, scan: {{at_most: 2, order: {order}}}")
    files = [(f"x{n}.dat", 10, n * S, True) for n in (2, 1, 3)]
    looked.inbox.found(files, 0.0, 0.0)
    assert [one.name for one in looked.inbox.release()] == names
    assert looked.inbox.lots[0].inbox == (3, 30)
    assert looked.inbox.release() == []
    looked.inbox.scanned()
    assert len(looked.inbox.release()) == 1


def test_a_file_that_waits_for_its_turn_need_not_rest_again(inbox: Callable[..., Looked]) -> None:
    looked = inbox("complete: {rested: 30s}, scan: {at_most: 1}")
    files = [(f"x{n}.dat", 10, n * S, True) for n in (1, 2, 3)]

    def scan() -> list[str]:
        looked.inbox.found(files, looked.steady.now, looked.steady.now)
        looked.inbox.scanned()
        return [one.name for one in looked.inbox.release()]

    assert scan() == []
    looked.steady.pass_(30)
    assert scan() == ["x1.dat"]
    looked.steady.pass_(5)
    assert scan() == ["x2.dat"]
    looked.inbox.found([("x3.dat", 11, 3 * S, True)], looked.steady.now, looked.steady.now)
    looked.inbox.scanned()
    assert looked.inbox.release() == []


def test_what_was_waited_for_is_forgotten_with_the_file(inbox: Callable[..., Looked]) -> None:
    looked = inbox('complete: {renamed: true}, sidecar: "{name}.json"')
    for name in ("x1.dat", "x2.dat"):
        looked.same(name, 1, S)
    looked.inbox.gone(["x1.dat"])
    looked.steady.pass_(30)
    [one] = looked.same("x2.dat", 1, S)
    looked.inbox.told(one)
    assert looked.inbox._wanted == {}


def test_a_name_is_settled_when_every_stream_has_told_it(inbox: Callable[..., Looked]) -> None:
    looked = inbox("complete: {renamed: true}", "complete: {rested: 5s}")
    [one] = looked.same("x1.dat", 1, S)
    assert looked.inbox.told(one) == []
    looked.steady.pass_(5)
    [other] = looked.same("x1.dat", 1, S)
    assert other.lot is not one.lot
    assert looked.inbox.told(other) == ["x1.dat"]


def test_what_fits_no_pattern_is_counted_and_settled(inbox: Callable[..., Looked]) -> None:
    looked = inbox("")
    assert looked.inbox.found([("y1.dat", 1, S, True)], 0.0, 0.0) == ["y1.dat"]
    assert (looked.inbox.unmatched, looked.inbox.unmatched_like) == (1, "y1.dat")


@pytest.mark.parametrize(
    ("text", "name", "beside"),
    [
        ("{name}.done", "a/b.root", "a/b.root.done"),
        ("{stem}.ok", "a/b.root", "a/b.ok"),
        ("done/{name}", "b.root", "done/b.root"),
    ],
)
def test_names_of_files_beside(text: str, name: str, beside: str) -> None:
    assert Beside(text).of(name) == beside
    assert Beside(text).may_be(beside)


@pytest.mark.parametrize("text", ["{name}.done", "{stem}.ok", "done/{name}", "done/{stem}.ok"])
def test_a_data_file_goes_with_no_other(text: str) -> None:
    assert not Beside(text).may_be("a/b.root")
    assert not Beside(text).may_be("a/done.root")


class Arrivals(RuleBasedStateMachine):
    """Files come, grow, get other times and go; scans see what is not settled; clocks step. Whatever happens, a file is
    told when it has rested, and once."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        with tempfile.TemporaryDirectory() as directory:
            text = 'streams: {s: {files: "x{run:d}.dat", payload: y, complete: {rested: 10s}}}'
            streams = read(written(Path(directory), text)).streams
        self.steady = Steady()
        self.inbox = Inbox(streams, self.steady.clock())
        self.files: dict[str, tuple[int, int]] = {}
        self.changed_at: dict[str, float] = {}
        self.settled: set[str] = set()
        self.told: list[str] = []
        self.ever: set[tuple[str, tuple[int, int]]] = set()

    names = st.sampled_from(["x1.dat", "x2.dat", "x3.dat"])

    @rule(name=names, size=st.integers(1, 3), time=st.integers(0, 3))
    def write(self, name: str, size: int, time: int) -> None:
        facts = (size, time * S)
        if (name, facts) not in self.ever and name not in self.told:  # one that looks as it did once cannot be told
            self.ever.add((name, facts))
            self.files[name] = facts
            self.changed_at[name] = self.steady.now

    @rule(name=names)
    def remove(self, name: str) -> None:
        if name not in self.told and self.files.pop(name, None):
            self.inbox.gone([name])

    @rule(seconds=st.floats(0.1, 12))
    def pass_(self, seconds: float) -> None:
        self.steady.pass_(seconds)

    @rule(seconds=st.sampled_from([-1e6, 1e6]))
    def step_the_clock(self, seconds: float) -> None:
        self.steady.wall += seconds

    @rule()
    def scan(self) -> None:
        now = self.steady.now
        seen = [(name, *facts, True) for name, facts in self.files.items() if name not in self.settled]
        self.settled.update(self.inbox.found(seen, now, now))
        self.inbox.scanned()

    @rule()
    def tell(self) -> None:
        for ready in self.inbox.release():
            if ready.name in self.files and (self.files[ready.name][0], ready.modified_ns) != (
                ready.size,
                self.files[ready.name][1],
            ):
                self.inbox.untold(ready)  # it changed since it was released: a real watcher would be as late
                continue
            self.told.append(ready.name)
            self.settled.update(self.inbox.told(ready))

    @precondition(lambda self: self.files)
    @rule()
    def all_come_to_rest(self) -> None:
        for _ in range(2):
            self.scan()
            self.steady.pass_(10)
            self.scan()
            self.tell()
        assert set(self.files) <= set(self.told)

    @invariant()
    def none_twice(self) -> None:
        assert len(self.told) == len(set(self.told))

    @invariant()
    def none_early(self) -> None:
        for name, one in self.inbox.lots[0].ready.items():
            if self.files.get(name) == (one.size, one.modified_ns):
                assert self.steady.now - self.changed_at[name] >= 10 - 1e-6


Arrivals.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestArrivals = Arrivals.TestCase
