"""Cold routes of jobs: list, look, logs, cancel."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.protocol.acts import AdjustRequest, ChangeReply, ExplainReply, RerunReply, RerunRequest, WhyRequest
from p3s.protocol.errors import NotKnown
from p3s.protocol.hidden import is_secret
from p3s.protocol.messages import CancelReply, CancelRequest
from p3s.protocol.states import OUT_JOB_STATES, JobState
from p3s.server.actions import hold as holding
from p3s.server.actions.cancel import cancel as cancel_job
from p3s.server.actions.explain import explain as explain_job
from p3s.server.actions.rerun import Who, rerun
from p3s.server.actions.work import Work
from p3s.server.blobs import Blobs
from p3s.server.broker import running
from p3s.server.jobs import listing, reads
from p3s.server.jobs.listing import Choice
from p3s.server.pilots import hearing
from p3s.server.upkeep.services import running as upkeep

from .doors import grant_of, plain, reach, read
from .paging import Cursor, Limit, Name, Run, exact, number
from .paging import words as states
from .places import BLOBS

router = Router(tags=["jobs"])
_UUID = re.compile(r"[0-9a-f-]{36}\Z")


def found(job: str) -> reads.JobDetail:
    """A job by UUID, or NotKnown."""
    detail = reads.find(job) if _UUID.match(job) else None
    if detail is None:
        raise NotKnown(f"there is no job {job}; p3s job list shows the latest")
    return detail


@router.get("/jobs", auth=reach("read"), summary=routes.JOBS.summary)
@exact
def list_jobs(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    state: Annotated[str, Query(max_length=300, description="states, separated by commas")] = "",
    uuid: Annotated[str, Query(max_length=8_000, description="UUIDs, separated by commas")] = "",
    jobtype: Name = "",
    owner: Name = "",
    site: Annotated[str, Query(max_length=300, description="of the pilot that has or had it")] = "",
    host: Annotated[str, Query(max_length=300, description="of that pilot")] = "",
    pilot: Name = "",
    stream: Name = "",
    dataset: Name = "",
    workflow: Name = "",
    run: Run = None,
    name: Annotated[str, Query(max_length=200, description="may begin or end with *")] = "",
    since: Annotated[float | None, Query(ge=0, le=1e12, description="submitted then or later, epoch seconds")] = None,
    until: Annotated[float | None, Query(ge=0, le=1e12, description="submitted before, epoch seconds")] = None,
) -> dict[str, Any]:
    """Newest first. `next`, given as `cursor`, continues; null at the end. What is rare is looked for among some
    hundred thousand jobs at a time: a page may have fewer than `limit`, or none, and still a `next`."""
    words = {"jobtype": jobtype, "owner": owner, "site": site, "host": host, "pilot": pilot}
    words |= {"stream": stream, "dataset": dataset, "workflow": workflow, "name": name}
    for where, word in words.items():
        bounds.check_name(word, where)
    uuids = tuple(word for word in uuid.split(",") if word)
    bounds.check_uuids(uuids, "uuid")
    choice = Choice(states(state, list(JobState), "state"), uuids, run=run, since=since, until=until, **words)
    rows, following = listing.page(choice, limit, number(cursor))
    return {"jobs": [plain(row) for row in rows], "next": None if following is None else str(following)}


@router.get("/jobs/{job}", auth=reach("read"), summary=routes.JOB.summary)
@exact
def show_job(request: HttpRequest, job: str) -> dict[str, Any]:  # noqa: ARG001
    """All there is about a job. Values of variables that look like secrets are left out. `pilot_silent_s`: for how
    long the pilot that has it was not heard, when it is silent."""
    detail = plain(found(job))
    shown = {**detail.pop("row"), **detail}
    shown["env"] = {name: _shown(name, value) for name, value in shown["env"].items()}
    heard = hearing.of(shown["pilot"]) if shown["state"] in OUT_JOB_STATES else None
    shown["pilot_silent_s"] = heard.silent_s if heard else None
    shown["events"] = [plain(event) for event in reads.events("job", job)]
    return shown


def _shown(name: str, value: str) -> str:
    return "(hidden)" if is_secret(name) else value


@router.get("/jobs/{job}/logs/{stream}", auth=reach("read"), summary=routes.LOG.summary)
@exact
def show_log(request: HttpRequest, job: str, stream: str) -> Any:  # noqa: ARG001
    """Plain text: the whole log when it was long and uploaded, else its end."""
    if stream not in ("stdout", "stderr"):
        raise NotKnown(f"there is no log {stream!r}; use stdout or stderr")
    row = found(job).row
    if row.attempt > 0:
        whole = Blobs(BLOBS).path(job, row.attempt, f".p3s/{stream}")
        if whole.is_file():
            return _text(FileResponse(whole.open("rb")))
    tail = reads.log(row.id, row.attempt)
    return _text(HttpResponse(getattr(tail, stream) if tail else ""))


def _text(response: Any) -> Any:
    response["Content-Type"] = "text/plain; charset=utf-8"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@router.post("/jobs/{job}/cancel", auth=reach("submit"), summary=routes.CANCEL.summary)
def cancel(request: HttpRequest, job: str) -> CancelReply:
    """A waiting job ends at once; a running one when its pilot has ended it."""
    body, grant = read(request, CancelRequest), grant_of(request)
    bounds.check_cancel(body)
    found(job)
    reply: CancelReply = running().ask(
        lambda work: cancel_job(work, job=job, who=grant.owner, all_jobs=grant.reaches("operate"), why=body.why)
    )
    return reply


def _change(request: HttpRequest, job: str, act: Callable[..., ChangeReply], **words: Any) -> ChangeReply:
    """A person's act on a job, by the writer."""
    grant = grant_of(request)
    found(job)

    def story(work: Work) -> ChangeReply:
        return act(work, job=job, who=grant.owner, all_jobs=grant.reaches("operate"), **words)

    reply: ChangeReply = running().ask(story)
    return reply


@router.post("/jobs/{job}/hold", auth=reach("submit"), summary=routes.HOLD.summary)
def hold(request: HttpRequest, job: str) -> ChangeReply:
    """It is not handed out until it is released. 409 for a job that a pilot has, or that has ended."""
    body = read(request, WhyRequest)
    bounds.check_why(body)
    return _change(request, job, holding.hold, why=body.why)


@router.post("/jobs/{job}/release", auth=reach("submit"), summary=routes.RELEASE.summary)
def release(request: HttpRequest, job: str) -> ChangeReply:
    """It may be handed out again."""
    body = read(request, WhyRequest)
    bounds.check_why(body)
    return _change(request, job, holding.release, why=body.why)


@router.post("/jobs/{job}/adjust", auth=reach("submit"), summary=routes.ADJUST.summary)
def adjust(request: HttpRequest, job: str) -> ChangeReply:
    """Another priority, for a job that no pilot has yet."""
    body = read(request, AdjustRequest)
    bounds.check_adjust(body)
    return _change(request, job, holding.adjust, priority=body.priority, why=body.why)


@router.get("/jobs/{job}/explain", auth=reach("read"), summary=routes.EXPLAIN.summary)
@exact
def explain(request: HttpRequest, job: str) -> ExplainReply:  # noqa: ARG001
    """Each thing in the way, from the same rules that hand jobs out."""
    found(job)
    reply: ExplainReply = running().ask(lambda work: explain_job(work, job=job))
    return reply


@router.post("/reruns", auth=reach("submit"), summary=routes.RERUN.summary)
def run_again(request: HttpRequest) -> RerunReply:
    """New jobs that do the work of ended ones again, and name them as `rerun_of`."""
    body, grant = read(request, RerunRequest), grant_of(request)
    bounds.check_rerun(body)
    upkeep().guard.check_work()
    who = Who(grant.owner, grant.reaches("operate"))
    reply: RerunReply = running().ask(lambda work: rerun(work, request=body, who=who))
    return reply
