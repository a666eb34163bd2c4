"""The list of jobs, and everything that is known of one."""

from typing import Any

import pytest


def test_a_failed_job_says_why_and_shows_its_log(pages: Any, make: Any) -> None:
    from p3s.server.jobs.models import JobLog
    from p3s.server.journal.models import Event

    job = make.job(state="failed", reason="exit code", exit_code=3, wall_s=2.5)
    JobLog.objects.create(job=job, attempt=1, stdout="hello", stderr="Traceback: no tracks")
    Event.objects.create(at=1.0, kind="job", object_id=job.uuid, what="amended", who="anna", why="late")
    page = pages.get(f"/jobs/{job.uuid}")
    assert "Its payload ended with exit code 3." in page
    assert "Traceback: no tracks" in page
    assert f'href="/api/v1/jobs/{job.uuid}/logs/stdout"' in page
    assert "amended" in page
    assert "anna" in page


def test_secrets_of_the_environment_are_hidden(pages: Any, make: Any) -> None:
    env = {"P3S_TOKEN": "hide-1", "db_password": "hide-2", "MY_SECRET": "hide-3", "EVENTS": 3}
    page = pages.get(f"/jobs/{make.job(env=env).uuid}")
    assert "hide-" not in page
    assert "P3S_TOKEN" in page
    assert "<td>3</td>" in page


def test_a_signal_has_its_name(pages: Any, make: Any) -> None:
    assert "SIGSEGV" in pages.get(f"/jobs/{make.job(state='failed', reason='signal', signal=11).uuid}")
    assert "signal 4242" in pages.get(f"/jobs/{make.job(state='failed', reason='signal', signal=4242).uuid}")


def test_a_queued_job_without_pilots_says_how_to_start_one(pages: Any, make: Any) -> None:
    job = make.job(state="defined")
    assert "No pilot is there now" in pages.get(f"/jobs/{job.uuid}")
    make.pilot()
    assert "No pilot is there now" not in pages.get(f"/jobs/{job.uuid}")


def test_a_job_on_a_silent_pilot_says_so(pages: Any, make: Any) -> None:
    job = make.job(state="running", pilot=make.pilot("far-host", silent_s=47.0))
    assert "Pilot silent 47 s: unless the one on far-host is heard again" in pages.get(f"/jobs/{job.uuid}")


STATES = [
    "held",
    "waiting",
    "defined",
    "dispatched",
    "running",
    "finished",
    "failed",
    "dropped",
    "cancelled",
    "lost",
    "skipped",
]


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_page_and_a_sentence(pages: Any, make: Any, state: str) -> None:
    page = pages.get(f"/jobs/{make.job(state=state).uuid}")
    assert page.split('<p class="lead">')[1].split("</p>")[0].strip()


def test_every_state_of_the_protocol_has_its_word_here() -> None:
    from p3s.protocol.states import JobState
    from p3s.server.monitor.states import JOB_STATES

    assert set(JOB_STATES) == {str(state) for state in JobState}


def test_the_list_is_filtered_by_state_and_type(pages: Any, make: Any) -> None:
    make.job(state="failed", jobtype="evdisp", name="wanted")
    make.job(state="failed", jobtype="purity", name="other-type")
    make.job(state="finished", jobtype="evdisp", name="other-state")
    page = pages.get("/jobs?state=failed&type=evdisp")
    assert "wanted" in page
    assert "other-" not in page


def test_the_list_is_paged_by_id(pages: Any, make: Any) -> None:
    for number in range(60):
        make.job(name=f"job-{number:02d}")
    first = pages.get("/jobs")
    assert "job-59" in first
    assert "job-09" not in first
    older = first.split('<p class="pager">')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = pages.get(f"/jobs{older}")
    assert "job-09" in second
    assert "job-10" not in second
    assert 'data-live="' not in second  # an older page stays as it is


@pytest.mark.parametrize(
    "query", ["before=x", "before=" + "9" * 40, "state=%00", "type=%00", "state=nonsense", "part=x"]
)
def test_nonsense_in_the_address_is_ignored(pages: Any, make: Any, query: str) -> None:
    make.job(name="there")
    assert "Jobs" in pages.get(f"/jobs?{query}")


@pytest.mark.parametrize(
    ("address", "command"), [("/jobs", "p3s job submit -- "), ("/pilots", "p3s pilot"), ("/data", "p3s watcher start")]
)
def test_an_empty_list_names_the_next_command(pages: Any, address: str, command: str) -> None:
    assert f"<code>{command}" in pages.get(address)


def test_a_pilot_shows_its_jobs_now_and_lately(pages: Any, make: Any) -> None:
    pilot = make.pilot(slots=2)
    make.job(state="running", pilot=pilot, name="now-job")
    make.job(state="finished", pilot=pilot, name="late-job")
    make.job(state="finished", name="other-job")
    page = pages.get(f"/pilots/{pilot.uuid}")
    assert page.index("now-job") < page.index("late-job")
    assert "other-job" not in page
    assert "1 of 2 in use" in page
