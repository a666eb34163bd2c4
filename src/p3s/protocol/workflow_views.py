"""What the routes of templates and workflows answer with; see `views`."""

from typing import Any, Optional, TypedDict


class TemplateRow(TypedDict):
    """A template as listed; `version` is that in force, `deleted_at` null while it can be started."""

    name: str
    version: int
    owner: str
    comment: str
    nodes: int
    updated_at: float
    deleted_at: Optional[float]


class TemplateChange(TypedDict):
    """A version of a template: who made it, when and why."""

    version: int
    owner: str
    why: str
    at: float


class Template(TemplateRow):
    """One version with all before and after it; `spec` is a TemplateSpec, `source` the text it was read from."""

    shown: int
    spec: "dict[str, Any]"
    source: str
    versions: "list[TemplateChange]"


class TemplatePut(TypedDict):
    """The version in force; `changed` is false when the template was so already."""

    name: str
    version: int
    changed: bool


class TemplateDeleted(TypedDict):
    """It can be started no more; `running` workflows of it go on."""

    name: str
    running: int


class Templates(TypedDict):
    """A page of templates, by name."""

    templates: "list[TemplateRow]"
    next: Optional[str]


class WorkflowRow(TypedDict):
    """A workflow as listed. `counts`: of its `nodes` that have ended, how many by state."""

    uuid: str
    name: str
    template: str
    version: int
    state: str
    reason: str
    owner: str
    comment: str
    run: Optional[int]
    subrun: Optional[int]
    stream: Optional[str]
    nodes: int
    counts: "dict[str, int]"
    created_at: float
    started_at: Optional[float]
    ended_at: Optional[float]


class NodeGroup(TypedDict):
    """A node of the template: of its jobs, how many are in which state."""

    node: str
    states: "dict[str, int]"


class Workflow(WorkflowRow):
    """All there is about a workflow but its single jobs. `ending`: `stop` or `cancel` when it is, or was, brought to an
    end before its nodes; `inputs`: the files that it was given. `stream_version`: of the rule of its stream, by which
    it was started for the file `dataset`."""

    stream_version: Optional[int]
    ending: str
    cancelled_by: str
    rerun_of: Optional[str]
    rerun_as: Optional[str]
    dataset: Optional[str]
    directory: str
    parameters: "dict[str, Any]"
    keys: "dict[str, Any]"
    inputs: "list[str]"
    groups: "list[NodeGroup]"
    events: "list[dict[str, Any]]"


class NodeFile(TypedDict):
    """A file that a node reads or writes; `node`: that writes it, "" for one that none writes."""

    variable: str
    path: str
    type: str
    node: str


class NodeRow(TypedDict):
    """One job of a workflow, or a node with nothing to run. `waits_for`: nodes that have not ended yet; of its files
    the first are named, `files` says how many there are."""

    place: int
    name: str
    node: str
    job: Optional[str]
    state: str
    reason: str
    on_failure: str
    exit_code: Optional[int]
    started_at: Optional[float]
    ended_at: Optional[float]
    waits_for: "list[str]"
    inputs: "list[NodeFile]"
    outputs: "list[NodeFile]"
    files: int


class Workflows(TypedDict):
    """A page of workflows."""

    workflows: "list[WorkflowRow]"
    next: Optional[str]


class Nodes(TypedDict):
    """A page of nodes, each after those that it waits for."""

    nodes: "list[NodeRow]"
    next: Optional[str]
