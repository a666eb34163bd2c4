"""A file arrived of a stream that starts a workflow: one for each file, in the transaction that stores it."""

from dataclasses import replace

from p3s.domain.data.streams import Taking
from p3s.domain.workflows.plan import InputFile
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import P3sError
from p3s.protocol.states import Fate
from p3s.protocol.workflows import StartRequest
from p3s.server.data.models import Dataset, Stream
from p3s.server.workflows.models import Workflow

from .start_workflow import start
from .work import Work
from .workflow_plans import Planned, plan


def start_for(work: Work, stream: Stream, spec: StreamSpec, dataset: Dataset, owner: str, taken: Taking) -> Taking:
    """What became of a file that is taken: when its workflow cannot be (there is no such template, say), it is left out
    with the reason, and may come again."""
    if Workflow.objects.filter(dataset=dataset, stream=stream).exists():
        return taken
    try:
        planned = plan_for(stream, spec, dataset, owner)
    except P3sError as refusal:
        return Taking(Fate.IGNORED, refused(spec, refusal))
    start(work, planned=planned, hold=False)
    return taken


def plan_for(stream: Stream, spec: StreamSpec, dataset: Dataset, owner: str) -> Planned:
    """What the stream's rule as it is now makes of a file. Raises BadInput, NotKnown or Conflict."""
    file = InputFile(dataset.url, dataset.name, dataset.run, dataset.subrun, dataset.keys)
    request = StartRequest(spec.workflow, name=f"{spec.name} {dataset.name}"[:200], parameters=spec.parameters)
    planned = plan(request, owner, [file])
    return replace(planned, stream=stream.name, stream_version=stream.version, dataset=dataset.uuid)


def refused(spec: StreamSpec, refusal: P3sError) -> str:
    """Why a file is left out."""
    return f"workflow {spec.workflow}: {refusal}"[:200]
