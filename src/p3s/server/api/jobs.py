"""Cold routes of jobs: list, look, logs, cancel."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Query, Router

from p3s.protocol import bounds, routes
from p3s.protocol.acts import AdjustRequest, ChangeReply, ExplainReply, RerunReply, RerunRequest, WhyRequest
from p3s.protocol.errors import BadInput, NotKnown
from p3s.protocol.messages import CancelReply, CancelRequest
from p3s.protocol.states import OUT_JOB_STATES, JobState
from p3s.server.actions import hold as holding
from p3s.server.actions.cancel import cancel as cancel_job
from p3s.server.actions.explain import explain as explain_job
from p3s.server.actions.rerun import Who, rerun
from p3s.server.actions.work import Work
from p3s.server.blobs import Blobs
from p3s.server.broker import running
from p3s.server.jobs import reads
from p3s.server.pilots import hearing

from .doors import grant_of, plain, reach, read
from .places import BLOBS

router = Router(tags=["jobs"])
MOST = 1_000
_UUID = re.compile(r"[0-9a-f-]{36}\Z")


def found(job: str) -> reads.JobDetail:
    """A job by UUID, or NotKnown."""
    detail = reads.find(job) if _UUID.match(job) else None
    if detail is None:
        raise NotKnown(f"there is no job {job}; p3s job list shows the latest")
    return detail


@router.get("/jobs", auth=reach("read"), summary=routes.JOBS.summary)
def list_jobs(
    request: HttpRequest,  # noqa: ARG001
    state: Annotated[str, Query(description="states, separated by commas")] = "",
    jobtype: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    before: Annotated[int | None, Query(ge=0, le=2**62, description="`next` of the page before")] = None,
) -> dict[str, Any]:
    """Newest first; `next` continues, null at the end."""
    states = [word for word in state.split(",") if word]
    for word in states:
        if word not in set(JobState):
            raise BadInput(f"state: {word!r} is none; use {', '.join(JobState)}")
    bounds.check_name(jobtype, "jobtype")
    rows = reads.page(limit, before, states or None, jobtype)
    return {"jobs": [plain(row) for row in rows], "next": rows[-1].id if len(rows) == limit else None}


@router.get("/jobs/{job}", auth=reach("read"), summary=routes.JOB.summary)
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
    secret = any(word in name.upper() for word in ("TOKEN", "SECRET", "PASSWORD"))
    return "(hidden)" if secret else value


@router.get("/jobs/{job}/logs/{stream}", auth=reach("read"), summary=routes.LOG.summary)
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
    who = Who(grant.owner, grant.reaches("operate"))
    reply: RerunReply = running().ask(lambda work: rerun(work, request=body, who=who))
    return reply
