"""What became of files that a stream has seen, for a person who wants some of them processed now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import NamedTuple

from p3s.domain.data.coverage import as_of_job, missing, spoken, word_of, worst
from p3s.domain.effects import Noted
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import NotKnown
from p3s.protocol.states import DatasetState, Fate
from p3s.protocol.streams import LeftFile, ProcessedFile, ProcessRequest
from p3s.server.data.models import Arrival, Outcome, Stream
from p3s.server.jobs.models import Job
from p3s.server.workflows import started
from p3s.server.workflows.started import Started

from .work import Work

LOOKED = 1_000
"""So many files of a run are looked at in one call."""


@dataclass(frozen=True)
class SeenFile:
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


def said(file: SeenFile, jobs: Sequence[str] = (), workflow: str = "") -> ProcessedFile:
    """The file with what was made of it."""
    dataset = file.arrival.dataset
    return ProcessedFile(dataset.uuid, dataset.name, file.was, file.jobtypes, list(jobs), file.template, workflow)


def left_out(file: SeenFile, why: str) -> LeftFile:
    """The file with why nothing was made of it."""
    return LeftFile(file.arrival.dataset_id, file.arrival.dataset.name, why)


def look(name: str, request: ProcessRequest) -> list[Arrival]:
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


def judged(spec: StreamSpec, arrivals: Sequence[Arrival], *, again: bool) -> list[SeenFile]:
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
) -> SeenFile:
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
        return SeenFile(arrival, was, f"its file is {dataset.state}")
    if spec.workflow:
        known = {spec.workflow: as_of_job(flow.state)} if flow else {}
        wanted, why = missing([spec.workflow], known, purged=purged, again=again)
        return SeenFile(arrival, was, why, template="".join(wanted), before=flow.workflow if flow else "")
    states = {jobtype: job.state for jobtype, job in counts.items()}
    jobtypes, why = missing(spec.jobs, states, gone=gone, purged=purged, again=again)
    new = [jobtype for jobtype in jobtypes if jobtype not in {**last, **gone}]
    if last and new:
        was = f"{was}, without {', '.join(new)}"
    return SeenFile(arrival, was, why, jobtypes, names)


def take(stream: Stream, file: SeenFile, *, anew: bool) -> None:
    """A file that is processed by hand counts so. `anew`: what is gone is done again."""
    arrival = file.arrival
    if arrival.fate != Fate.TAKEN:
        arrival.reason = f"by hand, was {file.was}"[:200]
    if anew:
        arrival.purged = ""
    arrival.fate, arrival.manual, arrival.stream_version = Fate.TAKEN.value, True, stream.version
    arrival.save()


def note(work: Work, name: str, done: Sequence[ProcessedFile], request: ProcessRequest, who: str) -> None:
    """Who did it, for the record."""
    if not done:
        return
    text = done[0].name if len(done) == 1 else f"{len(done)} files"
    if request.run is not None:
        text += f" of run {request.run}"
    if request.why:
        text += f": {request.why}"
    work.desk.do([Noted("stream", name, "processed", who, text, work.now)])
    work.topics.add("datasets")
