"""Files arrived: register them and make their streams' jobs, each file's in the transaction that stores it.

A file is known by its URL. For each stream that it is registered for there is one arrival, which says what the stream
made of it; registered again for the stream, the answer is that. Two things move it on: a file that was ignored and is
now sent without a reason is judged anew, and one that was announced (`registered`) or missing is there now.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from p3s.domain.data.streams import Taking, gathered, jobs_of, taking, without
from p3s.protocol.codec import from_object
from p3s.protocol.data import LEFT_OUT_OVERFLOW, LEFT_OUT_PAUSED, DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.errors import NotKnown, P3sError
from p3s.protocol.states import DatasetState, Fate
from p3s.server.data import queries
from p3s.server.data.models import Arrival, Dataset, DataType, Stream
from p3s.server.jobs.models import Job
from p3s.server.workflows import started

from .overflow import Backlog
from .runs import ensure_runs
from .start_workflow import start
from .stream_workflow import plan_for, refused
from .submit import add_each, ensure_type
from .work import Work

PORTION = 50
"""Files of one transaction: some ten milliseconds, for which others wait. A new file with a job costs 0.3 ms, a known
one 0.07 ms."""


def arrive(work: Work, *, request: DatasetRequest, owner: str) -> DatasetReply:
    """Register a file. Raises NotKnown for a stream that is none."""
    (reply,) = arrive_all(work, requests=[request], owner=owner)
    if reply.problem:
        raise NotKnown(reply.problem)
    return reply


def arrive_all(work: Work, *, requests: Sequence[DatasetRequest], owner: str) -> list[DatasetReply]:
    """Register files, each by itself: one that is refused has its `problem`. At most PORTION of them."""
    work.flush()
    known = _Known.of({one.stream for one in requests}, {one.url for one in requests})
    wanted = [one for one in requests if not one.stream or one.stream in known.streams]
    _register(work, known, wanted, owner)
    inbox = _Inbox(work, known, owner)
    replies = [inbox.take(one) for one in requests]
    inbox.store()
    return replies


def spec_of(stream: Stream) -> StreamSpec:
    """The rule as stored, back as a message."""
    return from_object(StreamSpec, stream.spec)


# ---- files


@dataclass
class _Known:
    """What the tables have of some streams and files."""

    streams: dict[str, Stream]
    datasets: dict[str, Dataset]
    arrivals: dict[tuple[str, str], Arrival]
    jobs: dict[tuple[str, str], list[str]]
    workflows: dict[tuple[str, str], str]
    #: URLs of files that this story registers and has not yet spoken of.
    new: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, streams: set[str], urls: set[str]) -> "_Known":
        datasets = {one.url: one for one in Dataset.objects.filter(url__in=urls)}
        uuids = [one.uuid for one in datasets.values()]
        arrivals = Arrival.objects.filter(dataset__in=uuids, stream__in=streams)
        jobs: dict[tuple[str, str], list[str]] = defaultdict(list)
        made = Job.objects.filter(dataset__in=uuids, stream__in=streams, workflow__isnull=True).order_by("id")
        for stream, dataset, job in made.values_list("stream", "dataset", "uuid"):
            jobs[str(stream), str(dataset)].append(job)
        rules = {one.name: one for one in Stream.objects.filter(name__in=streams)}
        starting = [name for name, one in rules.items() if one.spec.get("workflow")]
        known = started.latest(starting, uuids) if starting and uuids else {}
        return cls(
            rules,
            datasets,
            {(one.stream_id, one.dataset_id): one for one in arrivals},
            jobs,
            {key: one.workflow for key, one in known.items()},
        )


def _register(work: Work, known: _Known, requests: Sequence[DatasetRequest], owner: str) -> None:
    """Store the files that are new; those that were announced or missing are there now."""
    _ensure_datatypes(work, requests, owner)
    new: list[Dataset] = []
    for one in requests:
        dataset = known.datasets.get(one.url)
        if dataset is None:
            dataset = known.datasets[one.url] = _dataset(work, one, owner)
            known.new.add(one.url)
            new.append(dataset)
        elif _has_come(dataset, one):
            _fill(dataset, one)
            dataset.state = DatasetState.AVAILABLE.value
            if one.url not in known.new:  # else it is stored below, as it is then
                dataset.save()
            work.topics.add("datasets")
    ensure_runs(work, (known.datasets[one.url].run for one in requests), owner)
    if new:
        queries.add_datasets(new)
        work.topics.add("datasets")


def _ensure_datatypes(work: Work, requests: Sequence[DatasetRequest], owner: str) -> None:
    """A data type is made when a file is first said to be of it; its extension is that file's."""
    named = {one.datatype: one for one in requests if one.datatype}
    there = DataType.objects.filter(name__in=named).values_list("name", flat=True) if named else ()
    new = [
        DataType(name=name, ext=PurePosixPath(named[name].url).suffix[:40], owner=owner, updated_at=work.now)
        for name in sorted(set(named) - set(there))
    ]
    if new:
        DataType.objects.bulk_create(new)


_FACTS = ("size", "run", "subrun", "adler32", "modified_at", "keys", "comment", "metadata")


def _dataset(work: Work, request: DatasetRequest, owner: str) -> Dataset:
    return Dataset(
        uuid=str(uuid.uuid4()),
        name=(request.name or request.url.rstrip("/").rpartition("/")[2])[-255:],
        url=request.url,
        datatype_id=request.datatype or None,
        state=request.state,
        owner=owner,
        registered_at=work.now,
        **{name: getattr(request, name) for name in _FACTS},
    )


def _has_come(dataset: Dataset, request: DatasetRequest) -> bool:
    away = dataset.state in (DatasetState.REGISTERED, DatasetState.MISSING)
    return away and request.state == DatasetState.AVAILABLE


def _fill(dataset: Dataset, request: DatasetRequest) -> None:
    """What is said of a file that has come, or that has grown, holds; what is not said stays."""
    for name in _FACTS:
        value = getattr(request, name)
        if value not in (None, "", {}):
            setattr(dataset, name, value)
    dataset.datatype_id = request.datatype or dataset.datatype_id


def _stays(dataset: Dataset, request: DatasetRequest) -> list[str]:
    """What is said of a file and is not so: it was known, and is changed by a person only."""
    said = {name: getattr(request, name) for name in _FACTS}
    others = [name for name, value in said.items() if value not in (None, "", {}) and getattr(dataset, name) != value]
    return others + ["datatype"] * (request.datatype not in ("", dataset.datatype_id))


# ---- what streams make of them


@dataclass
class _Inbox:
    """Files of one story, one after the other."""

    work: Work
    known: _Known
    owner: str
    _specs: dict[str, StreamSpec] = field(default_factory=dict)
    _backlogs: dict[str, Backlog] = field(default_factory=dict)
    #: Files of a run that a stream has taken or sampled out, as far as `first_of_run` counts.
    _before: dict[tuple[str, int], int] = field(default_factory=dict)
    _new: list[Arrival] = field(default_factory=list)
    _moved: list[Arrival] = field(default_factory=list)

    def take(self, request: DatasetRequest) -> DatasetReply:
        """What a file's stream makes of it, or made of it before."""
        stream = self.known.streams.get(request.stream)
        if request.stream and stream is None:
            problem = f"there is no stream {request.stream!r}; declare it first (p3s watcher start FILE.yaml does)"
            return DatasetReply("", False, [], problem=problem)
        dataset, new = self.known.datasets[request.url], request.url in self.known.new
        self.known.new.discard(request.url)
        if stream is None or request.state == DatasetState.REGISTERED:
            return DatasetReply(dataset.uuid, new, [], stays=_stays(dataset, request))
        key = (stream.name, dataset.uuid)
        arrival = self.known.arrivals.get(key)
        if arrival is None:
            arrival = self.known.arrivals[key] = Arrival(
                stream=stream, dataset=dataset, run=dataset.run, at=self.work.now, stream_version=stream.version
            )
            self._judge(arrival, stream, dataset, request)
            self._new.append(arrival)
            new = True
        elif _comes_again(arrival, request):
            self._again(arrival, stream, dataset, request)
            new = arrival.fate != Fate.IGNORED
        jobs, workflow = self.known.jobs.get(key, []), self.known.workflows.get(key, "")
        stays = _stays(dataset, request)
        return DatasetReply(dataset.uuid, new, jobs, arrival.fate, arrival.reason, stays=stays, workflow=workflow)

    def store(self) -> None:
        """Write what became of them; of the jobs, those that are too many give way."""
        if self._new:
            queries.add_arrivals(self._new)
        for arrival in self._moved:
            arrival.save()
        for backlog in self._backlogs.values():
            backlog.trim()

    def _again(self, arrival: Arrival, stream: Stream, dataset: Dataset, request: DatasetRequest) -> None:
        """It was ignored as it was then; it is looked at as it is now."""
        _fill(dataset, request)
        dataset.save()
        arrival.run, arrival.at, arrival.stream_version = dataset.run, self.work.now, stream.version
        self._judge(arrival, stream, dataset, request)
        if arrival.pk is not None:  # one of this story is stored as it is at its end
            self._moved.append(arrival)

    def _judge(self, arrival: Arrival, stream: Stream, dataset: Dataset, request: DatasetRequest) -> None:
        spec = self._spec(stream)
        ignored = request.ignored or ("" if dataset.state == DatasetState.AVAILABLE else f"its file is {dataset.state}")
        before = self._seen_of_run(spec, dataset.run)
        taken = taking(spec, dataset.name, ignored=ignored, paused=stream.paused_at is not None, before=before)
        if taken.jobtypes:
            taken = self._make(spec, stream, dataset, taken)
        elif spec.workflow and taken.fate is Fate.TAKEN:
            taken = self._start(spec, stream, dataset, taken)
        if taken.fate is not Fate.IGNORED and dataset.run is not None:
            self._before[spec.name, dataset.run] = before + 1
        arrival.fate, arrival.reason = taken.fate.value, taken.reason

    def _make(self, spec: StreamSpec, stream: Stream, dataset: Dataset, taken: Taking) -> Taking:
        """Its jobs, but those of which too many wait."""
        room = self._backlogs.setdefault(spec.name, Backlog(self.work, spec))
        taken = without(taken, room.refused(taken.jobtypes))
        for jobtype in taken.jobtypes:
            ensure_type(self.work, jobtype)
        columns = columns_of(stream, dataset, self.owner)
        followed = gathered(spec)
        described = [
            (job, {**columns, "followed": job.jobtype in followed}) for job in jobs_of(spec, dataset, taken.jobtypes)
        ]
        self.known.jobs[spec.name, dataset.uuid] = [one.job for one in add_each(self.work, described)]
        return taken

    def _start(self, spec: StreamSpec, stream: Stream, dataset: Dataset, taken: Taking) -> Taking:
        """Its workflow; when that cannot be (there is no such template, say), the file is left out with the reason, and
        may come again."""
        if (stream.name, dataset.uuid) not in self.known.workflows:
            try:
                planned = plan_for(stream, spec, dataset, self.owner)
            except P3sError as refusal:
                return Taking(Fate.IGNORED, refused(spec, refusal))
            start(self.work, planned=planned, hold=False)
            self.known.workflows[stream.name, dataset.uuid] = planned.workflow
        return taken

    def _spec(self, stream: Stream) -> StreamSpec:
        if stream.name not in self._specs:
            self._specs[stream.name] = spec_of(stream)
        return self._specs[stream.name]

    def _seen_of_run(self, spec: StreamSpec, run: int | None) -> int:
        """A look at as many entries of an index as `first_of_run` says. A file without a run is no first one."""
        first = spec.take.first_of_run
        if run is None or not first:
            return first
        key = (spec.name, run)
        if key not in self._before:
            count = 0
            for fate in (Fate.TAKEN, Fate.SAMPLED_OUT):
                seen = Arrival.objects.filter(stream=spec.name, run=run, fate=fate.value)
                count += len(seen.values_list("id", flat=True)[:first])
            self._before[key] = count
        return self._before[key]


def columns_of(stream: Stream, dataset: Dataset, owner: str) -> dict[str, Any]:
    """What the jobs that a stream makes of a file have in common."""
    return {
        "owner": owner,
        "dataset": dataset.uuid,
        "stream": stream.name,
        "stream_version": stream.version,
        "run": dataset.run,
        "subrun": dataset.subrun,
        "keys": dataset.keys,
    }


def _comes_again(arrival: Arrival, request: DatasetRequest) -> bool:
    """Whether a file that was left out by who found it is sent again otherwise. What the server left out stays so."""
    return arrival.fate == Fate.IGNORED and arrival.reason not in (LEFT_OUT_PAUSED, LEFT_OUT_OVERFLOW, request.ignored)
