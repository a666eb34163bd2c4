"""What a template becomes for one workflow: its jobs-to-be, what each waits for, and the files that join them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from p3s.protocol.messages import JobSpec


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input of a workflow: a path or an address, and what is known of it. `name`: "" is the last part of it."""

    url: str
    name: str = ""
    run: int | None = None
    subrun: int | None = None
    keys: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that a node reads or writes. `datum` is its name in the template, "" for an input of the workflow itself;
    `variable` holds its path at the node. `keep`: seconds; None: for good."""

    datum: str
    variable: str
    path: str
    type: str = ""
    comment: str = ""
    keep: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """One job-to-be: node `node` of the template, the `index`-th of its fan-out (None: it has one job).

    `spec` is None where nothing is to be run; its `outputs` are then files that are there. `after`: places in the plan
    of those whose ends it waits for, each before its own. `on_failure` is that of its node. `run`, `subrun` and `keys`
    are those of its own input, else the workflow's.
    """

    node: str
    index: int | None
    spec: JobSpec | None
    after: tuple[int, ...] = ()
    inputs: tuple[PlannedFile, ...] = ()
    outputs: tuple[PlannedFile, ...] = ()
    on_failure: str = "stop"
    run: int | None = None
    subrun: int | None = None
    keys: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow's nodes, each after those that it waits for; `notes` are for the person who starts it. `run`,
    `subrun` and `keys` are what the request says, else what all inputs have in common."""

    nodes: list[PlannedNode]
    notes: list[str] = field(default_factory=list)
    parameters: Mapping[str, object] = field(default_factory=dict)
    run: int | None = None
    subrun: int | None = None
    keys: Mapping[str, int | str] = field(default_factory=dict)


def kept(nodes: Sequence[PlannedNode], finished: Collection[int]) -> set[int]:
    """Places of nodes whose work need not be done again, of jobs that `finished`: a merge that ran on what there was is
    not among them, for it must read what comes now."""
    found: set[int] = set()
    for place, node in enumerate(nodes):
        if (node.spec is None or place in finished) and found.issuperset(node.after):
            found.add(place)
    return found
