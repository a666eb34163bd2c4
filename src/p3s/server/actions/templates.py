"""Keep templates: each change is a new version; what is deleted can be started no more."""

from p3s.protocol.codec import from_object, to_object
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.protocol.states import FINAL_WORKFLOW_STATES
from p3s.protocol.workflow_views import TemplateDeleted, TemplatePut
from p3s.protocol.workflows import TemplateSpec
from p3s.server.journal.models import Event
from p3s.server.workflows.models import Template, TemplateVersion, Workflow

from .rerun import Who
from .work import Work


def put_template(work: Work, *, spec: TemplateSpec, who: Who, why: str) -> TemplatePut:
    """Store a template that was checked; the same again is no new version. Raises NotAllowed for somebody else's."""
    rule = to_object(spec)
    source = rule.pop("source", "")
    row = Template.objects.filter(name=spec.name).first()
    if row is not None and row.deleted_at is None:
        _own(row, who, "change")
        latest = TemplateVersion.objects.get(template=row, version=row.version)
        if (latest.spec, latest.source) == (rule, source):
            return {"name": row.name, "version": row.version, "changed": False}
    row = row or Template(name=spec.name, version=0)
    owner = row.owner if row.version and row.deleted_at is None else who.name
    row.version, row.owner, row.updated_at, row.deleted_at = row.version + 1, owner, work.now, None
    row.save()
    version = TemplateVersion(template=row, version=row.version, spec=rule, source=source)
    version.owner, version.why, version.at = who.name, why, work.now
    version.save()
    said = f"version {row.version}: {why}" if why else f"version {row.version}"
    _note(work, row.name, "stored", who, said)
    return {"name": row.name, "version": row.version, "changed": True}


def delete_template(work: Work, *, name: str, who: Who, why: str) -> TemplateDeleted:
    """Nobody starts it any more; workflows of it go on by the versions that they were made from, which stay."""
    row = Template.objects.filter(name=name).first()
    if row is None:
        raise NotKnown(f"there is no template {name!r}; p3s workflow template list shows what there is")
    if row.deleted_at is not None:
        raise Conflict(f"the template {name!r} was deleted already")
    _own(row, who, "delete")
    row.deleted_at = row.updated_at = work.now
    row.save()
    _note(work, name, "deleted", who, why)
    open_ones = Workflow.objects.filter(template=row).exclude(state__in=[str(one) for one in FINAL_WORKFLOW_STATES])
    return {"name": name, "running": open_ones.count()}


def version_in_force(name: str, version: int | None) -> tuple[int, TemplateSpec]:
    """The number and the template that a workflow is to be made of. Raises NotKnown, or Conflict for a deleted one."""
    row = Template.objects.filter(name=name).first()
    if row is None:
        of_a_file = name.endswith((".yaml", ".yml", ".graphml"))
        hint = f"put {name} stores that of the file" if of_a_file else "list shows what there is"
        raise NotKnown(f"there is no template {name!r}; p3s workflow template {hint}")
    if row.deleted_at is not None:
        raise Conflict(
            f"the template {name!r} was deleted; store it again (p3s workflow template put), or name another"
        )
    return spec_of(name, row.version if version is None else version)


def spec_of(name: str, version: int) -> tuple[int, TemplateSpec]:
    """A version, whether its template was deleted or not. Raises NotKnown."""
    found = TemplateVersion.objects.filter(template=name, version=version).first()
    if found is None:
        raise NotKnown(f"the template {name!r} has no version {version}; p3s workflow template show {name} lists them")
    return version, from_object(TemplateSpec, found.spec)


def _own(row: Template, who: Who, what: str) -> None:
    if row.owner != who.name and not who.all_jobs:
        raise NotAllowed(f"the template {row.name} belongs to {row.owner}; only they or an operator can {what} it")


def _note(work: Work, name: str, what: str, who: Who, why: str) -> None:
    Event.objects.create(at=work.now, kind="template", object_id=name, what=what, who=who.name, why=why)
    work.topics.add("workflows")
