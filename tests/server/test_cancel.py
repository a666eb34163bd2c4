"""Cancelling over HTTP."""

from typing import Any

import pytest

Server = Any


def cancel(server: Server, job: str, **body: Any) -> Any:
    return server.good("POST", f"/api/v1/jobs/{job}/cancel", body)


def test_a_queued_job_ends_at_once(server: Server) -> None:
    (job,) = server.submit()
    assert cancel(server, job, why="typo") == {"job": job, "state": "cancelled", "note": "it will not run"}
    assert server.pilot().orders(0.2) == []
    (event,) = server.job(job)["events"]
    assert (event["what"], event["why"]) == ("cancelled", "typo")


def test_a_running_job_is_ended_by_its_pilot(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    pilot.report(job, 1, "running")
    assert cancel(server, job)["state"] == "running"
    (kill,) = pilot.exchange(5.0).json()["instructions"]
    assert (kill["kind"], kill["job"], kill["attempt"]) == ("kill", job, 1)
    assert kill["why"].startswith("cancelled by ")
    pilot.report(job, 1, "cancelled", reason="by person")
    assert server.state(job) == "cancelled"


def test_twice_is_once(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    cancel(server, job)
    assert cancel(server, job)["note"].startswith("already being cancelled, asked by ")


def test_what_is_over_stays_as_it_is(server: Server) -> None:
    (job,) = server.submit()
    cancel(server, job)
    assert cancel(server, job)["note"] == "it had already ended as cancelled"


@pytest.mark.parametrize("job", ["nobody", "00000000-0000-7000-8000-000000000000", "a%20b", "%00"])
def test_a_job_that_is_none_is_not_known(server: Server, job: str) -> None:
    answer = server.ask("POST", f"/api/v1/jobs/{job}/cancel", {})
    assert answer.status == 404
    assert answer.detail


@pytest.mark.parametrize("body", [{"wy": "typo"}, {"why": 3}, [], None])
def test_an_odd_body_is_refused(server: Server, body: Any) -> None:
    (job,) = server.submit()
    assert server.ask("POST", f"/api/v1/jobs/{job}/cancel", body).status == 422
    assert server.state(job) == "defined"


@pytest.mark.parametrize("why", ["a\0b", "w" * 1_000_000])
def test_an_odd_reason_does_not_fail(server: Server, why: str) -> None:
    (job,) = server.submit()
    assert server.ask("POST", f"/api/v1/jobs/{job}/cancel", {"why": why}).status in (200, 422)


def test_a_job_s_own_token_may_not_cancel(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    order = pilot.take(job)
    for token in (order["token"], pilot.token, ""):
        assert server.ask("POST", f"/api/v1/jobs/{job}/cancel", {}, token=token).status in (401, 403)
