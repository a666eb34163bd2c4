"""Make a workflow: its row, its nodes, their jobs and their files, in one transaction."""

import json
from collections.abc import Mapping
from dataclasses import replace

from p3s.domain.acceptance import accept
from p3s.domain.effects import JobAdded, Queued
from p3s.domain.workflows import keeping, progress
from p3s.domain.workflows.flows import Flow
from p3s.domain.workflows.plan import PlannedNode
from p3s.domain.workflows.progress import Moves
from p3s.protocol.codec import to_object
from p3s.protocol.errors import Conflict
from p3s.protocol.messages import JobSpec
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_WORKFLOW_STATES, JobState, WorkflowState
from p3s.protocol.workflows import StartReply
from p3s.server.journal.models import Event
from p3s.server.sql import Row
from p3s.server.workflows import memory, queries
from p3s.server.workflows.models import Template, Workflow

from .submit import ensure_type, lacking, new_uuids, note_of_type, outlook
from .tidy import deleted_files
from .work import Work
from .workflow_files import Files
from .workflow_plans import Planned

OUTPUTS = "P3S_OUTPUTS"
"""Names of the variables that hold paths of files that the job writes: its pilot makes their directories."""


def start(work: Work, *, planned: Planned, hold: bool, why: str = "") -> StartReply:
    """`planned` was made before. Asked again with the same key, the same answer. Raises Conflict."""
    work.flush()
    before = Workflow.objects.filter(key=planned.key).first() if planned.key else None
    if before is not None:
        return _again(before, planned)
    files = _checked(planned)
    notes = [note for jobtype in _types(planned) if (note := ensure_type(work, jobtype))]
    jobs = _jobs(work, planned, files)
    flow, moves = _begun(planned, files, jobs, hold)
    for place, job in jobs.items():
        flow.specs[place] = Queued(job.id, job.job, 0, job.jobtype, job.priority, job.spec)
    for place, _ in moves.ready:
        jobs[place].state = JobState.DEFINED
        flow.specs.pop(place, None)
    work.desk.submit(jobs.values())
    work.flush()
    _store(work, planned, flow, moves)
    queries.add_nodes(_rows(planned, files, flow, jobs))
    files.store({place: job.id for place, job in jobs.items()}, work.now)
    if not flow.over:
        work.desk.book.flows.keep(flow)
    if why or planned.rerun_of:
        _note(work, planned, why)
    work.topics.add("workflows")
    notes = [*planned.plan.notes, *notes, *files.notes, *_obstacles(work, planned, jobs, moves)]
    return StartReply(planned.workflow, str(flow.state), len(jobs), notes)


def would(work: Work, *, planned: Planned, hold: bool) -> StartReply:
    """What the start would say; nothing is made. Raises Conflict as it would."""
    work.flush()
    files = _checked(planned)
    notes = [note for jobtype in _types(planned) if (note := note_of_type(work, jobtype))]
    jobs = _jobs(work, planned, files)
    _, moves = _begun(planned, files, jobs, hold)
    notes = [*planned.plan.notes, *notes, *files.notes, *_obstacles(work, planned, jobs, moves)]
    return StartReply("", "", len(jobs), notes)


def _checked(planned: Planned) -> Files:
    """The files of one that may be made now. Raises Conflict."""
    row = Template.objects.get(name=planned.request.template)
    if row.deleted_at is not None and not planned.rerun_of:
        raise Conflict(f"the template {row.name!r} was deleted meanwhile")
    if planned.rerun_of:
        _check_alone(planned)
    files = Files(planned)
    _check_there(planned, files)
    return files


def _obstacles(work: Work, planned: Planned, jobs: Mapping[int, JobAdded], moves: Moves) -> list[str]:
    """What is in the way of the jobs that are queued now, and of those that come later."""
    first = dict.fromkeys(place for place, _ in moves.ready)
    specs = {place: spec for place in jobs if (spec := planned.plan.nodes[place].spec) is not None}
    now = outlook(work, [specs[place] for place in first if place in specs])[1]
    later = lacking(work, (spec for place, spec in specs.items() if place not in first))
    return list(dict.fromkeys([*now, *later]))


def _again(before: Workflow, planned: Planned) -> StartReply:
    if before.fingerprint != planned.fingerprint:
        key = planned.key.partition(":")[2]
        raise Conflict(f"the key {key!r} was used for another workflow; take a new key for each new one")
    return StartReply(before.uuid, before.state, before.nodes, ["started before: nothing was added"])


def _check_alone(planned: Planned) -> None:
    """Of those that write the files of one workflow, each doing the rest of its work, one goes on at a time."""
    going_on = [str(state) for state in WorkflowState if state not in FINAL_WORKFLOW_STATES]
    others = Workflow.objects.filter(state__in=going_on, directory=planned.directory)
    for uuid in others.filter(basis__naming=planned.basis["naming"]).values_list("uuid", flat=True)[:1]:
        raise Conflict(
            f"workflow {planned.rerun_of} is run again already, as {uuid}, and they would write the same files"
        )


def _check_there(planned: Planned, files: Files) -> None:
    """What is to be read was not deleted because its time was over."""
    reads = [place for place, node in enumerate(planned.plan.nodes) if place not in planned.done and node.inputs]
    for why in deleted_files(files.read(reads, planned.done)).values():
        again = f"; p3s workflow rerun {planned.rerun_of} makes it anew" if planned.done else ""
        raise Conflict(f"{why}{again}")


def _note(work: Work, planned: Planned, why: str) -> None:
    event = Event(at=work.now, kind="workflow", object_id=planned.workflow, who=planned.owner, what="started", why=why)
    if planned.rerun_of:
        event.what, event.why = "run again", f"of {planned.rerun_of}: {why}" if why else f"of {planned.rerun_of}"
    event.save()


def _types(planned: Planned) -> dict[str, None]:
    return dict.fromkeys(node.spec.jobtype for node in planned.plan.nodes if node.spec is not None)


def _jobs(work: Work, planned: Planned, files: Files) -> dict[int, JobAdded]:
    """By place, all as waiting. A job of a workflow supersedes none: its type's newer ones do not replace it either."""
    book, now = work.desk.book, work.now
    places = [place for place, node in enumerate(planned.plan.nodes) if node.spec and place not in planned.done]
    uuids = new_uuids(now, len(places))
    found: dict[int, JobAdded] = {}
    for place in places:
        node = planned.plan.nodes[place]
        assert node.spec is not None
        spec = replace(node.spec, env=_environment(planned, node, node.spec))
        columns = {
            "owner": planned.owner,
            "run": node.run,
            "subrun": node.subrun,
            "keys": dict(node.keys),
            "dataset": files.known(spec.input),
            "stream": planned.stream or None,
            "stream_version": planned.stream_version,
            "workflow": planned.workflow,
            "followed": True,
        }
        job = accept(book.next_id + len(found), next(uuids), spec, book.kind(spec.jobtype), now, columns)
        job.state, job.same = JobState.WAITING, ""
        found[place] = job
    return found


def _environment(planned: Planned, node: PlannedNode, spec: JobSpec) -> dict[str, str]:
    outputs = {OUTPUTS: " ".join(file.variable for file in node.outputs)} if node.outputs else {}
    return {**spec.env, **outputs, "P3S_WORKFLOW_UUID": planned.workflow, "P3S_NODE": node.node}


def _begun(planned: Planned, files: Files, jobs: Mapping[int, JobAdded], hold: bool) -> tuple[Flow, Moves]:
    steps = []
    for place, node in enumerate(planned.plan.nodes):
        job = jobs[place].job if place in jobs else ""
        links = (files.inputs[place], files.besides[place], files.written(place))
        steps.append(memory.step(node.node, node.index, job, node.on_failure, *links))
    flow = Flow(planned.workflow, WorkflowState.HELD, steps)
    flow.restore(JobState.FINISHED if place in planned.done else JobState.WAITING for place in range(len(steps)))
    return flow, Moves() if hold else progress.begin(flow)


def _store(work: Work, planned: Planned, flow: Flow, moves: Moves) -> None:
    plan, request = planned.plan, planned.request
    Workflow.objects.create(
        uuid=planned.workflow,
        name=request.name or request.template,
        template_id=request.template,
        version=planned.version,
        state=str(flow.state),
        reason=moves.reason,
        owner=planned.owner,
        comment=request.comment,
        request=to_object(replace(request, key="", dry_run=False)),
        basis=planned.basis,
        directory=planned.directory,
        run=plan.run,
        subrun=plan.subrun,
        keys=dict(plan.keys),
        stream_id=planned.stream or None,
        stream_version=planned.stream_version,
        dataset_id=planned.dataset or None,
        rerun_of=planned.rerun_of or None,
        key=planned.key or None,
        fingerprint=planned.fingerprint,
        nodes=len(flow.steps),
        counts={str(state): count for state, count in flow.counts.items()},
        keep=keeping.first_due(plan, planned.directory),
        created_at=work.now,
        started_at=work.now if flow.over else None,
        ended_at=work.now if flow.over else None,
    )


def _rows(planned: Planned, files: Files, flow: Flow, jobs: Mapping[int, JobAdded]) -> list[Row]:
    rows: list[Row] = []
    for place, node in enumerate(planned.plan.nodes):
        number = jobs[place].id if place in jobs else planned.done.get(place)
        ended = place not in jobs and flow.states[place] in FINAL_JOB_STATES
        state = str(flow.states[place]) if ended else ""
        links = [json.dumps(of[place]) for of in (files.inputs, files.outputs, files.besides)]
        rows.append((planned.workflow, place, node.node, node.index, number, state, "", node.on_failure, *links))
    return rows
