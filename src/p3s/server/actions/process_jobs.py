"""Jobs for files that a person wants processed now."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from p3s.domain.acceptance import accept
from p3s.domain.data.streams import gathered, jobs_of
from p3s.domain.effects import Noted
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import Conflict
from p3s.protocol.messages import JobSpec
from p3s.protocol.streams import ProcessedFile, ProcessRequest
from p3s.server.data.models import Arrival, Dataset, Stream
from p3s.server.jobs import waiting

from .arrive import columns_of, spec_of
from .declare import found
from .many import Ask
from .process_files import SeenFile, judged, note, said, take
from .submit import ensure_type, new_uuids
from .work import Work

PORTION = 50
"""Files of one transaction: some ten milliseconds, for which others wait."""


def make_jobs(ask: Ask, name: str, files: Sequence[SeenFile], request: ProcessRequest, who: str) -> list[ProcessedFile]:
    """What was made, or with `dry_run` would be."""
    if request.dry_run:
        return [said(one) for one in files]
    done: list[ProcessedFile] = []
    for at in range(0, len(files), PORTION):
        arrivals = [one.arrival.pk for one in files[at : at + PORTION]]
        done += ask(partial(_portion, name=name, arrivals=arrivals, request=request, who=who))
    return done


def _portion(
    work: Work, *, name: str, arrivals: Sequence[int], request: ProcessRequest, who: str
) -> list[ProcessedFile]:
    """In one transaction, over what they are now."""
    stream = found(work, name)
    spec = spec_of(stream)
    rows = {one.pk: one for one in Arrival.objects.filter(id__in=arrivals).select_related("dataset")}
    files = judged(spec, [rows[pk] for pk in arrivals if pk in rows], again=request.again)
    done = []
    for file in files:
        jobs = _make(work, stream, spec, file, who, request.why)
        if jobs:
            done.append(said(file, jobs))
    note(work, name, done, request, who)
    return done


def _make(work: Work, stream: Stream, spec: StreamSpec, file: SeenFile, who: str, why: str) -> list[str]:
    """Jobs of the types that are missing, by the rule as it is now."""
    arrival = file.arrival
    jobs = [
        job
        for described in jobs_of(spec, arrival.dataset, file.jobtypes)
        if (job := _job(work, stream, spec, arrival.dataset, described, file.last.get(described.jobtype), who, why))
    ]
    if jobs:
        take(stream, file, anew=not file.last.keys() >= set(file.jobtypes))
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
