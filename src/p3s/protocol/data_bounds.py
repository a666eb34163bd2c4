"""Bounds on what people and the watcher say of data, checked at the door. Raises BadInput as `bounds` does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from typing import Any

from .bounds import _VARIABLE, BIG, SMALL, _most, _number, _text, _whole, check_environment, check_job
from .catalogue_bounds import check_adler32, check_keys, check_url, check_word
from .data import LEFT_OUT_OVERFLOW, LEFT_OUT_PAUSED, OVERFLOWS, DatasetRequest, Gather, StreamJob, StreamSpec
from .errors import BadInput
from .guesses import guess
from .messages import BOUNDS, JobSpec
from .mistakes import refuse, said
from .states import DatasetState
from .streams import ProcessRequest, RevertStreamRequest, SetStreamRequest

_DEPTH = 8


# ---- streams


def check_stream(spec: StreamSpec) -> None:
    """A rule: its name, what it makes of which files, and of how many. Raises BadInput with all that is wrong."""
    refuse(stream_mistakes(spec))


def stream_mistakes(spec: StreamSpec) -> "Iterator[str]":
    """All that is wrong with a rule; what only follows from another mistake is left out."""
    yield from said(check_word, spec.name, 80, "name")
    yield from said(_text, spec.files, BOUNDS["input"], "files")
    of_all = list(said(check_environment, spec.env, "env"))
    yield from of_all
    if spec.jobs and spec.workflow:
        yield "workflow: the stream has jobs too; give it one of the two"
    if not (spec.jobs or spec.workflow):
        yield "jobs: the stream makes none; name at least one job type, or a workflow"
    spec = replace(spec, env={}) if of_all else spec
    yield from said(_most, spec.jobs, "stream_jobs", "jobs")
    for jobtype, job in spec.jobs.items():
        yield from said(_check_job, spec, jobtype, job, f"jobs.{jobtype}")
    yield from said(_number, spec.take.one_in, "one_in", "take.one_in")
    yield from said(_number, spec.take.first_of_run, "first_of_run", "take.first_of_run")
    yield from said(_check_waiting, spec)
    if spec.gather and spec.workflow:
        yield "gather: is of jobs, and the stream starts a workflow; leave it out, and let a node merge"
    else:
        yield from said(_most, spec.gather, "stream_jobs", "gather")
        for name, gather in spec.gather.items():
            yield from said(_check_gather, spec, name, gather, f"gather.{name}")
    yield from said(_text, spec.workflow, 80, "workflow")
    if spec.parameters and not spec.workflow:
        yield "parameters: are those of a workflow, and the stream has none"
    yield from said(_most, spec.parameters, "tags", "parameters")
    yield from said(check_json, spec.parameters, "parameters")


def _check_job(spec: StreamSpec, jobtype: str, job: StreamJob, where: str) -> None:
    env = {**spec.env, **job.env}
    check_environment(job.env, f"{where}.env")
    described = JobSpec(job.payload, spec.name, jobtype, "", env, job.priority, job.time_limit, job.needs)
    check_job(described, where)
    if job.one_in is not None:
        _number(job.one_in, "one_in", f"{where}.one_in")


def _check_waiting(spec: StreamSpec) -> None:
    waiting = spec.waiting
    if waiting is None:
        return
    if spec.workflow:
        raise BadInput("waiting: counts jobs, and the stream starts a workflow; leave it out")
    _number(waiting.at_most, "at_most", "waiting.at_most")
    if waiting.then not in OVERFLOWS:
        raise BadInput(f"waiting.then: {waiting.then[:40]!r} is none; use {', '.join(OVERFLOWS)}")


def _check_gather(spec: StreamSpec, name: str, gather: Gather, where: str) -> None:
    if gather.of not in spec.jobs:
        raise BadInput(f"{where}.of: {gather.of[:60]!r} is no job of the stream{guess(gather.of, spec.jobs)}")
    if name in spec.jobs:
        raise BadInput(f"{where}: a job of the stream has this name; take another, it is a job type of its own")
    if not _VARIABLE.match(gather.by) or len(gather.by) > 40:
        raise BadInput(f"{where}.by: {gather.by[:60]!r} is no key; use run, subrun, or a field of the files' names")
    _number(gather.every, "every", f"{where}.every")
    _number(gather.or_after, "time_limit", f"{where}.or_after")
    if not (gather.every or gather.or_after or gather.at_run_end):
        raise BadInput(f"{where}: it would never be made; say every: 20, or_after: 5m or at_run_end: true")
    job = StreamJob(gather.payload, gather.env, gather.priority, gather.time_limit, None, gather.needs)
    _check_job(spec, name, job, where)


# ---- what people do to streams


def check_set_stream(request: SetStreamRequest) -> None:
    """Something to change, and a reason. What the paths may be and hold, the rule's shape says."""
    if not (request.changes or request.unset):
        raise BadInput("changes: name at least one path and its value, or a path in unset")
    _most(request.changes, "stream_changes", "changes")
    _most(request.unset, "stream_changes", "unset")
    for path in (*request.changes, *request.unset):
        _text(path, 300, "changes")
        if path in request.changes and path in request.unset:
            raise BadInput(f"unset: {path} is set too; one of the two")
    check_json(request.changes, "changes")
    _reason(request.why)


def check_revert_stream(request: RevertStreamRequest) -> None:
    """A version, and a reason."""
    _whole(request.to, 1, SMALL, "to")
    _reason(request.why)


def _reason(why: str) -> None:
    _text(why, BOUNDS["comment"], "why")
    if not why.strip():
        raise BadInput("why: is required; say for the record why it is changed")


def check_process(request: ProcessRequest) -> None:
    """A run, or a file by its whole name."""
    _whole(request.run, 0, BIG, "run")
    _text(request.files, 300, "files")
    if request.run is None and not request.files:
        raise BadInput("run: name a run, or a file by its name")
    if request.run is None and set("*?[") & set(request.files):
        raise BadInput("run: name one; files that fit a pattern are looked for within a run")
    if request.limit is not None:
        _number(request.limit, "limit", "limit")
    if request.after and not (request.after.isascii() and request.after.isdigit() and len(request.after) < 19):
        raise BadInput(f"after: {request.after[:40]!r} is not the `next` of a reply")
    _text(request.why, BOUNDS["comment"], "why")


# ---- files


def check_dataset(request: DatasetRequest) -> None:
    """A file's own numbering and names."""
    check_url(request.url, "url")
    _text(request.name, 255, "name")
    _text(request.stream, 80, "stream")
    if request.datatype:
        check_word(request.datatype, 40, "datatype")
    _text(request.comment, BOUNDS["comment"], "comment")
    _check_ignored(request)
    for name in ("size", "run", "subrun"):
        value = getattr(request, name)
        if value is not None and not 0 <= value < 2**62:
            raise BadInput(f"{name}: must be from 0 to 2^62, not {value}")
    if request.adler32:
        check_adler32(request.adler32)
    if request.modified_at is not None:
        _number(request.modified_at, "moment", "modified_at")
    if request.state not in (DatasetState.AVAILABLE, DatasetState.REGISTERED):
        raise BadInput(f"state: {request.state[:40]!r} is not one to begin with; use available or registered")
    check_keys(request.keys)
    check_json(request.metadata, "metadata")


def _check_ignored(request: DatasetRequest) -> None:
    _text(request.ignored, 200, "ignored")
    if request.ignored in (LEFT_OUT_PAUSED, LEFT_OUT_OVERFLOW):
        raise BadInput(f"ignored: {request.ignored!r} is a reason of the server's own; say it otherwise")
    if request.ignored and not request.stream:
        raise BadInput("ignored: it is a stream that leaves a file out; name the stream too")


def check_json(value: Any, where: str) -> None:
    """Plain JSON of bearable size that every database and every reader takes."""
    _check_part(value, where, 0)
    if len(json.dumps(value)) > BOUNDS["json"]:
        raise BadInput(f"{where}: has more than {BOUNDS['json']} characters; keep less of it here")


def _check_part(value: Any, where: str, depth: int) -> None:
    if depth > _DEPTH:
        raise BadInput(f"{where}: goes deeper than {_DEPTH} levels; write it flatter")
    if isinstance(value, str):
        _text(value, BOUNDS["json"], where)
    elif isinstance(value, dict):
        for name, one in value.items():
            _text(name, 200, where)
            _check_part(one, f"{where}.{name}", depth + 1)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            _check_part(one, f"{where}[{place}]", depth + 1)
    elif isinstance(value, int):
        _whole(value, -BIG, BIG, where)
    elif isinstance(value, float) and not isfinite(value):
        raise BadInput(f"{where}: is NaN or infinite; write a finite number or null")
