"""Pilots over HTTP: orders while waiting, unconfirmed orders, reports, a server that is killed in between."""

from collections.abc import Callable
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]


def test_an_order_arrives_while_the_pilot_waits(server: Server) -> None:
    pilot = server.pilot()
    waiting = pilot.later()
    assert not waiting.done()
    (job,) = server.submit({"payload": "echo hello", "env": {"A": "1"}, "time_limit": 5.0})
    (order,) = waiting.answer().json()["orders"]
    assert {name: order[name] for name in ("job", "attempt", "number", "payload", "time_limit")} == {
        "job": job,
        "attempt": 1,
        "number": 1,
        "payload": "echo hello",
        "time_limit": 5.0,
    }
    assert order["env"] == {"A": "1"}
    assert server.state(job) == "dispatched"


def test_submit_says_how_many_pilots_could_run_it(server: Server) -> None:
    before = server.waiters()
    waiting = server.pilot().later()
    assert server.waiters() == before + 1
    server.submit()
    waiting.answer()
    assert server.waiters() == before


def test_without_work_the_wait_ends_empty(server: Server) -> None:
    answer = server.pilot().exchange(wait_s=0.2)
    said = answer.json()
    assert (said["orders"], said["instructions"], said["verdicts"], said["come_back"]) == ([], [], [], False)
    assert said["lease_s"] == 60.0


def test_a_higher_seq_ends_the_older_wait(server: Server) -> None:
    pilot = server.pilot()
    older = pilot.later()
    newer = pilot.exchange(wait_s=0.0)
    assert older.answer().json()["orders"] == []
    assert newer.json()["orders"] == []


def test_a_seq_that_is_not_above_the_last_is_a_conflict(server: Server) -> None:
    pilot = server.pilot()
    pilot.exchange(seq=5)
    for seq in (5, 4, 0):
        answer = pilot.exchange(seq=seq)
        assert (answer.status, "not above 5" in answer.detail) == (409, True)


def test_unconfirmed_orders_go_again_unchanged(server: Server) -> None:
    pilot = server.pilot()
    server.submit()
    first = pilot.orders()
    assert len(first) == 1
    assert pilot.orders(acked=0) == first
    assert pilot.orders(acked=0) == first
    assert pilot.orders() == []


def test_a_waiter_that_left_does_not_lose_the_order(server: Server, until: Until) -> None:
    """Its connection is gone when the order comes; the next exchange has it."""
    import http.client
    import json

    pilot = server.pilot()
    before = server.waiters()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    body = json.dumps({"lane": "orders", "seq": 1, "acked": 0, "wait_s": 20})
    headers = {"Authorization": f"Bearer {pilot.token}", "Content-Type": "application/json"}
    connection.request("POST", pilot.path, body, headers)
    until("the pilot waits", lambda: server.waiters() == before + 1)
    connection.close()
    (job,) = server.submit()
    pilot.seq = 1
    assert [order["job"] for order in pilot.orders(5.0)] == [job]


def test_reports_move_the_job_and_are_idempotent(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    assert pilot.report(job, 1, "running", started_ago_s=2.0)["verdict"] == "applied"
    assert pilot.report(job, 1, "running", started_ago_s=2.0)["verdict"] == "repeated"
    assert server.state(job) == "running"
    end = {"exit_code": 0, "wall_s": 1.5, "cpu_s": 0.5, "peak_memory": 10**10, "stdout": "hello\0\n", "stderr": "é"}
    assert pilot.report(job, 1, "finished", **end)["verdict"] == "applied"
    assert pilot.report(job, 1, "finished", **end)["verdict"] == "repeated"
    assert pilot.report(job, 1, "failed", exit_code=1)["verdict"] == "repeated"
    found = server.job(job)
    assert (found["state"], found["exit_code"], found["wall_s"], found["cpu_s"]) == ("finished", 0, 1.5, 0.5)
    assert found["peak_memory"] == 10**10
    assert server.ask("GET", f"/api/v1/jobs/{job}/logs/stdout").body.startswith(b"hello")
    assert server.ask("GET", f"/api/v1/jobs/{job}/logs/stderr").body.decode() == "é"


def test_a_report_of_an_unknown_job_is_refused(server: Server) -> None:
    verdict = server.pilot().report("00000000-0000-7000-8000-000000000000", 1, "finished")
    assert (verdict["verdict"], verdict["why"]) == ("refused", "the server knows no such job")


def test_a_report_of_another_pilot_s_job_is_refused_and_recorded(server: Server) -> None:
    pilot, other = server.pilot(), server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    assert other.report(job, 1, "finished", exit_code=0)["verdict"] == "refused"
    assert server.state(job) == "dispatched"
    assert [event["what"] for event in server.job(job)["events"]] == ["report refused"]


def test_a_refused_order_goes_out_again_as_attempt_2(server: Server) -> None:
    pilot, other = server.pilot(), server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    assert pilot.report(job, 1, "refused", detail="its slots are full")["verdict"] == "applied"
    assert other.take(job)["attempt"] == 2
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "refused"
    assert server.state(job) == "dispatched"


def test_reports_may_ride_on_the_order_lane(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    (following,) = server.submit()
    said = pilot.exchange(reports=[{"job": job, "attempt": 1, "state": "finished", "exit_code": 0}]).json()
    assert [(one["job"], one["verdict"]) for one in said["verdicts"]] == [(job, "applied")]
    assert [order["job"] for order in said["orders"]] == [following]


def test_what_a_pilot_confirmed_and_lacks_is_lost(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    pilot.exchange(holding=[])
    assert (server.state(job), server.job(job)["reason"]) == ("lost", "pilot does not have it")


def test_a_stranger_in_its_hands_gets_a_kill(server: Server) -> None:
    said = server.pilot().exchange(wait_s=5.0, holding=[{"job": "stranger", "attempt": 3}]).json()
    assert [(one["kind"], one["job"], one["attempt"]) for one in said["instructions"]] == [("kill", "stranger", 3)]


def test_a_draining_pilot_gets_no_orders(server: Server) -> None:
    pilot = server.pilot()
    pilot.exchange(draining=True)
    server.submit()
    assert pilot.orders(0.3) == []


def test_goodbye_is_answered_and_then_the_pilot_is_gone(server: Server) -> None:
    pilot = server.pilot()
    waiting = pilot.later()
    assert pilot.exchange(goodbye="asked to").status == 200
    assert waiting.answer().json()["orders"] == []
    answer = pilot.exchange()
    assert (answer.status, "register anew" in answer.detail) == (410, True)


def test_reports_are_heard_even_of_a_pilot_that_is_gone(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    pilot.die()
    assert server.state(job) == "lost"
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "applied"
    assert (server.state(job), server.job(job)["reason"]) == ("finished", "late")


# ---- who may speak


def test_a_pilot_s_token_speaks_only_for_that_pilot(server: Server) -> None:
    pilot, other = server.pilot(), server.pilot()
    body = {"lane": "orders", "seq": 9, "acked": 0, "wait_s": 0}
    for token, status in ((other.token, 403), (server.token, 403), ("", 401), (pilot.token[:-1] + "x", 401)):
        assert server.ask("POST", pilot.path, body, token=token).status == status


@pytest.mark.parametrize("path", ["/api/v1/pilots//exchange", "/api/v1/pilots/exchange"])
def test_nobody_speaks_for_a_pilot_without_a_name(server: Server, path: str) -> None:
    body = {"lane": "reports", "reports": [{"job": server.submit()[0], "attempt": 1, "state": "finished"}]}
    assert server.ask("POST", path, body).status in (403, 404, 405)


# ---- what no pilot of ours would say, and what must not fail the server


@pytest.mark.parametrize(
    "more",
    [
        {"reason": "a\0b"},
        {"detail": "a\0b"},
        {"exit_code": 2**31},
        {"exit_code": 2**70},
        {"signal": -(2**70)},
        {"peak_memory": 2**63},
        {"wall_s": 1e308},
        {"started_ago_s": 1e308},
        {"ended_ago_s": -1e308},
        {"attempt": 2**70},
        {"job": "a\0b"},
        {"job": "x" * 100_000},
        {"state": "\0"},
        {"reason": "r" * 100_000},
    ],
    ids=lambda more: str(more)[:40],
)
def test_a_poisoned_report_is_taken_or_refused_but_never_fails(server: Server, more: dict[str, Any]) -> None:
    """A failure would be asked again for ever, and each time every waiting pilot is sent home."""
    pilot = server.pilot()
    (job,) = server.submit()
    pilot.take(job)
    report = {"job": job, "attempt": 1, "state": "failed", **more}
    answer = server.ask("POST", pilot.path, {"lane": "reports", "reports": [report]}, token=pilot.token)
    assert answer.status in (200, 422), answer.body


@pytest.mark.parametrize(
    "more",
    [
        {"seq": 2**63},
        {"seq": 2**200},
        {"acked": 2**63},
        {"seq": -(2**70)},
        {"goodbye": "a\0b"},
        {"goodbye": "g" * 100_000},
        {"holding": [{"job": "a\0", "attempt": 2**70}]},
        {"wait_s": -1e300},
    ],
    ids=lambda more: str(more)[:40],
)
def test_a_poisoned_exchange_is_taken_or_refused_but_never_fails(server: Server, more: dict[str, Any]) -> None:
    pilot = server.pilot()
    server.submit()
    body = {"lane": "orders", "seq": 1, "acked": 0, "wait_s": 0.0, **more}
    answer = server.ask("POST", pilot.path, body, token=pilot.token)
    assert answer.status in (200, 409, 422), answer.body


@pytest.mark.parametrize(
    "said", [{"evidence": "a\0b"}, {"evidence": "e" * 100_000}, {"evidence": "e", "killed": 2**200}]
)
def test_a_poisoned_word_of_a_guardian_is_heard_or_refused(server: Server, said: dict[str, Any]) -> None:
    pilot = server.pilot()
    answer = server.ask("POST", f"/api/v1/pilots/{pilot.pilot}/death", said, token=pilot.token)
    assert answer.status in (200, 422), answer.body


# ---- kill -9 of the server


def test_after_kill_9_the_same_orders_come_again_with_the_same_attempt(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    pilot = server.pilot(slots=2)
    jobs = server.submit({"payload": "true"}, {"payload": "false"}, {"payload": "third"}, key="k")
    first = pilot.orders()
    assert [(order["job"], order["attempt"]) for order in first] == [(jobs[0], 1), (jobs[1], 1)]
    server.kill()
    server.start()
    assert pilot.register().json()["token"] == pilot.token
    assert pilot.orders(acked=0) == first
    assert server.submit({"payload": "true"}, {"payload": "false"}, {"payload": "third"}, key="k") == jobs
    assert pilot.report(jobs[0], 1, "finished", exit_code=0)["verdict"] == "applied"
    assert pilot.report(jobs[1], 1, "running")["verdict"] == "applied"
    server.kill()
    server.start()
    held = [{"job": jobs[1], "attempt": 1}]
    (order,) = pilot.orders(holding=held)
    assert (order["job"], order["attempt"], order["number"] > first[-1]["number"]) == (jobs[2], 1, True)
    assert [server.state(job) for job in jobs] == ["finished", "running", "dispatched"]
    assert pilot.report(jobs[0], 1, "finished", exit_code=0)["verdict"] == "repeated"


def test_a_stop_answers_every_waiter_come_back_and_ends_well(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    pilots = [server.pilot() for _ in range(3)]
    waiting = [pilot.later() for pilot in pilots]
    assert server.stop() == 0
    assert [one.answer().json()["come_back"] for one in waiting] == [True] * 3
    server.start()
    (job,) = server.submit()
    assert [order["job"] for order in pilots[0].orders(5.0)] == [job]


def test_what_was_acknowledged_survives_kill_9(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    acknowledged = []
    for round_ in range(2):
        acknowledged += server.submit(*[{"payload": f"echo {n}"} for n in range(50)], key=f"round {round_}")
        server.kill()
        server.start()
    listed = server.good("GET", "/api/v1/jobs?state=defined&limit=1000")["jobs"]
    assert sorted(job["uuid"] for job in listed) == sorted(acknowledged)
