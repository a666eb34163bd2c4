"""Pause a job type, or all of them; resume."""

from typing import Any

from p3s.domain.pausing import described

from .work import Work


def list_pauses(work: Work) -> list[dict[str, Any]]:
    """Pauses in force by job type; `since` is epoch seconds, `said` the whole in words."""
    return [
        {"jobtype": name, "why": one.why, "who": one.who, "since": one.at, "said": described(one, work.now)}
        for name, one in sorted(work.desk.book.pauses.items())
    ]


def pause(work: Work, *, jobtype: str, who: str, why: str) -> bool:
    """Hand out nothing of a type (`all`: of any); what runs goes on. False when it was so. Raises NotKnown."""
    work.topics.add("jobs")
    return work.desk.pause(jobtype, who, why)


def resume(work: Work, *, jobtype: str, who: str, why: str) -> bool:
    """End a pause. False when there is none by this name."""
    work.topics.add("jobs")
    return work.desk.resume(jobtype, who, why)
