"""What is computed of a dataset, never stored: is it being processed, was it taken, and why not."""

from collections.abc import Collection, Mapping, Sequence

from p3s.domain.data.coverage import IN_PROGRESS
from p3s.protocol.states import FINAL_JOB_STATES, Fate

Arrived = tuple[str, str, str]
"""(stream, fate, reason)."""


PROCESSING, PROCESSED = "processing", "processed"


def processing(job_states: Mapping[str, int], flows: Collection[str] = ()) -> str:
    """Of its jobs so many are in each state; `flows`: what the latest workflow that each stream has started of it makes
    of it, in the words of `coverage`. Nothing where there are neither; `processed` when all have ended, well or not:
    the states say how."""
    if not job_states and not flows:
        return ""
    ended = set(job_states) <= set(FINAL_JOB_STATES) and IN_PROGRESS not in flows
    return PROCESSED if ended else PROCESSING


def taken(arrivals: Sequence[Arrived], job_states: Mapping[str, int], flows: Collection[str] = ()) -> tuple[bool, str]:
    """Whether some stream took it or somebody made a job of it, and in words what became of it at each stream. `flows`
    as in `processing`."""
    is_taken = bool(job_states) or any(fate == Fate.TAKEN for _, fate, _ in arrivals)
    words = [f"{stream}: {fate}" + (f" ({reason})" if reason else "") for stream, fate, reason in arrivals]
    if not arrivals and not job_states:
        words = ["no stream was told of it"]
    if job_states:
        words.append("jobs: " + ", ".join(f"{count} {state}" for state, count in sorted(job_states.items())))
    elif is_taken and not flows:
        words.append("no job of it is left")
    words += [f"workflow: {word}" for word in flows]
    return is_taken, "; ".join(words)
