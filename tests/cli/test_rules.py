"""Needs, job types, holding, re-runs and explain by commands."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from p3s.cli.moments import moment_of
from p3s.protocol.errors import BadInput

pytestmark = pytest.mark.system

Run = Callable[..., Any]


def test_a_job_that_no_pilot_can_run_is_explained(run: Run, server: Any) -> None:
    asked = ("--need", "gpus=2", "--need", "memory=4GB", "--need", "tag=cvmfs", "--need", "tag=xrootd")
    done = run("job", "submit", *asked, "--", "/bin/true", at=server.directory)
    job = done.stdout.strip()
    assert "needs 2 GPUs: 0 of 1 pilots have that" in done.stderr
    said = run("job", "explain", job, at=server.directory).stdout
    assert "needs the tags cvmfs, xrootd: 0 of 1" in said
    assert "pilots that could be given it now: 0" in said
    run("job", "cancel", job, at=server.directory)


def test_a_job_that_failed_is_shown_with_its_last_words(run: Run, server: Any) -> None:
    """A reason alone (`nonstarter`) does not say which program was not there."""
    done = run("job", "submit", "--wait", "-e", "A=1", "-e", "B=x y", "--", "no-such-program", at=server.directory)
    job = done.stdout.split()[0]
    shown = run("job", "show", job, at=server.directory).stdout
    assert "last on stderr [p3s] no-such-program is not there on this node" in shown
    assert "A=1  B=x y" in shown
    assert "last on stderr: [p3s] no-such" in run("job", "explain", job, at=server.directory).stdout


def test_hold_release_and_rerun(run: Run, server: Any) -> None:
    job = run("job", "submit", "--hold", "--", "/bin/true", at=server.directory).stdout.strip()
    assert "state          held" in run("job", "show", job, at=server.directory).stdout
    assert (
        run("job", "adjust", job, "--priority", "3", at=server.directory).stdout == f"{job} held: priority 3, was 0\n"
    )
    assert "release it" in run("job", "explain", job, at=server.directory).stdout
    run("job", "cancel", job, at=server.directory)
    assert run("job", "release", job, at=server.directory).returncode == 6
    again = run("job", "rerun", job, "--why", "to see", at=server.directory)
    shown = json.loads(run("job", "show", again.stdout.strip(), "--json", at=server.directory).stdout)
    assert shown["rerun_of"] == job
    done = run("job", "rerun", "--state", "cancelled", "--since", "1h", "--dry-run", at=server.directory)
    assert job not in done.stdout, "it was run again already"


def test_a_job_type_is_set_bit_by_bit(run: Run, server: Any) -> None:
    at = server.directory
    assert run("jobtype", "set", "evd", "--cap", "40", "--pick", "freshest", at=at).stdout == "evd: set\n"
    assert run("jobtype", "set", "evd", "--stale-after", "30m", "--supersedes", "run,apa", at=at).stdout == "evd: set\n"
    assert run("jobtype", "set", "evd", "--cap", "40", at=at).stdout == "evd: it was so already\n"
    (found,) = [one for one in json.loads(run("jobtype", "list", "--json", at=at).stdout) if one["name"] == "evd"]
    assert (found["cap"], found["pick"], found["stale_after"]) == (40, "freshest", 1800.0)
    assert found["supersedes"] == ["run", "apa"]
    run("jobtype", "set", "evd", "--cap", "none", at=at)
    assert "evd" in run("jobtype", "list", at=at).stdout


def test_a_job_file_sets_job_types_before_its_jobs(run: Run, server: Any, tmp_path: Path) -> None:
    run("jobtype", "set", "filed", "--retries", "2", "--cap", "3", at=server.directory)
    file = tmp_path / "jobs.yaml"
    file.write_text(
        "jobs: [{payload: /bin/true, jobtype: filed}]\n"
        "jobtypes:\n"
        "  filed: {priority: 4, cap: null, pick: deadline, eta: 10m, supersedes: [run], critical: true}\n"
    )
    done = run("job", "submit", str(file), at=server.directory)
    assert "note: job type filed was set" in done.stderr
    shown = json.loads(run("job", "show", done.stdout.strip(), "--json", at=server.directory).stdout)
    assert (shown["priority"], shown["eta_at"] - shown["submitted_at"]) == (4, pytest.approx(600))
    found = {one["name"]: one for one in json.loads(run("jobtype", "list", "--json", at=server.directory).stdout)}
    settings = {"cap": None, "pick": "deadline", "eta": 600.0, "supersedes": ["run"], "critical": True, "retries": 2}
    assert settings.items() <= found["filed"].items(), "what the file leaves out stays"
    assert "was set" not in run("job", "submit", str(file), at=server.directory).stderr
    run("jobtype", "set", "filed", "--priority", "9", at=server.directory)
    again = run("job", "submit", str(file), at=server.directory).stderr
    assert "job type filed: priority stays 9, which was set live; the file says otherwise" in again


def test_hosts_are_listed_and_one_that_is_not_there_is_refused(
    run: Run, server: Any, refused: Callable[..., str]
) -> None:
    (host,) = json.loads(run("pilot", "hosts", "--json", at=server.directory).stdout)
    assert (host["pilots"], host["slots"], host["doubts"]) == (1, 2, [])
    assert "was not suspect" in run("pilot", "trust", host["host"], at=server.directory).stdout
    assert "p3s pilot hosts lists them" in refused(4, "pilot", "trust", "nowhere", at=server.directory)


@pytest.mark.parametrize("need", ["cores", "cores=two", "colour=red", "memory=4XB", "tag="])
def test_a_need_that_makes_no_sense_is_refused(server: Any, refused: Callable[..., str], need: str) -> None:
    assert "need" in refused(2, "job", "submit", "--need", need, "--", "/bin/true", at=server.directory)


NOW = datetime(2026, 5, 4, 10, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def geneva(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is put forward in summer."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("geneva")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("02:00", NOW.replace(hour=2, minute=0)),
        ("22:15", NOW.replace(day=3, hour=22, minute=15)),
        ("2026-05-01 18:30", NOW.replace(day=1, hour=18, minute=30)),
        ("2026-05-01T18:30+00:00", datetime(2026, 5, 1, 18, 30, tzinfo=UTC)),
        ("2026-01-15 18:30", datetime(2026, 1, 15, 17, 30, tzinfo=UTC)),  # winter's time, not that of today
        ("90m", NOW - timedelta(minutes=90)),
    ],
)
def test_a_moment_as_people_write_it(text: str, expected: datetime) -> None:
    assert moment_of(text, NOW.timestamp(), "--since") == expected.timestamp()


@pytest.mark.usefixtures("geneva")
def test_the_last_one_of_a_clock_may_be_of_summer_when_it_is_winter() -> None:
    monday = datetime(2026, 10, 26, 0, 0, tzinfo=UTC)  # 01:00 of winter's time
    sunday = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 01:30 of summer's
    assert moment_of("01:30", monday.timestamp(), "--since") == sunday.timestamp()


@pytest.mark.parametrize("text", ["25:00", "2026-13-01", "soon", "6", "0001-01-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^--started: .* is no moment; write 02:00"):
        moment_of(text, NOW.timestamp(), "--started")
