"""The writes of jobs in set-based SQL, the same on SQLite and PostgreSQL. What the writer reads is in `waiting`.

Every change of state is a compare-and-set: it names the state and attempt that it expects. A count that falls short
means that the book and the table disagree; `Disagreement` then fails the transaction and the book is rebuilt.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from p3s.domain.effects import (
    JobAdded,
    JobAdjusted,
    JobDispatched,
    JobEnded,
    JobHeld,
    JobReleased,
    JobReturned,
    JobStarted,
    KillOrdered,
    TypeDeclared,
)
from p3s.protocol.bounds import clean
from p3s.protocol.messages import JobTypeSpec
from p3s.server.sql import each

from .classes import written

ADD = """
INSERT INTO jobs_job (id, uuid, name, jobtype, owner, payload, input, env, priority, time_limit, needs, eta_at,
  stale_at, same, rerun_of, state, reason, attempt, retried, cancelled_by, submitted_at, dataset_id, stream_id, run,
  subrun, keys)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', 0, 0, '', %s, %s, %s, %s, %s, %s)
"""


def add(effects: Sequence[JobAdded]) -> None:
    """Insert accepted jobs."""
    each(ADD, [_added_row(effect) for effect in effects], "jobs added")


def _added_row(effect: JobAdded) -> Sequence[Any]:
    columns = effect.columns
    return (
        effect.id,
        effect.job,
        columns["name"],
        effect.jobtype,
        columns["owner"],
        effect.spec.payload,
        columns["input"],
        json.dumps(columns["env"]),
        effect.priority,
        effect.spec.time_limit,
        written(effect.spec.needs),
        effect.spec.eta_at,
        effect.spec.stale_at,
        effect.same,
        columns.get("rerun_of"),
        effect.state.value,
        effect.at,
        columns.get("dataset"),
        columns.get("stream"),
        columns.get("run"),
        columns.get("subrun"),
        json.dumps(columns.get("keys") or {}),
    )


DISPATCH = """
UPDATE jobs_job SET state = 'dispatched', attempt = %s, pilot_id = %s, order_number = %s, kill_number = NULL,
  dispatched_at = %s, started_at = NULL
WHERE id = %s AND state = 'defined' AND attempt = %s
"""


def dispatch(effects: Sequence[JobDispatched]) -> None:
    """Write who got which job, before any pilot is told."""
    rows = [(e.attempt, e.pilot, e.number, e.at, e.id, e.attempt - 1) for e in effects]
    each(DISPATCH, rows, "jobs dispatched")


START = "UPDATE jobs_job SET state = 'running', started_at = %s WHERE id = %s AND state = 'dispatched' AND attempt = %s"


def start(effects: Sequence[JobStarted]) -> None:
    """Write that processes run."""
    each(START, [(e.at, e.id, e.attempt) for e in effects], "jobs started")


RETURN = """
UPDATE jobs_job SET state = 'defined', pilot_id = NULL, order_number = NULL, started_at = NULL, retried = retried + %s
WHERE id = %s AND state = %s AND attempt = %s
"""


def give_back(effects: Sequence[JobReturned]) -> None:
    """Write that jobs are queued again, with the logs of attempts that their nodes spoiled."""
    each(RETURN, [(int(bool(e.failed)), e.id, e.before.value, e.attempt) for e in effects], "jobs returned")
    _add_logs(effects)


HOLD = "UPDATE jobs_job SET state = 'held' WHERE id = %s AND state = 'defined'"
RELEASE = "UPDATE jobs_job SET state = 'defined' WHERE id = %s AND state = 'held'"
ADJUST = "UPDATE jobs_job SET priority = %s WHERE id = %s AND state = %s AND priority = %s"


def hold(effects: Sequence[JobHeld]) -> None:
    """Write that jobs are not to be handed out."""
    each(HOLD, [(e.queued.id,) for e in effects], "jobs held")


def release(effects: Sequence[JobReleased]) -> None:
    """Write that held jobs may be handed out."""
    each(RELEASE, [(e.queued.id,) for e in effects], "jobs released")


def adjust(effects: Sequence[JobAdjusted]) -> None:
    """Write other priorities."""
    rows = [(e.queued.priority, e.queued.id, e.state.value, e.before) for e in effects]
    each(ADJUST, rows, "jobs adjusted")


KILL = """
UPDATE jobs_job SET kill_number = %s, cancelled_by = %s
WHERE id = %s AND state IN ('dispatched', 'running') AND attempt = %s
"""


def order_kill(effects: Sequence[KillOrdered]) -> None:
    """Write that a pilot must end a job."""
    each(KILL, [(e.number, e.who, e.id, e.attempt) for e in effects], "kills ordered")


END = """
UPDATE jobs_job SET state = %s, reason = %s, ended_at = %s, started_at = COALESCE(started_at, %s), exit_code = %s,
  signal = %s, wall_s = %s, cpu_s = %s, peak_memory = %s
WHERE id = %s AND state = %s AND attempt = %s
"""


def end(effects: Sequence[JobEnded]) -> None:
    """Write final states, with what the node measured."""
    each(END, [_ended_row(effect) for effect in effects], "jobs ended")
    _add_logs(effects)


def _add_logs(effects: Sequence[JobEnded] | Sequence[JobReturned]) -> None:
    logs = [_log_row(e) for e in effects if e.report and (e.report.stdout or e.report.stderr or e.report.detail)]
    if logs:
        each(LOG, logs, "log tails")


def _ended_row(effect: JobEnded) -> Sequence[Any]:
    report = effect.report
    measured = (
        (report.exit_code, report.signal, report.wall_s, report.cpu_s, report.peak_memory)
        if report
        else (None, None, None, None, None)
    )
    where = (effect.id, effect.before.value, effect.attempt)
    return (effect.after.value, clean(str(effect.reason)[:200]), effect.at, effect.started_at, *measured, *where)


LOG = """
INSERT INTO jobs_joblog (job_id, attempt, stdout, stderr) VALUES (%s, %s, %s, %s)
ON CONFLICT (job_id, attempt) DO UPDATE SET stdout = excluded.stdout, stderr = excluded.stderr
"""


def _log_row(effect: JobEnded | JobReturned) -> Sequence[Any]:
    report = effect.report
    assert report is not None
    stderr = report.stderr
    if report.detail:
        stderr = f"{stderr}\n[p3s] {report.detail}".lstrip("\n")
    return (effect.id, effect.attempt, clean(report.stdout), clean(stderr))


DECLARE = """
INSERT INTO jobs_jobtype (name, cap, priority, eta, stale_after, time_limit, pick, retries, critical, supersedes,
  created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET cap = excluded.cap, priority = excluded.priority, eta = excluded.eta,
  stale_after = excluded.stale_after, time_limit = excluded.time_limit, pick = excluded.pick,
  retries = excluded.retries, critical = excluded.critical, supersedes = excluded.supersedes
"""


def declare(effects: Sequence[TypeDeclared]) -> None:
    """Write job types, new or with new settings."""
    with connection.cursor() as cursor:
        cursor.executemany(DECLARE, [_type_row(effect.spec, effect.at) for effect in effects])


def _type_row(spec: JobTypeSpec, at: float) -> Sequence[Any]:
    durations = (spec.eta, spec.stale_after, spec.time_limit)
    supersedes = json.dumps(list(spec.supersedes))
    return (spec.name, spec.cap, spec.priority, *durations, spec.pick, spec.retries, spec.critical, supersedes, at)


ADD_SUBMISSION = """
INSERT INTO jobs_submission (key, fingerprint, first_id, count, created_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (key) DO NOTHING
"""


def add_submission(key: str, fingerprint: str, first_id: int, count: int, now: float) -> bool:
    """Remember a submit call; False when there was one with this key."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_SUBMISSION, [key, fingerprint, first_id, count, now])
        return bool(cursor.rowcount)
