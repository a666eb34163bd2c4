"""A template with a person's choices becomes a plan: which jobs there are, what each waits for, which files join them.

Pure: what the server knows of data types and inputs are arguments.
"""

from dataclasses import dataclass, field

from p3s.protocol.messages import JobSpec


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that a node reads or writes. `datum` is its name in the template, "" for an input of the workflow itself;
    `variable` holds its path at the node. `keep`: seconds; None: for good."""

    datum: str
    variable: str
    path: str
    type: str = ""
    keep: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """One job-to-be: node `node` of the template, the `index`-th of its fan-out (None: it has one job).

    `spec` is None where nothing is to be run. `after`: places in the plan of those whose ends it waits for, each before
    its own. `on_failure` is that of its node.
    """

    node: str
    index: int | None
    spec: JobSpec | None
    after: tuple[int, ...] = ()
    inputs: tuple[PlannedFile, ...] = ()
    outputs: tuple[PlannedFile, ...] = ()
    on_failure: str = "stop"


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow's nodes, each after those that it waits for; `notes` are for the person who starts it."""

    nodes: list[PlannedNode]
    notes: list[str] = field(default_factory=list)
