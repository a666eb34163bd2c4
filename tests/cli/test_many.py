"""Many jobs and pilots at once, pauses and purges, by commands; always with a look before."""

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.system

Run = Callable[..., Any]


@pytest.fixture
def p3s(run: Run, server: Any) -> Callable[..., Any]:
    """p3s(word, ...): a command that goes well, against the server."""

    def ran(*words: str) -> Any:
        done = run(*words, at=server.directory)
        assert done.returncode == 0, done.stderr
        return done

    return ran


@pytest.fixture
def shown(p3s: Callable[..., Any]) -> Callable[[str], dict[str, Any]]:
    return lambda job: json.loads(p3s("job", "show", job, "--json").stdout)


def test_jobs_are_chosen_looked_at_and_cancelled(p3s: Any, shown: Any) -> None:
    mine = p3s("job", "submit", "-N", "3", "--hold", "--jobtype", "many", "--", "/bin/true").stdout.split()
    other = p3s("job", "submit", "--hold", "--jobtype", "few", "--", "/bin/true").stdout.strip()
    chosen = ("job", "cancel", "--state", "held", "--jobtype", "many")
    looked = p3s(*chosen, "--dry-run")
    assert sorted(looked.stdout.split()) == sorted(mine)
    assert looked.stderr == "would be cancelled: 3 jobs\n"
    assert shown(mine[0])["state"] == "held", "nothing was done"
    done = p3s(*chosen, "--why", "test")
    assert sorted(done.stdout.split()) == sorted(mine)
    assert done.stderr == "cancelled: 3 jobs\n"
    assert [shown(job)["state"] for job in (*mine, other)] == ["cancelled"] * 3 + ["held"]
    p3s("job", "cancel", other)


def test_what_is_refused_of_one_job_does_not_keep_the_others(p3s: Any, run: Run, server: Any) -> None:
    first, last = p3s("job", "submit", "-N", "2", "--hold", "--", "/bin/true").stdout.split()
    done = run("job", "cancel", first, "nonsense", last, at=server.directory)
    assert done.returncode == 4
    assert done.stdout == f"{first} cancelled: it will not run\n{last} cancelled: it will not run\n"
    assert done.stderr == "p3s: there is no job nonsense; p3s job list shows the latest\n"


def test_held_jobs_of_a_type_are_adjusted_and_let_go(p3s: Any, shown: Any) -> None:
    jobs = p3s("job", "submit", "-N", "2", "--hold", "--jobtype", "letgo", "--", "/bin/true").stdout.split()
    assert p3s("job", "adjust", "--jobtype", "letgo", "--priority", "7", "--dry-run").stderr.endswith("2 jobs\n")
    p3s("job", "adjust", "--jobtype", "letgo", "--priority", "7")
    assert [shown(job)["priority"] for job in jobs] == [7, 7]
    assert p3s("job", "release", *jobs, "--dry-run").stderr == "would be released: 2 jobs\n"
    assert p3s("job", "release", "--jobtype", "letgo").stderr == "released: 2 jobs\n"
    assert p3s("job", "hold", "--jobtype", "no-such-type").stderr == "held: 0 jobs\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["job", "cancel"], "wants UUIDs of jobs, or --state and the like"),
        (["job", "cancel", "--jobtype", "x"], "say which: --state defined, --state running, or --state all"),
        (["job", "cancel", "--state", "broken"], "'broken'"),
        (["job", "cancel", "--state", "finished"], "of a job that one can cancel"),
        (["job", "hold", "a-job", "--jobtype", "x"], "one of the two"),
        (["job", "rerun"], "wants UUIDs of jobs, or --state failed,lost --since 6h"),
        (["pilot", "stop"], "wants UUIDs of pilots, or --host"),
        (["pilot", "drain", "--state", "asleep"], "'asleep'"),
        (["pilot", "delete"], "wants UUIDs of ended pilots"),
        (["purge", "files", "--older", "1d"], "write p3s purge jobs, pilots or workflows"),
        (["purge", "jobs", "--older", "soon"], "'soon' is not a duration"),
        (["purge", "jobs", "--older", "1d", "--state", "running"], "that is final"),
        (["job", "list", "--since", "soon"], "--since"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_choice_that_makes_no_sense_is_refused(
    refused: Callable[..., str], server: Any, words: list[str], says: str
) -> None:
    assert says in refused(2, *words, at=server.directory)


def test_jobs_are_listed_by_what_they_are(p3s: Any) -> None:
    job = p3s(
        "job", "submit", "--wait", "--jobtype", "listed", "--name", "one to find", "--", "/bin/true"
    ).stdout.strip()
    (found,) = json.loads(p3s("job", "list", "--jobtype", "listed", "--json").stdout)
    for option, value in (
        ("--user", found["owner"]),
        ("--host", found["host"]),
        ("--site", "local"),
        ("--pilot", found["pilot"]),
        ("--name", "one to*"),
        ("--since", "1h"),
    ):
        assert job in p3s("job", "list", option, value, "--limit", "100").stdout, option
        if option != "--since":
            assert job not in p3s("job", "list", option, f"no{value}", "--limit", "100").stdout, option
    assert job not in p3s("job", "list", "--run", "7").stdout


def test_a_paused_type_waits_until_it_is_resumed(p3s: Any, shown: Any, until: Any) -> None:
    p3s("jobtype", "set", "braked", "--priority", "1")
    assert p3s("pause", "braked", "--reason", "why not", "--dry-run").stdout.startswith("braked: would be paused")
    assert "braked" not in p3s("pause").stdout
    assert p3s("pause", "braked", "--reason", "why not").stdout == "braked: paused; 0 jobs waiting\n"
    job = p3s("job", "submit", "--jobtype", "braked", "--", "/bin/true").stdout.strip()
    assert "why not" in p3s("job", "explain", job).stdout
    assert "why not" in p3s("pause").stdout
    assert "why not" in p3s("top", "--once").stdout
    assert p3s("pause", "braked", "--reason", "why not").stdout == "braked: it was paused already; 1 job waiting\n"
    assert p3s("resume", "braked", "--dry-run").stdout == "braked: would be resumed\n"
    assert p3s("resume", "braked").stdout == "braked: resumed\n"
    until("the job has run", lambda: shown(job)["state"] == "finished")
    assert p3s("resume", "braked").stdout == "braked: it was not paused by itself\n"


def test_what_ended_is_purged(p3s: Any, run: Run, server: Any) -> None:
    job = p3s("job", "submit", "--wait", "--jobtype", "purged", "--", "/bin/true").stdout.strip()
    chosen = ("purge", "jobs", "--older", "0s", "--state", "finished", "--jobtype", "purged")
    assert p3s(*chosen, "--dry-run").stdout == "would remove: 1 job\n"
    assert p3s("job", "show", job).returncode == 0
    assert p3s(*chosen).stdout == "removed: 1 job\n"
    assert run("job", "show", job, at=server.directory).returncode == 4


def test_pilots_are_drained_and_their_records_deleted(p3s: Any, pilot: Any, until: Any) -> None:
    [uuid] = [one["uuid"] for one in json.loads(p3s("pilot", "list", "--site", "elsewhere", "--json").stdout)]
    looked = p3s("pilot", "drain", "--site", "elsewhere", "--dry-run").stdout
    assert uuid in looked
    assert "it would be told to drain" in looked
    assert pilot.poll() is None
    assert uuid in p3s("pilot", "drain", "--site", "elsewhere", "--why", "test").stdout
    until("the pilot has ended", lambda: pilot.poll() is not None)
    until("the server knows", lambda: uuid in p3s("pilot", "list", "--ended").stdout)
    assert p3s("pilot", "delete", uuid, "--dry-run").stdout.startswith("would remove: 1 pilot;")
    assert p3s("pilot", "delete", "--site", "elsewhere").stdout.startswith("removed: 1 pilot;")
    assert uuid not in p3s("pilot", "list", "--ended").stdout


def test_a_job_type_is_tried_before_it_is_set(p3s: Any, refused: Callable[..., str], server: Any) -> None:
    assert p3s("jobtype", "set", "tried", "--cap", "3", "--dry-run").stdout == (
        "tried: would be made\ntried: would set cap 3, was none\n"
    )
    assert "tried" not in p3s("jobtype", "list").stdout
    p3s("jobtype", "set", "tried", "--cap", "3")
    assert p3s("jobtype", "set", "tried", "--cap", "3", "--dry-run").stdout == "tried: it is so already\n"
    assert "pick: 'best' is none" in refused(
        2, "jobtype", "set", "tried", "--pick", "best", "--dry-run", at=server.directory
    )


def test_submission_is_tried_by_the_servers_rules_without_one(run: Run, refused: Callable[..., str]) -> None:
    done = run("job", "submit", "--dry-run", "-N", "20", "--jobtype", "x", "--", "/bin/true")
    assert (done.returncode, done.stdout) == (0, "would submit 20 jobs of type x\n")
    assert "checked without it" in done.stderr
    line = refused(2, "job", "submit", "--dry-run", "--priority", "5000", "--", "/bin/true")
    assert "priority: must be from -1000 to 1000" in line


def test_replicas_with_a_delay_come_one_after_the_other(p3s: Any, shown: Any) -> None:
    began = time.monotonic()
    jobs = p3s(
        "job", "submit", "-N", "3", "--delay", "100ms", "--hold", "--key", "apart", "--", "/bin/true"
    ).stdout.split()
    assert time.monotonic() - began > 0.2
    moments = [shown(job)["submitted_at"] for job in jobs]
    assert [later - earlier > 0.09 for earlier, later in itertools.pairwise(moments)] == [True, True]
    again = p3s("job", "submit", "-N", "3", "--delay", "1ms", "--hold", "--key", "apart", "--", "/bin/true")
    assert again.stdout.split() == jobs, "the same key again adds nothing"
    p3s("job", "cancel", *jobs)


def test_a_log_is_followed_to_the_end(p3s: Any, run: Run, server: Any) -> None:
    job = p3s("job", "submit", "--", "/bin/sh", "-c", "echo begun; sleep 0.3; echo over; exit 3").stdout.strip()
    done = run("job", "logs", job, "--follow", at=server.directory)
    assert (done.returncode, done.stdout) == (0, "begun\nover\n")
    assert f"note: {job} failed: exit code\n" in done.stderr
