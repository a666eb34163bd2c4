"""Remove the records of ended jobs, pilots and workflows, with logs, results and files, in portions.

A job that has not ended is never touched, nor is one that published for a reference run. What became of a purged job
still counts for its dataset (`Dataset.purged`), its name and files stay while something that is kept came of it
(`traces`), and what people did stays in the journal. To call it from upkeep or anywhere else but the writer's thread:

>>> request = PurgeRequest("jobs", older_than=30 * 86_400.0)
>>> while True:
...     reply = purge(broker.ask, request=request, who="p3s", now=time(), blobs=Blobs(settings.SERVER_DIR / "blobs"))
...     if reply.next is None:
...         break
...     request = replace(request, after=reply.next)  # between two calls, others have the writer
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from django.db.models import Q, QuerySet

from p3s.domain.data.coverage import ranked, word_of
from p3s.domain.effects import Noted
from p3s.protocol.errors import NotKnown
from p3s.protocol.many import PurgeReply, PurgeRequest
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_PILOT_STATES
from p3s.server.blobs import Blobs
from p3s.server.data.models import Arrival, Dataset, Outcome
from p3s.server.jobs import listing
from p3s.server.jobs.models import ALONE, Job, JobLog
from p3s.server.jobs.uses import queries as uses
from p3s.server.journal.models import Event
from p3s.server.pilots.models import Pilot
from p3s.server.results.models import Item, Result, Series, Value
from p3s.server.results.standards import of_reference_runs
from p3s.server.results.trends import without_values

from .many import Ask
from .purge_workflows import became, ended_workflows, jobs_of, never_made, remove_workflow
from .traces import leave
from .work import Work

LOOKED = 5_000
"""So many jobs or pilots are looked at in one call."""

PORTION = 100
"""So many are removed in one transaction: some milliseconds, for which others wait."""

_OF_THE_SYSTEM = (
    "dropped",
    "retried",
    "order refused",
    "report refused",
    "amended",
    "result problem",
    "published nothing",
    "results missing",
)
"""Events that go with their job; what people did stays."""


def purge(ask: Ask, *, request: PurgeRequest, who: str, now: float, blobs: Blobs) -> PurgeReply:
    """One call's worth; the reply's `next`, given as `after`, goes on. `ask` has a story told by the writer.

    Files go after their rows, so that no row names what is gone; what breaks off in between leaves files of no job,
    which a mark of theirs leads the next call to. Raises NotKnown for a name that is none.
    """
    if request.what == "workflows":
        return _workflows(ask, request, who, now, blobs)
    find, remove = (_jobs, _remove_jobs) if request.what == "jobs" else (_pilots, _remove_pilots)
    keys, kept, following = find(request, now)
    removed = len(keys)
    if not request.dry_run and keys:
        _finish(blobs)
        removed = _remove(ask, remove, keys, request.results, blobs)
        ask(partial(_note, request=request, who=who, removed=removed))
    return PurgeReply(removed, kept + len(keys) - removed, following)


def _remove(ask: Ask, remove: Callable[..., list[str]], keys: list[str], results: bool, blobs: Blobs) -> int:
    removed = 0
    for at in range(0, len(keys), PORTION):
        portion = keys[at : at + PORTION]
        mark = blobs.mark(portion) if remove is not _remove_pilots else None
        gone = ask(partial(remove, keys=portion, results=results))
        removed += len(gone)
        if mark is not None:
            blobs.remove(gone)
            mark.unlink(missing_ok=True)
    return removed


def _workflows(ask: Ask, request: PurgeRequest, who: str, now: float, blobs: Blobs) -> PurgeReply:
    """Each with its jobs, and after them; what breaks off in between is found again."""
    keys, kept, following = ended_workflows(request, now)
    removed = len(keys)
    if not request.dry_run and keys:
        _finish(blobs)
        removed = 0
        for workflow in keys:
            files, word = never_made(workflow), became(workflow)
            _remove(ask, _remove_jobs, jobs_of(workflow), True, blobs)
            removed += ask(partial(remove_workflow, workflow=workflow, files=files, word=word))
        ask(partial(_note, request=request, who=who, removed=removed))
    return PurgeReply(removed, kept + len(keys) - removed, following)


def _finish(blobs: Blobs) -> None:
    """What a call that broke off has left. Of one under way, rows are there or gone for good."""
    for mark, uuids in blobs.marks():
        there = set(Job.objects.filter(uuid__in=uuids).values_list("uuid", flat=True))
        blobs.remove(uuid for uuid in uuids if uuid not in there)
        if not there:
            mark.unlink(missing_ok=True)


def _note(work: Work, *, request: PurgeRequest, who: str, removed: int) -> None:
    what = ", ".join([*request.states, request.jobtype]).strip(", ") or "all"
    age = "by name" if request.uuids else f"ended more than {request.older_than:.0f} s before"
    why = f"{removed} {request.what} ({what}), {age}" + (f": {request.why}" if request.why else "")
    work.topics |= {"jobs", "pilots"}
    work.desk.do([Noted("purge", request.what, "purged", who, why, work.now)])


Found = tuple[list[str], int, str | None]
"""UUIDs of what may go, how many were kept, where to go on."""


# ---- jobs


def _jobs(request: PurgeRequest, now: float) -> Found:
    states = tuple(request.states) or tuple(str(state) for state in FINAL_JOB_STATES)
    following = None
    if request.uuids:
        numbers = _named(request.uuids)
    else:
        before = now - (request.older_than or 0.0)
        numbers, following = listing.ended(states, request.jobtype, before, int(request.after or 0), LOOKED)
    free = Q(workflow__isnull=True) | Q(workflow=ALONE)
    jobs = Job.objects.filter(free, id__in=numbers, state__in=states).order_by("id")
    jobs = jobs.exclude(id__in=_kept(numbers, request.results))
    found = list(jobs.values_list("uuid", flat=True))
    return found, len(numbers) - len(found), None if following is None else str(following)


def _named(uuids: Sequence[str]) -> list[int]:
    numbers = dict(Job.objects.filter(uuid__in=uuids).values_list("uuid", "id"))
    for uuid in uuids:
        if uuid not in numbers:
            raise NotKnown(f"there is no job {uuid}; p3s job list shows the latest")
    return sorted(numbers.values())


def _kept(numbers: Sequence[int], results: bool) -> set[int]:
    """Jobs that published, or where their results go too, those that did for a reference run."""
    if results:
        return of_reference_runs(numbers)
    return set(Result.objects.filter(job__in=numbers).values_list("job_id", flat=True))


def _remove_results(ids: Sequence[int]) -> None:
    """With their values, and what of nothing is left to be trended."""
    values = Value.objects.filter(result__job__in=ids)
    series = set(values.order_by().values_list("series_id", flat=True).distinct())
    values.delete()
    Item.objects.filter(result__job__in=ids).delete()
    Result.objects.filter(job__in=ids).delete()
    Series.objects.filter(pk__in=without_values(series)).delete()


def _remove_jobs(work: Work, *, keys: Sequence[str], results: bool) -> list[str]:
    """In one transaction; what has got results meanwhile stays. Returns what went."""
    work.flush()
    numbers = list(Job.objects.filter(uuid__in=keys).values_list("id", flat=True))
    gone = Job.objects.filter(id__in=numbers, state__in=[str(state) for state in FINAL_JOB_STATES])
    gone = gone.exclude(id__in=_kept(numbers, results))
    rows = list(gone.values_list("id", "uuid", "dataset", "state"))
    _remember(rows)
    _remember_for_streams(gone)
    ids, uuids = [row[0] for row in rows], [row[1] for row in rows]
    leave(dict(zip(ids, uuids, strict=True)), {row[0]: row[2] for row in rows if row[2] is not None})
    _remove_results(ids)
    JobLog.objects.filter(job__in=ids).delete()
    Event.objects.filter(kind="job", object_id__in=uuids, what__in=_OF_THE_SYSTEM).delete()
    uses.keep_names(list(zip(ids, uuids, strict=True)))
    Job.objects.filter(id__in=ids).delete()
    return uuids


def _remember(rows: Sequence[tuple[int, str, str | None, str]]) -> None:
    """How many of each dataset's jobs ended how, for coverage."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, _, dataset, state in rows:
        if dataset is not None:
            counts[dataset][state] += 1
    for row in Dataset.objects.filter(uuid__in=list(counts)):
        row.purged = dict(Counter(row.purged) + counts[row.uuid])
        row.save(update_fields=["purged"])


def _remember_for_streams(gone: QuerySet[Job]) -> None:
    """What became of the files of streams by the last that goes of their jobs of each type."""
    made = gone.filter(dataset__isnull=False, stream__isnull=False, workflow__isnull=True).order_by("id")
    rows = list(made.values_list("dataset", "stream", "jobtype", "id", "state", "reason"))
    datasets = {row[0] for row in rows}
    arrivals = {(one.dataset_id, one.stream_id): one.pk for one in Arrival.objects.filter(dataset__in=datasets)}
    known = Outcome.objects.filter(arrival__in=arrivals.values()).values_list("arrival", "jobtype", "job")
    before: dict[tuple[int, str], int] = {(arrival, jobtype): number for arrival, jobtype, number in known}
    found: dict[tuple[int, str], Outcome] = {}
    for dataset, stream, jobtype, number, state, reason in rows:
        arrival = arrivals.get((dataset, stream))
        if arrival is not None and number > before.get((arrival, jobtype), 0):
            word = ranked(word_of(state, reason))
            found[arrival, jobtype] = Outcome(arrival_id=arrival, jobtype=jobtype, job=number, word=word)
    Outcome.objects.bulk_create(
        found.values(), update_conflicts=True, unique_fields=["arrival", "jobtype"], update_fields=["job", "word"]
    )


# ---- pilots


def _pilots(request: PurgeRequest, now: float) -> Found:
    """Pilots that jobs name stay, so that a job still says where it ran."""
    pilots = Pilot.objects.filter(state__in=request.states or [str(state) for state in FINAL_PILOT_STATES])
    if request.uuids:
        known = set(Pilot.objects.filter(uuid__in=request.uuids).values_list("uuid", flat=True))
        for uuid in request.uuids:
            if uuid not in known:
                raise NotKnown(f"there is no pilot {uuid}; p3s pilot list --ended shows the latest that have ended")
        pilots = pilots.filter(uuid__in=request.uuids)
    else:
        pilots = pilots.filter(ended_at__lt=now - (request.older_than or 0.0), uuid__gt=request.after)
    uuids = list(pilots.order_by("uuid").values_list("uuid", flat=True)[:LOOKED])
    named = set(Job.objects.filter(pilot__in=uuids).order_by().values_list("pilot", flat=True).distinct())
    free = [uuid for uuid in uuids if uuid not in named]
    unended = len(request.uuids) - len(uuids) if request.uuids else 0
    following = uuids[-1] if len(uuids) == LOOKED and not request.uuids else None
    return free, len(uuids) - len(free) + unended, following


def _remove_pilots(work: Work, *, keys: Sequence[str], results: bool) -> list[str]:  # noqa: ARG001 - as _remove_jobs
    """In one transaction. An ended pilot gets no more jobs, so what was free of them stays so."""
    work.flush()
    gone = Pilot.objects.filter(uuid__in=keys, state__in=[str(state) for state in FINAL_PILOT_STATES])
    Event.objects.filter(kind="pilot", object_id__in=keys, what="lost").delete()
    uuids = list(gone.values_list("uuid", flat=True))
    gone.delete()
    return uuids
