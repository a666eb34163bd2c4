"""Gatherings: the results of many jobs of a stream, taken together by one job. When it is due, and which job it is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from p3s.protocol.data import Gather, StreamSpec
from p3s.protocol.messages import JobSpec

NEVER = float("inf")

WITHIN_RUNS = ("run", "subrun")
"""What may be gathered by besides keys, which count over all runs."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of what a gathering goes by, and what its job has of it. Runs and subruns are the experiment's own
    numbers, and a subrun counts within its run; a key counts over all runs."""

    text: str
    run: int | None = None
    subrun: int | None = None
    key: tuple[str, int | str] | None = None

    @property
    def keys(self) -> dict[str, int | str]:
        """As a job has them."""
        return dict([self.key]) if self.key else {}


def value_of(by: str, run: int | None, subrun: int | None, keys: Mapping[str, Any]) -> Value | None:
    """The value that a job of this numbering belongs to; None: it has none, and is not gathered."""
    if by == "run":
        return None if run is None else Value(str(run), run)
    if by == "subrun":
        return None if run is None or subrun is None else Value(f"{run}/{subrun}", run, subrun)
    found = keys.get(by)
    return None if found is None else Value(str(found)[:200], key=(by, found))


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a gathering has come: results not yet gathered, `since` when there are any. `run_over`: its run has ended
    and no job of it goes on."""

    pending: int
    since: float | None
    run_over: bool = False


def due(rule: Gather, standing: Standing, now: float) -> bool:
    """Whether it is time to gather. Nothing new is never gathered again."""
    if not standing.pending:
        return False
    many = 0 < rule.every <= standing.pending
    return many or due_at(rule, standing) <= now or (rule.at_run_end and standing.run_over)


def due_at(rule: Gather, standing: Standing) -> float:
    """When it is time by the clock alone; NEVER: not by the clock."""
    if not (rule.or_after and standing.pending and standing.since is not None):
        return NEVER
    return standing.since + rule.or_after


def job_of(stream: StreamSpec, name: str, value: Value) -> JobSpec:
    """The job that gathers. It has no input of its own: what it gathers, it asks for when it runs."""
    rule = stream.gather[name]
    return JobSpec(
        payload=rule.payload,
        name=f"{stream.name} {name} {rule.by} {value.text}"[:200],
        jobtype=name,
        env={**stream.env, **rule.env},
        priority=rule.priority,
        time_limit=rule.time_limit,
        needs=rule.needs,
    )


def same_of(stream: str, name: str, value: str) -> str:
    """Equal for the jobs of which the newest has what the others have, and more."""
    text = json.dumps(["gather", stream, name, value])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
