"""People tell pilots to drain or to stop: sent until confirmed, remembered over a restart."""

from typing import Any

import pytest

from p3s.protocol.errors import Gone
from p3s.protocol.states import PilotState

Office = Any


def tell(office: Office, what: str, pilot: str = "p") -> str:
    return str(office.act(lambda desk: desk.instruct(pilot, what, "ana", "reboot")))


def told(office: Office) -> list[tuple[str, str]]:
    """What the pilot's open lane was answered with."""
    return [(one.kind, one.why) for one in office.instructions()]


@pytest.mark.parametrize("what", ["drain", "stop"])
def test_a_waiting_pilot_hears_it_at_once_and_gets_nothing_new(office: Office, what: str) -> None:
    office.register("p")
    office.lane("p", 1)
    assert tell(office, what) == "it has no job and ends at once"
    assert told(office) == [(what, f"told to {what} by ana: reboot")]
    office.submit(1)
    office.lane("p", 2, acked=1)
    assert office.ordered() == []
    assert office.book.pilots["p"].state is PilotState.DRAINING


def test_one_that_is_away_hears_it_when_it_is_back_also_from_a_restarted_server(office: Office) -> None:
    office.register("p")
    tell(office, "drain")
    office.restart()
    office.lane("p", 1)
    assert [kind for kind, _ in told(office)] == ["drain"]
    office.lane("p", 2)
    assert [kind for kind, _ in told(office)] == ["drain"]
    office.lane("p", 3, acked=1)
    assert told(office) == []


def test_a_drain_may_become_a_stop_and_not_the_other_way(office: Office) -> None:
    office.register("p")
    office.submit(1)
    office.lane("p", 1)
    assert tell(office, "drain") == "it ends when its 1 job has ended"
    assert tell(office, "drain") == "it was told to drain already"
    assert tell(office, "stop") == "it ends its 1 job, then itself"
    assert tell(office, "drain") == "it was told to stop already"
    office.lane("p", 2, acked=1)
    assert [kind for kind, _ in told(office)] == ["stop"]


def test_one_that_has_ended_is_gone(office: Office) -> None:
    office.register("p")
    office.act(lambda desk: desk.death("p", "seen"))
    with pytest.raises(Gone, match="p has ended"):
        tell(office, "drain")
