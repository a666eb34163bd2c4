"""The entrances of the pages: they take the clock and the question, and hand both on."""

import time
from functools import partial
from typing import Final

from django.http import HttpRequest, HttpResponse

from p3s.server.data import reads as data
from p3s.server.jobs import reads as jobs
from p3s.server.monitor import job_pages, pilot_pages, run_pages, workflow_pages
from p3s.server.monitor.front import Front
from p3s.server.monitor.pages import Part, absent, respond
from p3s.server.monitor.states import JOB_STATES
from p3s.server.pilots import reads as pilots
from p3s.server.workflows import reads as workflows

MOST_ID: Final = 2**63 - 1


def front(request: HttpRequest) -> HttpResponse:
    now = time.time()
    # One part: its pieces share what is read, and almost every change concerns several of them.
    parts = [Part("now", "datasets jobs pilots results alarms services", "front_body", Front(now).everything)]
    return respond(request, parts, now, here="front", title="Now")


def _integer(text: str | None) -> int | None:
    """A number from a query string; None for anything else, as if it were not there."""
    try:
        number = int(text or "")
    except ValueError:
        return None
    return number if abs(number) <= MOST_ID else None


def run(request: HttpRequest, run: int) -> HttpResponse:
    now = time.time()
    found = run_pages.one_run(run, _integer(request.GET.get("subrun")))
    if found is None:
        return absent(request, f"Nothing is known of run {run}: no file and no result names it.", now)
    parts = [Part("run", "results datasets jobs", "run_body", lambda: found)]
    return respond(request, parts, now, here="runs", title=f"Run {run}")


def dataset_list(request: HttpRequest) -> HttpResponse:
    now = time.time()
    before, run = _text(request, "before"), _integer(request.GET.get("run"))
    topics = "" if before else "datasets jobs results"
    parts = [Part("data", topics, "data_list", lambda: run_pages.dataset_list(before, run))]
    return respond(request, parts, now, here="data", title="Files")


def dataset(request: HttpRequest, uuid: str) -> HttpResponse:
    now = time.time()
    row = data.find(uuid)
    if row is None:
        return absent(request, f"There is no file {uuid}.", now)
    parts = [Part("dataset", "results datasets jobs", "dataset_body", lambda: run_pages.one_dataset(row))]
    return respond(request, parts, now, here="data", title=row.name)


def job_list(request: HttpRequest) -> HttpResponse:
    now = time.time()
    state = request.GET.get("state", "")
    state = state if state in JOB_STATES else ""
    jobtype = _text(request, "type")
    before = _integer(request.GET.get("before"))
    topics = "" if before else "jobs"
    parts = [Part("jobs", topics, "job_list", lambda: job_pages.job_list(state, jobtype, before))]
    return respond(request, parts, now, here="jobs", title="Jobs")


def job(request: HttpRequest, uuid: str) -> HttpResponse:
    now = time.time()
    found = jobs.find(uuid)
    if found is None:
        return absent(request, f"There is no job {uuid}.", now)
    parts = [Part("job", "jobs results pilots", "job_body", lambda: job_pages.one_job(found, now))]
    return respond(request, parts, now, here="jobs", title=f"Job {found.row.name or uuid[-8:]}")


def workflow_list(request: HttpRequest) -> HttpResponse:
    now = time.time()
    asked = {name: _text(request, name) for name in ("state", "template", "name", "after")}
    run = _integer(request.GET.get("run"))
    topics = "" if asked["after"] else "workflows"
    parts = [Part("workflows", topics, "workflow_list", lambda: workflow_pages.workflow_list(**asked, run=run))]
    return respond(request, parts, now, here="workflows", title="Workflows")


def workflow(request: HttpRequest, uuid: str) -> HttpResponse:
    now = time.time()
    found = workflows.workflow(uuid)
    if found is None:
        return absent(request, f"There is no workflow {uuid}.", now)
    state, node, after = _text(request, "state"), _text(request, "node"), _integer(request.GET.get("after"))
    one = partial(workflow_pages.one_workflow, found, state, node, -1 if after is None else after)
    parts = [Part("workflow", "workflows jobs", "workflow_body", one)]
    return respond(request, parts, now, here="workflows", title=f"Workflow {found['name']}")


def nowhere(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """An address that is none: mistyped, or of a link that was cut."""
    return absent(request, f"There is no page {request.path[:200]}.", time.time())


def _text(request: HttpRequest, name: str) -> str:
    """PostgreSQL refuses NUL in a text."""
    return request.GET.get(name, "").replace("\x00", "")[:200]


def pilot_list(request: HttpRequest) -> HttpResponse:
    now = time.time()
    parts = [Part("pilots", "pilots jobs", "pilot_list", lambda: pilot_pages.pilot_list(now))]
    return respond(request, parts, now, here="pilots", title="Pilots")


def pilot(request: HttpRequest, uuid: str) -> HttpResponse:
    now = time.time()
    row = pilots.find(uuid)
    if row is None:
        return absent(request, f"There is no pilot {uuid}.", now)
    parts = [Part("pilot", "pilots jobs", "pilot_body", lambda: pilot_pages.one_pilot(row, now))]
    return respond(request, parts, now, here="pilots", title=f"Pilot on {row.host}")
