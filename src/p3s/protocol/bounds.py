"""Bounds on what people and pilots may send, checked at the door. Raises BadInput that says where and what to write."""

import re
from collections.abc import Sequence
from typing import Any

from .acts import ALL_TYPES, AdjustRequest, RerunRequest, WhyRequest
from .declarations import DeclareRequest
from .errors import BadInput
from .messages import (
    ANYWHERE,
    BOUNDS,
    INPUT_AS,
    MAX_TAIL_BYTES,
    PICKS,
    CancelRequest,
    DeathRequest,
    ExchangeRequest,
    JobSpec,
    JobTypeSpec,
    Needs,
    RegisterRequest,
    Report,
    SubmitRequest,
)
from .states import FINAL_JOB_STATES, JobState

SMALL = 2**31 - 1
BIG = 2**62
"""What columns of 32 and 64 bits hold, with room to spare."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_UUID = re.compile(r"[A-Za-z0-9-]{1,36}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def check_submit(request: SubmitRequest) -> None:
    """Every job within bounds, and not none, and not too many."""
    if not request.jobs:
        raise BadInput("jobs: the list is empty; name at least one job")
    _most(request.jobs, "jobs_per_submit", "jobs")
    _text(request.key, 200, "key")
    for place, spec in enumerate(request.jobs):
        check_job(spec, f"jobs[{place}]")
    _whole(sum(spec.replicas for spec in request.jobs), 1, BOUNDS["jobs_per_submit"], "jobs: replicas in all")


def check_job(spec: JobSpec, where: str) -> None:
    """One description."""
    if not spec.payload.strip():
        raise BadInput(f"{where}.payload: is empty; write the command to run")
    for name in ("payload", "name", "jobtype", "input"):
        _text(getattr(spec, name), BOUNDS[name], f"{where}.{name}")
    if not spec.jobtype.strip():
        raise BadInput(f"{where}.jobtype: is empty; leave it out for the type 'default'")
    _no_word(spec.jobtype, f"{where}.jobtype")
    for name, bound in (("priority", "priority"), ("time_limit", "time_limit"), *_DEADLINES):
        value = getattr(spec, name)
        if value is not None:
            _number(value, bound, f"{where}.{name}")
    _whole(spec.replicas, 1, BOUNDS["jobs_per_submit"], f"{where}.replicas")
    if spec.needs is not ANYWHERE:
        check_needs(spec.needs, f"{where}.needs")
    if spec.env:
        check_environment(spec.env, f"{where}.env")


_DEADLINES = (("eta", "time_limit"), ("stale_after", "time_limit"))


def check_needs(needs: Needs, where: str) -> None:
    """What a job may ask of a pilot."""
    for name in ("cores", "memory", "gpus"):
        _number(getattr(needs, name), name, f"{where}.{name}")
    for name in ("site", "runtime"):
        _text(getattr(needs, name), BOUNDS["tag"], f"{where}.{name}")
    check_tags(needs.tags, f"{where}.tags")
    if sum(len(word.encode()) for word in (needs.site, needs.runtime, *needs.tags)) > BOUNDS["needs"]:
        raise BadInput(f"{where}: its words have more than {BOUNDS['needs']} bytes; use fewer or shorter tags")


def check_tags(tags: "tuple[str, ...]", where: str) -> None:
    """Short words without blanks, not too many."""
    _most(tags, "tags", where)
    for tag in tags:
        _text(tag, BOUNDS["tag"], where)
        if not tag or any(letter.isspace() for letter in tag):
            raise BadInput(f"{where}: {tag!r} is not a tag; use a word without blanks, like cvmfs")


def check_declarations(request: DeclareRequest) -> None:
    """How many there are; each is checked by itself."""
    for name in ("jobtypes", "dimensions", "limits"):
        _most(getattr(request, name), "declarations", name)


def check_jobtype(spec: JobTypeSpec) -> None:
    """A job type's settings."""
    if not spec.name.strip():
        raise BadInput("name: is empty; name the job type")
    _text(spec.name, BOUNDS["jobtype"], "name")
    _no_word(spec.name, "name")
    if spec.cap is not None:
        _number(spec.cap, "cap", "cap")
    for name, bound in (("priority", "priority"), ("time_limit", "time_limit"), ("retries", "retries"), *_DEADLINES):
        _number(getattr(spec, name), bound, name)
    if spec.pick not in PICKS:
        raise BadInput(f"pick: {spec.pick!r} is none; use {', '.join(PICKS)}")
    _input_as(spec.input_as, "input_as")
    _most(spec.supersedes, "supersedes", "supersedes")
    for key in spec.supersedes:
        if not _VARIABLE.match(key) or len(key) > 40:
            raise BadInput(f"supersedes: {key[:60]!r} is not a key's name; use run, subrun, or letters, digits and _")
    _most(spec.expects, "expects", "expects")
    for result in spec.expects:
        _text(result, 300, "expects")
        if not all(part.strip() for part in result.split("/", 1)):
            raise BadInput(f"expects: {result[:60]!r} is no result; write a category, or category/item")


def _input_as(word: str, where: str) -> None:
    if word not in INPUT_AS:
        raise BadInput(f"{where}: {word[:60]!r} is none; use {', '.join(INPUT_AS)}")


def check_environment(env: "dict[str, str]", where: str) -> None:
    """Names that a shell can hold, values of bearable length."""
    _most(env, "env_variables", where)
    for name, value in env.items():
        if not _VARIABLE.match(name):
            raise BadInput(f"{where}: {name!r} is not a variable name; use letters, digits and _")
        if len(value) > BOUNDS["env_value"] or "\0" in value:
            raise BadInput(f"{where}.{name}: at most {BOUNDS['env_value']} characters, and no NUL")
    if "P3S_INPUT_AS" in env:
        _input_as(env["P3S_INPUT_AS"], f"{where}.P3S_INPUT_AS")


def check_register(request: RegisterRequest) -> None:
    """A pilot's own words about itself."""
    _number(request.slots, "slots", "slots")
    if request.cores:
        _number(request.cores, "cores", "cores")
    for name, bound in (("memory", "memory"), ("gpus", "gpus"), ("life_s", "time_limit")):
        _number(getattr(request, name), bound, name)
    check_tags(request.tags, "tags")
    check_tags(request.runtimes, "runtimes")
    for name in ("pilot", "nonce"):
        value = getattr(request, name)
        if not re.match(r"[A-Za-z0-9-]{8,80}\Z", value):
            raise BadInput(f"{name}: must be 8 to 80 letters, digits or -; a UUID is good")
    if len(request.pilot) > 36:
        raise BadInput("pilot: must be a UUID")
    _whole(request.process, 0, SMALL, "process")
    for name in ("host", "site", "version", "python", "batch_id"):
        _text(getattr(request, name), 255, name)


def check_exchange(message: ExchangeRequest) -> None:
    """Counts, and the lane."""
    if message.lane not in ("orders", "reports"):
        raise BadInput(f"lane: must be 'orders' or 'reports', not {message.lane!r}")
    _most(message.reports, "reports_per_exchange", "reports")
    _most(message.holding or [], "held_per_exchange", "holding")
    _whole(message.seq, 0, BIG, "seq")
    _whole(message.acked, 0, BIG, "acked")
    for place, held in enumerate(message.holding or []):
        _attempt(held.job, held.attempt, f"holding[{place}]")
    for place, report in enumerate(message.reports):
        check_report(report, f"reports[{place}]")


def check_report(report: Report, where: str) -> None:
    """Numbers that a database holds, texts of bearable length; what the texts say is the payload's affair."""
    _attempt(report.job, report.attempt, where)
    for name in ("exit_code", "signal"):
        _whole(getattr(report, name), -SMALL, SMALL, f"{where}.{name}")
    _whole(report.peak_memory, 0, BIG, f"{where}.peak_memory")
    for name in ("started_ago_s", "ended_ago_s", "wall_s", "cpu_s"):
        value = getattr(report, name)
        if value is not None and not abs(value) <= BIG:
            raise BadInput(f"{where}.{name}: {value} seconds cannot be")
    for name in ("stdout", "stderr", "detail"):
        if len(getattr(report, name)) > MAX_TAIL_BYTES:
            raise BadInput(f"{where}.{name}: has more than {MAX_TAIL_BYTES} characters; send its end")


def check_death(request: DeathRequest) -> None:
    """A guardian's word."""
    _text(request.evidence, 500, "evidence")
    _whole(request.killed, 0, SMALL, "killed")


def check_cancel(request: CancelRequest) -> None:
    """A person's reason."""
    _text(request.why, 2_000, "why")


def check_why(request: WhyRequest) -> None:
    """A person's reason."""
    _text(request.why, 2_000, "why")


def check_adjust(request: AdjustRequest) -> None:
    """Another priority."""
    _number(request.priority, "priority", "priority")
    _text(request.why, 2_000, "why")


def check_rerun(request: RerunRequest) -> None:
    """Either jobs by name, or a choice by state."""
    if bool(request.uuids) == bool(request.states):
        raise BadInput("uuids: name jobs, or give states; one of the two")
    check_uuids(request.uuids, "uuids")
    for state in request.states:
        if state not in FINAL_JOB_STATES:
            ended = ", ".join(one for one in JobState if one in FINAL_JOB_STATES)
            raise BadInput(f"states: {state[:40]!r} is no state of an ended job; use {ended}")
    _whole(int(min(request.since, BIG)), 0, BIG, "since")
    _text(request.jobtype, BOUNDS["jobtype"], "jobtype")
    _text(request.why, 2_000, "why")


def check_name(value: str, where: str) -> None:
    """A short text that a person asks by."""
    _text(value, 200, where)


def clean(text: str) -> str:
    """A payload's text as any database takes it."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _attempt(job: str, attempt: int, where: str) -> None:
    if not _UUID.match(job):
        raise BadInput(f"{where}.job: {job[:60]!r} is not a UUID")
    _whole(attempt, 0, SMALL, f"{where}.attempt")


def check_uuids(uuids: "Sequence[str]", where: str) -> None:
    """Names of objects, not too many."""
    _most(uuids, "jobs_per_submit", where)
    for uuid in uuids:
        if not _UUID.match(uuid):
            raise BadInput(f"{where}: {uuid[:60]!r} is not a UUID")


def _whole(value: Any, lowest: int, highest: int, where: str) -> None:
    if value is not None and not lowest <= value <= highest:
        raise BadInput(f"{where}: must be from {lowest} to {highest}, not {value}")


def _no_word(jobtype: str, where: str) -> None:
    if jobtype == ALL_TYPES:
        raise BadInput(f"{where}: {jobtype!r} means every job type; take another name")


def _most(entries: Any, bound: str, where: str) -> None:
    if len(entries) > BOUNDS[bound]:
        raise BadInput(f"{where}: has {len(entries)} entries, at most {BOUNDS[bound]} are taken; send it in parts")


def _text(value: str, longest: Any, where: str) -> None:
    if len(value) > longest:
        raise BadInput(f"{where}: has {len(value)} characters, at most {longest} are taken")
    found = _CONTROL.search(value)
    if found:
        raise BadInput(f"{where}: holds the control character U+{ord(found.group()):04X}; take it out")


def _number(value: float, bound: str, where: str) -> None:
    lowest, highest = BOUNDS[bound]
    if not lowest <= value <= highest:
        raise BadInput(f"{where}: must be from {lowest} to {highest}, not {value}")
