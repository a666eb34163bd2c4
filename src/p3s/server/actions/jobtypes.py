"""List job types, with what is going on; set one."""

from dataclasses import asdict
from typing import Any

from p3s.domain.pausing import described, paused
from p3s.protocol.messages import JobTypeSpec

from .expects import forget_expected
from .work import Work


def list_jobtypes(work: Work) -> list[dict[str, Any]]:
    """Settings by name, with how many jobs are `out` and `waiting`, and who `paused` it why, or nothing."""
    book = work.desk.book
    return [
        {
            **plain(spec),
            "out": book.in_use[name],
            "paused": described(pause, work.now) if (pause := paused(book, name)) else "",
            "waiting": sum(head.waiting for head in book.queues.heads_of(name)),
        }
        for name, spec in sorted(book.types.items())
    ]


def plain(spec: JobTypeSpec) -> dict[str, Any]:
    """All its settings, as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(spec).items()}


def set_jobtype(work: Work, *, spec: JobTypeSpec, who: str) -> bool:
    """In force at once, for jobs that wait too where it is about handing out. False when nothing changed."""
    changed = work.desk.declare(spec, who)
    if changed:
        work.flush()
        forget_expected(work, spec.name, spec.expects)
    return changed
