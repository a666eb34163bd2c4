"""How long a pilot waits before it asks again."""

import pytest

from p3s.pilot.backoff import FIRST_S, LONGEST_S, delay


def test_the_first_wait_is_short_because_a_restart_is() -> None:
    assert 0 < delay(1, 0.0) <= delay(1, 1.0) == FIRST_S


def test_waits_double_up_to_the_longest() -> None:
    waits = [delay(failures, 1.0) for failures in range(1, 12)]
    assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_S


@pytest.mark.parametrize("failures", [1, 5, 50, 100_000])
def test_half_of_a_wait_is_chance_so_that_many_pilots_spread(failures: int) -> None:
    assert delay(failures, 0.0) == pytest.approx(delay(failures, 1.0) / 2)
    assert delay(failures, 0.0) < delay(failures, 0.3) < delay(failures, 1.0)
