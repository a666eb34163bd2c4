"""What became of a file that a stream took: one word for all its jobs, or for its workflow; and which of them a person
may have made now."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from p3s.protocol.states import FINAL_JOB_STATES, JobState, WorkflowState

IN_PROGRESS = "in progress"
PROCESSED = "processed"
UNKNOWN = "unknown"
"""Of a file that was taken, and of whose jobs nothing is known."""

_WORDS = {
    JobState.FAILED: "failed",
    JobState.LOST: "lost",
    JobState.DROPPED: "dropped",
    JobState.CANCELLED: "cancelled",
    JobState.SKIPPED: "skipped",
    JobState.FINISHED: PROCESSED,
}

WORST_FIRST = (IN_PROGRESS, *_WORDS.values())
"""A file with several jobs is what comes first here of any of them; of a job that was run again the last counts."""

NOTHING: Mapping[str, str] = MappingProxyType({})

BADLY = frozenset(FINAL_JOB_STATES - {JobState.FINISHED})


def word_of(state: str, reason: str = "") -> str:
    """What a job in this state makes of its file: `failed`, `dropped: stale`."""
    word = _WORDS.get(JobState(state), IN_PROGRESS)
    return f"{word}: {reason}" if word == "dropped" and reason else word


_ENDS = {
    WorkflowState.FINISHED: JobState.FINISHED,
    WorkflowState.FAILED: JobState.FAILED,
    WorkflowState.CANCELLED: JobState.CANCELLED,
}


def as_of_job(workflow: str) -> JobState:
    """A workflow's end counts as that of a job; until then it goes on."""
    return _ENDS.get(WorkflowState(workflow), JobState.DEFINED)


def word_of_workflow(state: str, words: Iterable[str]) -> str:
    """What a workflow in this state makes of its file: one that failed, the worst of what its jobs say that did not
    finish (`words`), so that a file whose jobs were left out on purpose is not said to have failed."""
    own = word_of(as_of_job(state))
    return worst(words, own) if state == WorkflowState.FAILED else own


def worst(words: Iterable[str], default: str = UNKNOWN) -> str:
    """Of several, the one that counts."""
    return min(words, key=lambda word: (WORST_FIRST.index(word.partition(":")[0]), word), default=default)


def ranked(word: str) -> str:
    """The word as tables keep it and databases compare it: the least text is the worst."""
    name, _, reason = word.partition(": ")
    return f"{WORST_FIRST.index(name)}{reason}"


def spoken(text: str) -> str:
    """The word of a ranked one."""
    word = WORST_FIRST[int(text[0])]
    return f"{word}: {text[1:]}" if text[1:] else word


def missing(
    jobtypes: Iterable[str],
    last: Mapping[str, str],
    *,
    gone: Mapping[str, str] = NOTHING,
    purged: str = "",
    again: bool = False,
) -> tuple[list[str], str]:
    """Job types of which a file is to get a job when a person has it processed, or why of none.

    `last`: the state of its last job of each type. A type that it never had a job of is missing, and one whose last job
    ended otherwise than well; with `again` any that has ended. `gone`: what became of those whose last job was purged;
    `purged`: of all of which no more is known.
    """
    wanted = []
    for jobtype in jobtypes:
        state = last.get(jobtype)
        if state is None:
            ended_well = gone.get(jobtype, purged) == PROCESSED
        elif state in FINAL_JOB_STATES:
            ended_well = state not in BADLY
        else:
            continue
        if again or not ended_well:
            wanted.append(jobtype)
    if wanted:
        return wanted, ""
    return [], IN_PROGRESS if any(state not in FINAL_JOB_STATES for state in last.values()) else PROCESSED
