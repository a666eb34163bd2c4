"""What a person asks for becomes a plan, by what the tables know: outside of the writer, where it can take its time."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings

from p3s.domain.workflows import expansion, keeping
from p3s.domain.workflows.plan import InputFile, Plan
from p3s.protocol.codec import from_object, to_object
from p3s.protocol.errors import BadInput, NotKnown
from p3s.protocol.workflows import StartRequest, TemplateSpec
from p3s.server.data.models import Dataset, DataType, Member
from p3s.server.workflows.models import Workflow

from .templates import spec_of, version_in_force

MOST_FILES = 10_000
"""Of a dataset that a workflow is started with."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A workflow as it will be made. `basis`: what the plan was made of besides the request, so that it can be made
    again. `done`: by place, the numbers of jobs of `rerun_of` whose work is taken over."""

    workflow: str
    version: int
    request: StartRequest
    owner: str
    directory: str
    basis: Mapping[str, Any]
    plan: Plan
    rerun_of: str = ""
    done: Mapping[int, int | None] = field(default_factory=dict)
    key: str = ""
    fingerprint: str = ""
    #: The stream that starts it, the version of its rule, and the file for which.
    stream: str = ""
    stream_version: int | None = None
    dataset: str = ""


def plan(
    request: StartRequest,
    owner: str,
    more: list[InputFile] | None = None,
    env: Mapping[str, str] | None = None,
) -> Planned:
    """For a new workflow; `more` are inputs that are known already, `env` is that of the stream which starts it. Raises
    BadInput, NotKnown or Conflict."""
    version, template = version_in_force(request.template, request.version)
    files = [InputFile(url) for url in request.inputs] + (more or []) + _files_of(request.dataset)
    workflow = str(uuid.uuid4())
    basis = {"naming": workflow, "files": [_plain(file) for file in _known(files)], "extensions": _extensions(template)}
    directory = request.directory or f"{settings.WORKFLOW_FILES}/{workflow}"
    if env:
        basis["env"] = dict(env)
    key = f"{owner}:{request.key}" if request.key else ""
    return _planned(workflow, version, template, request, owner, directory, basis, key=key)


def plan_again(row: Workflow, failed: bool, owner: str) -> Planned:
    """For a workflow that does the work of an ended one again, by the version that it was made from. With `failed` in
    the same files, so that what finished is taken over."""
    version, template = spec_of(row.template_id, row.version)
    request: StartRequest = from_object(StartRequest, row.request)
    workflow = str(uuid.uuid4())
    basis = row.basis if failed else {**row.basis, "naming": workflow}
    directory = row.directory if failed or request.directory else f"{settings.WORKFLOW_FILES}/{workflow}"
    started_by = {"stream": row.stream_id or "", "stream_version": row.stream_version, "dataset": row.dataset_id or ""}
    return _planned(workflow, version, template, request, owner, directory, basis, rerun_of=row.uuid, **started_by)


def _planned(
    workflow: str,
    version: int,
    template: TemplateSpec,
    request: StartRequest,
    owner: str,
    directory: str,
    basis: Mapping[str, Any],
    **rest: Any,
) -> Planned:
    plan = expansion.expand(
        template,
        request,
        workflow=basis["naming"],
        directory=directory,
        inputs=[InputFile(**file) for file in basis["files"]],
        extensions=basis["extensions"],
        env=basis.get("env", {}),
    )
    plan.notes.extend(keeping.notes(plan, directory, settings.TIDY_PLACES))
    basis = {**basis, "parameters": dict(plan.parameters)}
    fingerprint = hashlib.sha256(orjson.dumps(to_object(request))).hexdigest()
    return Planned(workflow, version, request, owner, directory, basis, plan, fingerprint=fingerprint, **rest)


def _plain(file: InputFile) -> dict[str, Any]:
    return {"url": file.url, "name": file.name, "run": file.run, "subrun": file.subrun, "keys": dict(file.keys)}


def _extensions(template: TemplateSpec) -> dict[str, str]:
    """Of all data types. Raises BadInput for a datum of one that there is not."""
    known = dict(DataType.objects.values_list("name", "ext"))
    for name, datum in template.data.items():
        if datum.type and datum.type not in known:
            raise BadInput(
                f"data.{name}.type: there is no data type {datum.type!r}; add it with "
                f"p3s datatype add {datum.type} --ext .{datum.type.lower()}"
            )
    used = {datum.type for datum in template.data.values()}
    return {name: ext for name, ext in known.items() if name in used}


def _known(files: list[InputFile]) -> list[InputFile]:
    """With what is known of those that are registered."""
    rows = {row.url: row for row in Dataset.objects.filter(url__in=[file.url for file in files if not file.name])}
    return [_input(rows[file.url]) if file.url in rows else file for file in files]


def _input(row: Dataset) -> InputFile:
    return InputFile(row.url, row.name, row.run, row.subrun, row.keys)


def _files_of(dataset: str) -> list[InputFile]:
    """Of a file or a set, by UUID or name. Raises NotKnown, or BadInput when several have the name."""
    if not dataset:
        return []
    named = list(Dataset.objects.filter(uuid=dataset)) or list(Dataset.objects.filter(url=f"set:{dataset}"))
    named = named or list(Dataset.objects.filter(name=dataset).order_by("-registered_at")[:3])
    if not named:
        raise NotKnown(f"there is no dataset {dataset!r}; p3s dataset list shows what is known")
    if len(named) > 1:
        uuids = ", ".join(row.uuid for row in named)
        raise BadInput(f"dataset: several have the name {dataset!r}; name one by its UUID: {uuids}")
    (row,) = named
    if row.kind != "set":
        return [_input(row)]
    members = Member.objects.filter(set=row).order_by("id").select_related("dataset")[: MOST_FILES + 1]
    files = [_input(member.dataset) for member in members]
    if len(files) > MOST_FILES:
        raise BadInput(f"dataset: {dataset!r} has more than {MOST_FILES} files; start it in parts")
    if not files:
        raise BadInput(f"dataset: the set {dataset!r} has no files")
    return files
