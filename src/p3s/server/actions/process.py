"""A person has files of a stream processed now, whatever its prescale: those that were left out, or went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from heapq import merge
from itertools import islice
from typing import NamedTuple

from p3s.domain.acceptance import accept
from p3s.domain.data.coverage import as_of_job, missing, spoken, word_of, worst
from p3s.domain.data.streams import gathered, jobs_of
from p3s.domain.effects import Noted
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import Conflict, NotKnown, P3sError
from p3s.protocol.messages import JobSpec
from p3s.protocol.states import DatasetState, Fate
from p3s.protocol.streams import LeftFile, ProcessedFile, ProcessReply, ProcessRequest
from p3s.server.data.models import Arrival, Dataset, Outcome, Stream
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job
from p3s.server.workflows import started
from p3s.server.workflows.started import Started

from .arrive import columns_of, spec_of
from .declare import found
from .many import Ask
from .start_workflow import start
from .stream_workflow import plan_for, refused
from .submit import ensure_type, new_uuids
from .work import Work
from .workflow_plans import Planned

LOOKED = 1_000
"""So many files of a run are looked at in one call."""

PORTION = 50
"""Files of one transaction: some ten milliseconds, for which others wait."""

PORTION_JOBS = 200
"""Where a workflow is started of each, as many as have so many jobs, but one at least."""


def process(ask: Ask, *, name: str, request: ProcessRequest, who: str) -> ProcessReply:
    """Not for the writer's thread; the reply's `next`, given as `after`, goes on. Raises NotKnown for a stream, or a
    file, that is none."""
    stream = Stream.objects.filter(name=name).first()
    if stream is None:
        raise NotKnown(f"there is no stream {name[:80]}; p3s stream list shows them")
    spec = spec_of(stream)
    looked = _look(name, request)
    following = str(looked[-1].pk) if len(looked) == LOOKED else None
    fitting = [one for one in looked if fnmatchcase(one.dataset.name, request.files or "*")]
    files = _judged(spec, fitting, again=request.again)
    taken = [one for one in files if one.wanted]
    if request.limit is not None and len(taken) >= request.limit:
        taken, following = taken[: request.limit], None
        files = files[: files.index(taken[-1]) + 1] if taken else []
    left = [_left(one, one.why) for one in files if not one.wanted]
    if spec.workflow:
        begun, unfit = _start_each(ask, stream, spec, taken, request, who)
        return ProcessReply(begun, left + unfit, following)
    if request.dry_run:
        return ProcessReply([_said(one) for one in taken], left, following)
    done: list[ProcessedFile] = []
    for at in range(0, len(taken), PORTION):
        arrivals = [one.arrival.pk for one in taken[at : at + PORTION]]
        done += ask(partial(_portion, name=name, arrivals=arrivals, request=request, who=who))
    return ProcessReply(done, left, following)


# ---- looking


@dataclass(frozen=True)
class _File:
    """A file as it is: job types that it is to get jobs of, or the `template` of its workflow-to-be, or `why` none; the
    last job of each type, and the `before` of that workflow."""

    arrival: Arrival
    was: str
    why: str
    jobtypes: list[str] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)
    template: str = ""
    before: str = ""

    @property
    def wanted(self) -> bool:
        return bool(self.jobtypes or self.template)


def _said(file: _File, jobs: Sequence[str] = (), workflow: str = "") -> ProcessedFile:
    dataset = file.arrival.dataset
    return ProcessedFile(dataset.uuid, dataset.name, file.was, file.jobtypes, list(jobs), file.template, workflow)


def _left(file: _File, why: str) -> LeftFile:
    return LeftFile(file.arrival.dataset_id, file.arrival.dataset.name, why)


def _look(name: str, request: ProcessRequest) -> list[Arrival]:
    """The next LOOKED files that the stream has seen, the newest first."""
    seen = Arrival.objects.filter(stream=name).select_related("dataset").order_by("-id")
    if request.after:
        seen = seen.filter(id__lt=int(request.after))
    if request.run is None:
        named = list(seen.filter(dataset__name=request.files)[:LOOKED])
        if not named and not request.after:
            hint = "a file's name has no directory" if "/" in request.files else "p3s dataset list shows the latest"
            raise NotKnown(f"stream {name} has seen no file {request.files}; {hint}")
        return named
    # One look into an index for each fate: asked for all at once, a database would sort all files of the run.
    by_fate = [seen.filter(run=request.run, fate=fate.value)[:LOOKED] for fate in Fate]
    found_of_run = list(islice(merge(*by_fate, key=lambda one: -one.pk), LOOKED))
    if not found_of_run and not request.after:
        raise NotKnown(
            f"stream {name} has seen no file of run {request.run}; p3s stream coverage {name} lists its runs"
        )
    return found_of_run


def _judged(spec: StreamSpec, arrivals: Sequence[Arrival], *, again: bool) -> list[_File]:
    datasets = [one.dataset_id for one in arrivals]
    last: dict[str, dict[str, _Last]] = {}
    jobs = Job.objects.filter(dataset__in=datasets, stream=spec.name, workflow__isnull=True).order_by("id")
    for dataset, jobtype, *job in jobs.values_list("dataset", "jobtype", *_Last._fields):
        last.setdefault(str(dataset), {})[str(jobtype)] = _Last(*job)
    gone: dict[int, list[Outcome]] = {}
    for outcome in Outcome.objects.filter(arrival__in=[one.pk for one in arrivals]):
        gone.setdefault(outcome.arrival_id, []).append(outcome)
    flows = started.latest([spec.name], datasets)
    return [
        _file(
            spec,
            one,
            last.get(one.dataset_id, {}),
            gone.get(one.pk, []),
            flows.get((spec.name, one.dataset_id)),
            again=again,
        )
        for one in arrivals
    ]


class _Last(NamedTuple):
    """The last job of a type that is there."""

    id: int
    uuid: str
    state: str
    reason: str


def _file(
    spec: StreamSpec,
    arrival: Arrival,
    last: dict[str, _Last],
    outcomes: Sequence[Outcome],
    flow: Started | None,
    *,
    again: bool,
) -> _File:
    """`outcomes`: of jobs that were purged; where it was the last of its type, the one that is there does not count."""
    names = {jobtype: job.uuid for jobtype, job in last.items()}
    gone = {
        one.jobtype: spoken(one.word) for one in outcomes if one.jobtype not in last or last[one.jobtype].id < one.job
    }
    counts = {jobtype: job for jobtype, job in last.items() if jobtype not in gone}
    purged = spoken(arrival.purged) if arrival.purged else ""
    words = [word_of(job.state, job.reason) for job in counts.values()] + ([flow.word] if flow else [])
    was = worst([*words, *gone.values(), *([purged] if purged else [])])
    if arrival.fate != Fate.TAKEN:
        was = f"{arrival.fate}: {arrival.reason}" if arrival.reason else arrival.fate
    dataset = arrival.dataset
    if dataset.state != DatasetState.AVAILABLE:
        return _File(arrival, was, f"its file is {dataset.state}")
    if spec.workflow:
        known = {spec.workflow: as_of_job(flow.state)} if flow else {}
        wanted, why = missing([spec.workflow], known, purged=purged, again=again)
        return _File(arrival, was, why, template="".join(wanted), before=flow.workflow if flow else "")
    states = {jobtype: job.state for jobtype, job in counts.items()}
    jobtypes, why = missing(spec.jobs, states, gone=gone, purged=purged, again=again)
    new = [jobtype for jobtype in jobtypes if jobtype not in {**last, **gone}]
    if last and new:
        was = f"{was}, without {', '.join(new)}"
    return _File(arrival, was, why, jobtypes, names)


# ---- doing


def _portion(
    work: Work, *, name: str, arrivals: Sequence[int], request: ProcessRequest, who: str
) -> list[ProcessedFile]:
    """In one transaction, over what they are now."""
    stream = found(work, name)
    spec = spec_of(stream)
    rows = {one.pk: one for one in Arrival.objects.filter(id__in=arrivals).select_related("dataset")}
    files = _judged(spec, [rows[pk] for pk in arrivals if pk in rows], again=request.again)
    done = []
    for file in files:
        jobs = _make(work, stream, spec, file, who, request.why)
        if jobs:
            done.append(_said(file, jobs))
    _note(work, name, done, request, who)
    return done


def _note(work: Work, name: str, done: Sequence[ProcessedFile], request: ProcessRequest, who: str) -> None:
    if not done:
        return
    where = f"of run {request.run}" if request.run is not None else done[0].name
    text = f"{len(done)} files {where}" + (f": {request.why}" if request.why else "")
    work.desk.do([Noted("stream", name, "processed", who, text, work.now)])
    work.topics.add("datasets")


def _make(work: Work, stream: Stream, spec: StreamSpec, file: _File, who: str, why: str) -> list[str]:
    """Jobs of the types that are missing, by the rule as it is now."""
    arrival = file.arrival
    jobs = [
        job
        for described in jobs_of(spec, arrival.dataset, file.jobtypes)
        if (job := _job(work, stream, spec, arrival.dataset, described, file.last.get(described.jobtype), who, why))
    ]
    if jobs:
        _take(stream, file, anew=not file.last.keys() >= set(file.jobtypes))
    return jobs


def _take(stream: Stream, file: _File, *, anew: bool) -> None:
    """A file that is processed by hand counts so. `anew`: what is gone is done again."""
    arrival = file.arrival
    if arrival.fate != Fate.TAKEN:
        arrival.reason = f"by hand, was {file.was}"[:200]
    if anew:
        arrival.purged = ""
    arrival.fate, arrival.manual, arrival.stream_version = Fate.TAKEN.value, True, stream.version
    arrival.save()


def _job(
    work: Work,
    stream: Stream,
    spec: StreamSpec,
    dataset: Dataset,
    described: JobSpec,
    before: str | None,
    who: str,
    why: str,
) -> str:
    """Its UUID; "" when the one before was run again by somebody else. It supersedes nothing: its data are old."""
    ensure_type(work, described.jobtype)
    book = work.desk.book
    columns = {**columns_of(stream, dataset, who), "followed": described.jobtype in gathered(spec)}
    if before:
        columns["rerun_of"] = before
    uuid = next(new_uuids(work.now, 1))
    added = accept(book.next_id, uuid, described, book.kind(described.jobtype), work.now, columns)
    added = replace(added, same="")
    if before is None:
        work.desk.submit([added])
        work.desk.do([Noted("job", uuid, "made by hand", who, why, work.now)])
        return uuid
    try:
        work.desk.rerun(before, waiting.past([before])[before], added, who, why)
    except Conflict:
        return ""
    return uuid


# ---- by a workflow of each


def _start_each(
    ask: Ask, stream: Stream, spec: StreamSpec, files: Sequence[_File], request: ProcessRequest, who: str
) -> tuple[list[ProcessedFile], list[LeftFile]]:
    """What was started, or with `dry_run` would be, and what cannot be. Plans are made here, outside of the writer."""
    done: list[ProcessedFile] = []
    left: list[LeftFile] = []
    portion: list[tuple[int, Planned]] = []

    def begin() -> None:
        if portion:
            done.extend(ask(partial(_start_some, name=stream.name, some=portion, request=request, who=who)))
            portion.clear()

    for file in files:
        try:
            planned = plan_for(stream, spec, file.arrival.dataset, who)
        except P3sError as refusal:
            left.append(_left(file, refused(spec, refusal)))
            continue
        if request.dry_run:
            done.append(_said(file))
            continue
        if sum(len(one.plan.nodes) for _, one in portion) + len(planned.plan.nodes) > PORTION_JOBS:
            begin()
        portion.append((file.arrival.pk, planned))
    begin()
    return done, left


def _start_some(
    work: Work, *, name: str, some: Sequence[tuple[int, Planned]], request: ProcessRequest, who: str
) -> list[ProcessedFile]:
    """In one transaction, over what they are now; one that cannot be started any more is passed over."""
    stream = found(work, name)
    spec = spec_of(stream)
    plans = dict(some)
    rows = Arrival.objects.filter(id__in=list(plans)).select_related("dataset").order_by("-id")
    done = []
    for file in _judged(spec, list(rows), again=request.again):
        planned = plans[file.arrival.pk]
        if not file.template:
            continue
        try:
            if planned.stream_version != stream.version:
                planned = plan_for(stream, spec, file.arrival.dataset, who)
            start(work, planned=replace(planned, rerun_of=file.before), hold=False, why=request.why)
        except P3sError:
            continue
        _take(stream, file, anew=True)
        done.append(_said(file, workflow=planned.workflow))
    _note(work, name, done, request, who)
    return done
