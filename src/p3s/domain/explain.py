"""Why a job is not running, from the same predicates by which brokerage decides."""

from collections.abc import Iterator, Sequence

from p3s.domain.book import Book
from p3s.domain.brokerage import fitting, length_s, may_go, under_cap
from p3s.domain.effects import ClassKey, Queued
from p3s.domain.exchange import Past
from p3s.domain.needs import REQUIREMENTS, has_room, suits
from p3s.domain.pausing import described, paused
from p3s.domain.pool import PilotEntry
from p3s.domain.queue import PLACES
from p3s.domain.silence import silence_s
from p3s.protocol.messages import Needs
from p3s.protocol.states import FINAL_JOB_STATES, JobState, PilotState
from p3s.protocol.units import counted

NOBODY_HAS_ALL = "no pilot has all that it needs"

MOST_LINES = 5
"""Of a kind, so many are named one by one."""


def pilots_now(book: Book, key: ClassKey, now: float) -> int:
    """How many pilots could be given a job of this class at this moment."""
    if not may_go(book, key[0]):
        return 0
    fits = fitting(book, key, now)
    return sum(len(group) for room, group in book.ready.groups.items() if fits(room))


def explain(book: Book, job: str, past: Past, said: str, now: float, waits: Sequence[str] = ()) -> list[str]:
    """Lines for a person. `said`: what the journal has last of the job, like "held by ana: to look"; `waits`: what
    one that waits in a workflow waits for."""
    out = book.out.get(job)
    if out is not None:
        entry = book.pilots[out.pilot]
        doing = "runs on" if out.state is JobState.RUNNING else "was given to"
        lines = [f"{doing} pilot {out.pilot} on {entry.host}, attempt {out.attempt}", *_silence(book, entry, now)]
        return [*lines, f"cancelled by {out.cancelled_by}: its pilot is told to end it"] if out.cancelled_by else lines
    if past.state in FINAL_JOB_STATES:
        return [f"it has ended: {past.state}", *([said] if said else [])]
    if past.state is JobState.HELD:
        return [said or "held", "release it: p3s job release"]
    if past.state is not JobState.DEFINED or past.queued is None:
        return [*waits, *([said] if said else [])]
    return [*in_the_way(book, past.queued.key, now), *_line(book, past.queued), *_deadlines(past.queued, now)]


def in_the_way(book: Book, key: ClassKey, now: float) -> list[str]:
    """What keeps jobs of a class from going out now, whatever else waits."""
    jobtype, _, needs, _ = key
    pause = paused(book, jobtype)
    lines = [described(pause, now)] if pause else []
    kind = book.kind(jobtype)
    if not under_cap(book, jobtype):
        used = f"{book.in_use[jobtype]} of {kind.cap} in use"
        lines.append(f"cap of {jobtype}: {used}" if kind.cap else f"cap of {jobtype} is 0: nothing of it is handed out")
    active = _active(book)
    if not active:
        return [*lines, "no pilot is in service"]
    met = [(one.words(needs), sum(one.met(needs, entry.offer) for entry in active)) for one in REQUIREMENTS]
    for words, having in met:
        if words and having < len(active):
            lines.append(_counted(words, having, active))
    able = [entry for entry in active if suits(needs, entry.offer)]
    if not able:
        return lines if any(not having for _, having in met) else [*lines, NOBODY_HAS_ALL]
    return [*lines, *_of_the_able(book, key, able, now)]


def lacking(book: Book, needs: Needs) -> list[str]:
    """What no pilot in service has of these needs: jobs that are queued later will wait for it. Nothing where one
    has all, or where none is in service."""
    active = _active(book)
    if any(suits(needs, entry.offer) for entry in active) or not active:
        return []
    lines = [
        _counted(one.words(needs), 0, active)
        for one in REQUIREMENTS
        if one.words(needs) and not any(one.met(needs, entry.offer) for entry in active)
    ]
    return lines or [NOBODY_HAS_ALL]


def _active(book: Book) -> list[PilotEntry]:
    return [entry for entry in book.pilots.values() if entry.state is PilotState.ACTIVE]


def _counted(words: str, having: int, active: list[PilotEntry]) -> str:
    return f"{words}: {having} of {len(active)} pilots have {'it' if having == 1 else 'that'}"


def _of_the_able(book: Book, key: ClassKey, able: list[PilotEntry], now: float) -> Iterator[str]:
    """Why pilots that have what the job needs do not take it now."""
    fits = fitting(book, key, now)
    if any(entry.pool is book.ready and entry.room is not None and fits(entry.room) for entry in able):
        return
    yield from _doubts(book, key[0], able, now)
    short = sum(now + length_s(book, key) >= entry.until for entry in able)
    if short:
        yield f"too long for what is left of {short} of the {len(able)} pilots that could run it"
    full = sum(not entry.spare for entry in able)
    if full:
        yield f"{full} of the {len(able)} pilots that could run it {'is' if full == 1 else 'are'} full"
    narrow = sum(entry.room is not None and entry.spare and not has_room(key[2], entry.room) for entry in able)
    if narrow:
        yield f"{narrow} with a free slot have too little of what it needs left"
    quiet = [line for entry in able for line in _silence(book, entry, now)]
    yield from quiet[:MOST_LINES]
    away = sum(entry.lane is None and entry.spare and not _silence(book, entry, now) for entry in able)
    if away:
        yield f"{away} of the {len(able)} pilots that could run it {'is' if away == 1 else 'are'} between two exchanges"


def _doubts(book: Book, jobtype: str, able: list[PilotEntry], now: float) -> Iterator[str]:
    hosts = sorted({entry.host for entry in able})
    doubted = [
        (name, doubt)
        for name in hosts
        for doubt in book.hosts.host(name).doubts.values()
        if doubt.jobtype in ("", jobtype)
    ]
    for name, doubt in doubted[:MOST_LINES]:
        what = "is suspect" if not doubt.jobtype else f"gets no {jobtype}"
        yield f"host {name} {what}: {doubt.why}; tried again in {max(doubt.probe_at - now, 0):.0f} s"
    if len(doubted) > MOST_LINES:
        yield f"and {len(doubted) - MOST_LINES} hosts more are doubted: p3s pilot hosts"


def _silence(book: Book, entry: PilotEntry, now: float) -> list[str]:
    silent_s = silence_s(book, entry, now)
    return [] if silent_s is None else [f"pilot {entry.pilot} on {entry.host} silent {silent_s:.0f} s"]


def _line(book: Book, job: Queued) -> list[str]:
    """How many jobs go before it."""
    before = book.queues.waiting_above(job.priority)
    head = book.queues.heads.get(job.key)
    beyond = ""
    if head is not None:
        place = PLACES[head.pick](job)
        before += sum(PLACES[head.pick](other) < place for other in head.jobs.values())
        beyond = "at least " if head.bound is not None and place >= head.bound else ""
    return [f"{beyond}{counted(before, 'job')} before it"] if before or beyond else []


def _deadlines(job: Queued, now: float) -> Iterator[str]:
    for name, moment in (("ETA", job.spec.eta_at), ("stale", job.spec.stale_at)):
        if moment is not None:
            late_s = now - moment
            yield f"{name} {f'{late_s:.0f} s ago' if late_s > 0 else f'in {-late_s:.0f} s'}"
