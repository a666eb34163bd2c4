"""How a large submission is cut into calls."""

import pytest

from p3s.cli.submit import PORTION, Plan, _portions
from p3s.protocol.messages import JobSpec

ONE = JobSpec("/bin/true")


@pytest.mark.parametrize(
    ("specs", "replicas", "sizes"),
    [
        ([ONE], 1, [1]),
        ([ONE], PORTION, [PORTION]),
        ([ONE], PORTION + 1, [PORTION, 1]),
        ([ONE] * 3, PORTION, [PORTION] * 3),
        ([ONE] * 3, PORTION // 2, [PORTION, PORTION // 2]),
        ([ONE] * (PORTION + 2), 1, [PORTION, 2]),
    ],
)
def test_each_call_is_as_large_as_it_may_be_and_no_job_is_lost(
    specs: list[JobSpec], replicas: int, sizes: list[int]
) -> None:
    portions = _portions(specs, replicas, 0.0)
    assert [sum(spec.replicas for spec in portion) for portion in portions] == sizes


def test_with_a_delay_each_replica_is_a_call() -> None:
    assert _portions([ONE, ONE], 3, 0.5) == [[ONE, ONE]] * 3


def test_what_makes_no_sense_is_left_for_the_rules_to_refuse() -> None:
    [[spec]] = _portions([ONE], 0, 0.0)
    assert spec.replicas == 0


def test_every_call_has_a_key_of_its_own_when_there_is_one() -> None:
    portions = [[ONE]] * 3
    assert list(Plan({}, portions, 0.0, "k").keys()) == ["k", "k-1", "k-2"]
    assert list(Plan({}, portions, 0.0, "").keys()) == ["", "", ""]
