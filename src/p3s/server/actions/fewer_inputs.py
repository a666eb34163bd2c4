"""A node's job runs although some of the files that it reads will never come: its variables hold the others."""

from p3s.domain.effects import JobReady, Queued
from p3s.domain.workflows.expansion import LISTS, joined
from p3s.domain.workflows.flows import Flow
from p3s.domain.workflows.plan import PlannedFile
from p3s.server.jobs.models import Job, Use
from p3s.server.workflows.models import Node

from .work import Work


def on_less(work: Work, flow: Flow, queued: Queued, place: int, missing: frozenset[int]) -> JobReady:
    """`missing`: places of the nodes whose files will not come. What the job does not read is no lineage of its."""
    work.flush()
    inputs = Node.objects.values_list("inputs", flat=True).get(workflow=flow.uuid, place=place)
    touched = {variable for variable, _, writer in inputs if writer in missing}
    left = [PlannedFile("", name, path) for name, path, writer in inputs if name in touched and writer not in missing]
    own = Job.objects.values_list("env", flat=True).get(id=queued.id)
    changed = joined(left, flow.steps[place].name, own.get(LISTS, "").split())
    never = [path for _, path, writer in inputs if writer in missing]
    Use.objects.filter(job=queued.id, role="input", dataset__url__in=never).delete()
    queued.spec.env.update(changed)
    return JobReady(queued, work.now, {**own, **changed})
