"""A person has files of a stream processed now, whatever its prescale: those that were left out, or went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from heapq import merge
from itertools import islice
from typing import NamedTuple

from p3s.domain.acceptance import accept
from p3s.domain.data.coverage import missing, spoken, word_of, worst
from p3s.domain.data.streams import gathered, jobs_of
from p3s.domain.effects import Noted
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import BadInput, Conflict, NotKnown
from p3s.protocol.messages import JobSpec
from p3s.protocol.states import DatasetState, Fate
from p3s.protocol.streams import LeftFile, ProcessedFile, ProcessReply, ProcessRequest
from p3s.server.data.models import Arrival, Dataset, Outcome, Stream
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job

from .arrive import columns_of, spec_of
from .declare import found
from .many import Ask
from .submit import ensure_type, new_uuids
from .work import Work

LOOKED = 1_000
"""So many files of a run are looked at in one call."""

PORTION = 50
"""Files of one transaction: some ten milliseconds, for which others wait."""


def process(ask: Ask, *, name: str, request: ProcessRequest, who: str) -> ProcessReply:
    """Not for the writer's thread; the reply's `next`, given as `after`, goes on. Raises NotKnown for a stream, or a
    file, that is none."""
    stream = Stream.objects.filter(name=name).first()
    if stream is None:
        raise NotKnown(f"there is no stream {name[:80]}; p3s stream list shows them")
    spec = spec_of(stream)
    if spec.workflow:
        raise BadInput(f"stream {name} starts a workflow; start one for the file: p3s workflow start {spec.workflow}")
    looked = _look(name, request)
    following = str(looked[-1].pk) if len(looked) == LOOKED else None
    fitting = [one for one in looked if fnmatchcase(one.dataset.name, request.files or "*")]
    files = _judged(spec, fitting, again=request.again)
    taken = [one for one in files if one.jobtypes]
    if request.limit is not None and len(taken) >= request.limit:
        taken, following = taken[: request.limit], None
        files = files[: files.index(taken[-1]) + 1] if taken else []
    left = [LeftFile(one.arrival.dataset_id, one.arrival.dataset.name, one.why) for one in files if not one.jobtypes]
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
    """A file as it is: job types that it is to get jobs of, or `why` none; the last job of each type."""

    arrival: Arrival
    was: str
    jobtypes: list[str]
    why: str
    last: dict[str, str]


def _said(file: _File, jobs: Sequence[str] = ()) -> ProcessedFile:
    return ProcessedFile(file.arrival.dataset_id, file.arrival.dataset.name, file.was, file.jobtypes, list(jobs))


def _look(name: str, request: ProcessRequest) -> list[Arrival]:
    """The next LOOKED files that the stream has seen, the newest first."""
    seen = Arrival.objects.filter(stream=name).select_related("dataset").order_by("-id")
    if request.after:
        seen = seen.filter(id__lt=int(request.after))
    if request.run is None:
        named = list(seen.filter(dataset__name=request.files)[:LOOKED])
        if not named and not request.after:
            raise NotKnown(f"stream {name} has seen no file {request.files}; p3s dataset list shows the latest")
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
    return [_file(spec, one, last.get(one.dataset_id, {}), gone.get(one.pk, []), again=again) for one in arrivals]


class _Last(NamedTuple):
    """The last job of a type that is there."""

    id: int
    uuid: str
    state: str
    reason: str


def _file(
    spec: StreamSpec, arrival: Arrival, last: dict[str, _Last], outcomes: Sequence[Outcome], *, again: bool
) -> _File:
    """`outcomes`: of jobs that were purged; where it was the last of its type, the one that is there does not count."""
    names = {jobtype: job.uuid for jobtype, job in last.items()}
    gone = {
        one.jobtype: spoken(one.word) for one in outcomes if one.jobtype not in last or last[one.jobtype].id < one.job
    }
    counts = {jobtype: job for jobtype, job in last.items() if jobtype not in gone}
    purged = spoken(arrival.purged) if arrival.purged else ""
    words = [word_of(job.state, job.reason) for job in counts.values()]
    was = worst([*words, *gone.values(), *([purged] if purged else [])])
    if arrival.fate != Fate.TAKEN:
        was = f"{arrival.fate}: {arrival.reason}" if arrival.reason else arrival.fate
    dataset = arrival.dataset
    if dataset.state != DatasetState.AVAILABLE:
        return _File(arrival, was, [], f"its file is {dataset.state}", names)
    states = {jobtype: job.state for jobtype, job in counts.items()}
    jobtypes, why = missing(spec.jobs, states, gone=gone, purged=purged, again=again)
    new = [jobtype for jobtype in jobtypes if jobtype not in {**last, **gone}]
    if last and new:
        was = f"{was}, without {', '.join(new)}"
    return _File(arrival, was, jobtypes, why, names)


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
    if done:
        where = f"of run {request.run}" if request.run is not None else done[0].name
        text = f"{len(done)} files {where}" + (f": {request.why}" if request.why else "")
        work.desk.do([Noted("stream", name, "processed", who, text, work.now)])
        work.topics.add("datasets")
    return done


def _make(work: Work, stream: Stream, spec: StreamSpec, file: _File, who: str, why: str) -> list[str]:
    """Jobs of the types that are missing, by the rule as it is now; a file that is processed by hand counts so."""
    arrival = file.arrival
    jobs = [
        job
        for described in jobs_of(spec, arrival.dataset, file.jobtypes)
        if (job := _job(work, stream, spec, arrival.dataset, described, file.last.get(described.jobtype), who, why))
    ]
    if jobs:
        if arrival.fate != Fate.TAKEN:
            arrival.reason = f"by hand, was {file.was}"[:200]
        if not file.last.keys() >= set(file.jobtypes):
            arrival.purged = ""  # what is gone is done again
        arrival.fate, arrival.manual, arrival.stream_version = Fate.TAKEN.value, True, stream.version
        arrival.save()
    return jobs


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
