"""Results of an attempt come in: all of them in one transaction, once."""

from p3s.protocol.bounds import clean
from p3s.protocol.errors import Conflict, NotKnown
from p3s.protocol.results import Item as CheckedItem
from p3s.protocol.results import Result as CheckedResult
from p3s.protocol.results import to_wire
from p3s.protocol.states import JobState
from p3s.server.jobs.models import Job
from p3s.server.journal.models import Event
from p3s.server.results.models import Item, Result

from .work import Work

#: A lost job may still be amended by its own attempt, so its results are taken too.
_TAKEN_IN = {JobState.DISPATCHED.value, JobState.RUNNING.value, JobState.LOST.value}


def publish(work: Work, *, job: str, attempt: int, results: list[CheckedResult], problems: list[str]) -> int:
    """Store checked results of an attempt in force; a repeated call changes nothing. Returns how many there are."""
    work.flush()
    row = Job.objects.filter(uuid=job).first()
    if row is None:
        raise NotKnown(f"there is no job {job}")
    there = Result.objects.filter(job=row, attempt=attempt).count()
    if there:
        return there
    if row.attempt != attempt or row.state not in _TAKEN_IN:
        raise Conflict(f"attempt {attempt} of job {job} is not in force (it is {row.state}, attempt {row.attempt})")
    for position, result in enumerate(results):
        _store(row, attempt, position, result, work.now)
    for problem in problems:
        Event.objects.create(
            at=work.now, kind="job", object_id=job, what="result problem", who=row.owner, why=clean(problem[:2000])
        )
    work.topics.add("results")
    return len(results)


def _store(job: Job, attempt: int, position: int, result: CheckedResult, now: float) -> None:
    stored = Result.objects.create(
        job=job,
        attempt=attempt,
        position=position,
        category=result.category,
        run=job.run if result.run is None else result.run,
        subrun=job.subrun if result.subrun is None else result.subrun,
        keys=result.keys or job.keys,
        status=result.status,
        incomplete=result.incomplete,
        comment=result.comment or "",
        data_time=result.time or "",
        published_at=now,
    )
    wire = to_wire(result)["items"]
    Item.objects.bulk_create(
        _item(stored, place, item, detail) for place, (item, detail) in enumerate(zip(result.items, wire, strict=True))
    )


def _item(result: Result, position: int, item: CheckedItem, detail: dict[str, object]) -> Item:
    return Item(
        result=result,
        position=position,
        kind=item.kind,
        name=item.name,
        by=item.by,
        status=item.status,
        comment=item.comment or "",
        group=item.group or "",
        value=item.value,
        error=item.error,
        unit=item.unit or "",
        detail=detail,
        problem=item.problem or "",
    )
