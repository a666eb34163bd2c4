"""Finished jobs of which results were expected: an alarm while they do not come."""

from collections.abc import Collection, Sequence

from p3s.domain.effects import JobEnded
from p3s.domain.expected import named
from p3s.domain.unpublished import KIND, Culprit, Lacking, alarm, is_moot, is_over
from p3s.protocol.states import Reason
from p3s.server.data.models import Run
from p3s.server.jobs.models import Job
from p3s.server.journal.models import Alarm as Row

from .alarms import clear_alarm, raise_alarm
from .work import Work


def watch_results(work: Work, ended: Sequence[JobEnded]) -> None:
    """Raise the alarm of each job type (and stream) whose results did not come, or clear it when a later job published
    all it should. Nobody waits for the plots of a run that has ended: its jobs raise none."""
    work.flush()
    numbers = [one.id for one in ended]
    known = Job.objects.filter(id__in=numbers).values_list("id", "jobtype_id", "stream_id", "run")
    jobs = {id: (Culprit(jobtype, stream or ""), run) for id, jobtype, stream, run in known}
    runs = {run for _, run in jobs.values() if run is not None}
    over = set(Run.objects.filter(number__in=runs, ended_at__isnull=False).values_list("number", flat=True))
    for one in sorted(ended, key=lambda one: one.id):
        culprit, run = jobs[one.id]
        row = Row.objects.filter(cause=culprit.cause, cleared_at=None).first()
        if one.lacking:
            if run not in over:
                nothing = one.reason == Reason.PUBLISHED_NOTHING
                found = Lacking(one.id, one.job, run, one.lacking, nothing)
                raise_alarm(work, alarm(culprit, found, row.detail if row else {}))
        elif row is not None and is_over(row.detail, one.id):
            clear_alarm(work, row, f"job {one.job} published all it should")


def forget_expected(work: Work, jobtype: str, expects: Collection[str]) -> None:
    """A type expects other results: an alarm about those that nobody expects any more is over."""
    for row in Row.objects.filter(kind=KIND, cleared_at=None):
        if is_moot(row.detail, jobtype, expects):
            clear_alarm(work, row, f"its type expects no more {named(row.detail['missing'])}")


def forget_results(work: Work, run: int) -> None:
    """A run has ended: an alarm whose latest results were those of the run is over."""
    for row in Row.objects.filter(kind=KIND, cleared_at=None):
        if row.detail["runs"][-1:] == [run]:
            clear_alarm(work, row, f"run {run} has ended")
