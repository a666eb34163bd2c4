"""Runs of the experiment: opened by a person or by their first file, ended and forgotten by a person."""

from collections.abc import Iterable

from p3s.domain.effects import Noted
from p3s.protocol.catalogue import Removed, RunChange, RunChanged, RunEnd, RunStart
from p3s.protocol.errors import BadInput, Conflict, NotKnown
from p3s.server.data.models import Dataset, Run
from p3s.server.data.runs import near
from p3s.server.jobs.models import Job
from p3s.server.results.models import Result

from .expects import forget_results
from .gather import gather_rest
from .work import Work


def ensure_runs(work: Work, numbers: Iterable[int | None], owner: str) -> None:
    """Files of them came: open those that are not known; one that has ended stays so. What was decided so far is
    written."""
    wanted = {number for number in numbers if number is not None}
    if not wanted:
        return
    known = set(Run.objects.filter(number__in=wanted).values_list("number", flat=True))
    new = [Run(number=number, started_at=work.now, owner=owner) for number in sorted(wanted - known)]
    if new:
        Run.objects.bulk_create(new)
        work.topics.add("datasets")


def start_run(work: Work, *, number: int, request: RunStart, who: str) -> RunChanged:
    """What an open run lacks is filled in, so that it matters not whether its first file comes before. Raises Conflict
    for one that has ended, unless it is to be reopened."""
    work.flush()
    row = Run.objects.filter(number=number).first()
    if row is not None and row.ended_at is not None and not request.reopen:
        raise Conflict(f"run {number} has ended; --reopen takes its end back")
    if row is None:
        row = Run(number=number, type=request.type, comment=request.comment, started_at=work.now, owner=who)
        what = "started"
    elif row.ended_at is not None:
        row.ended_at, what = None, "reopened"
        _fill(row, request)
    else:
        what = "set" if _fill(row, request) else ""
    if what:
        row.save()
        _note(work, number, what, who, ", ".join(word for word in (request.type, request.comment, request.why) if word))
    ended = _end_others(work, number, who) if request.end_others else []
    return RunChanged(number, True, bool(what), _started(row, request, what), ended)


def _fill(row: Run, request: RunStart) -> bool:
    """What it has stays."""
    lacking = {name: getattr(request, name) for name in ("type", "comment") if not getattr(row, name)}
    for name, value in lacking.items():
        setattr(row, name, value)
    return any(lacking.values())


def _started(row: Run, request: RunStart, what: str) -> str:
    kept = [
        f"its {name} stays {getattr(row, name)!r}"
        for name in ("type", "comment")
        if getattr(request, name) not in ("", getattr(row, name))
    ]
    said = {"": "it is open already", "set": "it was open already: what it lacked is filled in"}.get(what, what)
    return said + (f"; {', '.join(kept)} (p3s run adjust {row.number} changes it)" if kept else "")


def _end_others(work: Work, number: int, who: str) -> list[int]:
    others = list(Run.objects.filter(ended_at=None).exclude(number=number).order_by("number"))
    for other in others:
        _end(work, other, who, f"run {number} started")
    return [other.number for other in others]


def end_run(work: Work, *, number: int, request: RunEnd, who: str) -> RunChanged:
    """A second time it says so and changes nothing. Raises NotKnown."""
    work.flush()
    row = _known(number)
    if row.ended_at is not None:
        return RunChanged(number, False, False, "it had ended already")
    row.comment = "\n".join(text for text in (row.comment, request.comment) if text)[:2_000]
    _end(work, row, who, request.why or request.comment)
    return RunChanged(number, False, True, "ended", [number])


def _end(work: Work, row: Run, who: str, why: str) -> None:
    row.ended_at = work.now
    row.save()
    _note(work, row.number, "ended", who, why)
    gather_rest(work, row.number)
    forget_results(work, row.number)


def adjust_run(work: Work, *, number: int, request: RunChange, who: str) -> RunChanged:
    """What is so already is no request. Raises Conflict for the end of a run that is open."""
    work.flush()
    row = _known(number)
    if request.ended_at is not None and row.ended_at is None:
        raise Conflict(f"run {number} is open; p3s run end {number} ends it")
    said = []
    for name in ("type", "comment", "started_at", "ended_at"):
        value, before = getattr(request, name), getattr(row, name)
        if value is not None and value != before:
            setattr(row, name, value)
            said.append(f"{name} {before or 'nothing'} -> {value or 'nothing'}")
    if row.ended_at is not None and row.ended_at < row.started_at:
        raise BadInput("ended_at: lies before started_at; a run ends after it has started")
    if said:
        row.save()
        _note(work, number, "adjusted", who, "; ".join(said) + (f": {request.why}" if request.why else ""))
    return RunChanged(number, row.ended_at is None, bool(said), "; ".join(said) or "it is so already")


def forget_run(work: Work, *, number: int, why: str, dry_run: bool, who: str) -> Removed:
    """One that was started by mistake. Raises Conflict while something is of it: its first file would open it again."""
    work.flush()
    row = _known(number)
    of_it = ((Dataset, "file"), (Job, "job"), (Result, "result"))
    counted = [(table.objects.filter(run=number).count(), word) for table, word in of_it]
    if any(count for count, _ in counted):
        said = ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in counted if count)
        raise Conflict(f"run {number} has {said}, and stays with them; p3s run end {number} says that it is over")
    if not dry_run:
        forget_results(work, number)
        row.delete()
        _note(work, number, "deleted", who, why)
    return Removed(str(number), "")


def _known(number: int) -> Run:
    row = Run.objects.filter(number=number).first()
    if row is None:
        raise NotKnown(no_run(number))
    return row


def no_run(number: int) -> str:
    """The refusal of a run that is none, with what there is near it."""
    others = ", ".join(str(other) for other in near(number))
    hint = f"near it there are {others}" if others else f"p3s run start {number} makes it"
    return f"there is no run {number}; {hint}"


def _note(work: Work, number: int, what: str, who: str, why: str) -> None:
    work.desk.do([Noted("run", str(number), what, who, why, work.now)])
    work.topics.add("datasets")
