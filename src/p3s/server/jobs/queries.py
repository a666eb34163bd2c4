"""The writes of jobs in set-based SQL, the same on SQLite and PostgreSQL. What the writer reads is in `waiting`.

Every change of state is a compare-and-set: it names the state and attempt that it expects. A count that falls short
means that the book and the table disagree; `Disagreement` then fails the transaction and the book is rebuilt.
They say `state || ''` so that PostgreSQL's planner, which plans them once, finds rows by their key and does not walk an
index of all jobs in that state.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from p3s.domain.effects import (
    JobAdded,
    JobAdjusted,
    JobDispatched,
    JobEnded,
    JobFollowed,
    JobHeld,
    JobReady,
    JobReleased,
    JobReturned,
    JobStarted,
    KillOrdered,
    Paused,
    Resumed,
    Spec,
    Submitted,
    TypeDeclared,
)
from p3s.protocol.bounds import clean
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.states import JobState
from p3s.server.sql import Row, Statement

from .classes import written

ADD = Statement(
    """
INSERT INTO jobs_job (id, uuid, name, jobtype, owner, payload, input, env, priority, time_limit, needs, eta_at,
  stale_at, same, rerun_of, reason, retried, cancelled_by, submitted_at, dataset_id, stream_id, run, subrun, keys,
  stream_version, workflow, followed, state, attempt, pilot_id, order_number, dispatched_at)
SELECT {id}, {uuid}, {name}, {jobtype}, {owner}, {payload}, {input}, {env}, {priority}, {time_limit}, {needs}, {eta_at},
  {stale_at}, {same}, {rerun_of}, '', 0, '', {submitted_at}, {dataset}, {stream}, {run}, {subrun}, {keys},
  {stream_version}, {workflow}, {followed}, {state}, {attempt}, {pilot}, {number}, {dispatched_at} {rows}
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
    needs="text",
    eta_at="double precision",
    stale_at="double precision",
    same="text",
    rerun_of="text",
    submitted_at="double precision",
    dataset="text",
    stream="text",
    run="bigint",
    subrun="bigint",
    keys="jsonb",
    stream_version="integer",
    workflow="text",
    followed="boolean",
    state="text",
    attempt="integer",
    pilot="text",
    number="bigint",
    dispatched_at="double precision",
)

_QUEUED = (0, None, None, None)


def add(effects: Sequence[JobAdded], dispatched: Mapping[int, JobDispatched] | None = None) -> None:
    """Insert accepted jobs; `dispatched`, by job number, are those that were handed out at once."""
    out, rows = dispatched or {}, []
    spec: Spec | None = None
    described: Row = ()
    for effect in effects:
        if effect.spec is not spec:  # else a replica
            spec, described = effect.spec, _description(effect)
        sent = out.get(effect.id)
        state = JobState.DISPATCHED if sent else effect.state
        handed = (sent.attempt, sent.pilot, sent.number, sent.at) if sent else _QUEUED
        rows.append((effect.id, effect.job, *described, state.value, *handed))
    ADD.run(rows)


def _description(effect: JobAdded) -> Row:
    """What jobs of one description have in common."""
    columns = effect.columns
    return (
        columns["name"],
        effect.jobtype,
        columns["owner"],
        effect.spec.payload,
        columns["input"],
        json.dumps(columns["env"]),
        effect.priority,
        float(effect.spec.time_limit),
        written(effect.spec.needs),
        effect.spec.eta_at,
        effect.spec.stale_at,
        effect.same,
        columns.get("rerun_of"),
        effect.at,
        columns.get("dataset"),
        columns.get("stream"),
        columns.get("run"),
        columns.get("subrun"),
        json.dumps(columns.get("keys") or {}),
        columns.get("stream_version"),
        columns.get("workflow"),
        effect.spec.followed,
    )


DISPATCH = Statement(
    """
UPDATE jobs_job SET state = 'dispatched', attempt = {attempt}, pilot_id = {pilot}, order_number = {number},
  kill_number = NULL, dispatched_at = {at}, started_at = NULL
WHERE id = {id} AND state || '' = {before} AND jobs_job.attempt = {attempt} - 1
""",
    attempt="integer",
    pilot="text",
    number="bigint",
    at="double precision",
    id="bigint",
    before="text",
)


def dispatch(effects: Sequence[JobDispatched], waited: Collection[int] = ()) -> None:
    """Write who got which job, before any pilot is told. `waited`: numbers of jobs that waited for inputs until now."""
    rows = [
        (e.attempt, e.pilot, e.number, e.at, e.id, "waiting" if waited and e.id in waited else "defined")
        for e in effects
    ]
    DISPATCH.run(rows, "jobs dispatched")


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
UPDATE jobs_job SET state = 'defined', pilot_id = NULL, order_number = NULL, started_at = NULL,
  retried = retried + {failed}
WHERE id = {id} AND state || '' = {before} AND attempt = {attempt}
""",
    failed="integer",
    id="bigint",
    before="text",
    attempt="integer",
)


def give_back(effects: Sequence[JobReturned]) -> None:
    """Write that jobs are queued again, with the logs of attempts that their nodes spoiled."""
    RETURN.run([(int(bool(e.failed)), e.id, e.before.value, e.attempt) for e in effects], "jobs returned")
    _add_logs(effects)


HOLD = Statement("UPDATE jobs_job SET state = 'held' WHERE id = {id} AND state || '' = 'defined'", id="bigint")
RELEASE = Statement("UPDATE jobs_job SET state = 'defined' WHERE id = {id} AND state || '' = 'held'", id="bigint")
READY = Statement("UPDATE jobs_job SET state = 'defined' WHERE id = {id} AND state || '' = 'waiting'", id="bigint")
READY_ON_LESS = Statement(
    "UPDATE jobs_job SET state = 'defined', env = {env} WHERE id = {id} AND state || '' = 'waiting'",
    env="jsonb",
    id="bigint",
)
ADJUST = Statement(
    "UPDATE jobs_job SET priority = {after} WHERE id = {id} AND state || '' = {state} AND priority + 0 = {before}",
    after="integer",
    id="bigint",
    state="text",
    before="integer",
)


def hold(effects: Sequence[JobHeld]) -> None:
    """Write that jobs are not to be handed out."""
    HOLD.run([(e.queued.id,) for e in effects], "jobs held")


def release(effects: Sequence[JobReleased]) -> None:
    """Write that held jobs may be handed out."""
    RELEASE.run([(e.queued.id,) for e in effects], "jobs released")


def make_ready(effects: Sequence[JobReady]) -> None:
    """Write that the inputs of jobs are there."""
    whole = [(e.queued.id,) for e in effects if e.env is None]
    if whole:
        READY.run(whole, "jobs made ready")
    less = [(json.dumps(e.env), e.queued.id) for e in effects if e.env is not None]
    if less:
        READY_ON_LESS.run(less, "jobs made ready")


def adjust(effects: Sequence[JobAdjusted]) -> None:
    """Write other priorities."""
    ADJUST.run([(e.queued.priority, e.queued.id, e.state.value, e.before) for e in effects], "jobs adjusted")


FOLLOW = Statement("UPDATE jobs_job SET followed = true WHERE id = {id}", id="bigint")


def follow(effects: Sequence[JobFollowed]) -> None:
    """Write that something waits for the ends of jobs."""
    FOLLOW.run([(e.id,) for e in effects], "jobs followed")


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
    _add_logs(effects)


def _add_logs(effects: Sequence[JobEnded] | Sequence[JobReturned]) -> None:
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


def _log_row(effect: JobEnded | JobReturned) -> Sequence[Any]:
    report = effect.report
    assert report is not None
    stderr = report.stderr
    if report.detail:
        stderr = f"{stderr}\n[p3s] {report.detail}".lstrip("\n")
    return (effect.id, effect.attempt, clean(report.stdout), clean(stderr))


DECLARE = Statement(
    """
INSERT INTO jobs_jobtype (name, cap, priority, eta, stale_after, time_limit, pick, retries, critical, supersedes,
  input_as, expects, created_at)
SELECT {name}, {cap}, {priority}, {eta}, {stale_after}, {time_limit}, {pick}, {retries}, {critical}, {supersedes},
  {input_as}, {expects}, {at} {rows} WHERE true
ON CONFLICT (name) DO UPDATE SET cap = excluded.cap, priority = excluded.priority, eta = excluded.eta,
  stale_after = excluded.stale_after, time_limit = excluded.time_limit, pick = excluded.pick,
  retries = excluded.retries, critical = excluded.critical, supersedes = excluded.supersedes,
  input_as = excluded.input_as, expects = excluded.expects
""",
    name="text",
    cap="integer",
    priority="integer",
    eta="double precision",
    stale_after="double precision",
    time_limit="double precision",
    pick="text",
    retries="integer",
    critical="boolean",
    supersedes="jsonb",
    input_as="text",
    expects="jsonb",
    at="double precision",
)


def declare(effects: Sequence[TypeDeclared]) -> None:
    """Write job types, new or with new settings; of several for a type the last one stands."""
    DECLARE.run(list({effect.spec.name: _type_row(effect.spec, effect.at) for effect in effects}.values()))


def _type_row(spec: JobTypeSpec, at: float) -> Sequence[Any]:
    durations = (float(spec.eta), float(spec.stale_after), float(spec.time_limit))
    rest = (spec.pick, spec.retries, spec.critical, json.dumps(list(spec.supersedes)), spec.input_as)
    return (spec.name, spec.cap, spec.priority, *durations, *rest, json.dumps(list(spec.expects)), at)


RESUME = Statement("DELETE FROM jobs_pause WHERE jobtype = {jobtype}", jobtype="text")
PAUSE = Statement(
    "INSERT INTO jobs_pause (jobtype, why, who, since) SELECT {jobtype}, {why}, {who}, {at} {rows}",
    jobtype="text",
    why="text",
    who="text",
    at="double precision",
)


def pause(effects: Sequence[Paused | Resumed]) -> None:
    """Write what is paused and what no longer; of several for a type the last one stands."""
    last = {effect.jobtype: effect for effect in effects}
    RESUME.run([(jobtype,) for jobtype in last])
    rows = [(e.jobtype, clean(e.why), e.who, float(e.at)) for e in last.values() if isinstance(e, Paused)]
    if rows:
        PAUSE.run(rows)


SUBMITTED = Statement(
    """
INSERT INTO jobs_submission (key, fingerprint, first_id, count, created_at)
SELECT {key}, {fingerprint}, {first_id}, {count}, {at} {rows}
""",
    key="text",
    fingerprint="text",
    first_id="bigint",
    count="integer",
    at="double precision",
)


def submitted(effects: Sequence[Submitted]) -> None:
    """Remember submit calls. Raises IntegrityError for a key that is there."""
    SUBMITTED.run([(e.key, e.fingerprint, e.first_id, e.count, e.at) for e in effects])
