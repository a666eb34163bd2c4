"""Accept jobs."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from p3s.domain import explain
from p3s.domain.acceptance import accept, alike, class_of, in_order
from p3s.domain.effects import JobAdded, Submitted, TypeDeclared
from p3s.protocol.errors import Conflict
from p3s.protocol.messages import ANYWHERE, JobSpec, JobTypeSpec, SubmitReply, SubmitRequest
from p3s.server.data.models import Dataset
from p3s.server.jobs import waiting

from .work import Work

MOST_CLASSES = 5
"""Of one submission, so many kinds of jobs are looked at for the notes."""


def submit(work: Work, *, owner: str, request: SubmitRequest) -> SubmitReply:
    """Add jobs; asked again with the same key and jobs, the same answer. Raises Conflict for a key used otherwise."""
    if request.key:
        key, fingerprint = f"{owner}:{request.key}", fingerprint_of(request.jobs)
        before = _before(work, key)
        if before is not None:
            return _again(work, before, fingerprint, request)
        count = sum(spec.replicas for spec in request.jobs)
        work.desk.do([Submitted(key, fingerprint, work.desk.book.next_id, count, work.now)])
    notes = [note for spec in request.jobs if (note := ensure_type(work, spec.jobtype))]
    files = _known_files({spec.input for spec in request.jobs if spec.input})
    added = add_each(work, [(spec, {"owner": owner, **files.get(spec.input, {})}) for spec in request.jobs])
    pilots, obstacles = outlook(work, request.jobs)
    return SubmitReply([one.job for one in added], pilots, notes + obstacles)


def _known_files(urls: set[str]) -> dict[str, dict[str, Any]]:
    """By URL of those that are registered, what a job of one has of it: it counts as made of the file, and its payload
    finds the file's run and keys."""
    if not urls:
        return {}
    known = Dataset.objects.filter(url__in=urls).values_list("url", "uuid", "run", "subrun", "keys")
    return {
        url: {"dataset": uuid, "run": run, "subrun": subrun, "keys": keys} for url, uuid, run, subrun, keys in known
    }


def fingerprint_of(jobs: list[JobSpec]) -> str:
    """What a key stands for."""
    return hashlib.sha256(orjson.dumps(jobs)).hexdigest()


def _before(work: Work, key: str) -> tuple[str, list[str]] | None:
    """(fingerprint, jobs) of a submission with this key. The book knows the keys of late; one from before it was built
    fails the transaction, and is looked for when the story is told again."""
    if not (work.doubtful or key in work.desk.book.keys):
        return None
    work.flush()
    return waiting.submission(key)


def _again(work: Work, before: tuple[str, list[str]], fingerprint: str, request: SubmitRequest) -> SubmitReply:
    if before[0] != fingerprint:
        raise Conflict(f"the key {request.key!r} was used for other jobs; take a new key for each new submission")
    if not before[1]:
        raise Conflict(f"the key {request.key!r} was used for jobs that were purged since; take a new key for new ones")
    return SubmitReply(before[1], outlook(work, request.jobs)[0], ["submitted before: nothing was added"])


def ensure_type(work: Work, jobtype: str) -> str:
    """Create an unknown job type with defaults; returns a note for the person, or nothing."""
    note = note_of_type(work, jobtype)
    if note:
        work.desk.do([TypeDeclared(JobTypeSpec(jobtype), work.now)])
    return note


def note_of_type(work: Work, jobtype: str) -> str:
    """What a person is told of a job type that is not known yet, else nothing."""
    known = jobtype in work.desk.book.types
    return "" if known else f"job type {jobtype} is new: created with defaults (no cap)"


def outlook(work: Work, specs: list[JobSpec]) -> tuple[int, list[str]]:
    """How many pilots could run one of the jobs now; when none could run some class of them, what is in the way."""
    book, notes, most = work.desk.book, [], 0
    classes = dict.fromkeys(class_of(spec, book.kind(spec.jobtype)) for spec in specs)
    for key in islice(classes, MOST_CLASSES):
        pilots = explain.pilots_now(book, key, work.now)
        most = max(most, pilots)
        if not pilots:
            notes += [f"{key[0]}: {line}" for line in explain.in_the_way(book, key, work.now)]
    return most, list(dict.fromkeys(notes))


def lacking(work: Work, specs: Iterable[JobSpec]) -> list[str]:
    """What jobs that are queued later will wait for, because no pilot in service has it."""
    wanted = dict.fromkeys((spec.jobtype, in_order(spec.needs)) for spec in specs if spec.needs != ANYWHERE)
    return [
        f"{jobtype}: {line}"
        for jobtype, needs in islice(wanted, MOST_CLASSES)
        for line in explain.lacking(work.desk.book, needs)
    ]


def add_jobs(work: Work, specs: list[JobSpec], *, owner: str, **columns: Any) -> list[JobAdded]:
    """Add jobs whose types are known; `columns` are the same for all (dataset, stream, run, subrun, keys, rerun_of,
    stream_version, workflow, followed).
    Those that they supersede are dropped."""
    columns["owner"] = owner
    return add_each(work, [(spec, columns) for spec in specs])


def add_each(work: Work, described: list[tuple[JobSpec, dict[str, Any]]]) -> list[JobAdded]:
    """The same, each with columns of its own; `owner` is one of them."""
    first, now, kind = work.desk.book.next_id, work.now, work.desk.book.kind
    uuids = new_uuids(now, sum(spec.replicas for spec, _ in described))
    added: list[JobAdded] = []
    for spec, columns in described:
        one = accept(first + len(added), next(uuids), spec, kind(spec.jobtype), now, columns)
        added.append(one)
        added += alike(one, islice(uuids, spec.replicas - 1))
    work.desk.submit(added)
    newest = {one.same: one for one in added if one.same}
    if newest:
        work.flush()
        for same, one in newest.items():
            work.desk.supersede(waiting.older(same, one.id), one.job)
    return added


def new_uuids(now: float, count: int) -> Iterator[str]:
    """UUIDs of version 7: ordered by time, so that the index of jobs grows at its end."""
    time, chance = f"{int(now * 1000):012x}", secrets.token_hex(10 * count)
    for at in range(0, 20 * count, 20):
        text = chance[at : at + 20]
        variant = "89ab"[int(text[3], 16) & 3]
        yield f"{time[:8]}-{time[8:]}-7{text[:3]}-{variant}{text[4:7]}-{text[8:]}"
