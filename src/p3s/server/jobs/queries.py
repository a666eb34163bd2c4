"""The writes of the hot path in set-based SQL, the same on SQLite and PostgreSQL; and the reads that rebuild the book.

Every change of state is a compare-and-set: it names the state and attempt that it expects. A count that falls short
means that the book and the table disagree; `Disagreement` then fails the transaction and the book is rebuilt.
They say `state || ''` so that PostgreSQL's planner, which plans them once, finds rows by their key and does not walk an
index of all jobs in that state.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from p3s.domain.book import ClassKey, Out, Queued
from p3s.domain.effects import JobAdded, JobDispatched, JobEnded, JobReturned, JobStarted, KillOrdered, Spec
from p3s.domain.exchange import Past
from p3s.domain.streams import input_environment
from p3s.protocol.bounds import clean
from p3s.protocol.states import JobState
from p3s.server.sql import Statement

from .models import Job

ADD = Statement(
    """
INSERT INTO jobs_job (id, uuid, name, jobtype, owner, payload, input, env, priority, time_limit, state, reason,
  attempt, cancelled_by, submitted_at, dataset_id, stream_id, run, subrun, keys)
SELECT {id}, {uuid}, {name}, {jobtype}, {owner}, {payload}, {input}, {env}, {priority}, {time_limit}, {state}, '',
  0, '', {submitted_at}, {dataset}, {stream}, {run}, {subrun}, {keys} {rows}
""",
    id="bigint",
    uuid="text",
    name="text",
    jobtype="text",
    owner="text",
    payload="text",
    input="text",
    env="jsonb",
    priority="integer",
    time_limit="double precision",
    state="text",
    submitted_at="double precision",
    dataset="text",
    stream="text",
    run="bigint",
    subrun="bigint",
    keys="jsonb",
)


def add(effects: Sequence[JobAdded]) -> None:
    """Insert accepted jobs."""
    ADD.run([_added_row(effect) for effect in effects], "jobs added")


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
        float(effect.spec.time_limit),
        effect.state.value,
        effect.at,
        columns.get("dataset"),
        columns.get("stream"),
        columns.get("run"),
        columns.get("subrun"),
        json.dumps(columns.get("keys") or {}),
    )


DISPATCH = Statement(
    """
UPDATE jobs_job SET state = 'dispatched', attempt = {attempt}, pilot_id = {pilot}, order_number = {number},
  kill_number = NULL, dispatched_at = {at}, started_at = NULL
WHERE id = {id} AND state || '' = 'defined' AND jobs_job.attempt = {attempt} - 1
""",
    attempt="integer",
    pilot="text",
    number="bigint",
    at="double precision",
    id="bigint",
)


def dispatch(effects: Sequence[JobDispatched]) -> None:
    """Write who got which job, before any pilot is told."""
    DISPATCH.run([(e.attempt, e.pilot, e.number, e.at, e.id) for e in effects], "jobs dispatched")


START = Statement(
    """
UPDATE jobs_job SET state = 'running', started_at = {at}
WHERE id = {id} AND state || '' = 'dispatched' AND attempt = {attempt}
""",
    at="double precision",
    id="bigint",
    attempt="integer",
)


def start(effects: Sequence[JobStarted]) -> None:
    """Write that processes run."""
    START.run([(e.at, e.id, e.attempt) for e in effects], "jobs started")


RETURN = Statement(
    """
UPDATE jobs_job SET state = 'defined', pilot_id = NULL, order_number = NULL
WHERE id = {id} AND state || '' = 'dispatched' AND attempt = {attempt}
""",
    id="bigint",
    attempt="integer",
)


def give_back(effects: Sequence[JobReturned]) -> None:
    """Write that refused orders are queued again."""
    RETURN.run([(e.id, e.attempt) for e in effects], "jobs returned")


KILL = Statement(
    """
UPDATE jobs_job SET kill_number = {number}, cancelled_by = {who}
WHERE id = {id} AND state || '' IN ('dispatched', 'running') AND attempt = {attempt}
""",
    number="bigint",
    who="text",
    id="bigint",
    attempt="integer",
)


def order_kill(effects: Sequence[KillOrdered]) -> None:
    """Write that a pilot must end a job."""
    KILL.run([(e.number, e.who, e.id, e.attempt) for e in effects], "kills ordered")


END = Statement(
    """
UPDATE jobs_job SET state = {after}, reason = {reason}, ended_at = {at},
  started_at = COALESCE(started_at, {started_at}), exit_code = {exit_code}, signal = {signal}, wall_s = {wall_s},
  cpu_s = {cpu_s}, peak_memory = {peak_memory}
WHERE id = {id} AND state || '' = {before} AND attempt = {attempt}
""",
    after="text",
    reason="text",
    at="double precision",
    started_at="double precision",
    exit_code="integer",
    signal="integer",
    wall_s="double precision",
    cpu_s="double precision",
    peak_memory="bigint",
    id="bigint",
    before="text",
    attempt="integer",
)


def end(effects: Sequence[JobEnded]) -> None:
    """Write final states, with what the node measured."""
    END.run([_ended_row(effect) for effect in effects], "jobs ended")
    logs = [_log_row(e) for e in effects if e.report and (e.report.stdout or e.report.stderr or e.report.detail)]
    if logs:
        LOG.run(logs, "log tails")


def _ended_row(effect: JobEnded) -> Sequence[Any]:
    report = effect.report
    measured = (
        (report.exit_code, report.signal, _float(report.wall_s), _float(report.cpu_s), report.peak_memory)
        if report
        else (None, None, None, None, None)
    )
    where = (effect.id, effect.before.value, effect.attempt)
    return (effect.after.value, clean(str(effect.reason)[:200]), effect.at, effect.started_at, *measured, *where)


def _float(value: float | None) -> float | None:
    """A whole number of seconds may come as an integer; the values of a column must be of one type."""
    return None if value is None else float(value)


LOG = Statement(
    """
INSERT INTO jobs_joblog (job_id, attempt, stdout, stderr) SELECT {job}, {attempt}, {stdout}, {stderr} {rows} WHERE true
ON CONFLICT (job_id, attempt) DO UPDATE SET stdout = excluded.stdout, stderr = excluded.stderr
""",
    job="bigint",
    attempt="integer",
    stdout="text",
    stderr="text",
)


def _log_row(effect: JobEnded) -> Sequence[Any]:
    report = effect.report
    assert report is not None
    stderr = report.stderr
    if report.detail:
        stderr = f"{stderr}\n[p3s] {report.detail}".lstrip("\n")
    return (effect.id, effect.attempt, clean(report.stdout), clean(stderr))


ADD_TYPE = "INSERT INTO jobs_jobtype (name, cap, created_at) VALUES (%s, NULL, %s) ON CONFLICT (name) DO NOTHING"


def add_type(name: str, now: float) -> None:
    """An unknown job type is created with defaults."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_TYPE, [name, now])


# ---- reads of the writer: facts for the rules, and the book after a start

_SPEC = "payload, input, env, time_limit, run, subrun, keys"

QUEUED = f"""
SELECT id, uuid, attempt, {_SPEC} FROM jobs_job
WHERE state = 'defined' AND jobtype = %s AND priority = %s ORDER BY id LIMIT %s
"""

OUT = f"""
SELECT id, uuid, attempt, state, jobtype, priority, pilot_id, order_number, kill_number, cancelled_by,
  COALESCE(started_at, dispatched_at), {_SPEC}
FROM jobs_job WHERE state IN ('dispatched', 'running') ORDER BY order_number
"""

CLASSES = "SELECT DISTINCT jobtype, priority FROM jobs_job WHERE state = 'defined'"


def _json(value: Any) -> Any:
    """SQLite gives the text of a JSON column, PostgreSQL through Django its text too."""
    return json.loads(value) if isinstance(value, str) else value


def spec_of(
    payload: str, input: str, env: Any, time_limit: float, run: int | None, subrun: int | None, keys: Any
) -> Spec:
    """What the pilot must know, from the columns named in `_SPEC`. The input's variables win over the job's own."""
    return Spec(payload, {**_json(env), **input_environment(input, run, subrun, _json(keys))}, time_limit)


def _rows(sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return list(cursor.fetchall())


def queued(key: ClassKey, limit: int) -> tuple[list[Queued], bool]:
    """The oldest queued jobs of a class, and whether there are more."""
    jobtype, priority = key
    rows = _rows(QUEUED, (jobtype, priority, limit + 1))
    jobs = [Queued(id, uuid, attempt, jobtype, priority, spec_of(*spec)) for id, uuid, attempt, *spec in rows[:limit]]
    return jobs, len(rows) > limit


def classes() -> list[ClassKey]:
    """Classes that have queued jobs."""
    return [(jobtype, priority) for jobtype, priority in _rows(CLASSES)]


def out() -> list[Out]:
    """What pilots hold, in the order in which it was ordered."""
    found = []
    for id, uuid, attempt, state, jobtype, priority, pilot, number, kill, by, since, *spec in _rows(OUT):
        known = (id, uuid, attempt, JobState(state), jobtype, priority, spec_of(*spec))
        found.append(Out(*known, pilot, number or 0, kill, by, since or 0.0))
    return found


def last_id() -> int:
    """The highest job number in use, 0 with none."""
    return int(_rows("SELECT COALESCE(MAX(id), 0) FROM jobs_job")[0][0])


def caps() -> dict[str, int]:
    """Job types that have a cap."""
    return dict(_rows("SELECT name, cap FROM jobs_jobtype WHERE cap IS NOT NULL"))


def types() -> set[str]:
    """Names of the known job types."""
    return {name for (name,) in _rows("SELECT name FROM jobs_jobtype")}


def past(jobs: Iterable[str]) -> dict[str, Past]:
    """What the table has of some jobs, by UUID; unknown ones are left out."""
    found = Job.objects.filter(uuid__in=list(jobs)).values_list(
        "uuid", "id", "state", "attempt", "pilot_id", "started_at", "dispatched_at"
    )
    return {
        uuid: Past(id, JobState(state), attempt, pilot or "", started, started or ordered or 0.0)
        for uuid, id, state, attempt, pilot, started, ordered in found
    }


ADD_SUBMISSION = """
INSERT INTO jobs_submission (key, fingerprint, first_id, count, created_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (key) DO NOTHING
"""


def add_submission(key: str, fingerprint: str, first_id: int, count: int, now: float) -> bool:
    """Remember a submit call; False when there was one with this key."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_SUBMISSION, [key, fingerprint, first_id, count, now])
        return bool(cursor.rowcount)


def submission(key: str) -> tuple[str, list[str]]:
    """(fingerprint, job UUIDs) of the call with this key."""
    rows = _rows("SELECT fingerprint, first_id, count FROM jobs_submission WHERE key = %s", [key])
    fingerprint, first, count = rows[0]
    jobs = _rows("SELECT uuid FROM jobs_job WHERE id >= %s AND id < %s ORDER BY id", [first, first + count])
    return fingerprint, [uuid for (uuid,) in jobs]
