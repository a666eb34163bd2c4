"""Results of an attempt come in: all of them in one transaction, once."""

from datetime import datetime

from p3s.protocol.bounds import clean
from p3s.protocol.errors import Conflict, NotKnown
from p3s.protocol.results import Result as CheckedResult
from p3s.protocol.states import JobState
from p3s.server.jobs.models import Job
from p3s.server.journal.models import Event
from p3s.server.results import queries
from p3s.server.results.identity import subject
from p3s.server.results.models import Result

from .judge import Standards, item_rows, series_rows, standards_of, value_rows, verdict
from .work import Work

#: A lost job may still be amended by its own attempt, so its results are taken too.
_TAKEN_IN = {JobState.DISPATCHED.value, JobState.RUNNING.value, JobState.LOST.value}

PROBLEM = "result problem"
"""What the record calls what could not be taken."""


def publish(work: Work, *, job: str, attempt: int, results: list[CheckedResult], problems: list[str]) -> int:
    """Store checked results of an attempt in force; a repeated call changes nothing. Returns how many there are."""
    work.flush()
    said = [clean(problem[:2000]) for problem in problems]
    row = Job.objects.filter(uuid=job).first()
    if row is None:
        raise NotKnown(f"there is no job {job}")
    there = Result.objects.filter(job=row, attempt=attempt).count()
    if there:
        return there
    if row.attempt != attempt or row.state not in _TAKEN_IN:
        raise Conflict(f"attempt {attempt} of job {job} is not in force (it is {row.state}, attempt {row.attempt})")
    if not results and _stands(row, said):
        return 0
    in_force = standards_of({result.category for result in results})
    for position, result in enumerate(results):
        _store(work, row, attempt, position, result, in_force)
    for problem in said:
        Event.objects.create(at=work.now, kind="job", object_id=job, what=PROBLEM, who=row.owner, why=problem)
    work.topics.add("results")
    return len(results)


def _stands(job: Job, said: list[str]) -> bool:
    """Whether problems are on the record of this attempt already; results know their attempt, problems alone do not."""
    events = Event.objects.filter(kind="job", object_id=job.uuid, what=PROBLEM, why__in=said)
    return events.filter(at__gte=job.dispatched_at or 0.0).exists()


def _store(work: Work, job: Job, attempt: int, position: int, result: CheckedResult, in_force: Standards) -> None:
    run = job.run if result.run is None else result.run
    subrun = job.subrun if result.subrun is None else result.subrun
    keys = result.keys or job.keys
    judged = verdict(result, run, in_force)
    stored = Result.objects.create(
        job=job,
        attempt=attempt,
        position=position,
        subject=subject(job.jobtype_id, result.category, run, job.dataset_id or job.uuid, subrun, keys),
        category=result.category,
        run=run,
        subrun=subrun,
        keys=keys,
        status=judged.status,
        incomplete=result.incomplete,
        comment=result.comment or "",
        data_time=result.time or "",
        published_at=work.now,
    )
    at = moment_of(result.time) if result.time else None
    series = series_rows(judged)
    with work.transaction.write():
        for statement, rows in (
            (queries.ADD_ITEMS, item_rows(stored.pk, judged)),
            (queries.ADD_SERIES, series),
            (queries.ADD_VALUES, value_rows(stored.pk, run, subrun, work.now if at is None else at, judged)),
        ):
            if rows:
                statement.run(rows)


def moment_of(time: str) -> float | None:
    """Seconds since the epoch of an RFC 3339 text; None for one in a zone that there is not."""
    try:
        return datetime.fromisoformat(time.upper()).timestamp()
    except (ValueError, OverflowError):
        return None
