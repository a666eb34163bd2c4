"""Declare a stream: a new one, or a new version of a known one."""

from p3s.protocol.codec import to_object
from p3s.protocol.data import StreamSpec
from p3s.server.data.models import Stream, StreamVersion
from p3s.server.journal.models import Event

from .work import Work


def declare(work: Work, *, spec: StreamSpec, owner: str) -> int:
    """Returns the version in force; the same rule again is not a new one."""
    rule = to_object(spec)
    stream = Stream.objects.filter(name=spec.name).first()
    if stream is None:
        stream = Stream(name=spec.name, version=0)
    elif stream.spec == rule:
        return stream.version
    stream.version += 1
    stream.spec, stream.declared, stream.owner, stream.updated_at = rule, rule, owner, work.now
    stream.save()
    StreamVersion.objects.create(
        stream=stream, version=stream.version, spec=rule, what="declared", owner=owner, at=work.now
    )
    why = f"version {stream.version}"
    Event.objects.create(at=work.now, kind="stream", object_id=spec.name, what="declared", who=owner, why=why)
    return stream.version
