# ruff: noqa: E402 - Django is set up before its models can be imported
"""Run by test_queries.py in a process of its own for each database: the writer's SQL about workflows, over real tables.

Prints a JSON object: the name of each story, and nothing or the traceback it ended in.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import transaction

from p3s.domain.effects import JobReady, OutputsMade, Queued, Spec, StepEnded, WorkflowMoved
from p3s.domain.workflows.flows import CANCEL, Flow
from p3s.protocol.states import JobState, WorkflowState
from p3s.server.data.models import Dataset
from p3s.server.jobs import queries as jobs
from p3s.server.jobs.models import Job, JobType, Use
from p3s.server.sql import Disagreement, Row
from p3s.server.workflows import memory, queries, reads
from p3s.server.workflows.models import Node, Template, TemplateVersion, Workflow

NOW = 1_700_000_000.0
W = WorkflowState


def uuid_of(number: int) -> str:
    return f"{number:08d}-0000-7000-8000-000000000000"


def workflow(uuid: str = "w", state: str = "defined") -> None:
    Template.objects.get_or_create(name="t", defaults={"version": 1, "owner": "ana", "updated_at": NOW})
    fixed = {"template_id": "t", "version": 1, "owner": "ana", "request": {}, "basis": {}, "directory": "/w"}
    Workflow.objects.create(uuid=uuid, state=state, nodes=3, created_at=NOW, **fixed)


def job(number: int, of: str = "w", state: str = "waiting") -> Job:
    fixed = {"jobtype_id": "t", "owner": "ana", "payload": "true", "submitted_at": NOW, "env": {"A": "1", "B": "2"}}
    return Job.objects.create(id=number, uuid=uuid_of(number), workflow=of, state=state, **fixed)


def file(uuid: str, state: str = "registered", of: Job | None = None) -> Dataset:
    fixed = {"owner": "ana", "registered_at": NOW, "kind": "file"}
    found = Dataset.objects.create(uuid=uuid, name=uuid, url=f"/w/{uuid}", state=state, **fixed)
    if of is not None:
        queries.add_uses([(of.id, uuid, "output", "OUT")])
    return found


def node(place: int, number: int | None = None, state: str = "", of: str = "w", **lists: Any) -> Row:
    said = [json.dumps(lists.get(name, [])) for name in ("inputs", "outputs", "after")]
    return (of, place, f"n{place}", place or None, number, state, "", "skip", *said)


def moved(before: WorkflowState, after: WorkflowState, of: str = "w", **more: Any) -> WorkflowMoved:
    given: dict[str, Any] = {"ending": "", "reason": "", "counts": {}, "at": NOW + 5, **more}
    return WorkflowMoved(of, before, after, **given)


def refused(act: Callable[[], None]) -> None:
    """It must disagree, and leave all as it was."""

    def all_rows() -> list[Any]:
        return [list(table.objects.order_by("pk").values()) for table in (Workflow, Node, Job, Dataset)]

    before = all_rows()
    try:
        with transaction.atomic():
            act()
    except Disagreement:
        assert all_rows() == before
        return
    raise AssertionError("a row that was not as expected was changed")


def states(*uuids: str) -> list[str]:
    known = dict(Dataset.objects.values_list("uuid", "state"))
    return [known[uuid] for uuid in uuids]


# ---- stories


def nodes_are_read_back_as_they_were_one_or_many() -> None:
    workflow()
    job(1)
    job(2, state="running")
    reads = [["X", "/w/é", 0], ["X", "/given", None]]
    queries.add_nodes([node(0, 1, outputs=[["OUT", "/w/é", "TXT", 60.0]])])
    queries.add_nodes([node(1, 2, inputs=reads, after=[0]), node(2, None, "finished", after=[0, 1])])
    file("f", of=Job.objects.get(id=1))
    found = memory.flow("w")
    assert isinstance(found, Flow)
    assert [step.name for step in found.steps] == ["n0", "n1[1]", "n2[2]"]
    assert [step.job for step in found.steps] == [uuid_of(1), uuid_of(2), ""]
    assert [step.reads for step in found.steps] == [{}, {"X": (0, None), "": (0,)}, {"": (0, 1)}]
    assert [step.writes for step in found.steps] == [("f",), (), ()]
    assert found.states == [JobState.WAITING, JobState.DEFINED, JobState.FINISHED]
    assert Node.objects.get(place=0).outputs == [["OUT", "/w/é", "TXT", 60.0]]
    assert memory.flow("nobody") is None


def a_node_without_a_job_ends_once() -> None:
    workflow()
    queries.add_nodes([node(place) for place in range(3)])
    ends = [StepEnded("w", place, JobState.FINISHED, "a\0b") for place in (0, 1)]
    queries.end_steps(ends)
    assert list(Node.objects.order_by("place").values_list("state", flat=True)) == ["finished", "finished", ""]
    assert Node.objects.get(place=0).reason == "a\N{REPLACEMENT CHARACTER}b"
    refused(lambda: queries.end_steps(ends[:1]))
    refused(lambda: queries.end_steps([StepEnded("w", 2, JobState.SKIPPED, ""), ends[0]]))
    refused(lambda: queries.end_steps([StepEnded("other", 2, JobState.SKIPPED, "")]))


def a_workflow_moves_only_from_the_state_it_is_in() -> None:
    workflow()
    refused(lambda: queries.move([moved(W.RUNNING, W.FINISHED)]))
    queries.move([moved(W.DEFINED, W.RUNNING)])
    queries.move([moved(W.RUNNING, W.RUNNING, at=NOW + 6, ending=CANCEL, by="ana", counts={"finished": 1})])
    row = Workflow.objects.get()
    assert (row.state, row.ending, row.cancelled_by, row.counts) == ("running", CANCEL, "ana", {"finished": 1})
    assert (row.started_at, row.ended_at) == (NOW + 5, None)
    queries.move([moved(W.RUNNING, W.CANCELLED, at=NOW + 7, ending=CANCEL, reason="r" * 999)])
    row = Workflow.objects.get()
    assert (row.state, row.cancelled_by, row.started_at, row.ended_at) == ("cancelled", "ana", NOW + 5, NOW + 7)
    assert len(row.reason) == 400
    refused(lambda: queries.move([moved(W.RUNNING, W.FINISHED)]))


def one_workflow_that_is_not_as_expected_undoes_the_others() -> None:
    workflow("a")
    workflow("b", "finished")
    refused(lambda: queries.move([moved(W.DEFINED, W.RUNNING, "a"), moved(W.DEFINED, W.RUNNING, "b")]))


def a_held_workflow_has_not_started() -> None:
    workflow(state="held")
    queries.move([moved(W.HELD, W.DEFINED)])
    assert Workflow.objects.get().started_at is None


def files_that_were_made_are_there_whatever_was_thought_of_them() -> None:
    for uuid, state in (("a", "registered"), ("b", "dropped"), ("c", "available"), ("d", "registered")):
        file(uuid, state)
    queries.make_outputs([OutputsMade(("a", "b")), OutputsMade(("c", "gone"))])
    queries.make_outputs([OutputsMade(("a",))])
    assert states("a", "b", "c", "d") == ["available", "available", "available", "registered"]


def with_the_end_of_workflows_what_never_came_is_dropped() -> None:
    """Of each that did not end well, and of no other."""
    for number, uuid in enumerate(("bad", "worse", "good", "open"), start=1):
        workflow(uuid, "running")
        made = job(number, uuid, "failed")
        file(f"{uuid} lacks", of=made)
        file(f"{uuid} has", "available", of=made)
    file("read", of=None)
    queries.add_uses([(1, "read", "input", "IN")])
    queries.move(
        [
            moved(W.RUNNING, W.FAILED, "bad", counts={"failed": 1}),
            moved(W.RUNNING, W.CANCELLED, "worse", counts={"finished": 1, "cancelled": 1}),
            moved(W.RUNNING, W.FINISHED, "good", counts={"finished": 2}),
            moved(W.RUNNING, W.RUNNING, "open", counts={"failed": 1}),
        ]
    )
    lacks, has = ([f"{uuid} {what}" for uuid in ("bad", "worse", "good", "open")] for what in ("lacks", "has"))
    assert states(*lacks) == ["dropped", "dropped", "registered", "registered"]
    assert states(*has, "read") == ["available"] * 4 + ["registered"]


def a_job_whose_inputs_are_there_may_be_brokered_once() -> None:
    for number in (1, 2, 3, 4):
        job(number)
    job(5, state="cancelled")
    ready = [Queued(number, uuid_of(number), 0, "t", 0, Spec("true")) for number in range(1, 6)]
    jobs.make_ready([JobReady(ready[0], NOW), JobReady(ready[1], NOW, {"A": "é"}), JobReady(ready[2], NOW)])
    found = {row.id: (row.state, row.env) for row in Job.objects.all()}
    assert [found[number][0] for number in range(1, 6)] == ["defined"] * 3 + ["waiting", "cancelled"]
    assert (found[1][1], found[2][1]) == ({"A": "1", "B": "2"}, {"A": "é"})
    refused(lambda: jobs.make_ready([JobReady(ready[0], NOW)]))
    refused(lambda: jobs.make_ready([JobReady(ready[3], NOW), JobReady(ready[4], NOW)]))
    refused(lambda: jobs.make_ready([JobReady(ready[3], NOW, {}), JobReady(ready[4], NOW, {})]))


def what_jobs_read_and_write_is_added_one_or_many() -> None:
    for number in (1, 2):
        job(number)
    file("f")
    queries.add_uses([(1, "f", "output", "OUT")])
    queries.add_uses([(2, "f", "input", "IN"), (2, "f", "input", "ALSO")])
    rows = Use.objects.order_by("id").values_list("job", "dataset", "role", "variable")
    assert list(rows) == [(1, "f", "output", "OUT"), (2, "f", "input", "IN"), (2, "f", "input", "ALSO")]


def very_many_templates_are_listed_each_in_the_version_in_force() -> None:
    names = [f"t{number:04d}" for number in range(1_200)]
    Template.objects.bulk_create(Template(name=name, version=2, owner="ana", updated_at=NOW) for name in names)
    TemplateVersion.objects.bulk_create(
        TemplateVersion(
            template_id=name, version=version, owner="ana", at=NOW, spec={"nodes": {}, "comment": f"v{version}"}
        )
        for name in names
        for version in (1, 2)
    )
    found = reads.templates("", "", False, "", 1_001)
    assert [row["name"] for row in found] == names[:1_001]
    assert {row["comment"] for row in found} == {"v2"}


STORIES: list[Callable[[], None]] = [
    nodes_are_read_back_as_they_were_one_or_many,
    a_node_without_a_job_ends_once,
    a_workflow_moves_only_from_the_state_it_is_in,
    one_workflow_that_is_not_as_expected_undoes_the_others,
    a_held_workflow_has_not_started,
    files_that_were_made_are_there_whatever_was_thought_of_them,
    with_the_end_of_workflows_what_never_came_is_dropped,
    a_job_whose_inputs_are_there_may_be_brokered_once,
    what_jobs_read_and_write_is_added_one_or_many,
    very_many_templates_are_listed_each_in_the_version_in_force,
]


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    JobType.objects.get_or_create(name="t", defaults={"created_at": NOW})
    outcome = {}
    for story in STORIES:
        try:
            with transaction.atomic():
                story()
                transaction.set_rollback(True)
            outcome[story.__name__] = ""
        except Exception:  # noqa: BLE001 - the parent process tells it
            outcome[story.__name__] = traceback.format_exc()
    json.dump(outcome, sys.stdout)


main()
