"""How a workflow goes on: which nodes may run, which never will, and whether it is over.

A node may run when all that it waits for has ended well. When something has not, its `on_failure` says what follows:
`stop` cancels the rest, `skip` skips what depends on it, and `continue` runs that on what exists: a node is then
skipped only if one of its variables would hold no file at all. What depends on a skipped node is skipped, unless that
node's own word is `continue`. So every node ends, and with the last one the workflow.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from p3s.domain.workflows.flows import CANCEL, STOP, Flow
from p3s.protocol.states import FINAL_JOB_STATES, JobState, WorkflowState

GOOD = JobState.FINISHED


@dataclass(slots=True)
class Moves:
    """What is to be done, by places in the flow, which has moved already.

    `ready`: with the places of those whose files are missing. `skipped`: with the reason. `done`: nodes without a job
    that are finished. `cancelled`: were waiting. `ended_early`: were let go before; whoever has them must give them up.
    `before`: the workflow's state, when it changed.
    """

    ready: list[tuple[int, frozenset[int]]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    ended_early: list[int] = field(default_factory=list)
    before: WorkflowState | None = None
    reason: str = ""


def begin(flow: Flow) -> Moves:
    """A new workflow, or one that was held: what waits for nothing may run."""
    moves, todo = Moves(before=flow.state), deque[int]()
    over = [place for place, state in enumerate(flow.states) if state in FINAL_JOB_STATES]
    begun = any(flow.steps[place].job for place in over)
    flow.state = WorkflowState.RUNNING if begun else WorkflowState.DEFINED
    flow.pending = [len(step.after()) for step in flow.steps]
    for place, waits in enumerate(flow.pending):
        if not waits and flow.states[place] is JobState.WAITING:
            _let_go(flow, place, moves, todo)
    todo.extendleft(reversed(over))
    _go_on(flow, todo, moves)
    _judge(flow, moves)
    return moves


def started(flow: Flow) -> Moves:
    """One of its jobs runs."""
    moves = Moves()
    _judge(flow, moves)
    return moves


def ended(flow: Flow, ends: Mapping[int, JobState]) -> Moves:
    """Some of its jobs have ended, or one that was lost is amended, by place."""
    moves, todo = Moves(), deque[int]()
    for place, state in ends.items():
        amended = flow.states[place] in FINAL_JOB_STATES
        if flow.states[place] is not state:
            flow.end(place, state)
            if not amended:
                todo.append(place)
    _go_on(flow, todo, moves)
    _judge(flow, moves)
    return moves


def catch_up(flow: Flow) -> Moves:
    """What follows from all ends so far: of a flow that was read from the tables, which have some of them already."""
    moves = Moves()
    if flow.over:
        return moves
    flow.pending = [len(step.after()) for step in flow.steps]
    over = [place for place, state in enumerate(flow.states) if state in FINAL_JOB_STATES]
    _go_on(flow, deque(over), moves)
    _judge(flow, moves, any(flow.steps[place].job for place in over))
    return moves


def cancel(flow: Flow) -> Moves:
    """A person wants no more of it."""
    moves = Moves()
    _end_early(flow, CANCEL, moves)
    _judge(flow, moves)
    return moves


def too_late(flow: Flow, place: int) -> str:
    """Why a late report of a node's job may change nothing more; "" when it may."""
    if flow.over:
        return f"its workflow has ended: {flow.state}"
    if flow.ending:
        return "its workflow was stopped since it was lost"
    gone = next((one for one in flow.followers[place] if flow.states[one] is JobState.SKIPPED), None)
    return "" if gone is None else f"{flow.steps[gone].name}, which depends on it, was skipped since it was lost"


# ---- one step after the other


def _go_on(flow: Flow, todo: deque[int], moves: Moves) -> None:
    """Tell those that wait for nodes that have ended."""
    while todo and not flow.ending:
        place = todo.popleft()
        state, policy = flow.states[place], flow.steps[place].on_failure
        if state is not GOOD and state is not JobState.SKIPPED and policy == "stop":
            moves.reason = f"{flow.steps[place].name} {state}"
            _end_early(flow, STOP, moves)
            return
        for one in flow.followers[place]:
            flow.pending[one] -= 1
            if flow.states[one] is not JobState.WAITING:
                continue
            if state is not GOOD and policy != "continue":
                _skip(flow, one, place, moves, todo)
            elif not flow.pending[one]:
                _let_go(flow, one, moves, todo)


def _let_go(flow: Flow, place: int, moves: Moves, todo: deque[int]) -> None:
    """Nothing that it waits for is still under way: it runs on what exists, if enough does. Not while all is held."""
    if flow.state is WorkflowState.HELD:
        return
    step = flow.steps[place]
    missing: set[int] = set()
    for variable, places in step.reads.items():
        bad = [one for one in places if one is not None and flow.states[one] is not GOOD]
        if bad and variable and len(bad) == len(places):
            _skip(flow, place, bad[0], moves, todo)
            return
        missing.update(bad)
    if step.job:
        flow.states[place] = JobState.DEFINED
        moves.ready.append((place, frozenset(missing)))
    else:
        flow.end(place, GOOD)
        moves.done.append(place)
        todo.append(place)


def _skip(flow: Flow, place: int, cause: int, moves: Moves, todo: deque[int]) -> None:
    variables = [name for name, places in flow.steps[place].reads.items() if name and cause in places]
    what = f": {', '.join(variables)} will never come" if variables else ""
    flow.end(place, JobState.SKIPPED)
    moves.skipped.append((place, f"{flow.steps[cause].name} {flow.states[cause]}{what}"))
    todo.append(place)


def _end_early(flow: Flow, ending: str, moves: Moves) -> None:
    """What waits is cancelled; what was let go must be given up by whoever has it."""
    flow.ending = ending
    for place, state in enumerate(flow.states):
        if state is JobState.WAITING:
            flow.end(place, JobState.CANCELLED)
            moves.cancelled.append(place)
        elif state is JobState.DEFINED:
            moves.ended_early.append(place)
    let_go = {place for place, _ in moves.ready}
    moves.ended_early = [place for place in moves.ended_early if place not in let_go]
    for place in let_go:  # decided in the same breath, told to nobody yet
        flow.end(place, JobState.CANCELLED)
        moves.cancelled.append(place)
    moves.ready = []


def _judge(flow: Flow, moves: Moves, begun: bool = True) -> None:
    """The workflow's own state. `begun`: one of its jobs has started or ended."""
    before = flow.state
    if not flow.open:
        flow.state = _outcome(flow)
        moves.reason = told(flow)
    elif begun and before is WorkflowState.DEFINED and not moves.before:
        flow.state = WorkflowState.RUNNING
    if flow.state is not before and moves.before is None:
        moves.before = before


_BAD = frozenset({JobState.FAILED, JobState.DROPPED, JobState.LOST, JobState.CANCELLED})


def _outcome(flow: Flow) -> WorkflowState:
    if flow.ending:
        return WorkflowState.CANCELLED if flow.ending == CANCEL else WorkflowState.FAILED
    return WorkflowState.FAILED if _to_blame(flow) is not None else WorkflowState.FINISHED


def _to_blame(flow: Flow) -> int | None:
    """The first node that went wrong and may not; or, when none of the last nodes finished, one that was skipped."""
    skipped = None
    for place, state in enumerate(flow.states):
        if flow.steps[place].on_failure == "continue":
            continue
        if state in _BAD:
            return place
        if state is JobState.SKIPPED and skipped is None and not flow.followers[place]:
            skipped = place
    if skipped is None:
        return None
    last = (place for place, followers in enumerate(flow.followers) if not followers)
    return None if any(flow.states[place] is GOOD for place in last) else skipped


def told(flow: Flow) -> str:
    """How its nodes ended, for people: "" when all ended well."""
    wrong = [f"{count} {state}" for state, count in sorted(flow.counts.items()) if count and state is not GOOD]
    if not wrong:
        return ""
    place = _first_wrong(flow)
    words = ", ".join(wrong)
    return words if place is None else f"{flow.steps[place].name} {flow.states[place]}; {words}"


def _first_wrong(flow: Flow) -> int | None:
    """Of a workflow that was stopped, the node for which; what was cancelled after it is not to blame."""
    if flow.ending == CANCEL:
        return None
    causes: Iterable[int] = (
        place
        for place, state in enumerate(flow.states)
        if state in _BAD and state is not JobState.CANCELLED and flow.steps[place].on_failure != "continue"
    )
    return next(iter(causes), _to_blame(flow))
