"""What cold API routes read of gatherings."""

from dataclasses import dataclass

from django.db.models import Max

from p3s.domain.data.gathering import NEVER, Standing, due_at, same_of
from p3s.protocol.codec import from_object
from p3s.protocol.data import Gather
from p3s.server.data.models import Gathering
from p3s.server.jobs.models import Job


@dataclass(frozen=True, slots=True)
class GatheringRow:
    """As `protocol.gatherings.Gathering`. Of a gathering that its stream has no more, `of` and `by` are empty."""

    id: int
    stream: str
    name: str
    of: str
    by: str
    value: str
    run: int | None
    pending: int
    since: float | None
    due_at: float | None
    gathered: int
    job: str | None
    job_state: str


def page(stream: str, run: int | None, limit: int, before: int | None) -> list[GatheringRow]:
    """The latest first; `before`: the id of the last one seen."""
    asked = {"stream": stream or None, "run": run, "id__lt": before}
    rows = Gathering.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    found = list(rows.select_related("stream").order_by("-id")[:limit])
    sames = {same_of(row.stream_id, row.name, row.value): row.pk for row in found}
    latest = Job.objects.filter(same__in=list(sames)).order_by().values("same").annotate(latest=Max("id"))
    jobs = {job.same: job for job in Job.objects.filter(id__in=[one["latest"] for one in latest])}
    jobs_of = {sames[same]: job for same, job in jobs.items()}
    return [_row(row, jobs_of.get(row.pk)) for row in found]


def _row(row: Gathering, job: Job | None) -> GatheringRow:
    written = row.stream.spec.get("gather", {}).get(row.name)
    rule = from_object(Gather, written) if written else Gather("", "", "")
    at = due_at(rule, Standing(row.pending, row.since))
    return GatheringRow(
        row.pk,
        row.stream_id,
        row.name,
        rule.of,
        rule.by,
        row.value,
        row.run,
        row.pending,
        row.since,
        None if at == NEVER else at,
        row.gathered,
        job.uuid if job else None,
        job.state if job else "",
    )
