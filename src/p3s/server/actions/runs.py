"""Runs of the experiment: the first file of one opens it."""

from collections.abc import Iterable

from p3s.server.data.models import Run

from .work import Work


def ensure_runs(work: Work, numbers: Iterable[int | None], owner: str) -> None:
    """Open those that are not known; one that has ended stays so. What was decided so far is written."""
    wanted = {number for number in numbers if number is not None}
    if not wanted:
        return
    known = set(Run.objects.filter(number__in=wanted).values_list("number", flat=True))
    new = [Run(number=number, started_at=work.now, owner=owner) for number in sorted(wanted - known)]
    if new:
        Run.objects.bulk_create(new)
        work.topics.add("datasets")
