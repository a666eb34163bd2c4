"""What goes over the wire about workflows: templates (nodes are jobs, edges are data), and asking for one.

A template's data stand apart from its nodes: each datum is written by one node and read by any number of others.
"""

from dataclasses import dataclass, field
from typing import Any, Optional

from .messages import _STRICT, ANYWHERE, Needs

TYPES = ("string", "int", "float", "bool", "list")
"""Of parameters."""

ON_FAILURE = ("stop", "skip", "continue")
"""What follows when a node failed: the rest is cancelled, what depends on it is skipped, or it runs on what exists."""

INPUTS = "inputs"
"""What a node reads, or fans out over, that is not written in the workflow but given when it is started."""

NOOP = "noop"
"""2018's job type of a node that has nothing to run: it is finished when its inputs are there."""


@dataclass(frozen=True)
class Parameter:
    """What a person may set when starting a workflow. `default` None: it must be set."""

    __pydantic_config__ = _STRICT

    type: str = "string"
    default: Any = None
    min: Optional[float] = None
    max: Optional[float] = None
    choices: "list[Any]" = field(default_factory=list)
    comment: str = ""


@dataclass(frozen=True)
class Datum:
    """A file that a node writes. Its name in the template is `node.VARIABLE`; in 2018's graphs `source:target`.

    `variable`: the environment variable that holds its path, at the node that writes it. `type`: a data type, whose
    extension a generated name has. `name`: a file name; "" is generated from the workflow's UUID; `inherit:X` is that
    of the datum or text X with the extension of its own type. `sticky` False (2018's graphs): the name counts only
    where the start asks for names as they are. `path`: a path below the workflow's directory, or an absolute one;
    `dirpath`: a directory for `name`. Names and paths may hold {fields}, see `domain.workflows.fields`. `keep`: seconds
    after the workflow's end that it is kept; None: for good. What a NOOP writes is not written: it is there.
    """

    __pydantic_config__ = _STRICT

    node: str
    variable: str
    type: str = ""
    name: str = ""
    path: str = ""
    dirpath: str = ""
    comment: str = ""
    keep: Optional[float] = None
    sticky: bool = True


@dataclass(frozen=True)
class Node:
    """A job of a workflow. `inputs`: by environment variable, the data whose paths it holds, separated by blanks; those
    of `lists` hold the path of a file instead, in which the paths stand one a line.

    INPUTS among them are those of the workflow. `jobtype` NOOP: nothing to run. `shell`: the payload is run by the
    shell. `values`: one job for each of these texts. `for_each`: INPUTS is one job for each input of the workflow; a
    node that fans out, or a datum of one, is one job for each of its own. With neither it is one job. `at_most` of
    them. `after`: nodes that it waits for without reading what they write. `on_failure` is of ON_FAILURE. Values of
    `env` may hold {fields}.
    """

    __pydantic_config__ = _STRICT

    payload: str = ""
    jobtype: str = ""
    env: "dict[str, str]" = field(default_factory=dict)
    priority: Optional[int] = None
    time_limit: Optional[float] = None
    needs: Needs = ANYWHERE
    shell: bool = False
    inputs: "dict[str, list[str]]" = field(default_factory=dict)
    lists: "list[str]" = field(default_factory=list)
    for_each: str = ""
    values: "list[str]" = field(default_factory=list)
    at_most: int = 1_000
    after: "list[str]" = field(default_factory=list)
    on_failure: str = "stop"


@dataclass(frozen=True)
class TemplateSpec:
    """An abstract workflow (DAG). `source`: the text it was read from, `format` `yaml` or `graphml`. `env` is for all
    nodes that run something; that of a stream which starts it wins, and a node's own over both."""

    __pydantic_config__ = _STRICT

    name: str
    nodes: "dict[str, Node]"
    data: "dict[str, Datum]" = field(default_factory=dict)
    parameters: "dict[str, Parameter]" = field(default_factory=dict)
    comment: str = ""
    format: str = "yaml"
    source: str = ""
    env: "dict[str, str]" = field(default_factory=dict)


@dataclass(frozen=True)
class NodeChange:
    """What one workflow has otherwise at a node; what is None stays. `env` is added."""

    __pydantic_config__ = _STRICT

    payload: Optional[str] = None
    env: "dict[str, str]" = field(default_factory=dict)
    priority: Optional[int] = None
    time_limit: Optional[float] = None


@dataclass(frozen=True)
class DatumChange:
    """What one workflow has otherwise at a datum; what is None stays."""

    __pydantic_config__ = _STRICT

    name: Optional[str] = None
    dirpath: Optional[str] = None
    path: Optional[str] = None
    comment: Optional[str] = None


@dataclass(frozen=True)
class StartRequest:
    """Make a workflow of a template. `key` makes the call repeatable.

    `inputs`: paths or URLs, for nodes that fan out over them; `dataset`: the UUID or name of a dataset or a set, whose
    files are inputs too. `directory`: where files without a directory of their own are written; "" is the server's
    choice. `names`: the policy of file names: "" as the template says, `sticky` as its names are even where they would
    be generated, `inherit:NAME`. `hold`: make it `held`; it begins when it is released.
    `dry_run`: say what would be made, and make nothing.
    """

    __pydantic_config__ = _STRICT

    template: str
    version: Optional[int] = None
    name: str = ""
    comment: str = ""
    parameters: "dict[str, Any]" = field(default_factory=dict)
    inputs: "list[str]" = field(default_factory=list)
    dataset: str = ""
    directory: str = ""
    names: str = ""
    nodes: "dict[str, NodeChange]" = field(default_factory=dict)
    data: "dict[str, DatumChange]" = field(default_factory=dict)
    run: Optional[int] = None
    subrun: Optional[int] = None
    keys: "dict[str, Any]" = field(default_factory=dict)
    hold: bool = False
    dry_run: bool = False
    key: str = ""


@dataclass(frozen=True)
class StartReply:
    """`jobs` counts those made, or with `dry_run` those that would be; `notes` are for a person."""

    workflow: str
    state: str
    jobs: int
    notes: "list[str]" = field(default_factory=list)


@dataclass(frozen=True)
class WorkflowChange:
    """A workflow's state after a person's act, and what came of it."""

    workflow: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class WorkflowRerun:
    """Run a workflow that has ended again, from the same version with the same choices. `failed`: only what did not
    end well and what depends on it; what else finished is taken over with its files. `dry_run`: say how many jobs that
    would be, and make nothing."""

    __pydantic_config__ = _STRICT

    failed: bool = False
    hold: bool = False
    why: str = ""
    key: str = ""
    dry_run: bool = False
