"""The order in which pilots were heard answers as a look at every one of them would."""

from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.heard import Heard
from p3s.domain.pool import PilotEntry
from p3s.protocol.states import PilotState

LEASES = (20.0, 40.0)

acts = st.lists(
    st.tuples(
        st.sampled_from(["comes", "heard", "heard", "goes"]), st.integers(0, 5), st.sampled_from([0.0, 1.0, 30.0])
    ),
    max_size=40,
)


def entry_of(number: int, now: float) -> PilotEntry:
    return PilotEntry(f"p{number}", "host", 1, PilotState.ACTIVE, LEASES[number % 2], "hash", now)


def play(heard: Heard, story: list[tuple[str, int, float]], now: float = 100.0) -> tuple[dict[int, PilotEntry], float]:
    """Those in service at the end, and when that is."""
    there: dict[int, PilotEntry] = {}
    for act, number, seconds in story:
        now += seconds
        if act == "comes" and number not in there:
            there[number] = entry_of(number, now)
            heard.add(there[number])
        elif act == "heard" and number in there:
            heard.again(there[number], now)
        elif act == "goes" and number in there:
            heard.remove(there.pop(number))
    return there, now


@given(acts, st.sampled_from([0.0, 25.0, 50.0]))
def test_the_overdue_are_those_whose_lease_is_over(story: list[tuple[str, int, float]], later_s: float) -> None:
    heard = Heard()
    there, now = play(heard, story)
    now += later_s

    def too_long(entry: PilotEntry) -> bool:
        return now - entry.last_seen > entry.lease_s

    found = [entry.pilot for entry in heard.unheard(too_long, now)]
    assert sorted(found) == sorted(entry.pilot for entry in there.values() if too_long(entry))


@given(acts, st.sampled_from([0.0, 1.0, 31.0, 1000.0]))
def test_those_heard_since_a_moment_are_found_from_the_other_end(
    story: list[tuple[str, int, float]], ago_s: float
) -> None:
    heard = Heard()
    there, now = play(heard, story)
    found = sorted(entry.pilot for entry in heard.since(now - ago_s))
    assert found == sorted(entry.pilot for entry in there.values() if entry.last_seen >= now - ago_s)


def test_only_what_is_due_is_looked_at() -> None:
    heard = Heard()
    for number in range(0, 1000, 2):
        heard.add(entry_of(number, 100.0 + number))
    looked = []

    def too_long(entry: PilotEntry) -> bool:
        looked.append(entry.pilot)
        return entry.last_seen < 104.0

    assert [entry.pilot for entry in heard.unheard(too_long, 2000.0)] == ["p0", "p2"]
    assert looked == ["p0", "p2", "p4"]


def test_one_heard_before_the_clock_was_set_back_hides_nobody() -> None:
    """An hour back: the first was heard in what is now the future, the second since."""
    heard, first, second = Heard(), entry_of(0, 4000.0), entry_of(2, 400.0)
    heard.add(first)
    heard.add(second)
    assert list(heard.unheard(lambda entry: 500.0 - entry.last_seen > 40.0, 500.0)) == [second]
