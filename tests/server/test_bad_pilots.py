"""Pilots that say what cannot be: a clear answer, nothing half-done, and the record says who and why."""

import time
from collections.abc import Callable
from typing import Any

import pytest

Server = Any

DAY = 86_400.0


def exchange(pilot: Any, **body: Any) -> Any:
    """One call exactly as given."""
    return pilot.server.ask("POST", pilot.path, body, token=pilot.token)


def events(server: Server, job: str) -> list[tuple[str, str, str]]:
    return [(event["what"], event["who"], event["why"]) for event in server.job(job)["events"]]


def test_a_replayed_exchange_changes_nothing(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    report = {"job": job, "attempt": 1, "state": "finished", "exit_code": 0, "ended_ago_s": 1.0}
    said = {"lane": "orders", "seq": pilot.seq + 1, "acked": pilot.acked, "reports": [report]}
    assert exchange(pilot, **said).json()["verdicts"][0]["verdict"] == "applied"
    before = server.job(job)
    again = exchange(pilot, **said)
    assert (again.status, "only a later one is heard" in again.detail) == (409, True)
    calls = [exchange(pilot, lane="reports", reports=[report]) for _ in range(2)]
    assert [call.json()["verdicts"][0]["verdict"] for call in calls] == ["repeated"] * 2
    assert server.job(job) == before


def test_an_exchange_that_was_overtaken_is_refused_and_its_orders_are_not_lost(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    late = {"lane": "orders", "seq": 2, "acked": 0}
    (order,) = exchange(pilot, lane="orders", seq=3, acked=0).json()["orders"]
    assert order["job"] == job
    assert exchange(pilot, **late).status == 409
    (again,) = exchange(pilot, lane="orders", seq=4, acked=0).json()["orders"]
    assert (again["job"], again["attempt"], again["number"]) == (job, 1, order["number"])
    pilot.seq, pilot.acked = 4, again["number"]


def test_a_confirmation_that_comes_late_takes_nothing_back(server: Server) -> None:
    """A lower `acked` than before means that an older message was overtaken, not that an order is unknown again."""
    pilot = server.pilot(slots=2)
    (job,) = server.submit()
    pilot.take(job)
    assert pilot.exchange(acked=0).json()["orders"], "it has not confirmed it yet"
    pilot.exchange()
    assert pilot.exchange(acked=0).json()["orders"] == []


def test_a_confirmation_of_orders_that_were_never_given_confirms_none_of_later(server: Server) -> None:
    pilot = server.pilot()
    pilot.exchange(acked=1_000_000)
    (job,) = server.submit()
    pilot.acked = 0
    assert [order["job"] for order in pilot.orders(2.0, acked=0)] == [job]


def test_a_stale_attempt_is_refused_and_recorded_with_who_and_why(server: Server) -> None:
    pilot, other = server.pilot(), server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    pilot.report(job, 1, "refused", detail="full")
    other.take(job)
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "refused"
    (why,) = [why for what, who, why in events(server, job) if (what, who) == ("report refused", pilot.pilot)]
    assert why == f"report of attempt 1 as finished refused: attempt 2 is in force, with pilot {other.pilot}"
    assert server.state(job) == "dispatched"


def test_a_repeated_refusal_is_repeated(server: Server) -> None:
    """Its answer was lost; the job is queued again already."""
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    assert pilot.report(job, 1, "refused", detail="full")["verdict"] == "applied"
    assert pilot.report(job, 1, "refused", detail="full")["verdict"] == "repeated"
    assert [what for what, _, _ in events(server, job)] == ["order refused"]


def test_a_pilot_with_a_token_of_elsewhere_is_told_to_register(server: Server) -> None:
    pilot = server.pilot()
    forged = f"{pilot.token[:-8]}AAAAAAAA"
    answer = server.ask("POST", pilot.path, {"lane": "orders", "seq": 1}, token=forged)
    assert (answer.status, "register the pilot anew" in answer.detail) == (401, True)


def test_a_pilot_that_holds_jobs_of_another_is_told_to_end_them_and_the_other_keeps_them(server: Server) -> None:
    pilot, thief = server.pilot(), server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    said = thief.exchange(holding=[{"job": job, "attempt": 1}]).json()
    assert [(one["kind"], one["job"]) for one in said["instructions"]] == [("kill", job)]
    assert (server.state(job), server.job(job)["pilot"]) == ("dispatched", pilot.pilot)


@pytest.mark.parametrize("off", [-DAY, DAY, 1e9, -1e9, 1e15], ids=str)
def test_a_clock_that_is_off_does_not_move_the_record(server: Server, off: float) -> None:
    """Moments are the server's; what a pilot measured may only lie between the order and now."""
    pilot = server.pilot()
    began = time.time() - 1
    (job,) = server.submit()
    pilot.take(job)
    assert pilot.report(job, 1, "running", started_ago_s=off)["verdict"] == "applied"
    end = {"started_ago_s": off, "ended_ago_s": off, "exit_code": 0, "wall_s": 0.1}
    assert pilot.report(job, 1, "finished", **end)["verdict"] == "applied"
    row = server.job(job)
    assert row["state"] == "finished"
    assert began <= row["submitted_at"] <= row["dispatched_at"] <= row["started_at"] <= row["ended_at"]
    assert row["ended_at"] <= time.time() + 1


def test_nothing_of_all_that_stops_the_server(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    pilot = server.pilot()
    for body in ({"lane": "sideways"}, {"lane": "orders", "seq": -1}, {"lane": "orders", "seq": 10**30}, {}, []):
        answer = server.ask("POST", pilot.path, body, token=pilot.token)
        assert 400 <= answer.status < 500, (body, answer.body)
    assert pilot.exchange().status == 200
    assert "Traceback" not in server.said()
