"""The alarm about results that a job type expects and that do not come: one a job type and stream."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from p3s.domain.expected import named
from p3s.domain.silence import Alarm
from p3s.protocol.units import counted

KIND = "results"
MOST_RUNS = 5


@dataclass(frozen=True, slots=True)
class Culprit:
    """Jobs of one type, made by one stream ("": by people), have one cause when their results do not come."""

    jobtype: str
    stream: str = ""

    @property
    def cause(self) -> str:
        """What the alarm is named; long names are cut, and told apart all the same."""
        text = f"{KIND}: {self.jobtype}" + (f" of {self.stream}" if self.stream else "")
        if len(text) <= 120:
            return text
        return f"{text[:100]} {hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Lacking:
    """A finished job whose results did not come, or not all. `nothing`: none of them did."""

    id: int
    job: str
    run: int | None
    names: tuple[str, ...]
    nothing: bool


def alarm(culprit: Culprit, found: Lacking, before: dict[str, Any]) -> Alarm:
    """The alarm with one more job; `before` is the detail of the open one, if there is one."""
    runs = list(before.get("runs", []))
    if found.run is not None and found.run not in runs:
        runs = [*runs, found.run][-MOST_RUNS:]
    jobs = int(before.get("jobs", 0)) + 1
    detail = {
        "jobtype": culprit.jobtype,
        "stream": culprit.stream,
        "jobs": jobs,
        "runs": runs,
        "latest": found.job,
        "latest_id": max(found.id, int(before.get("latest_id", 0))),
        "missing": list(found.names),
    }
    did = "published nothing" if found.nothing else f"did not publish {named(found.names)}"
    count = counted(jobs, "job")
    whose = [f"of stream {culprit.stream}"] if culprit.stream else []
    whose += [f"of run{'s' if len(runs) > 1 else ''} {', '.join(map(str, runs))}"] if runs else []
    message = f"{culprit.jobtype} {did}: {' '.join([count, *whose])}, the latest {found.job}"
    return Alarm(culprit.cause, KIND, message, "bad" if found.nothing else "warning", detail)


def is_moot(detail: dict[str, Any], jobtype: str, expects: Collection[str]) -> bool:
    """Whether the alarm is of this type, and nothing of what it misses is expected any more."""
    return detail["jobtype"] == jobtype and not set(detail["missing"]) & set(expects)


def is_over(detail: dict[str, Any], id: int) -> bool:
    """Whether a job of this number that published all it should ends the alarm: it must be later than those that did
    not."""
    return id > int(detail.get("latest_id", 0))
