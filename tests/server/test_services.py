"""Periodic services: what runs in the server, what reports to it, and what is said when one fails or falls silent."""

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

Server = Any
Until = Callable[..., Any]
EVERY = {"text": "fine", "every": 1.0}


def service(server: Server, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.good("GET", f"/api/v1/services/{name}")
    return found


def open_alarms(server: Server, about: str) -> list[dict[str, Any]]:
    return [one for one in server.good("GET", "/api/v1/alarms")["alarms"] if one["cause"] == about]


def report(server: Server, name: str, body: Any, **more: Any) -> Any:
    return server.ask("POST", f"/api/v1/services/{name}/reports", body, **more)


def test_the_server_s_own_run_by_themselves(server: Server, until: Until) -> None:
    until("the rounds ran", lambda: service(server, "reaper")["last_at"] and service(server, "expiry")["last_at"])
    first = service(server, "reaper")["last_at"]
    until("they run again", lambda: service(server, "reaper")["last_at"] > first)
    until("the disk was looked at", lambda: service(server, "disk")["last_at"])
    assert " free on " in service(server, "disk")["said"]
    listed = server.good("GET", "/api/v1/services")["services"]
    assert [one["name"] for one in listed if one["own"]][:2] == ["reaper", "expiry"]
    assert {one["runs"] for one in listed if one["own"]} == {"server", "never"}
    assert [one["error"] for one in listed if one["own"]] == ["" for one in listed if one["own"]]


def test_one_runs_when_asked_and_says_what_it_did(server: Server) -> None:
    found = server.ran("database")
    assert (found["running"], found["error"]) == (False, "")
    assert re.search(r"[\d.]+ [kMG]?B", found["said"])
    assert found["last_at"] + 6 * 3600 == pytest.approx(found["next_at"])


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("nobody", 404, "there is no service nobody"),
        ("reaper", 409, "runs every 1 s by itself"),
        ("no%20name", 422, "is not a name"),
    ],
)
def test_what_cannot_be_run_is_refused(server: Server, name: str, status: int, words: str) -> None:
    answer = server.ask("POST", f"/api/v1/services/{name}/run")
    assert (answer.status, words in answer.detail) == (status, True), answer.detail


def test_a_script_reports_and_is_forgotten(server: Server) -> None:
    body = {"text": "4 servers up", "value": 3.2, "unit": "TB", "every": 1800.0}
    found = report(server, "storage", body).json()
    assert (found["runs"], found["said"], found["value"], found["unit"]) == ("script", "4 servers up", 3.2, "TB")
    assert found["next_at"] == pytest.approx(found["last_at"] + 1800)
    assert report(server, "storage", {"text": "5 up"}).json()["value"] is None
    assert server.ask("POST", "/api/v1/services/storage/run").status == 409
    server.good("DELETE", "/api/v1/services/storage")
    assert server.ask("GET", "/api/v1/services/storage").status == 404


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("x", {"text": " "}, 422, "text: is empty"),
        ("x", {}, 422, "text: is required"),
        ("x", {"text": "a" * 2001}, 422, "at most 2000"),
        ("x", {"text": "a", "every": 0.5}, 422, "every: must be from 1 to"),
        ("x", {"text": "a", "value": "3"}, 422, "value"),
        ("x", {"text": "a", "size": 3}, 422, "size: is not a known field"),
        ("disk", {"text": "a"}, 409, "disk is a service of the server's own"),
        ("-x", {"text": "a"}, 422, "is not a name"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(
    server: Server, name: str, body: dict[str, Any], status: int, words: str
) -> None:
    answer = report(server, name, body)
    assert (answer.status, words in answer.detail) == (status, True), answer.detail


def test_nobody_takes_over_a_service_of_the_server_s_own_even_before_its_first_run(
    own_server: Callable[..., Server],
) -> None:
    server = own_server().start()
    for name in ("reaper", "expiry", "disk", "purge", "tidy", "database", "backup"):
        before = service(server, name)
        for answer in (report(server, name, EVERY), server.ask("DELETE", f"/api/v1/services/{name}")):
            assert (answer.status, f"{name} is a service of the server's own" in answer.detail) == (409, True)
        after = service(server, name)
        assert (after["own"], after["every_s"], after["by"]) == (True, before["every_s"], before["by"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_script_s_row_of_an_older_server_does_not_pass_for_the_server_s_own(
    own_server: Callable[..., Server],
) -> None:
    server = own_server().start()
    report(server, "probe", {"text": "all is well"})
    assert server.stop() == 0
    with sqlite3.connect(server.directory / "p3s.sqlite3") as tables:
        tables.execute("UPDATE services_service SET name = 'backup' WHERE name = 'probe'")
    server.start()
    found = service(server, "backup")
    assert (found["own"], found["said"], found["last_at"]) == (True, "", None)
    assert server.ran("backup")["error"] == ""


def test_what_a_script_writes_is_shown_as_text(server: Server) -> None:
    said = report(server, "odd", {"text": "<b>\u0000\u001b[31m</b>", "unit": "<i>"})
    assert said.status == 200
    assert "\u0000" not in said.json()["said"]
    server.good("DELETE", "/api/v1/services/odd")


def test_a_job_s_own_token_reports_while_the_attempt_runs_and_for_its_owner(server: Server) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    token = pilot.take(job)["token"]
    assert report(server, "from-job", {"text": "in the payload"}, token=token).status == 200
    assert service(server, "from-job")["by"] == f"job {job}"
    # The job's owner has the name too.
    assert report(server, "from-job", {"text": "by hand"}).status == 200
    assert server.ask("POST", "/api/v1/services/database/run", token=token).status == 403
    assert report(server, "from-pilot", {"text": "x"}, token=pilot.token).status == 403
    pilot.report(job, 1, "finished", exit_code=0)
    late = report(server, "from-job", {"text": "after the end"}, token=token)
    assert (late.status, "does not run any more" in late.detail) == (409, True)
    assert report(server, "from-job", {"text": "x"}, token="").status == 401
    server.good("DELETE", "/api/v1/services/from-job")


def test_silence_beyond_the_promise_is_one_alarm_until_it_is_heard_again(server: Server, until: Until) -> None:
    report(server, "probe", EVERY)
    (alarm,) = until("the alarm is raised", lambda: open_alarms(server, "service probe"))
    assert alarm["message"] == "The service probe is silent; it promised a word every 1 s, the last was: fine"
    assert service(server, "probe")["late"]
    report(server, "probe", {"text": "back", "every": 3600.0})
    until("the alarm is cleared", lambda: not open_alarms(server, "service probe"))
    server.good("DELETE", "/api/v1/services/probe")


def test_what_a_script_says_is_wrong_is_an_alarm_until_it_says_otherwise(server: Server, until: Until) -> None:
    body = {"text": "2 of 3 up", "error": "storage /data silent since 02:14"}
    assert report(server, "probe", body).json()["error"] == body["error"]
    [alarm] = until("the alarm is raised", lambda: open_alarms(server, "service probe"))
    assert alarm["message"] == "The service probe reports: storage /data silent since 02:14"
    found = report(server, "probe", {"text": "3 of 3 up"}).json()
    assert (found["error"], found["last_error"]) == ("", body["error"])
    until("the alarm is cleared", lambda: not open_alarms(server, "service probe"))
    server.good("DELETE", "/api/v1/services/probe")


def test_a_forgotten_service_takes_its_alarm_along(server: Server, until: Until) -> None:
    report(server, "gone", EVERY)
    until("the alarm is raised", lambda: open_alarms(server, "service gone"))
    server.good("DELETE", "/api/v1/services/gone")
    until("the alarm is cleared", lambda: not open_alarms(server, "service gone"))


def test_all_is_remembered_over_a_restart_and_silence_counts_from_it(
    own_server: Callable[..., Server], until: Until
) -> None:
    server = own_server().start()
    report(server, "probe", {"text": "fine", "value": 1.5, "every": 3.0})
    ran = server.ran("database")["last_at"]
    server.kill()
    server.start()
    found = service(server, "probe")
    assert (found["said"], found["value"], found["every_s"], found["late"]) == ("fine", 1.5, 3.0, False)
    assert service(server, "database")["last_at"] == ran
    until("silence is an alarm", lambda: open_alarms(server, "service probe"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_service_that_fails_is_an_alarm_and_keeps_its_error(own_server: Callable[..., Server], until: Until) -> None:
    server = own_server()
    server.directory.mkdir()
    (server.directory / "no-directory").write_text("a file")
    server.start("--backup-every", "3600", "--backup-dir", str(server.directory / "no-directory"))
    failed = server.ran("backup")
    assert "File exists" in failed["error"]
    (alarm,) = until("the alarm is raised", lambda: open_alarms(server, "service backup"))
    assert alarm["message"].startswith("The service backup failed: ")
    assert alarm["severity"] == "bad"
    (server.directory / "no-directory").unlink()
    well = server.ran("backup")
    assert (well["error"], "File exists" in well["last_error"], well["failed_at"] < well["last_at"]) == ("", True, True)
    until("the alarm is cleared", lambda: not open_alarms(server, "service backup"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_may_be_left_to_cron_and_the_rounds_may_not(own_server: Callable[..., Server]) -> None:
    server = own_server().start("--no-service", "database", "--no-service", "backup")
    assert (service(server, "database")["runs"], service(server, "backup")["runs"]) == ("cron", "cron")
    assert service(server, "backup")["every_s"] == 24 * 3600
    assert server.ran("database")["error"] == ""
    assert server.stop() == 0
    server.launch("--no-service", "reaper")
    assert server.process.wait(30) == 1
    assert "only purge, tidy, database, backup may be left to cron" in server.said().splitlines()[-1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_rounds_of_every_second_are_written_down_seldom(own_server: Callable[..., Server], until: Until) -> None:
    """An idle server stays idle: memory has them newer than the table."""
    server = own_server().start()

    def ran() -> float:
        return float(service(server, "reaper")["last_at"])

    def written() -> list[Any]:
        with sqlite3.connect(server.directory / "p3s.sqlite3") as tables:
            return tables.execute("SELECT name, last_at FROM services_service").fetchall()

    until("all were written once", lambda: len(written()) >= 3)
    before, first = written(), ran()
    until("the reaper ran four times more", lambda: ran() > first + 3.5)
    assert written() == before


def test_old_records_without_results_are_purged_when_the_server_was_told_so(
    own_server: Callable[..., Server], until: Until
) -> None:
    server = own_server().start("--purge-after", "1")
    pilot = server.pilot()
    plain, published, running = server.submit(*[{"payload": "true"}] * 3)
    for job in (plain, published):
        token = pilot.take(job)["token"]
        if job == published:
            items = [{"kind": "number", "name": "n", "value": 1}]
            body = {"results": [{"p3s_result": 1, "category": "c", "items": items}]}
            assert server.ask("POST", f"/api/v1/jobs/{job}/attempts/1/results", body, token=token).status == 200
        pilot.report(job, 1, "finished", exit_code=0)
    pilot.take(running)

    def purged() -> bool:
        said = server.ran("purge")
        assert said["error"] == ""
        return bool(server.ask("GET", f"/api/v1/jobs/{plain}").status == 404)

    until("the old job is gone", purged)
    assert {server.state(published), server.state(running)} == {"finished", "dispatched"}
    assert server.good("GET", "/api/v1/results")["results"], "what people look at stays"

    assert server.stop() == 0
    server.launch("--purge-results-after", "1").wait_ready()  # the canary of `start` was purged too
    until("the run has results no more", lambda: results_purged(server))
    assert server.ask("GET", f"/api/v1/jobs/{published}").status == 404
    assert server.state(running) == "dispatched"


def results_purged(server: Server) -> bool:
    server.ran("purge")
    return not server.good("GET", "/api/v1/results")["results"]


def test_without_an_age_nothing_is_purged(server: Server) -> None:
    said = server.ran("purge")["said"]
    assert said.startswith("nothing: p3s server start --purge-after")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_service_that_does_not_come_to_an_end_is_an_alarm(
    own_server: Callable[..., Server], until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "bin" / "nice"
    stuck.parent.mkdir()
    stuck.write_text("#!/bin/sh\nexec sleep 600\n")
    stuck.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stuck.parent}:{os.environ['PATH']}")
    server = own_server().start("--backup-every", "1")
    server.ask("POST", "/api/v1/services/backup/run")
    try:
        (alarm,) = until("the alarm is raised", lambda: open_alarms(server, "service backup"), 60)
        assert alarm["message"] == "The service backup does not come to an end; it should run every 1 s"
        assert service(server, "backup")["running"]
        assert service(server, "reaper")["error"] == "", "the others go on"
    finally:
        for child in psutil.Process(server.process.pid).children():
            child.kill()
    until("the run has ended", lambda: "it ended with -9" in service(server, "backup")["last_error"])
