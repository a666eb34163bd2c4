"""The words and the four colours in which people see states: done, busy, left out on purpose, went wrong.

`warning` and `plain` (nothing to judge) are added for results. Never colour alone: every mark has a shape and a word.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from p3s.domain.data.coverage import worst
from p3s.domain.data.datasets import PROCESSING, processing
from p3s.protocol.states import Reason
from p3s.server.data.reads import DatasetRow
from p3s.server.jobs.reads import JobRow
from p3s.server.pilots.reads import PilotRow

Group = Literal["done", "busy", "left", "wrong", "warning", "plain"]
GROUPS: Final[tuple[Group, ...]] = ("busy", "done", "left", "wrong")
GROUP_WORDS: Final[Mapping[Group, str]] = {
    "busy": "busy",
    "done": "done",
    "left": "left out on purpose",
    "wrong": "went wrong",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as shown: a colour group, a word, and the moment from which an age is counted, if any."""

    group: Group
    word: str
    since: float | None = None


JOB_STATES: Final[Mapping[str, Mark]] = {
    "held": Mark("busy", "held"),
    "waiting": Mark("busy", "waiting for input"),
    "defined": Mark("busy", "queued"),
    "dispatched": Mark("busy", "dispatched"),
    "running": Mark("busy", "running"),
    "finished": Mark("done", "finished"),
    "dropped": Mark("left", "dropped"),
    "cancelled": Mark("left", "cancelled"),
    "skipped": Mark("left", "skipped"),
    "failed": Mark("wrong", "failed"),
    "lost": Mark("wrong", "lost"),
}

WORKFLOW_STATES: Final[Mapping[str, Mark]] = {
    "held": Mark("busy", "held"),
    "defined": Mark("busy", "not begun"),
    "running": Mark("busy", "running"),
    "finished": Mark("done", "finished"),
    "cancelled": Mark("left", "cancelled"),
    "failed": Mark("wrong", "failed"),
}

STATUSES: Final[Mapping[str, Mark]] = {
    "none": Mark("plain", "not judged"),
    "good": Mark("done", "good"),
    "warning": Mark("warning", "warning"),
    "bad": Mark("wrong", "bad"),
}
_FROM_BEST: Final = list(STATUSES)


LACKING: Final = frozenset({Reason.PUBLISHED_NOTHING.value, Reason.RESULTS_MISSING.value})


def job_mark(state: str, reason: str = "") -> Mark:
    """One that ended well and has not published what it should is not done for those who wait for its plots."""
    if state == "finished" and reason in LACKING:
        return Mark("warning", state)
    return JOB_STATES.get(state, Mark("plain", state))


def workflow_mark(state: str) -> Mark:
    return WORKFLOW_STATES.get(state, Mark("plain", state))


def status_mark(status: str) -> Mark:
    return STATUSES.get(status, Mark("plain", status))


def worst_status(statuses: list[str]) -> str:
    return max((status for status in statuses if status in STATUSES), key=_FROM_BEST.index, default="none")


def pilot_mark(pilot: PilotRow, out: int, now: float) -> Mark:
    """`out`: how many jobs it holds. `now`: epoch seconds."""
    if pilot.silent_s is not None:
        return Mark("wrong", "silent", now - pilot.silent_s)
    if pilot.state == "active":
        return Mark("busy", f"running {out} of {pilot.slots}") if out else Mark("done", "idle")
    if pilot.state == "draining":
        return Mark("busy", f"draining, {out} of {pilot.slots} running")
    return Mark("wrong" if pilot.state == "lost" else "left", pilot.state)


def dataset_mark(
    dataset: DatasetRow, job_states: Mapping[str, int], flows: Collection[str] = (), of_workflow: bool = False
) -> Mark:
    """Processing and processed are computed: `job_states` says how many of the dataset's jobs are in which state,
    `flows` what the workflows that streams have started of it make of it. `of_workflow`: nodes of one write or read the
    file, which makes none of them a job of it."""
    if dataset.state == "missing":
        return Mark("wrong", "missing")
    if dataset.state == "dropped":
        return Mark("left", "dropped")
    by_group = count_groups(job_states)
    total = sum(by_group.values())
    now = processing(job_states, flows)
    if not now:
        if dataset.state == "registered":
            return Mark("plain", "not there yet")
        if dataset.kind == "set":
            return Mark("plain", "a set of files")
        return Mark("plain", "of a workflow") if of_workflow else Mark("left", "no job took it")
    if now == PROCESSING:
        return Mark("busy", now)
    if by_group["wrong"]:
        return Mark("wrong", "failed" if by_group["wrong"] == total else f"{by_group['wrong']} of {total} jobs failed")
    of_flows = worst(flows, "")
    if of_flows in ("failed", "lost"):
        return Mark("wrong", f"workflow {of_flows}")
    return Mark("done", now) if by_group["done"] or of_flows == now else Mark("left", "left out")


def count_groups(job_states: Mapping[str, int]) -> dict[Group, int]:
    counts: dict[Group, int] = dict.fromkeys(GROUPS, 0)
    for state, count in job_states.items():
        group = job_mark(state).group
        counts["left" if group == "plain" else group] += count
    return counts


def can_still_change(row: JobRow) -> bool:
    return job_mark(row.state).group == "busy"
