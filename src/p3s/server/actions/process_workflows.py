"""Workflows for files that a person wants processed now."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import P3sError
from p3s.protocol.streams import LeftFile, ProcessedFile, ProcessRequest
from p3s.server.data.models import Arrival, Stream

from .arrive import spec_of
from .declare import found
from .many import Ask
from .process_files import SeenFile, judged, left_out, note, said, take
from .start_workflow import start
from .stream_workflow import plan_for, refused
from .work import Work
from .workflow_plans import Planned

PORTION_JOBS = 200
"""Of one transaction: workflows with so many jobs together, but one at least."""


def start_workflows(
    ask: Ask, stream: Stream, spec: StreamSpec, files: Sequence[SeenFile], request: ProcessRequest, who: str
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
            left.append(left_out(file, refused(spec, refusal)))
            continue
        if request.dry_run:
            done.append(said(file))
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
    for file in judged(spec, list(rows), again=request.again):
        planned = plans[file.arrival.pk]
        if not file.template:
            continue
        try:
            if planned.stream_version != stream.version:
                planned = plan_for(stream, spec, file.arrival.dataset, who)
            start(work, planned=replace(planned, rerun_of=file.before), hold=False, why=request.why)
        except P3sError:
            continue
        take(stream, file, anew=True)
        done.append(said(file, workflow=planned.workflow))
    note(work, name, done, request, who)
    return done
