"""A description becomes a job: what it leaves out comes from its type, durations become moments."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from p3s.domain.data.streams import input_environment
from p3s.domain.effects import ClassKey, JobAdded, Spec
from p3s.protocol.messages import ANYWHERE, JobSpec, JobTypeSpec, Needs
from p3s.protocol.states import JobState


def accept(id: int, uuid: str, spec: JobSpec, kind: JobTypeSpec, now: float, columns: Mapping[str, Any]) -> JobAdded:
    """The job as it is added. `columns` is what else is known of it: owner, dataset, stream, run, subrun, keys,
    rerun_of, stream_version, workflow; `followed` when something waits for its end, `same` when it supersedes others
    whatever its type says. ETA and stale-after count from `now`."""
    jobtype, priority, needs, time_limit = class_of(spec, kind)
    run, subrun, keys = columns.get("run"), columns.get("subrun"), columns.get("keys") or {}
    env = spec.env if kind.input_as == "path" else {"P3S_INPUT_AS": kind.input_as, **spec.env}
    how = env.get("P3S_INPUT_AS", "path")
    given = input_environment(spec.input, run, subrun, keys, how) if spec.input or run is not None or keys else {}
    eta = kind.eta if spec.eta is None else spec.eta
    stale_after = kind.stale_after if spec.stale_after is None else spec.stale_after
    return JobAdded(
        id,
        uuid,
        jobtype,
        priority,
        JobState.HELD if spec.hold else JobState.DEFINED,
        Spec(
            spec.payload,
            {**env, **given},
            time_limit,
            needs,
            now + eta if eta else None,
            now + stale_after if stale_after else None,
            now,
            bool(columns.get("followed")),
            columns.get("workflow") or "",
        ),
        now,
        {"name": spec.name, "input": spec.input, "env": env, **columns},
        columns.get("same") or (same_of(kind, run, subrun, keys) if kind.supersedes else ""),
    )


def alike(one: JobAdded, uuids: Iterable[str]) -> Iterator[JobAdded]:
    """More jobs of the same description; they share what is the same."""
    for place, uuid in enumerate(uuids, 1):
        yield JobAdded(
            one.id + place, uuid, one.jobtype, one.priority, one.state, one.spec, one.at, one.columns, one.same
        )


def class_of(spec: JobSpec, kind: JobTypeSpec) -> ClassKey:
    """The class of a described job."""
    return (
        spec.jobtype,
        kind.priority if spec.priority is None else spec.priority,
        ANYWHERE if spec.needs == ANYWHERE else in_order(spec.needs),
        kind.time_limit if spec.time_limit is None else spec.time_limit,
    )


def in_order(needs: Needs) -> Needs:
    """Equal needs are equal whatever the order of their tags."""
    return replace(needs, tags=tuple(sorted(set(needs.tags))))


def same_of(kind: JobTypeSpec, run: int | None, subrun: int | None, keys: Mapping[str, Any]) -> str:
    """Equal for jobs of the type of which the newest supersedes the others; "" when one of the keys is not there."""
    known = {**keys, "run": run, "subrun": subrun}
    values = [known.get(name) for name in kind.supersedes]
    if not values or None in values:
        return ""
    return hashlib.blake2b(json.dumps([kind.name, *values]).encode(), digest_size=16).hexdigest()
