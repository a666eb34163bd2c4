"""Jobs as shown: the list, and one job with everything that is known of it."""

import signal as signals
from typing import Any

from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.hidden import is_secret
from p3s.protocol.states import Reason
from p3s.server.jobs import listing, waiting
from p3s.server.jobs import reads as jobs
from p3s.server.jobs.listing import Choice
from p3s.server.jobs.reads import JobDetail, JobRow
from p3s.server.monitor import commands, links
from p3s.server.monitor.layout import MOST_THINGS, categories
from p3s.server.monitor.scales import in_force
from p3s.server.monitor.states import JOB_STATES, can_still_change, job_mark
from p3s.server.monitor.templatetags.presentation import duration
from p3s.server.pilots import reads as pilots
from p3s.server.pilots.reads import PilotRow
from p3s.server.results import inputs
from p3s.server.results import reads as results
from p3s.server.workflows import links as workflow_links
from p3s.server.workflows import reads as workflows

PAGE = 50

FAILURES = {
    "exit code": "Its payload ended with an exit code other than 0.",
    "signal": "A signal that p3s did not send ended its payload.",
    "timelimit": "It ran longer than its time limit and was ended.",
    "nonstarter": "The payload is not there, or cannot be executed, on the node.",
    "stage-out": "The process ended well, but its results could not be delivered.",
}
_LACKS = {
    Reason.PUBLISHED_NOTHING.value: "It published none of the results that its type expects.",
    Reason.RESULTS_MISSING.value: "Some of the results that its type expects did not come.",
}
STATES = {
    "held": "Not released: a person releases or cancels it.",
    "waiting": "Waits in its workflow.",
    "finished": "Ended with exit code 0.",
    "skipped": "An input of it will never come.",
}


def job_list(state: str, jobtype: str, before: int | None) -> dict[str, Any]:
    """`state` is a state of a job, or '' for all; `before` the id of the last one seen."""
    rows, following = listing.page(Choice((state,) if state else (), jobtype=jobtype), PAGE, before)
    counts = jobs.count_by_state()
    return {
        "jobs": [(row, job_mark(row.state, row.reason)) for row in rows],
        "next": following,
        "counts": [(name, mark, counts[name]) for name, mark in JOB_STATES.items() if counts.get(name)],
        "total": sum(counts.values()),
        "types": jobs.job_types(),
        "state": state,
        "jobtype": jobtype,
        "before": before,
        "commands": commands.ALL,
    }


def explain(job: JobDetail, pilot: PilotRow | None) -> str:
    """Why the job is where it is, in a sentence."""
    row = job.row
    if row.state == "defined":
        return _queued(row)
    if row.state in jobs.OUT:
        if pilot is not None and pilot.silent_s is not None:
            length = duration(pilot.silent_s)
            return f"Pilot silent {length}: unless the one on {row.host} is heard again, the job will be lost."
        if row.state == "dispatched":
            return f"Ordered of the pilot on {row.host}, which has not yet said that it started."
        return f"Its process runs on {row.host}."
    if row.state == "failed":
        if row.reason == "exit code" and row.exit_code is not None:
            return f"Its payload ended with exit code {row.exit_code}."
        return FAILURES.get(row.reason, f"It failed: {row.reason or 'no reason was given'}.")
    if row.state == "cancelled":
        return f"Cancelled by {job.cancelled_by or 'a person'}."
    if row.state == "dropped":
        return f"Left out on purpose by the system: {row.reason or 'no reason was given'}."
    if row.state == "lost":
        return f"Its pilot is gone: {row.reason or 'no reason was given'}."
    said = STATES.get(row.state, "")
    return f"{said} {_LACKS[row.reason]}" if row.reason in _LACKS and row.state == "finished" else said or row.reason


def _queued(row: JobRow) -> str:
    """Only what a page can know: the broker's own answer is a command away."""
    if not pilots.alive(1):
        return f"Queued. No pilot is there now: start one with `{commands.START_PILOT}`."
    pauses = waiting.pauses()
    pause = pauses.get(row.jobtype) or pauses.get(ALL_TYPES)
    if pause:
        of = "All jobs" if pause.jobtype == ALL_TYPES else f"Jobs of type {pause.jobtype}"
        why = f": {pause.why}" if pause.why else ""
        return f"Queued. {of} are paused by {pause.who}{why}."
    return (
        f"Queued: it starts when a pilot that meets its needs has a free slot; `p3s job explain {row.uuid}` tells more."
    )


def signal_name(number: int | None) -> str:
    if number is None:
        return ""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def shown_environment(env: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Name, value, and whether the value is hidden because its name looks like that of a secret."""
    return [(name, "" if is_secret(name) else str(value), is_secret(name)) for name, value in env.items()]


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def timeline(row: JobRow) -> list[tuple[str, float | None, float | None]]:
    """Each moment of a job with the seconds since the one before it, where both are known."""
    moments = [
        ("submitted", row.submitted_at),
        ("dispatched", row.dispatched_at),
        ("started", row.started_at),
        ("ended", row.ended_at),
    ]
    return [
        (name, at, _between(moments[index - 1][1], at) if index else None) for index, (name, at) in enumerate(moments)
    ]


def one_job(job: JobDetail, now: float) -> dict[str, Any]:
    row = job.row
    pilot = pilots.find(row.pilot) if row.pilot else None
    tail = jobs.log(row.id, row.attempt)
    shown = results.of_job(row.id, 200)
    items = results.items_within([result.id for result in shown], MOST_THINGS)
    return {
        "job": row,
        "detail": job,
        "mark": job_mark(row.state, row.reason),
        "workflow": workflows.called(job.row.workflow) if job.row.workflow else "",
        "reads": 0 if row.dataset else inputs.count(row.id),
        "explanation": explain(job, pilot),
        "waits": workflow_links.waits(row.uuid, now) if row.state == "waiting" else [],
        "reason": row.reason if row.state == "skipped" else "",
        "timeline": timeline(row),
        "queue_time": _between(row.submitted_at, row.started_at),
        "signal": signal_name(row.signal),
        "env": shown_environment(job.env),
        "logs": _logs(row, tail),
        "may_change": can_still_change(row),
        "categories": categories(shown, items, in_force()),
        "events": jobs.events("job", row.uuid),
    }


def _logs(row: JobRow, tail: jobs.LogTail | None) -> list[tuple[str, str, str]]:
    """Name, text and address of the whole of stdout and stderr."""
    return [(name, getattr(tail, name) if tail else "", links.job_log(row.uuid, name)) for name in ("stderr", "stdout")]
