"""The memory of workflows that go on: which of their nodes has come how far. Forgotten with the book, read anew from
the tables when one of their jobs is heard of.

Only `progress` moves a flow.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from p3s.domain.effects import Queued
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_WORKFLOW_STATES, JobState, WorkflowState

MOST_STEPS = 200_000
"""Beyond so many nodes in memory, the workflow that was not heard of for longest is forgotten."""

MOST_SPECS = 20_000
"""Of so many jobs that wait, what they would run is in memory; of the others it is read when their inputs are there."""

STOP, CANCEL = "stop", "cancel"
"""Why a workflow comes to its end before its nodes do: one of them failed that must not, or a person said so."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node as the rules know it. `job`: its UUID, "" where nothing is to be run. `reads`: for each variable, the
    places of the nodes whose files it holds, None for a file that no node writes; "" is what it waits for without
    reading. `writes`: datasets, by UUID."""

    name: str
    job: str = ""
    on_failure: str = "stop"
    reads: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    writes: tuple[str, ...] = ()

    def after(self) -> set[int]:
        """Places of those whose ends it waits for."""
        return {place for places in self.reads.values() for place in places if place is not None}


class Flow:
    """One workflow. `states` are those of its nodes, by place: WAITING until one may run, DEFINED from then on, then
    its final state. `ending` is "", STOP or CANCEL."""

    __slots__ = (
        "counts",
        "ending",
        "followers",
        "open",
        "pending",
        "places",
        "specs",
        "state",
        "states",
        "steps",
        "uuid",
    )

    def __init__(self, uuid: str, state: WorkflowState, steps: list[Step], ending: str = "") -> None:
        self.uuid, self.state, self.steps, self.ending = uuid, state, steps, ending
        self.states = [JobState.WAITING] * len(steps)
        self.open = len(steps)
        #: Nodes that have ended, by state.
        self.counts: Counter[JobState] = Counter()
        self.places = {step.job: place for place, step in enumerate(steps) if step.job}
        self.followers: list[list[int]] = [[] for _ in steps]
        #: Of how many nodes each waits for the end.
        self.pending: list[int] = []
        for place, step in enumerate(steps):
            after = step.after()
            self.pending.append(len(after))
            for one in after:
                self.followers[one].append(place)
        #: What brokerage must know of jobs that wait; one that is not here is in the table.
        self.specs: dict[int, Queued] = {}

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_WORKFLOW_STATES

    def restore(self, states: Iterable[JobState]) -> None:
        """How far its nodes have come, as the tables have it."""
        for place, state in enumerate(states):
            if state in FINAL_JOB_STATES:
                self.end(place, state)
            elif state is not JobState.WAITING:
                self.states[place] = JobState.DEFINED

    def end(self, place: int, state: JobState) -> None:
        """A node has ended, or from `lost` is amended."""
        before = self.states[place]
        if before in FINAL_JOB_STATES:
            self.counts[before] -= 1
        else:
            self.open -= 1
        self.states[place] = state
        self.counts[state] += 1


class Flows:
    """Workflows in memory; one thread owns them."""

    def __init__(self, most_steps: int = MOST_STEPS) -> None:
        self.most_steps = most_steps
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._steps = 0

    def get(self, workflow: str) -> Flow | None:
        """A workflow that is in memory."""
        flow = self._flows.get(workflow)
        if flow is not None:
            self._flows.move_to_end(workflow)
        return flow

    def keep(self, flow: Flow) -> None:
        """Remember one; those that were not heard of for longest make room."""
        self.forget(flow.uuid)
        self._flows[flow.uuid] = flow
        self._steps += len(flow.steps)
        while self._steps > self.most_steps and len(self._flows) > 1:
            self.forget(next(iter(self._flows)))
        self._lighten()

    def _lighten(self) -> None:
        """Those that were heard of last keep what their jobs would run."""
        room = MOST_SPECS
        for flow in reversed(self._flows.values()):
            room -= len(flow.specs)
            if room < 0:
                flow.specs.clear()

    def forget(self, workflow: str) -> None:
        """It has ended, or must be read anew."""
        flow = self._flows.pop(workflow, None)
        if flow is not None:
            self._steps -= len(flow.steps)
