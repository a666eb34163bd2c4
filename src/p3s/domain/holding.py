"""People keep a job from being handed out, let it go, or change its priority: while no pilot holds it."""

from dataclasses import replace

from p3s.domain.effects import Effect, JobAdjusted, JobHeld, JobReleased, Noted, Queued
from p3s.domain.exchange import Past
from p3s.protocol.errors import Conflict
from p3s.protocol.states import WAITING_JOB_STATES, JobState


def hold(job: str, past: Past, who: str, why: str, now: float) -> tuple[list[Effect], str]:
    """Effects and a note for the person. Raises Conflict when it is too late."""
    if past.state is JobState.HELD:
        return [], "it was held already"
    queued = _queued(job, past, "held", {JobState.DEFINED})
    return [JobHeld(queued, now), Noted("job", job, "held", who, why, now)], "it will not run until it is released"


def release(job: str, past: Past, who: str, why: str, now: float) -> tuple[list[Effect], str]:
    """Effects and a note for the person. Raises Conflict for a job that has gone on."""
    if past.state is JobState.DEFINED:
        return [], "it was not held"
    queued = _queued(job, past, "released", {JobState.HELD})
    return [JobReleased(queued, now), Noted("job", job, "released", who, why, now)], "it may run now"


def adjust(job: str, past: Past, priority: int, who: str, why: str, now: float) -> tuple[list[Effect], str]:
    """Give it another priority. Raises Conflict when it is too late."""
    queued = _queued(job, past, "given another priority", set(WAITING_JOB_STATES))
    before = queued.priority
    if before == priority:
        return [], f"its priority was {priority} already"
    said = f"priority {priority}, was {before}"
    return [
        JobAdjusted(replace(queued, priority=priority), past.state, before, now),
        Noted("job", job, "adjusted", who, f"{said}: {why}" if why else said, now),
    ], said


def _queued(job: str, past: Past, what: str, states: set[JobState]) -> Queued:
    if past.state is JobState.WAITING and JobState.WAITING not in states:
        raise Conflict(
            f"job {job} waits for its inputs in workflow {past.workflow}; hold it when it is queued, or cancel it"
        )
    if past.state not in states or past.queued is None:
        raise Conflict(f"job {job} is {past.state}; only a job that waits can be {what}")
    return past.queued
