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
    assert ">job-59<" in first
    assert ">job-09<" not in first
    older = first.split('<p class="pager">')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = pages.get(f"/jobs{older}")
    assert ">job-09<" in second
    assert ">job-10<" not in second
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


def test_a_job_that_published_nothing_says_so(pages: Any, make: Any) -> None:
    assert "none of the results" in pages.get(f"/jobs/{make.job(reason='published nothing').uuid}")
    assert "did not come" in pages.get(f"/jobs/{make.job(reason='results missing').uuid}")
    assert "Ended with exit code 0.</p>" in pages.get(f"/jobs/{make.job().uuid}")


def test_a_paused_job_is_not_said_to_start_soon(pages: Any, make: Any) -> None:
    from p3s.server.jobs.models import Pause

    make.pilot()
    job = make.job(state="defined", jobtype="evdisp")
    page = pages.get(f"/jobs/{job.uuid}")
    assert f"<code>p3s job explain {job.uuid}</code>" in page
    Pause.objects.create(jobtype="evdisp", why="new <b> release", who="anna", since=1.0)
    assert "Jobs of type evdisp are paused by anna: new &lt;b&gt; release." in pages.get(f"/jobs/{job.uuid}")
    Pause.objects.update(jobtype="all")
    assert "All jobs are paused by anna" in pages.get(f"/jobs/{job.uuid}")


def test_a_job_of_a_held_workflow_waits_for_its_release(pages: Any, make: Any) -> None:
    from p3s.server.jobs.models import Job

    held = make.workflow(state="held")
    job = Job.objects.filter(workflow=held.uuid, state="waiting").last()
    assert f"workflow {held.uuid} is held" in pages.get(f"/jobs/{job.uuid}")
    running = make.workflow(state="running")
    job = Job.objects.filter(workflow=running.uuid, state="waiting").order_by("id").last()
    assert "node decode[1] is waiting too" in pages.get(f"/jobs/{job.uuid}")


def test_a_rare_job_can_be_looked_for_among_older_ones(pages: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from p3s.server.jobs import listing

    old = make.job(jobtype="rare", name="the old one")
    for _ in range(5):
        make.job(jobtype="common")
    monkeypatch.setattr(listing, "MOST_LOOKED", 2)
    page = pages.get("/jobs?type=rare")
    assert "No job fits" not in page
    older = page.split('<p class="pager">')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    found = pages.get("/jobs" + older)
    assert "there are older ones" in found or old.name in found


def test_counts_of_all_types_do_not_stand_beside_one_type(pages: Any, make: Any) -> None:
    make.job(jobtype="a", state="failed")
    make.job(jobtype="b")
    assert "failed <b>1</b>" in pages.get("/jobs")
    assert "failed <b>1</b>" not in pages.get("/jobs?type=b")
