"""Cancel, hold, release or re-prioritise many jobs, in portions that leave the writer to others."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from p3s.domain.exchange import Past
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.protocol.many import AdjustManyRequest, ManyReply, ManyRequest
from p3s.protocol.states import FINAL_JOB_STATES, OUT_JOB_STATES
from p3s.server.jobs import listing, waiting
from p3s.server.jobs.listing import Choice
from p3s.server.jobs.models import Job

from .rerun import Who
from .work import Work

MOST = 10_000
"""Jobs of one call."""

PORTION = 100
"""Jobs of one transaction: some milliseconds, for which others wait."""

Ask = Callable[[Callable[[Work], Any]], Any]
"""Has a story told by the writer and waits for its value: `Broker.ask`."""


def change(ask: Ask, *, act: str, request: ManyRequest, who: Who) -> ManyReply:
    """Not for the writer's thread. Raises NotKnown or NotAllowed for a named job before anything is done; one that was
    chosen by its state and has gone on meanwhile is passed over. Asked again with `next` it goes on with older ones."""
    jobs, following = (_named(request.uuids, who, act), None) if request.uuids else _chosen(request, who)
    if request.dry_run:
        return ManyReply(jobs, len(_still_out(jobs)), 0, following)
    reply = ManyReply(next=following)
    for portion in _portions(jobs):
        done, running, passed = ask(partial(_portion, act=act, jobs=portion, request=request, who=who.name))
        reply = replace(reply, jobs=reply.jobs + done, running=reply.running + running, passed=reply.passed + passed)
    return reply


def _portions(jobs: list[str]) -> list[list[str]]:
    return [jobs[at : at + PORTION] for at in range(0, len(jobs), PORTION)]


def _named(uuids: Sequence[str], who: Who, act: str) -> list[str]:
    wanted = list(dict.fromkeys(uuids))
    owners = dict(Job.objects.filter(uuid__in=wanted).values_list("uuid", "owner"))
    for uuid in wanted:
        if uuid not in owners:
            raise NotKnown(f"there is no job {uuid}; p3s job list shows the latest")
        if owners[uuid] != who.name and not who.all_jobs:
            raise NotAllowed(f"job {uuid} belongs to {owners[uuid]}; only they or an operator can {act} it")
    return wanted


def _chosen(request: ManyRequest, who: Who) -> tuple[list[str], str | None]:
    """The newest first: those that were queued last are given up first. Only one's own, unless all may be changed."""
    names = ("jobtype", "owner", "name", "site", "host", "pilot", "stream", "run", "since", "until")
    choice = Choice(tuple(request.states), (), **{name: getattr(request, name) for name in names})
    if not who.all_jobs:
        if choice.owner not in ("", who.name):
            raise NotAllowed(f"jobs of {choice.owner} are theirs; only they or an operator can change them")
        choice = replace(choice, owner=who.name)
    numbers, following = listing.chosen(choice, MOST, int(request.after) if request.after else None)
    uuids = Job.objects.filter(id__in=numbers).order_by("-id").values_list("uuid", flat=True)
    return list(uuids), None if following is None else str(following)


def _still_out(jobs: list[str]) -> list[str]:
    out = Job.objects.filter(uuid__in=jobs, state__in=[str(state) for state in OUT_JOB_STATES])
    return list(out.values_list("uuid", flat=True))


def _portion(work: Work, *, act: str, jobs: list[str], request: ManyRequest, who: str) -> tuple[list[str], int, int]:
    """What was changed, how many of it run on, and how many it was too late for."""
    work.flush()
    past = waiting.past(jobs)
    done, running = [], 0
    for job in jobs:
        try:
            if job in past and _changed(work, act, job, past[job], request, who):
                done.append(job)
                running += job in work.desk.book.out
        except Conflict:
            continue
    return done, running, len(jobs) - len(done)


def _changed(work: Work, act: str, job: str, past: Past, request: ManyRequest, who: str) -> bool:
    """Raises Conflict when it is too late."""
    desk, before = work.desk, len(work.desk.effects)
    if act == "cancel":
        if past.state in FINAL_JOB_STATES:
            return False
        desk.cancel(job, past, who, request.why)
    elif isinstance(request, AdjustManyRequest):
        desk.adjust(job, past, request.priority or 0, who, request.why)
    elif act == "hold":
        desk.hold(job, past, who, request.why)
    else:
        desk.release(job, past, who, request.why)
    return len(desk.effects) > before
