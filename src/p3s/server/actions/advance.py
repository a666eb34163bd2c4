"""A workflow goes on: its jobs have started or ended. In their own transaction, from memory."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from p3s.domain.cancel import cancel
from p3s.domain.effects import (
    SYSTEM,
    Effect,
    JobEnded,
    JobReady,
    Noted,
    OutputsMade,
    Queued,
    StepEnded,
    WorkflowMoved,
)
from p3s.domain.exchange import Past
from p3s.domain.workflows import progress
from p3s.domain.workflows.flows import STOP, Flow
from p3s.domain.workflows.progress import Moves
from p3s.protocol.states import JobState, Reason
from p3s.server.jobs import waiting
from p3s.server.workflows import memory

from .fewer_inputs import on_less
from .work import Work


def advance(work: Work, ended: list[JobEnded], begun: Iterable[str]) -> None:
    """`ended` are of workflows' jobs; `begun`: workflows of which a job has started."""
    ends: dict[str, list[JobEnded]] = defaultdict(list)
    for one in ended:
        ends[one.workflow].append(one)
    for workflow, some in ends.items():
        flow, new = remembered(work, workflow)
        if flow is None:
            continue
        finished = [one for one in some if one.after is JobState.FINISHED]
        files = (flow.steps[flow.places[one.job]].writes for one in finished)
        work.desk.do(OutputsMade(some) for some in files if some)
        if not new:
            carry_out(work, flow, progress.ended(flow, {flow.places[one.job]: one.after for one in some}))
    for workflow in set(begun) - ends.keys():
        flow, _ = remembered(work, workflow)
        if flow is not None and (moves := progress.started(flow)).before is not None:
            carry_out(work, flow, moves)


def remembered(work: Work, workflow: str) -> tuple[Flow | None, bool]:
    """How far it has come, and whether it was read for that just now: then it has heard of all ends that the tables
    have. None for one that is not there."""
    flow = work.desk.book.flows.get(workflow)
    if flow is not None:
        return flow, False
    work.flush()
    flow = memory.flow(workflow)
    if flow is not None and not flow.over:
        work.desk.book.flows.keep(flow)
        carry_out(work, flow, progress.catch_up(flow))
    return flow, True


def concluded(work: Work, job: str, past: Past) -> Past:
    """Whether its workflow has drawn its conclusions from the loss of a job, so that a late report is refused."""
    if past.state is not JobState.LOST or not past.workflow:
        return past
    flow, _ = remembered(work, past.workflow)
    return past if flow is None else replace(past, concluded=progress.too_late(flow, flow.places[job]))


def carry_out(work: Work, flow: Flow, moves: Moves, who: str = SYSTEM) -> None:
    """Do what was decided of a workflow, and write how far it has come."""
    why = f"stopped: {moves.reason}" if flow.ending == STOP else str(Reason.BY_PERSON)
    waited = [place for place, _ in moves.ready + moves.skipped] + moves.cancelled
    queued = _queued(work, flow, [place for place in waited if flow.steps[place].job])
    effects: list[Effect] = [StepEnded(flow.uuid, place, JobState.FINISHED, "") for place in moves.done]
    effects += [_left_out(work, flow, queued, place, JobState.SKIPPED, reason) for place, reason in moves.skipped]
    effects += [_left_out(work, flow, queued, place, JobState.CANCELLED, why) for place in moves.cancelled]
    effects += _given_up(work, flow, moves.ended_early, who, why)
    if flow.ending == STOP and not flow.over and moves.reason:
        effects.append(Noted("workflow", flow.uuid, "stopped", who, moves.reason, work.now))
    before = moves.before or flow.state
    counts = {str(state): count for state, count in flow.counts.items() if count}
    by = "" if who == SYSTEM else who
    reason = moves.reason if flow.over or flow.ending else ""
    effects.append(WorkflowMoved(flow.uuid, before, flow.state, flow.ending, reason, counts, work.now, by))
    work.desk.do(effects)
    work.desk.do(_ready(work, flow, queued, moves))
    work.topics.add("workflows")
    if flow.over:
        work.desk.book.flows.forget(flow.uuid)


def _queued(work: Work, flow: Flow, places: list[int]) -> dict[int, Queued]:
    """What brokerage must know of jobs that waited; what is not in memory is read."""
    found = {place: flow.specs.pop(place) for place in places if place in flow.specs}
    lacking = {flow.steps[place].job: place for place in places if place not in found}
    if lacking:
        work.flush()
        for job, past in waiting.past(lacking).items():
            assert past.queued is not None, f"{job} is {past.state}, its workflow has it waiting"
            found[lacking[job]] = past.queued
    return found


def _left_out(
    work: Work, flow: Flow, queued: dict[int, Queued], place: int, after: JobState, reason: str
) -> JobEnded | StepEnded:
    """A node that waited will not run. The workflow knows, so it is not told."""
    if not flow.steps[place].job:
        return StepEnded(flow.uuid, place, after, reason)
    job = queued[place]
    return JobEnded(job.id, job.job, job.attempt, JobState.WAITING, after, reason, work.now, workflow=flow.uuid)


def _given_up(work: Work, flow: Flow, places: list[int], who: str, why: str) -> list[Effect]:
    """Jobs that were let go before: those in the queue end, of those with a pilot it is told to end them. One event
    about the workflow says it all."""
    if not places:
        return []
    work.flush()
    found: list[Effect] = []
    for job, past in waiting.past(flow.steps[place].job for place in places).items():
        effects, _ = cancel(work.desk.book, job, past, who, why, work.now, why)
        found += [one for one in effects if not isinstance(one, Noted)]
    return found


def _ready(work: Work, flow: Flow, queued: dict[int, Queued], moves: Moves) -> list[Effect]:
    made: list[Effect] = []
    for place, missing in moves.ready:
        if missing:
            made.append(on_less(work, flow, queued[place], place, missing))
        else:
            made.append(JobReady(queued[place], work.now))
    return made
