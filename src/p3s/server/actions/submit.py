"""Accept jobs."""

import hashlib
import secrets
from typing import Any

import orjson

from p3s.domain.effects import JobAdded, Spec
from p3s.domain.streams import input_environment
from p3s.protocol.errors import Conflict
from p3s.protocol.messages import JobSpec, SubmitReply, SubmitRequest
from p3s.protocol.states import JobState
from p3s.server.jobs import queries

from .work import Work


def submit(work: Work, *, owner: str, request: SubmitRequest) -> SubmitReply:
    """Add jobs; asked again with the same key and jobs, the same answer. Raises Conflict for a key used otherwise."""
    if request.key:
        key, fingerprint = f"{owner}:{request.key}", hashlib.sha256(orjson.dumps(request.jobs)).hexdigest()
        if not queries.add_submission(key, fingerprint, work.desk.book.next_id, len(request.jobs), work.now):
            work.flush()
            return _again(work, queries.submission(key), fingerprint, request.key)
    notes = [note for spec in request.jobs if (note := ensure_type(work, spec.jobtype))]
    added = add_jobs(work, request.jobs, owner=owner)
    return SubmitReply([one.job for one in added], pilots_now(work), notes)


def _again(work: Work, before: tuple[str, list[str]], fingerprint: str, key: str) -> SubmitReply:
    if before[0] != fingerprint:
        raise Conflict(f"the key {key!r} was used for other jobs; take a new key for each new submission")
    return SubmitReply(before[1], pilots_now(work), ["submitted before: nothing was added"])


def ensure_type(work: Work, jobtype: str) -> str:
    """Create an unknown job type with defaults; returns a note for the person, or nothing."""
    types = work.desk.book.types
    if jobtype in types:
        return ""
    queries.add_type(jobtype, work.now)
    types.add(jobtype)
    return f"job type {jobtype} is new: created with defaults (no cap)"


def pilots_now(work: Work) -> int:
    """How many pilots have a free slot and wait for orders."""
    return len(work.desk.book.ready)


def add_jobs(work: Work, specs: list[JobSpec], *, owner: str, **columns: Any) -> list[JobAdded]:
    """Add jobs whose types are known; `columns` are the same for all (dataset, stream, run, subrun, keys)."""
    first = work.desk.book.next_id
    added = [_added(first + place, spec, owner, work.now, columns) for place, spec in enumerate(specs)]
    work.desk.submit(added)
    return added


def _added(id: int, spec: JobSpec, owner: str, now: float, columns: dict[str, Any]) -> JobAdded:
    given = input_environment(spec.input, columns.get("run"), columns.get("subrun"), columns.get("keys") or {})
    return JobAdded(
        id,
        new_uuid(now),
        spec.jobtype,
        spec.priority,
        JobState.DEFINED,
        Spec(spec.payload, {**spec.env, **given}, spec.time_limit),
        now,
        {"name": spec.name, "owner": owner, "input": spec.input, "env": spec.env, **columns},
    )


def new_uuid(now: float) -> str:
    """A UUID of version 7: ordered by time, so that the index of jobs grows at its end."""
    text = f"{int(now * 1000):012x}7{secrets.token_hex(10)}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{variant}{text[17:20]}-{text[20:32]}"
