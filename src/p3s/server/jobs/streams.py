"""What pages and cold API routes read about streams, and how many of their jobs wait."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Count

from p3s.domain.changes import differences
from p3s.protocol.streams import StreamDetail, StreamRow, StreamVersionRow
from p3s.server.data.models import Stream, StreamVersion

from .models import Job


def page(limit: int, after: str = "") -> list[StreamRow]:
    """By name; `after`: the last one seen."""
    streams = list(Stream.objects.filter(name__gt=after).order_by("name")[:limit])
    waiting = _waiting([stream.name for stream in streams])
    return [_row(stream, waiting) for stream in streams]


def find(name: str) -> StreamDetail | None:
    """All of it."""
    stream = Stream.objects.filter(name=name).first()
    if stream is None:
        return None
    changes = _changes(stream.declared, stream.spec)
    return {**_row(stream, _waiting([name])), "spec": stream.spec, "changes": changes}


def versions(name: str, limit: int, before: int | None = None) -> list[StreamVersionRow]:
    """The newest first; `before`: the last one seen. Each with what it differs in from the one before it."""
    rows = StreamVersion.objects.filter(stream=name).order_by("-version")
    found = list((rows if before is None else rows.filter(version__lt=before))[: limit + 1])
    specs = {row.version: row.spec for row in found}
    return [
        {
            "version": row.version,
            "what": row.what,
            "owner": row.owner,
            "why": row.why,
            "at": row.at,
            "spec": row.spec,
            "changes": _changes(specs[row.version - 1], row.spec) if row.version - 1 in specs else [],
        }
        for row in found[:limit]
    ]


def _row(stream: Stream, waiting: dict[str, dict[str, int]]) -> StreamRow:
    return {
        "name": stream.name,
        "version": stream.version,
        "files": stream.spec.get("files", ""),
        "jobtypes": list(stream.spec.get("jobs", {})),
        "workflow": stream.spec.get("workflow", ""),
        "owner": stream.owner,
        "updated_at": stream.updated_at,
        "paused_at": stream.paused_at,
        "paused_by": stream.paused_by,
        "paused_why": stream.paused_why,
        "live": len(differences(stream.declared, stream.spec)),
        "waiting": waiting.get(stream.name, {}),
    }


def _waiting(names: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    jobs = Job.objects.filter(state="defined", stream__isnull=False, stream__in=names).order_by()
    for stream, jobtype, count in jobs.values_list("stream", "jobtype").annotate(count=Count("id")):
        found[str(stream)][str(jobtype)] = count
    return found


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"path": one.path, "before": one.before, "after": one.after} for one in differences(before, after)]
