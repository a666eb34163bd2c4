"""Silent pilots on a server with short leases."""

import time
from collections.abc import Callable
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]


@pytest.fixture
def hasty(own_server: Callable[..., Server]) -> Server:
    """A lease of 2 s and a grace of 1 s."""
    return own_server(lease_s=2.0, grace_s=1.0).start()


def pilot_state(server: Server, pilot: Any) -> str:
    found = server.good("GET", "/api/v1/pilots")["pilots"] + server.good("GET", "/api/v1/pilots?ended=true")["pilots"]
    return next(str(one["state"]) for one in found if one["uuid"] == pilot.pilot)


def test_a_silent_pilot_and_its_jobs_are_lost_after_lease_and_grace_and_not_before(hasty: Server, until: Until) -> None:
    pilot = hasty.pilot()
    (job,) = hasty.submit()
    pilot.take(job)
    heard_at = time.monotonic()
    pilot.report(job, 1, "running")
    until("the job is lost", lambda: hasty.state(job) == "lost", within_s=20)
    assert time.monotonic() - heard_at >= 3.0
    assert hasty.job(job)["reason"] == "lease ended"
    assert pilot_state(hasty, pilot) == "lost"
    answer = pilot.exchange()
    assert (answer.status, "register anew" in answer.detail) == (410, True)
    assert pilot.report(job, 1, "failed", exit_code=1, reason="exit code")["verdict"] == "applied"
    assert (hasty.state(job), hasty.job(job)["reason"]) == ("failed", "late")


def test_a_pilot_that_is_heard_keeps_its_job_beyond_any_lease(hasty: Server, until: Until) -> None:
    pilot = hasty.pilot()
    (job,) = hasty.submit()
    pilot.take(job)
    pilot.report(job, 1, "running")
    end = time.monotonic() + 5.0
    until("five seconds have passed", lambda: pilot.exchange(0.5).status == 200 and time.monotonic() > end)
    assert hasty.state(job) == "running"


def test_a_lease_that_was_lengthened_counts_for_the_pilots_that_were_there(hasty: Server, until: Until) -> None:
    """As before a planned outage: they are told the new one, so they act by it, and must not be given up before."""
    pilot = hasty.pilot()
    hasty.kill()
    hasty.settings = ["--lease", "60", "--grace", "1"]
    hasty.start()
    assert pilot.exchange().json()["lease_s"] == 60.0
    end = time.monotonic() + 4.0
    until("the old lease and grace are over", lambda: time.monotonic() > end)
    assert pilot_state(hasty, pilot) == "active"
    assert pilot.exchange().status == 200


def test_a_guardian_s_word_counts_at_once(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    assert pilot.die().json() == {"new": True}
    assert (server.state(job), server.job(job)["reason"]) == ("lost", "guardian saw the pilot die")
    assert pilot.die().json() == {"new": False}


def test_a_guardian_speaks_only_for_its_own_pilot(server: Server) -> None:
    pilot, other = server.pilot(), server.pilot()
    path = f"/api/v1/pilots/{pilot.pilot}/death"
    for token, status in ((other.token, 403), (server.token, 403), ("", 401)):
        assert server.ask("POST", path, {"evidence": "x"}, token=token).status == status
    assert pilot.exchange().status == 200


def test_silence_counts_from_the_server_s_own_start(hasty: Server, until: Until) -> None:
    pilot = hasty.pilot()
    (job,) = hasty.submit()
    pilot.take(job)
    pilot.report(job, 1, "running")
    hasty.kill()
    away = time.monotonic() + 4.0
    until("the outage was longer than lease and grace", lambda: time.monotonic() > away)
    hasty.start()
    assert hasty.state(job) == "running"
    assert pilot.exchange(holding=[{"job": job, "attempt": 1}]).status == 200
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "applied"
