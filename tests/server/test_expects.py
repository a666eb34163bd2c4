"""A job type expects results: a job that ends without them says so, and an alarm tells people until one has them."""

from typing import Any

import pytest

Server = Any
Pilot = Any

EXPECTS = ["TPC monitor", "TPC monitor/Hits"]
HITS = {"kind": "check", "name": "Hits", "status": "good"}


@pytest.fixture
def pilot(server: Server) -> Pilot:
    server.good("PUT", "/api/v1/jobtypes/monitor", {"name": "monitor", "expects": EXPECTS})
    yield server.pilot()
    server.calm()


def publish(pilot: Pilot, job: str, token: str, *items: dict[str, Any]) -> None:
    body = {"results": [{"p3s_result": 1, "category": "TPC monitor", "items": list(items)}]}
    pilot.server.good("POST", f"/api/v1/jobs/{job}/attempts/1/results", body, token=token)


def run(pilot: Pilot, *items: dict[str, Any]) -> str:
    """A job that publishes these items, or nothing at all, and ends well."""
    (job,) = pilot.server.submit({"payload": "true", "jobtype": "monitor"})
    token = pilot.take(job)["token"]
    if items:
        publish(pilot, job, token, *items)
    pilot.report(job, 1, "finished", exit_code=0)
    return str(job)


def ended(pilot: Pilot, job: str) -> tuple[str, str, list[tuple[str, str]]]:
    found = pilot.server.job(job)
    return found["state"], found["reason"], [(one["what"], one["why"]) for one in found["events"]]


def alarms(server: Server, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.good("GET", f"/api/v1/alarms?kind=results{query}")["alarms"]
    return found


def test_one_alarm_counts_jobs_without_results_until_a_later_one_has_them(server: Server, pilot: Pilot) -> None:
    first = run(pilot)
    why = "its type expects TPC monitor, TPC monitor/Hits; not published: TPC monitor, TPC monitor/Hits"
    assert ended(pilot, first) == ("finished", "published nothing", [("published nothing", why)])
    (alarm,) = alarms(server)
    assert alarm["message"] == f"monitor published nothing: 1 job, the latest {first}"
    assert (alarm["severity"], alarm["cause"]) == ("bad", "results: monitor")

    hole = {"kind": "images", "name": "Hits", "files": [{"path": "never-uploaded.png", "by": {}}]}
    second = run(pilot, hole)
    why = "its type expects TPC monitor, TPC monitor/Hits; not published: TPC monitor/Hits"
    assert ended(pilot, second) == ("finished", "results missing", [("results missing", why)])
    (alarm,) = alarms(server)
    assert alarm["message"] == f"monitor did not publish TPC monitor/Hits: 2 jobs, the latest {second}"
    assert alarm["severity"] == "warning"

    third = run(pilot, HITS)
    assert ended(pilot, third) == ("finished", "", [])
    assert alarms(server) == []
    over = alarms(server, "&all=true")[0]
    assert (over["id"], over["ending"]) == (alarm["id"], f"job {third} published all it should")


def test_what_one_attempt_published_is_not_asked_of_another_reported_with_it(pilot: Pilot) -> None:
    (job,) = pilot.server.submit({"payload": "true", "jobtype": "monitor"})
    publish(pilot, job, pilot.take(job)["token"], HITS)
    reports = [{"job": job, "attempt": attempt, "state": "finished", "exit_code": 0} for attempt in (1, 2)]
    verdicts = pilot.exchange(lane="reports", reports=reports).json()["verdicts"]
    assert [one["verdict"] for one in verdicts] == ["applied", "refused"]
    assert ended(pilot, job)[:2] == ("finished", "")


def test_an_earlier_job_that_has_them_does_not_end_the_alarm(server: Server, pilot: Pilot) -> None:
    (earlier,) = server.submit({"payload": "true", "jobtype": "monitor"})
    token = pilot.take(earlier)["token"]
    run(server.pilot())
    publish(pilot, earlier, token, HITS)
    pilot.report(earlier, 1, "finished", exit_code=0)
    assert len(alarms(server)) == 1
    run(pilot, HITS)
    assert alarms(server) == []


def test_what_a_type_expects_no_more_is_no_alarm(server: Server, pilot: Pilot) -> None:
    def expect(*names: str, jobtype: str = "monitor") -> None:
        server.good("PUT", f"/api/v1/jobtypes/{jobtype}", {"name": jobtype, "expects": list(names)})

    run(pilot, {"kind": "check", "name": "Other", "status": "good"})
    expect(*EXPECTS, "more")
    expect(jobtype="other")
    assert len(alarms(server)) == 1
    expect("TPC monitor")
    assert alarms(server) == []
    assert alarms(server, "&all=true")[0]["ending"] == "its type expects no more TPC monitor/Hits"


def test_a_lost_job_s_late_report_is_judged_too(server: Server, pilot: Pilot) -> None:
    (job,) = server.submit({"payload": "true", "jobtype": "monitor"})
    pilot.take(job)
    pilot.report(job, 1, "running")
    pilot.die()
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "applied"
    state, reason, events = ended(pilot, job)
    assert (state, reason) == ("finished", "published nothing")
    assert [what for what, _ in events] == ["amended", "published nothing"], "newest first"
    run(server.pilot(), HITS)
    assert alarms(server) == []


def test_results_that_lack_are_found_by_their_reason(server: Server, pilot: Pilot) -> None:
    """In the page and on the command line the reason stands beside the state."""
    job = run(pilot)
    page = server.ask("GET", f"/jobs/{job}").body.decode()
    assert "chip chip-warning" in page
    assert "published nothing" in page
    lines = server.good("GET", f"/api/v1/jobs/{job}/explain")["lines"]
    assert any("published nothing" in line for line in lines), lines
    run(pilot, HITS)


def test_nobody_waits_for_the_results_of_a_run_that_has_ended(server: Server, pilot: Pilot) -> None:
    server.good("PUT", "/api/v1/streams/np04", {"name": "np04", "jobs": {"monitor": {"payload": "true"}}})

    def arrive(number: int) -> str:
        file = {"url": f"/data/np04/{number}.root", "stream": "np04", "run": 4610, "subrun": number}
        (job,) = server.good("POST", "/api/v1/datasets", file)["jobs"]
        pilot.take(job)
        pilot.report(job, 1, "finished", exit_code=0)
        return str(job)

    arrive(1)
    second = arrive(2)
    (alarm,) = alarms(server)
    assert alarm["message"] == f"monitor published nothing: 2 jobs of stream np04 of run 4610, the latest {second}"
    server.good("POST", "/api/v1/runs/4610/end", {})
    assert alarms(server) == []
    assert alarms(server, "&all=true")[0]["ending"] == "run 4610 has ended"
    third = arrive(3)
    assert (ended(pilot, third)[1], alarms(server)) == ("published nothing", [])
