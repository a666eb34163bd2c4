"""What pages and cold API routes read about templates and workflows, as the objects of `protocol.workflow_views`."""

from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Count, F, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, NullIf

from p3s.protocol.workflow_views import NodeGroup, Template, TemplateRow, Workflow, WorkflowRow

from . import models

# ---- templates


def templates(name: str, owner: str, deleted: bool, after: str, limit: int) -> list[TemplateRow]:
    """By name, from the one after `after`; `name`: the beginning of one. With `deleted` those too."""
    rows = models.Template.objects.filter(name__gt=after).order_by("name")
    if name:
        rows = rows.filter(name__startswith=name)
    if owner:
        rows = rows.filter(owner=owner)
    if not deleted:
        rows = rows.filter(deleted_at__isnull=True)
    found = list(rows[:limit])
    in_force = models.TemplateVersion.objects.filter(template__in=found, version=F("template__version"))
    specs = dict(in_force.values_list("template", "spec"))
    return [_template(row, specs[row.name]) for row in found]


def _template(row: models.Template, spec: dict[str, Any]) -> TemplateRow:
    return {
        "name": row.name,
        "version": row.version,
        "owner": row.owner,
        "comment": spec.get("comment", ""),
        "nodes": len(spec["nodes"]),
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }


def template(name: str, version: int | None) -> Template | None:
    """With the version asked for, else that in force; None when there is none such."""
    row = models.Template.objects.filter(name=name).first()
    if row is None:
        return None
    columns = ("version", "owner", "why", "at")
    versions = list(models.TemplateVersion.objects.filter(template=row).order_by("-version").values(*columns))
    shown = models.TemplateVersion.objects.filter(template=row, version=version or row.version).first()
    if shown is None:
        return None
    found = {**_template(row, shown.spec), "shown": shown.version, "spec": shown.spec, "source": shown.source}
    return cast(Template, {**found, "versions": versions})


# ---- workflows

_ROW = tuple(name for name in WorkflowRow.__annotations__ if name not in ("template", "stream"))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which workflows; what is empty or None chooses all. `since`, `until`: made, epoch seconds; `name` may begin or
    end with `*`."""

    states: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    template: str = ""
    owner: str = ""
    name: str = ""
    stream: str = ""
    dataset: str = ""
    run: int | None = None
    since: float | None = None
    until: float | None = None


def page(choice: Choice, limit: int, after: tuple[float, str] | None) -> list[WorkflowRow]:
    """Newest first; `after`: (created_at, uuid) of the last one seen."""
    asked: dict[str, Any] = {
        "state__in": choice.states or None,
        "uuid__in": choice.uuids or None,
        "template": choice.template or None,
        "owner": choice.owner or None,
        "stream": choice.stream or None,
        "dataset": choice.dataset or None,
        "run": choice.run,
        "created_at__gte": choice.since,
        "created_at__lt": choice.until,
    }
    rows = models.Workflow.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    rows = _named(rows, choice.name)
    if after is not None:
        at, uuid = after
        rows = rows.filter(created_at__lte=at).exclude(created_at=at, uuid__lte=uuid)
    return [_row(row) for row in rows.defer("request", "basis").order_by("-created_at", "uuid")[:limit]]


def _named(rows: QuerySet[models.Workflow], name: str) -> QuerySet[models.Workflow]:
    begin, end = name.startswith("*"), name.endswith("*")
    text = name.strip("*")
    if not name or (not text and (begin or end)):
        return rows
    how = {(True, True): "contains", (True, False): "endswith", (False, True): "startswith"}.get((begin, end), "exact")
    return rows.filter(**{f"name__{how}": text})


def _row(row: models.Workflow) -> WorkflowRow:
    plain = {name: getattr(row, name) for name in _ROW}
    return cast(WorkflowRow, {**plain, "template": row.template_id, "stream": row.stream_id})


def workflow(uuid: str) -> Workflow | None:
    """All but its single nodes."""
    row = models.Workflow.objects.filter(uuid=uuid).first()
    if row is None:
        return None
    again = models.Workflow.objects.filter(rerun_of=uuid).order_by("-created_at").values_list("uuid", flat=True).first()
    plain = ("stream_version", "ending", "cancelled_by", "rerun_of", "directory", "keys")
    more = {name: getattr(row, name) for name in plain}
    more |= {"rerun_as": again, "dataset": row.dataset_id, "parameters": row.basis.get("parameters", {})}
    more |= {"inputs": [file["url"] for file in row.basis["files"]], "groups": groups(uuid)}
    return cast(Workflow, {**_row(row), **more})


STATE = Coalesce(NullIf(F("state"), Value("")), F("job__state"), Value("waiting"), output_field=TextField())
"""A node's state: its own, else its job's."""


def groups(uuid: str) -> list[NodeGroup]:
    """In the order of the plan."""
    rows = models.Node.objects.filter(workflow=uuid).order_by("place").values_list("name", "place")
    order = dict.fromkeys(name for name, _ in rows)
    counts: dict[str, dict[str, int]] = {name: {} for name in order}
    nodes = models.Node.objects.filter(workflow=uuid).annotate(shown=STATE).order_by()
    for name, state, count in nodes.values_list("name", "shown").annotate(Count("id")):
        counts[name][state] = count
    return [{"node": name, "states": states} for name, states in counts.items()]


def spec_of(template: str, version: int) -> dict[str, Any]:
    """`protocol.workflows.TemplateSpec` of a version, as an object."""
    found: dict[str, Any] = models.TemplateVersion.objects.values_list("spec", flat=True).get(
        template=template, version=version
    )
    return found


def template_names(limit: int) -> list[str]:
    """Also of those that were deleted: they may have workflows."""
    return list(models.Template.objects.order_by("name").values_list("name", flat=True)[:limit])


def called(uuid: str) -> str:
    """A workflow's name, "" for one that is not there."""
    return models.Workflow.objects.filter(uuid=uuid).values_list("name", flat=True).first() or ""


def of_file(dataset: str, made_by: str, limit: int) -> list[tuple[str, str, str]]:
    """UUID, name and state of workflows that were started of a file, the newest first, and of the one that is to write
    it, if it is still known."""
    which = Q(dataset=dataset) | Q(uuid=made_by)
    rows = models.Workflow.objects.filter(which).order_by("-created_at")
    return list(rows.values_list("uuid", "name", "state")[:limit])


def any_of_run(run: int) -> bool:
    """Whether there is one."""
    return models.Workflow.objects.filter(run=run).exists()


def counts() -> dict[str, int]:
    """Workflows by state."""
    return dict(models.Workflow.objects.order_by().values_list("state").annotate(Count("uuid")))
