"""Bounds on what is done to many at once, checked at the door. Raises BadInput that says where and what to write."""

from collections.abc import Collection

from .bounds import BIG, _most, _number, _text, _whole, check_name, check_uuids
from .errors import BadInput
from .many import PILOT_ORDERS, PURGED, AdjustManyRequest, ManyRequest, PilotOrderRequest, PurgeRequest
from .states import FINAL_JOB_STATES, FINAL_PILOT_STATES, FINAL_WORKFLOW_STATES, JobState, PilotState

CHANGEABLE = {
    "cancel": (JobState.HELD, JobState.WAITING, JobState.DEFINED, JobState.DISPATCHED, JobState.RUNNING),
    "hold": (JobState.DEFINED,),
    "release": (JobState.HELD,),
    "adjust": (JobState.HELD, JobState.DEFINED),
}
"""Jobs in these states can be changed so."""

PILOT_CHOICES = ("active", "draining", "idle", "silent")

_NAMES = ("jobtype", "owner", "name", "site", "host", "pilot", "stream")


def check_many(request: ManyRequest, act: str) -> None:
    """Either jobs by name, or a choice by state; `act` is one of CHANGEABLE."""
    if bool(request.uuids) == bool(request.states):
        raise BadInput("uuids: name jobs, or give states; one of the two")
    check_uuids(request.uuids, "uuids")
    _states(request.states, [str(state) for state in CHANGEABLE[act]], f"of a job that one can {act}")
    for name in _NAMES:
        check_name(getattr(request, name), name)
    if request.uuids and any(getattr(request, name) for name in (*_NAMES, "run", "since", "until")):
        raise BadInput("uuids: jobs are named, so leave the other choices out")
    _whole(request.run, 0, BIG, "run")
    for name in ("since", "until"):
        check_moment(getattr(request, name), name)
    _cursor(request.after)
    _text(request.why, 2_000, "why")
    if isinstance(request, AdjustManyRequest):
        if request.priority is None:
            raise BadInput("priority: is required")
        _number(request.priority, "priority", "priority")


def check_pilot_order(request: PilotOrderRequest) -> None:
    """One of the orders, and pilots that are chosen by something."""
    if request.order not in PILOT_ORDERS:
        raise BadInput(f"order: {request.order[:40]!r} is none; use {' or '.join(PILOT_ORDERS)}")
    check_uuids(request.uuids, "uuids")
    chosen = [request.site, request.host, request.batch_id, request.states]
    if request.uuids and any(chosen):
        raise BadInput("uuids: pilots are named, so leave the other choices out")
    if not (request.uuids or any(chosen) or request.every):
        raise BadInput("every: name pilots, a site, a host, a batch id or states; or say every for all of them")
    _states(request.states, PILOT_CHOICES, "of a pilot in service")
    for name in ("site", "host", "batch_id"):
        _text(getattr(request, name), 255, name)
    _text(request.why, 2_000, "why")


_FINAL: "dict[str, Collection[str]]" = {
    "jobs": FINAL_JOB_STATES,
    "pilots": FINAL_PILOT_STATES,
    "workflows": FINAL_WORKFLOW_STATES,
}


def check_purge(request: PurgeRequest) -> None:
    """Ended jobs or pilots, by name or by age."""
    if request.what not in PURGED:
        raise BadInput(f"what: {request.what[:40]!r} is none; use {', '.join(PURGED)}")
    check_uuids(request.uuids, "uuids")
    if bool(request.uuids) == (request.older_than is not None):
        raise BadInput("older_than: say how many seconds ago they must have ended, or name uuids; one of the two")
    if request.uuids and (request.states or request.jobtype):
        raise BadInput("uuids: they are named, so leave the other choices out")
    if request.older_than is not None and not 0 <= request.older_than <= BIG:
        raise BadInput(f"older_than: must be from 0 to {BIG} seconds, not {request.older_than}")
    jobs = request.what == "jobs"
    if request.what == "pilots" and (request.jobtype or request.results):
        raise BadInput("what: pilots have no job type and no results; leave these out")
    if request.what == "workflows" and request.jobtype:
        raise BadInput("what: workflows have no job type; leave it out")
    _states(request.states, [str(state) for state in _FINAL[request.what]], "that is final")
    check_name(request.jobtype, "jobtype")
    if jobs:
        _cursor(request.after)
    elif request.after:
        check_uuids([request.after], "after")
    _text(request.why, 2_000, "why")


def _cursor(after: str) -> None:
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise BadInput(f"after: {after[:40]!r} is not the `next` of a reply")


def check_moment(moment: "object", where: str) -> None:
    """Seconds since the epoch, or none."""
    if isinstance(moment, (int, float)) and not 0 <= moment <= 1e12:
        raise BadInput(f"{where}: must be seconds since the epoch, not {moment}")


def _states(states: "list[str]", known: "object", what: str) -> None:
    words = [str(word) for word in known]  # type: ignore[attr-defined]
    _most(states, "tags", "states")
    order = [str(state) for state in (*JobState, *PilotState)]
    for state in states:
        if state not in words:
            listed = sorted(words, key=lambda word: order.index(word) if word in order else len(order))
            raise BadInput(f"states: {state[:40]!r} is no state {what}; use {', '.join(listed)}")
