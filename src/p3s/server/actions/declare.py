"""Streams: declared by a file, changed live by people, back to what they were, forgotten. Every change is a version.

What people changed live stays when the file is declared again, or nobody could rely on it through a restart of the
watcher; whoever declares is told, and may force the file's own rule.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from p3s.domain import changes as rules
from p3s.domain.changes import Rule
from p3s.domain.effects import Noted
from p3s.protocol import data_bounds
from p3s.protocol.catalogue import Removed
from p3s.protocol.codec import from_object, to_object
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import BadInput, Conflict, NotKnown
from p3s.protocol.streams import RevertStreamRequest, SetStreamRequest, StreamChanged, StreamPaused
from p3s.server.data.models import Arrival, Stream, StreamVersion
from p3s.server.jobs.models import Job

from .gather import gather_anew
from .stream_workflow import doubts, misfit
from .work import Work


@dataclass(frozen=True)
class Declared:
    """The version in force, whether it is a new one, and what a person should know."""

    version: int
    changed: bool
    notes: list[str] = field(default_factory=list)


def declare(work: Work, *, spec: StreamSpec, owner: str, force: bool = False) -> Declared:
    """The rule as its file has it. The same again is no new version, and live changes are kept; of a file that was
    changed too, what it says otherwise than before wins. `force`: the rule is the file's, and nothing else."""
    work.flush()
    declared = _declare(work, spec, owner, force)
    in_force = from_object(StreamSpec, Stream.objects.get(name=spec.name).spec)
    return replace(declared, notes=declared.notes + doubts(in_force))


def _declare(work: Work, spec: StreamSpec, owner: str, force: bool) -> Declared:
    rule: Rule = to_object(spec)
    stream = Stream.objects.filter(name=spec.name).first()
    if stream is None:
        stream = Stream(name=spec.name, version=0, spec={}, declared={})
        return Declared(_next(work, stream, rule, "declared", owner, "", rule), True)
    live = rules.differences(stream.declared, stream.spec)
    if force or not live:
        after, notes = rule, list[str]()
    elif rule == stream.declared:
        return Declared(stream.version, False, [_kept(stream, [one.path for one in live])])
    else:
        after, notes = _merged(stream, rule)
    if after == stream.spec:
        if stream.declared != rule:
            stream.declared = rule
            stream.save()
        return Declared(stream.version, False, notes)
    return Declared(_next(work, stream, after, "declared", owner, "; ".join(notes), rule), True, notes)


def set_stream(work: Work, *, name: str, request: SetStreamRequest, who: str) -> StreamChanged:
    """Change a rule live, for files that come from now on. Raises NotKnown, or BadInput for what cannot be."""
    stream = found(work, name)
    after = rules.changed(stream.spec, request.changes, request.unset)
    return _changed(work, stream, after, "set", who, request.why, dry_run=request.dry_run)


def revert_stream(work: Work, *, name: str, request: RevertStreamRequest, who: str) -> StreamChanged:
    """Make a rule what it was. Raises NotKnown for a version that never was."""
    stream = found(work, name)
    if request.to is None:
        after, said = stream.declared, "to what was declared"
    else:
        version = StreamVersion.objects.filter(stream=stream, version=request.to).first()
        if version is None:
            raise NotKnown(f"stream {name} has no version {request.to}; p3s stream versions {name} lists them")
        after, said = version.spec, f"to version {request.to}"
    return _changed(work, stream, after, "reverted", who, f"{said}: {request.why}", dry_run=request.dry_run)


def pause_stream(work: Work, *, name: str, who: str, why: str) -> StreamPaused:
    """What comes from now on is counted and left out; jobs that were made go on. Of one that is paused another reason
    is kept, and none changes nothing. Raises NotKnown."""
    stream = found(work, name)
    if stream.paused_at is not None and why in ("", stream.paused_why):
        return StreamPaused(name, True, False)
    stream.paused_at = work.now if stream.paused_at is None else stream.paused_at
    stream.paused_by, stream.paused_why = who, why
    return _switched(work, stream, "paused", who, why)


def resume_stream(work: Work, *, name: str, who: str, why: str) -> StreamPaused:
    """What comes from now on is taken again. Raises NotKnown."""
    stream = found(work, name)
    if stream.paused_at is None:
        return StreamPaused(name, False, False)
    stream.paused_at, stream.paused_by, stream.paused_why = None, "", ""
    return _switched(work, stream, "resumed", who, why)


def forget_stream(work: Work, *, name: str, who: str, why: str, dry_run: bool) -> Removed:
    """One that was declared by mistake, with its versions. Raises NotKnown, or Conflict while files or jobs are of it:
    what became of every file must go on adding up."""
    stream = found(work, name)
    counted = (
        (Arrival.objects.filter(stream=stream).count(), "file"),
        (Job.objects.filter(stream=stream).count(), "job"),
    )
    if said := ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in counted if count):
        raise Conflict(f"stream {name} has {said}, and stays with them; p3s stream pause {name} stops it")
    if not dry_run:
        stream.delete()
        work.topics.add("datasets")
        work.desk.do([Noted("stream", name, "deleted", who, why, work.now)])
    return Removed(name, "a watcher that has it in its file declares it again when it starts")


def found(work: Work, name: str) -> Stream:
    """Raises NotKnown."""
    work.flush()
    stream = Stream.objects.filter(name=name).first()
    if stream is None:
        raise NotKnown(f"there is no stream {name[:80]}; p3s stream list shows them")
    return stream


def _switched(work: Work, stream: Stream, what: str, who: str, why: str) -> StreamPaused:
    stream.save()
    work.topics.add("datasets")
    work.desk.do([Noted("stream", stream.name, what, who, why, work.now)])
    return StreamPaused(stream.name, stream.paused_at is not None, True)


def _changed(work: Work, stream: Stream, after: Rule, what: str, who: str, why: str, *, dry_run: bool) -> StreamChanged:
    spec = from_object(StreamSpec, after)
    data_bounds.check_stream(spec)
    different = rules.differences(stream.spec, after)
    if not different:
        return StreamChanged(stream.name, stream.version, [], ["it is so already"])
    if any(one.path.partition(".")[0] in ("workflow", "parameters") for one in different) and (wrong := misfit(spec)):
        raise BadInput(wrong)
    notes = doubts(spec)
    if dry_run:
        return StreamChanged(stream.name, stream.version, different, notes)
    return StreamChanged(stream.name, _next(work, stream, after, what, who, why), different, notes)


def _next(
    work: Work, stream: Stream, rule: Rule, what: str, who: str, why: str, declared: dict[str, Any] | None = None
) -> int:
    """The stream's next version, in force and on the record."""
    different = rules.said(rules.differences(stream.spec, rule)) if stream.version else ""
    before, stream.version = stream.spec, stream.version + 1
    stream.spec, stream.owner, stream.updated_at = rule, who, work.now
    if declared is not None:
        stream.declared = declared
    stream.save()
    StreamVersion.objects.create(
        stream=stream, version=stream.version, spec=rule, what=what, owner=who, why=why, at=work.now
    )
    text = "; ".join(part for part in (f"version {stream.version}", different, why) if part)
    work.topics.add("datasets")
    work.desk.do([Noted("stream", stream.name, what, who, text, work.now)])
    gather_anew(work, stream, before)
    return stream.version


def _merged(stream: Stream, rule: Rule) -> tuple[Rule, list[str]]:
    """The file's new rule with what was changed live; without that where the two do not go together."""
    live = [one.path for one in rules.differences(stream.declared, stream.spec)]
    try:
        after, lost = rules.merged(stream.declared, stream.spec, rule)
        data_bounds.check_stream(from_object(StreamSpec, after))
    except BadInput:
        after, lost = rule, live
    kept = [path for path in live if path not in lost]
    notes = [_kept(stream, kept)] if kept else []
    if lost:
        notes.append(f"the file changed what was changed live, and holds: {', '.join(lost)}")
    return after, notes


def _kept(stream: Stream, paths: list[str]) -> str:
    return (
        f"live changes of version {stream.version} are kept: {', '.join(paths)}"
        f" (p3s stream revert {stream.name}, or declaring with --force, drops them)"
    )
