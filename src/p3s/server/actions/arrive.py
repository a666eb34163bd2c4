"""A file arrived: register it and make its stream's jobs, in one transaction."""

import uuid

from p3s.domain.streams import jobs_of
from p3s.protocol.codec import from_object
from p3s.protocol.data import DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.errors import NotKnown
from p3s.server.data.models import Dataset, Stream
from p3s.server.jobs.models import Job

from .submit import add_jobs, ensure_type
from .work import Work


def arrive(work: Work, *, request: DatasetRequest, owner: str) -> DatasetReply:
    """Register a dataset. Known already: the same answer as then, and nothing changes."""
    work.flush()
    stream = Stream.objects.filter(name=request.stream).first()
    if stream is None:
        raise NotKnown(f"there is no stream {request.stream!r}; declare it first (p3s watcher start FILE.yaml does)")
    known = Dataset.objects.filter(url=request.url).first()
    if known is not None:
        jobs = Job.objects.filter(dataset=known).order_by("id").values_list("uuid", flat=True)
        return DatasetReply(known.uuid, False, list(jobs))
    dataset = Dataset.objects.create(
        uuid=str(uuid.uuid4()),
        name=(request.name or request.url.rsplit("/", 1)[-1])[-255:],
        url=request.url,
        size=request.size,
        run=request.run,
        subrun=request.subrun,
        keys=request.keys,
        state="available",
        owner=owner,
        registered_at=work.now,
    )
    specs = jobs_of(spec_of(stream), request)
    for spec in specs:
        ensure_type(work, spec.jobtype)
    added = add_jobs(
        work,
        specs,
        owner=owner,
        dataset=dataset.uuid,
        stream=stream.name,
        run=request.run,
        subrun=request.subrun,
        keys=request.keys,
    )
    work.topics.add("datasets")
    return DatasetReply(dataset.uuid, True, [one.job for one in added])


def spec_of(stream: Stream) -> StreamSpec:
    """The rule as stored, back as a message."""
    return from_object(StreamSpec, stream.spec)
