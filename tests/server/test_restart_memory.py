"""What a server that starts knows of what ran before: how long jobs of a type take."""

import time
from collections.abc import Callable
from typing import Any

Server = Any
Until = Callable[..., Any]


def test_what_cannot_end_in_time_is_dropped_right_after_a_restart(
    own_server: Callable[..., Server], until: Until
) -> None:
    """Jobs of the type take 60 s; one that has 62 s is still worth its start at once, and no more after 2 s."""
    server = own_server().start()
    pilot = server.pilot()
    (before,) = server.submit({"payload": "true", "jobtype": "long"})
    pilot.take(before)
    assert pilot.report(before, 1, "finished", exit_code=0, wall_s=60.0)["verdict"] == "applied"
    pilot.exchange(goodbye="bye")
    (late,) = server.submit({"payload": "true", "jobtype": "long", "stale_after": 62.0})
    too_late_at = time.monotonic() + 2.5
    server.kill()
    server.start()
    until("it cannot end in time any more", lambda: time.monotonic() > too_late_at)
    other = server.pilot()
    assert other.orders(0.0) == []
    found = server.job(late)
    assert (found["state"], found["reason"]) == ("dropped", "stale")
    assert found["events"][-1]["why"].endswith("jobs of long take 60 s")
