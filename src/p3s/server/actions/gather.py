"""Gatherings: a job over what the jobs of a stream have published, each time it is due."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from p3s.domain.data.gathering import WITHIN_RUNS, Standing, Value, due, due_at, job_of, same_of, value_of
from p3s.domain.data.streams import gathered
from p3s.domain.effects import JobEnded, JobFollowed, TypeDeclared
from p3s.protocol.codec import from_object
from p3s.protocol.data import Gather, StreamSpec
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.states import JobState
from p3s.server.data.models import Gathering, Run, Stream
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Gathered, Job
from p3s.server.jobs.uses import queries as uses

from .submit import add_jobs
from .work import Work

LOOK_EVERY_S = 60.0
"""So often gatherings are looked at at least: the rules of a stream may have changed."""

PORTION = 20
"""So many jobs that gather are made in one transaction, when many are due by the clock."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A gathering of a stream as it is now."""

    stream: Stream
    spec: StreamSpec
    name: str

    @property
    def gather(self) -> Gather:
        return self.spec.gather[self.name]


@dataclass(slots=True)
class _Ends:
    """Ends of jobs of one value: `finished` are their numbers by dataset, `keys` those of the latest."""

    rule: Rule
    value: Value
    run: int | None
    finished: dict[str, int] = field(default_factory=dict)


# ---- what makes one due


def gather_ended(work: Work, ended: Sequence[JobEnded]) -> None:
    """Jobs have ended that may be gathered. One that did not finish only matters when nothing else is waited for."""
    work.flush()
    for ends in _by_value(ended):
        row = _counted(work, ends) if ends.finished else _row(ends.rule, ends.value.text)
        if row is not None and row.pending:
            _gather_if_due(work, ends.rule, ends.value, row)


def gather_anew(work: Work, stream: Stream, before: Mapping[str, Any]) -> None:
    """A stream's rule has changed; `before` is what it was. Jobs that it made and that have not ended are waited for
    where they were not. What a rule has gathered that is new, or goes by something else, is begun anew: by run when
    something of the run ends, by a key now, because a key's jobs are in no index."""
    if not (stream.spec.get("gather") or before.get("gather")):
        return
    rules = from_object(StreamSpec, stream.spec).gather
    known = from_object(StreamSpec, before).gather if before else {}
    for name, rule in rules.items():
        was = known.get(name)
        if was is None or (was.of, was.by) != (rule.of, rule.by):
            Gathering.objects.filter(stream=stream, name=name).delete()
            if rule.by not in WITHIN_RUNS:
                _begin_by_key(stream, name, rule)
    new = gathered_of(stream) - {one.of for one in known.values()}
    work.desk.do(JobFollowed(*job) for job in waiting.unfollowed(stream.name, new))


def gather_rest(work: Work, number: int) -> None:
    """A run has ended: gather what is left of it, now or when the last of its jobs has ended."""
    work.flush()
    for rule in _rules(Stream.objects.all()):
        if rule.gather.at_run_end and rule.gather.by in WITHIN_RUNS:
            _begin_late(work, rule, number)
    for row in Gathering.objects.filter(run=number, pending__gt=0).order_by("id"):
        for rule in _rules(Stream.objects.filter(name=row.stream_id)):
            if rule.name == row.name:
                _gather_if_due(work, rule, _value(rule, row), row)


def gather_by_clock(work: Work) -> None:
    """Gather what has waited long enough; the book knows when to ask again."""
    work.flush()
    book, made = work.desk.book, 0
    book.gather_from = work.now + LOOK_EVERY_S
    for rule in _rules(Stream.objects.all()):
        if not rule.gather.or_after:
            continue
        rows = Gathering.objects.filter(stream=rule.stream, name=rule.name, pending__gt=0, since__isnull=False)
        for row in rows.order_by("since")[: PORTION + 1]:
            at = due_at(rule.gather, Standing(row.pending, row.since))
            if at > work.now or made == PORTION:
                book.gather_from = min(book.gather_from, max(at, work.now))
                break
            _gather(work, rule, _value(rule, row), row)
            made += 1


# ---- which, and how many


def gathered_of(stream: Stream) -> frozenset[str]:
    """Job types of which the stream gathers the results."""
    return gathered(from_object(StreamSpec, stream.spec)) if stream.spec.get("gather") else frozenset()


def _rules(streams: Iterable[Stream]) -> list[Rule]:
    specs = [(stream, from_object(StreamSpec, stream.spec)) for stream in streams if stream.spec.get("gather")]
    return [Rule(stream, spec, name) for stream, spec in specs for name in spec.gather]


def _by_value(ended: Sequence[JobEnded]) -> list[_Ends]:
    """Ends by gathering and value, in the order in which they came."""
    became = {one.id: one.after for one in ended}
    jobs = list(Job.objects.filter(id__in=list(became), stream__isnull=False, dataset__isnull=False).order_by("id"))
    rules: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in _rules(Stream.objects.filter(name__in={str(job.stream_id) for job in jobs})):
        rules[rule.stream.name, rule.gather.of].append(rule)
    found: dict[tuple[str, str, str], _Ends] = {}
    for job in jobs:
        for rule in rules[str(job.stream_id), job.jobtype_id]:
            value = value_of(rule.gather.by, job.run, job.subrun, job.keys)
            if value is not None:
                ends = found.setdefault((rule.stream.name, rule.name, value.text), _Ends(rule, value, job.run))
                ends.run = job.run
                if became[job.id] is JobState.FINISHED:
                    ends.finished[str(job.dataset_id)] = job.id
    return list(found.values())


def _row(rule: Rule, value: str) -> Gathering | None:
    return Gathering.objects.filter(stream=rule.stream, name=rule.name, value=value).first()


def _begin_late(work: Work, rule: Rule, run: int) -> None:
    """All jobs of a run had finished before the rule was there."""
    for subrun in waiting.finished_of_run(run, rule.stream.name, rule.gather.of):
        value = value_of(rule.gather.by, run, subrun, {})
        row, new = _begun(rule, value) if value is not None else (None, False)
        if row is not None and new:
            row.pending, row.since, row.run = Gathered.objects.filter(gathering=row).count(), work.now, run
            row.save()


def _begin_by_key(stream: Stream, name: str, rule: Gather) -> None:
    """With what finished before, among the latest jobs: of each file its latest. Like what finished of a run before its
    rule, it is gathered when something more has come, and does not wait for the clock."""
    rows: dict[str, Gathering] = {}
    members: dict[str, tuple[Gathering, int]] = {}
    for job, dataset, run, subrun, keys in waiting.latest_finished(stream.name, rule.of):
        value = value_of(rule.by, run, subrun, keys)
        if value is not None and dataset not in members:
            row = rows.setdefault(value.text, Gathering(stream=stream, name=name, value=value.text, run=run))
            row.pending += 1
            members[dataset] = row, job
    Gathering.objects.bulk_create(rows.values())
    uses.begin_with((row.pk, dataset, job) for dataset, (row, job) in reversed(members.items()))


def _begun(rule: Rule, value: Value) -> tuple[Gathering, bool]:
    """Its row; whether it is new: then it begins with what had finished before the rule was there."""
    row, new = Gathering.objects.get_or_create(stream=rule.stream, name=rule.name, value=value.text)
    if new and value.run is not None:
        uses.gather_earlier(row.pk, value.run, value.subrun, rule.stream.name, rule.gather.of)
    return row, new


def _counted(work: Work, ends: _Ends) -> Gathering:
    """Remember what finished."""
    rule, value = ends.rule, ends.value
    row, new = _begun(rule, value)
    Gathered.objects.bulk_create(
        [Gathered(gathering=row, dataset_id=dataset, job_id=job) for dataset, job in ends.finished.items()],
        update_conflicts=True,
        unique_fields=["gathering", "dataset"],
        update_fields=["job"],
    )
    row.pending = Gathered.objects.filter(gathering=row).count() if new else row.pending + len(ends.finished)
    row.since, row.run = work.now if row.since is None else row.since, ends.run
    row.save()
    at = due_at(rule.gather, Standing(row.pending, row.since))
    work.desk.book.gather_from = min(work.desk.book.gather_from, at)
    return row


def _value(rule: Rule, row: Gathering) -> Value:
    """The value of a row, from the last job that it counted."""
    job = Job.objects.filter(gathered__gathering=row).order_by("-id").first()
    value = job and value_of(rule.gather.by, job.run, job.subrun, job.keys)
    return value or Value(row.value, row.run)


# ---- the job


def _gather_if_due(work: Work, rule: Rule, value: Value, row: Gathering) -> None:
    over = rule.gather.at_run_end and row.run is not None and _is_over(rule, row.run)
    if due(rule.gather, Standing(row.pending, row.since, over), work.now):
        _gather(work, rule, value, row)


def _is_over(rule: Rule, run: int) -> bool:
    ended = Run.objects.filter(number=run, ended_at__isnull=False).exists()
    return ended and not waiting.goes_on(run, rule.stream.name, rule.gather.of)


def _gather(work: Work, rule: Rule, value: Value, row: Gathering) -> None:
    """Add the job, which reads all that was gathered so far; one of the same that waits has no use any more."""
    stream, name = rule.stream, rule.name
    same = same_of(stream.name, name, value.text)
    older = [one.id for one in waiting.older(same, work.desk.book.next_id)]
    if name not in work.desk.book.types:
        by = {"run": ("run",), "subrun": ("run", "subrun")}.get(rule.gather.by, (rule.gather.by,))
        work.desk.do([TypeDeclared(JobTypeSpec(name, supersedes=by), work.now)])
    (added,) = add_jobs(
        work,
        [job_of(rule.spec, name, value)],
        owner=stream.owner,
        stream=stream.name,
        stream_version=stream.version,
        run=value.run,
        subrun=value.subrun,
        keys=value.keys,
        same=same,
    )
    work.flush()
    uses.forget(older)
    uses.read_gathered(added.id, row.pk)
    row.gathered, row.pending, row.since = Gathered.objects.filter(gathering=row).count(), 0, None
    row.save()
