"""What the writer reads of jobs: facts for the rules, the heads of the queues, and the book after a start."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from p3s.domain.data.streams import input_environment
from p3s.domain.effects import ClassKey, Paused, Queued, Spec
from p3s.domain.exchange import Past
from p3s.domain.pool import Out
from p3s.protocol.codec import from_object
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.states import WAITING_JOB_STATES, JobState

from .classes import needs_of, written
from .models import Job, JobType, Pause
from .uses.queries import MOST_SOURCES

LOOKED_BACK = 200_000
"""So many jobs are looked through, at most, for what a new rule finds: the writer has other things to do."""

_SPEC = "payload, input, env, time_limit, run, subrun, keys, needs, eta_at, stale_at, submitted_at, followed, workflow"
_BARE = _SPEC.replace("payload, input, env,", "'', '', '{}',").replace("keys,", "'{}',")
"""The same for a job that is not going to run."""
_QUEUED = f"SELECT id, uuid, attempt, jobtype, priority, retried, {_SPEC} FROM jobs_job"
_CLASS = "state = 'defined' AND jobtype = %s AND priority = %s AND needs = %s AND time_limit = %s"

_FIRST = {
    "fifo": [f"{_QUEUED} WHERE {_CLASS} ORDER BY id LIMIT %s"],
    "freshest": [f"{_QUEUED} WHERE {_CLASS} ORDER BY id DESC LIMIT %s"],
    "deadline": [
        f"{_QUEUED} WHERE {_CLASS} AND eta_at IS NOT NULL ORDER BY eta_at, id LIMIT %s",
        f"{_QUEUED} WHERE {_CLASS} AND eta_at IS NULL ORDER BY id LIMIT %s",
    ],
}
"""By pick: statements whose rows, one after the other, are the queue of a class."""

CLASSES = """
SELECT jobtype, priority, needs, time_limit, COUNT(*) FROM jobs_job /*INDEXED BY job_queue*/ WHERE state = 'defined'
GROUP BY jobtype, priority, needs, time_limit
"""

STALE = f"""
SELECT id, uuid, attempt, jobtype, priority, retried, {_BARE} FROM jobs_job /*INDEXED BY job_stale*/
WHERE state = 'defined' AND stale_at IS NOT NULL AND stale_at <= %s ORDER BY stale_at, id LIMIT %s
"""

NEXT_STALE = """
SELECT MIN(stale_at) FROM jobs_job /*INDEXED BY job_stale*/
WHERE state = 'defined' AND stale_at IS NOT NULL AND stale_at > %s
"""

OLDER = f"""
{_QUEUED} /*INDEXED BY job_same*/ WHERE state = 'defined' AND same > '' AND same = %s AND id < %s ORDER BY id
"""

NEWER = """
SELECT newer.uuid FROM jobs_job newer /*INDEXED BY job_newest*/ JOIN jobs_job job ON newer.same = job.same
WHERE job.id = %s AND job.state || '' = 'defined' AND newer.same > '' AND newer.id > job.id
ORDER BY newer.id DESC LIMIT 1
"""

GOES_ON = """
SELECT 1 FROM data_dataset dataset /*INDEXED BY dataset_by_run*/ JOIN jobs_job job /*INDEXED BY job_of_dataset*/
ON job.dataset_id = dataset.uuid
WHERE dataset.run = %s AND job.stream_id = %s AND job.jobtype = %s AND job.workflow IS NULL
  AND job.state || '' IN ('waiting', 'defined', 'dispatched', 'running') LIMIT 1
"""

FINISHED_OF_RUN = """
SELECT DISTINCT job.subrun FROM data_dataset dataset /*INDEXED BY dataset_by_run*/
JOIN jobs_job job /*INDEXED BY job_of_dataset*/ ON job.dataset_id = dataset.uuid
WHERE dataset.run = %s AND job.stream_id = %s AND job.jobtype = %s AND job.state || '' = 'finished'
  AND job.workflow IS NULL AND job.run = %s
"""

OUT = f"""
SELECT state, pilot_id, order_number, kill_number, cancelled_by, COALESCE(started_at, dispatched_at),
  id, uuid, attempt, jobtype, priority, retried, {_SPEC}
FROM jobs_job WHERE state IN ('dispatched', 'running') ORDER BY order_number
"""


FINISHED = """
SELECT jobtype, host, wall_s FROM (
  SELECT id, jobtype, pilot_id, wall_s, ended_at, ROW_NUMBER() OVER (PARTITION BY jobtype ORDER BY id DESC) AS place
  FROM jobs_job
  WHERE wall_s IS NOT NULL AND id IN (SELECT id FROM jobs_job WHERE state = 'finished' ORDER BY id DESC LIMIT %s)
) AS latest LEFT JOIN pilots_pilot ON uuid = pilot_id
WHERE place <= %s ORDER BY latest.ended_at, latest.id
"""

LATEST_FINISHED = 20_000
"""So many of the finished jobs, the newest, are looked at when the book is rebuilt, however many there are."""


def _json(value: Any) -> Any:
    """SQLite gives the text of a JSON column, PostgreSQL through Django its text too."""
    return json.loads(value) if isinstance(value, str) else value


def _rows(sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """SQLite is told which index to take where it would walk all queued jobs; to others that is a comment."""
    if connection.vendor == "sqlite":
        sql = sql.replace("/*", "").replace("*/", "")
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return list(cursor.fetchall())


def _spec(
    payload: str,
    input: str,
    env: Any,
    time_limit: float,
    run: int | None,
    subrun: int | None,
    keys: Any,
    needs: str,
    eta_at: float | None,
    stale_at: float | None,
    submitted_at: float,
    followed: Any,
    workflow: str | None,
) -> Spec:
    """What the rules must know, from the columns named in `_SPEC`. The input's variables win over the job's own."""
    own = _json(env)
    given = {**own, **input_environment(input, run, subrun, _json(keys), own.get("P3S_INPUT_AS", "path"))}
    return Spec(
        payload, given, time_limit, needs_of(needs), eta_at, stale_at, submitted_at, bool(followed), workflow or ""
    )


def _queued(row: Sequence[Any]) -> Queued:
    id, uuid, attempt, jobtype, priority, retried, *spec = row
    return Queued(id, uuid, attempt, jobtype, priority, _spec(*spec), retried)


def queued(key: ClassKey, pick: str, limit: int) -> tuple[list[Queued], bool]:
    """The first queued jobs of a class in the order of its pick, and whether there are more."""
    jobtype, priority, needs, time_limit = key
    rows: list[Any] = []
    for statement in _FIRST[pick]:
        if len(rows) <= limit:
            rows += _rows(statement, (jobtype, priority, written(needs), time_limit, limit + 1 - len(rows)))
    return [_queued(row) for row in rows[:limit]], len(rows) > limit


def classes() -> list[tuple[ClassKey, int]]:
    """Classes that have queued jobs, and how many."""
    return [
        ((jobtype, priority, needs_of(needs), time_limit), count)
        for jobtype, priority, needs, time_limit, count in _rows(CLASSES)
    ]


def stale(now: float, limit: int) -> tuple[list[Queued], float]:
    """Queued jobs that are stale, the longest so first, without what they would run; and the moment before
    which none of the others is; inf: none ever will be."""
    found = [_queued(row) for row in _rows(STALE, (now, limit))]
    if len(found) == limit:
        return found, float(found[-1].spec.stale_at or 0.0)  # there may be more of them
    more_at = _rows(NEXT_STALE, (now,))[0][0]
    return found, float("inf") if more_at is None else float(more_at)


def older(same: str, before: int) -> list[Queued]:
    """Queued jobs that a newer one with these keys supersedes."""
    return [_queued(row) for row in _rows(OLDER, (same, before))]


def newer(job: int) -> str:
    """The newest job that supersedes the one with this number, "" with none or when that is not queued."""
    found = _rows(NEWER, (job,))
    return found[0][0] if found else ""


def goes_on(run: int, stream: str, jobtype: str) -> bool:
    """Whether a stream's job of this type and run has still to end. One that a person holds is not waited for."""
    return bool(_rows(GOES_ON, (run, stream, jobtype)))


def finished_of_run(run: int, stream: str, jobtype: str) -> list[int | None]:
    """The subruns of a stream's finished jobs of this type and run, each once."""
    return [subrun for (subrun,) in _rows(FINISHED_OF_RUN, (run, stream, jobtype, run))]


Finished = tuple[int, str, int | None, int | None, dict[str, Any]]
"""Number, file, run, subrun and keys of a job."""


def latest_finished(stream: str, jobtype: str) -> list[Finished]:
    """A stream's finished jobs of this type, the newest first: as many as a job may read, among the latest of all."""
    latest = Job.objects.order_by("-id").values_list("id", flat=True).first() or 0
    jobs = Job.objects.filter(state="finished", id__gt=latest - LOOKED_BACK, stream=stream, jobtype=jobtype)
    jobs = jobs.filter(workflow__isnull=True, dataset__isnull=False).order_by("-id")
    return list(jobs.values_list("id", "dataset", "run", "subrun", "keys")[:MOST_SOURCES])


def unfollowed(stream: str, jobtypes: Iterable[str]) -> list[tuple[int, str, ClassKey]]:
    """Jobs of a stream and of these types that have not ended, for whose end nothing waits: number, UUID, class."""
    columns = ("id", "uuid", "jobtype_id", "priority", "needs", "time_limit")
    jobs = Job.objects.filter(stream=stream, jobtype__in=list(jobtypes), workflow__isnull=True, followed=False)
    rows = [*jobs.filter(state="defined").values_list(*columns)]  # of an index of its own, however many there are
    rows += jobs.filter(state__in=["held", "dispatched", "running"]).values_list(*columns)
    return [
        (id, uuid, (jobtype, priority, needs_of(needs), limit)) for id, uuid, jobtype, priority, needs, limit in rows
    ]


def out() -> list[Out]:
    """What pilots hold, in the order in which it was ordered."""
    found = []
    for state, pilot, number, kill, by, since, *row in _rows(OUT):
        job = _queued(row)
        known = (job.id, job.job, job.attempt, JobState(state), job.jobtype, job.priority, job.spec)
        found.append(Out(*known, pilot, number or 0, kill, by, job.retried, since or 0.0))
    return found


def finished(of_type: int) -> list[tuple[str, str, float]]:
    """Finished jobs in the order in which they ended, at most `of_type` of a type: type, host, wall time in seconds.

    A look at the newest numbers in an index, then at these rows; queued jobs with higher numbers are passed over.
    """
    rows = _rows(FINISHED, (LATEST_FINISHED, of_type))
    return [(jobtype, host or "", float(wall_s)) for jobtype, host, wall_s in rows]


def last_id() -> int:
    """The highest job number ever given, 0 with none: a purge does not make one free again."""
    asked = ("SELECT MAX(id) FROM jobs_job", "SELECT MAX(first_id + count - 1) FROM jobs_submission")
    return max(int(_rows(one)[0][0] or 0) for one in asked)


def types() -> dict[str, JobTypeSpec]:
    """The known job types."""
    rows = JobType.objects.order_by("name").values(*JobTypeSpec.__dataclass_fields__)
    return {row["name"]: from_object(JobTypeSpec, row) for row in rows}


def pauses() -> dict[str, Paused]:
    """What people keep from being handed out, by job type."""
    return {row.jobtype: Paused(row.jobtype, row.why, row.who, row.since) for row in Pause.objects.all()}


def past(jobs: Iterable[str]) -> dict[str, Past]:
    """What the table has of some jobs, by UUID; unknown ones are left out."""
    wanted = list(jobs)
    again = set(Job.objects.filter(rerun_of__in=wanted).values_list("rerun_of", flat=True))
    found = {}
    columns = ("state", "pilot_id", "started_at", "dispatched_at", *_FIELDS)
    for state, pilot, started_at, dispatched_at, *rest in Job.objects.filter(uuid__in=wanted).values_list(*columns):
        job = _queued(rest)
        waits = job if state in WAITING_JOB_STATES else None
        since = started_at or dispatched_at or 0.0
        known = (job.id, JobState(state), job.attempt, pilot or "", started_at)
        spec = job.spec
        found[job.job] = Past(*known, job.job in again, waits, since, spec.followed, spec.workflow, jobtype=job.jobtype)
    return found


_FIELDS = ("id", "uuid", "attempt", "jobtype_id", "priority", "retried", *_SPEC.split(", "))


def submission(key: str) -> tuple[str, list[str]] | None:
    """(fingerprint, job UUIDs) of the submit call with this key, if there was one; no UUIDs when some were purged."""
    rows = _rows("SELECT fingerprint, first_id, count FROM jobs_submission WHERE key = %s", [key])
    if not rows:
        return None
    fingerprint, first, count = rows[0]
    jobs = _rows("SELECT uuid FROM jobs_job WHERE id >= %s AND id < %s ORDER BY id", [first, first + count])
    return fingerprint, [uuid for (uuid,) in jobs] if len(jobs) == count else []
