"""What is computed of a dataset, never stored: is it being processed, was it taken, and why not."""

from collections.abc import Mapping, Sequence

from p3s.protocol.states import FINAL_JOB_STATES, Fate

Arrived = tuple[str, str, str]
"""(stream, fate, reason)."""


def processing(job_states: Mapping[str, int]) -> str:
    """Of its jobs so many are in each state. Nothing where there are none; `processed` when all have ended, well or
    not: the states say how."""
    if not job_states:
        return ""
    return "processed" if set(job_states) <= set(FINAL_JOB_STATES) else "processing"


def taken(arrivals: Sequence[Arrived], job_states: Mapping[str, int]) -> tuple[bool, str]:
    """Whether some stream took it or somebody made a job of it, and in words what became of it at each stream."""
    is_taken = bool(job_states) or any(fate == Fate.TAKEN for _, fate, _ in arrivals)
    words = [f"{stream}: {fate}" + (f" ({reason})" if reason else "") for stream, fate, reason in arrivals]
    if not arrivals and not job_states:
        words = ["no stream was told of it"]
    if job_states:
        words.append("jobs: " + ", ".join(f"{count} {state}" for state, count in sorted(job_states.items())))
    elif is_taken:
        words.append("no job of it is left")
    return is_taken, "; ".join(words)
