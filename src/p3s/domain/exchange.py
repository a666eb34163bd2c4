"""What a pilot says, and what follows: book + message -> effects, pure.

The order lane has one exchange at a time, by a growing `seq`; orders and instructions share one growing number per
pilot and go again, unchanged, until a later exchange confirms them by `acked`. The report lane only brings reports.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from p3s.domain.book import Book
from p3s.domain.effects import (
    SYSTEM,
    Effect,
    JobEnded,
    JobReturned,
    JobStarted,
    LaneAnswered,
    Noted,
    PilotMoved,
    Queued,
)
from p3s.domain.expected import judged
from p3s.domain.pool import Out, PilotEntry
from p3s.domain.retries import end_or_again
from p3s.protocol.errors import Conflict, Gone
from p3s.protocol.messages import ExchangeRequest, Instruction, Order, Report, Verdict
from p3s.protocol.states import JobState, PilotState, Reason

TokenOf = Callable[[str, int], str]
"""Makes the token of a job's attempt; the server's is an HMAC."""

APPLIED, REPEATED, REFUSED = "applied", "repeated", "refused"

#: What a pilot may say of an attempt; `refused` means that it did not start it.
REPORTABLE = frozenset({"running", "finished", "failed", "cancelled", "lost", "refused"})


@dataclass(frozen=True, slots=True)
class Past:
    """A job that no pilot holds, as the database has it: needed when a report or a person names it.

    `rerun`: another job was made to do its work. `queued`: what brokerage knows of it, when it has not ended.
    """

    id: int
    state: JobState
    attempt: int
    pilot: str
    started_at: float | None
    rerun: bool = False
    queued: Queued | None = None
    #: When it was handed out last, or its process started: nothing that is reported of it may have been before.
    since: float = 0.0
    #: Something waits for its end.
    followed: bool = False
    #: Of which it is a node, and why a late report may change nothing there.
    workflow: str = ""
    concluded: str = ""
    jobtype: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of reported jobs.

    `past`: those that are not in the book. `published`: of (job, attempt) whose type expects results (`expects`) and
    that are reported finished, what was published, as `category` and `category/item`.
    """

    past: Mapping[str, Past] = field(default_factory=dict)
    published: Mapping[tuple[str, int], Collection[str]] = field(default_factory=dict)


NOTHING = Known()


def expects(book: Book, report: Report, past: Mapping[str, Past]) -> tuple[str, ...]:
    """What the reported attempt should have published, if it has ended well."""
    if report.state != "finished":
        return ()
    out = book.out.get(report.job)
    if out is not None:
        return book.kind(out.jobtype).expects
    return book.kind(past[report.job].jobtype).expects if report.job in past else ()


def judge_report(book: Book, pilot: str, report: Report, known: Known, now: float) -> tuple[list[Effect], Verdict]:
    """What one report changes, and what the pilot is told of it."""
    out = book.out.get(report.job)
    if report.state not in REPORTABLE:
        return [], _verdict(report, REFUSED, f"no pilot reports the state {report.state!r}")
    if out is None:
        return _judge_late(book, pilot, report, known, now)
    if out.pilot != pilot or out.attempt != report.attempt:
        return _refuse(report, pilot, now, f"attempt {out.attempt} is in force, with pilot {out.pilot}")
    if report.state == "running":
        if out.state is JobState.RUNNING:
            return [], _verdict(report, REPEATED)
        return [JobStarted(out.id, out.job, out.attempt, _moment(report.started_ago_s, out.since, now))], _verdict(
            report, APPLIED
        )
    if report.state == "refused":
        return _returned(out, report, now)
    ended = _ended(out, JobState(report.state), report, now)
    if ended.after is JobState.FINISHED:
        return judged(
            ended, expects(book, report, {}), known.published.get((report.job, report.attempt), ()), now
        ), _verdict(report, APPLIED)
    return end_or_again(book, out, ended, now), _verdict(report, APPLIED)


def _returned(out: Out, report: Report, now: float) -> tuple[list[Effect], Verdict]:
    """A refused order was never started: the job is queued again, or ends if a person wanted it gone."""
    if out.state is JobState.RUNNING:
        return [], _verdict(report, REFUSED, "it was reported running before")
    if out.cancelled_by:
        return [_ended(out, JobState.CANCELLED, report, now)], _verdict(report, APPLIED)
    why = report.detail or "refused by the pilot"
    noted = Noted("job", out.job, "order refused", out.pilot, why, now)
    return [JobReturned(out.id, out.job, out.attempt, why, now), noted], _verdict(report, APPLIED)


def _judge_late(book: Book, pilot: str, report: Report, known: Known, now: float) -> tuple[list[Effect], Verdict]:
    """A report of a job that no pilot holds: repeated, the one amendment, or refused and recorded."""
    past = known.past.get(report.job)
    if past is None:
        return [], _verdict(report, REFUSED, "the server knows no such job")
    if not past.pilot and past.attempt == report.attempt:  # this very attempt was returned
        if report.state == "refused":
            return [], _verdict(report, REPEATED)
        return _refuse(report, pilot, now, f"attempt {past.attempt} was given up; the job is {past.state} since")
    if past.pilot != pilot or past.attempt != report.attempt:
        return _refuse(report, pilot, now, f"attempt {past.attempt} of pilot {past.pilot or 'none'} is the last")
    if past.state is not JobState.LOST or report.state in ("running", "refused", "cancelled", "lost"):
        return [], _verdict(report, REPEATED)
    if past.rerun:
        return _refuse(report, pilot, now, "the job was run again since it was lost")
    if past.concluded:
        return _refuse(report, pilot, now, past.concluded)
    after = JobState(report.state)
    ended = JobEnded(
        past.id,
        report.job,
        report.attempt,
        JobState.LOST,
        after,
        Reason.LATE,
        _moment(report.ended_ago_s, past.since, now),
        past.started_at or _moment(report.started_ago_s, past.since, now),
        report,
        followed=past.followed,
        workflow=past.workflow,
    )
    noted = Noted("job", report.job, "amended", pilot, f"late report: lost became {after}", now)
    wanted = expects(book, report, known.past)
    return [*judged(ended, wanted, known.published.get((report.job, report.attempt), ()), now), noted], _verdict(
        report, APPLIED
    )


def _refuse(report: Report, pilot: str, now: float, why: str) -> tuple[list[Effect], Verdict]:
    text = f"report of attempt {report.attempt} as {report.state} refused: {why}"
    return [Noted("job", report.job, "report refused", pilot, text, now)], _verdict(report, REFUSED, why)


def _verdict(report: Report, verdict: str, why: str = "") -> Verdict:
    return Verdict(report.job, report.attempt, verdict, why)


def _ended(out: Out, after: JobState, report: Report, now: float) -> JobEnded:
    ended_at = _moment(report.ended_ago_s, out.since, now)
    started_at = None
    if report.started_ago_s is not None and out.state is JobState.DISPATCHED:
        started_at = min(_moment(report.started_ago_s, out.since, now), ended_at)
    what = (out.id, out.job, out.attempt, out.state, after, report.reason, ended_at, started_at, report)
    return JobEnded(*what, followed=out.spec.followed, workflow=out.spec.workflow)


def _moment(ago_s: float | None, since: float, now: float) -> float:
    """When something was by the server's clock, by what a pilot measured; its clock may be off by anything."""
    return min(now, max(since, now - (ago_s or 0.0)))


def check_lane(book: Book, pilot: str, seq: int) -> PilotEntry:
    """The entry of a pilot that may open its order lane with this `seq`; raises Gone or Conflict."""
    entry = book.alive(pilot)
    if entry is None:
        raise Gone(
            f"pilot {pilot} is not in service: it was stopped, or given up after its lease; "
            "end what it runs, deliver its reports, and register anew"
        )
    if seq <= entry.seq:
        raise Conflict(f"order-lane exchange {seq} is not above {entry.seq}; only a later one is heard")
    return entry


def end_older_wait(entry: PilotEntry) -> list[Effect]:
    """A higher `seq` ends the wait of the one before it, with nothing in it."""
    if entry.lane is None:
        return []
    return [LaneAnswered(entry.pilot, entry.lane, entry.acked, [], [])]


def reconcile(book: Book, entry: PilotEntry, message: ExchangeRequest, now: float) -> list[Effect]:
    """Compare what the pilot holds with what it confirmed by the book; what it lacks is lost."""
    if message.holding is None:
        return []
    held = {(one.job, one.attempt) for one in message.holding}
    effects: list[Effect] = []
    for out in entry.out.values():
        if out.number <= message.acked and (out.job, out.attempt) not in held:
            effects += _lost(book, out, Reason.NOT_HELD, now)
    return effects


def _lost(book: Book, out: Out, reason: Reason, now: float) -> list[Effect]:
    what = (out.id, out.job, out.attempt, out.state, JobState.LOST, reason, now)
    ended = JobEnded(*what, followed=out.spec.followed, workflow=out.spec.workflow)
    return end_or_again(book, out, ended, now)


def strangers(entry: PilotEntry, message: ExchangeRequest) -> list[Instruction]:
    """Kill instructions, outside the numbering, for attempts the pilot holds and should not by the book."""
    out = entry.out
    return [
        Instruction(0, "kill", "the server gave this attempt up", one.job, one.attempt)
        for one in message.holding or []
        if one.job not in out or out[one.job].attempt != one.attempt
    ]


def due(entry: PilotEntry, token_of: TokenOf) -> tuple[list[Order], list[Instruction]]:
    """Orders and instructions above what the pilot confirmed, by number."""
    orders, instructions = [], []
    for out in entry.out.values():
        if out.number > entry.acked:
            orders.append(
                Order(
                    out.number,
                    out.job,
                    out.attempt,
                    out.spec.payload,
                    token_of(out.job, out.attempt),
                    out.spec.env,
                    out.spec.time_limit,
                )
            )
        if (out.kill_number or 0) > entry.acked:
            number = out.kill_number or 0
            instructions.append(Instruction(number, "kill", f"cancelled by {out.cancelled_by}", out.job, out.attempt))
    if (entry.instruction_number or 0) > entry.acked:
        instructions.append(Instruction(entry.instruction_number or 0, entry.instruction, entry.instruction_why))
    return sorted(orders, key=_number), sorted(instructions, key=_number)


def _number(one: Order | Instruction) -> int:
    return one.number


def answer(entry: PilotEntry, token_of: TokenOf) -> list[Effect]:
    """Answer a pilot's open lane with everything it has not confirmed; nothing to say keeps it open."""
    if entry.lane is None:
        return []
    orders, instructions = due(entry, token_of)
    instructions = entry.strangers + instructions
    if not orders and not instructions and not entry.verdicts:
        return []
    return [LaneAnswered(entry.pilot, entry.lane, entry.acked, orders, instructions, entry.verdicts)]


def _let_go(book: Book, entry: PilotEntry, out: Out, after: PilotState, reason: Reason, now: float) -> list[Effect]:
    """What a pilot held when it ended. An order that it never confirmed before its goodbye was never started."""
    unseen = after is PilotState.STOPPED and out.number > entry.acked and not out.cancelled_by
    if unseen and out.state is JobState.DISPATCHED:
        return [JobReturned(out.id, out.job, out.attempt, "its pilot ended before it had the order", now)]
    return _lost(book, out, reason, now)


def end_pilot(
    book: Book, entry: PilotEntry, after: PilotState, pilot_reason: str, job_reason: Reason, now: float
) -> list[Effect]:
    """A pilot ends: what it held is lost or tried again, then it is stopped or lost itself, and its open wait ends."""
    effects: list[Effect] = []
    for out in entry.out.values():
        effects += _let_go(book, entry, out, after, job_reason, now)
    effects += end_older_wait(entry)
    if after is PilotState.LOST:
        effects.append(Noted("pilot", entry.pilot, "lost", SYSTEM, pilot_reason, now))
    effects.append(PilotMoved(entry.pilot, entry.state, after, pilot_reason, now, entry.last_seen))
    return effects
