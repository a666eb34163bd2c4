"""What a stream that starts a workflow makes of a file."""

from dataclasses import replace

from p3s.domain.workflows import parameters
from p3s.domain.workflows.plan import InputFile
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import P3sError
from p3s.protocol.workflows import NOOP, StartRequest
from p3s.server.data.models import Dataset, Stream

from .templates import version_in_force
from .workflow_plans import Planned, plan


def plan_for(stream: Stream, spec: StreamSpec, dataset: Dataset, owner: str) -> Planned:
    """By the stream's rule as it is now. Raises BadInput, NotKnown or Conflict."""
    file = InputFile(dataset.url, dataset.name, dataset.run, dataset.subrun, dataset.keys)
    request = StartRequest(spec.workflow, name=f"{spec.name} {dataset.name}"[:200], parameters=spec.parameters)
    planned = plan(request, owner, [file], spec.env)
    return replace(planned, stream=stream.name, stream_version=stream.version, dataset=dataset.uuid)


def refused(spec: StreamSpec, refusal: P3sError) -> str:
    """Why a file is left out."""
    return f"workflow {spec.workflow}: {refusal}"[:200]


def misfit(spec: StreamSpec) -> str:
    """Why no workflow can be started by this rule, whatever the file; "" when one can."""
    if not spec.workflow:
        return ""
    try:
        _, template = version_in_force(spec.workflow, None)
        parameters.settled(template.parameters, spec.parameters)
    except P3sError as refusal:
        return refused(spec, refusal)
    return ""


def without_effect(spec: StreamSpec) -> list[str]:
    """Variables of the stream that every node of the template sets itself."""
    if not (spec.workflow and spec.env):
        return []
    try:
        _, template = version_in_force(spec.workflow, None)
    except P3sError:
        return []
    nodes = [node for node in template.nodes.values() if node.jobtype != NOOP]
    return [name for name in spec.env if all(name in node.env for node in nodes)]


def doubts(spec: StreamSpec) -> list[str]:
    """What a person should know of a rule that is in force."""
    wrong = misfit(spec)
    notes = [f"its files are left out: {wrong}"] if wrong else []
    idle = without_effect(spec)
    if idle:
        notes.append(
            f"every node of {spec.workflow} sets {', '.join(idle)} itself, so the stream's env has no effect there"
        )
    return notes
