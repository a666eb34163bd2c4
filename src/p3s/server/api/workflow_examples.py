"""Examples of the routes of templates and workflows."""

from typing import Any

from p3s.protocol import workflow_views, workflows

from .example_values import AT, JOB, WORKFLOW

_SPEC: dict[str, Any] = {
    "name": "pedestals",
    "nodes": {
        "ped": {"payload": "./ped.sh", "for_each": "inputs", "on_failure": "continue"},
        "merge": {"payload": "hadd -f $SUM $PED", "shell": True, "inputs": {"PED": ["ped.PED"]}},
    },
    "data": {
        "ped.PED": {"node": "ped", "variable": "PED", "type": "ROOT"},
        "merge.SUM": {"node": "merge", "variable": "SUM", "type": "ROOT", "path": "sum{run}.root"},
    },
}
_TEMPLATE: dict[str, Any] = {
    "name": "pedestals",
    "version": 3,
    "owner": "ana",
    "comment": "",
    "nodes": 2,
    "updated_at": AT,
    "deleted_at": None,
}
_ROW: dict[str, Any] = {
    "uuid": WORKFLOW,
    "name": "pedestals of run 4610",
    "template": "pedestals",
    "version": 3,
    "state": "running",
    "reason": "",
    "owner": "ana",
    "comment": "",
    "run": 4610,
    "subrun": None,
    "stream": None,
    "nodes": 3,
    "counts": {"finished": 1},
    "created_at": AT,
    "started_at": AT + 0.01,
    "ended_at": None,
}
_NODE: dict[str, Any] = {
    "place": 2,
    "name": "merge",
    "node": "merge",
    "job": JOB,
    "state": "waiting",
    "reason": "",
    "on_failure": "stop",
    "exit_code": None,
    "started_at": None,
    "ended_at": None,
    "waits_for": ["ped[1]"],
    "inputs": [{"variable": "PED", "path": "/data/ped/0a1b2c3d-ped-1-PED.root", "type": "", "node": "ped[1]"}],
    "outputs": [{"variable": "SUM", "path": "/data/ped/sum4610.root", "type": "ROOT", "node": ""}],
    "files": 2,
}

REQUESTS: dict[type, Any] = {
    workflows.TemplateSpec: _SPEC,
    workflows.StartRequest: {
        "template": "pedestals",
        "name": "pedestals of run 4610",
        "inputs": ["/data/raw/run4610_1.root", "/data/raw/run4610_2.root"],
        "directory": "/data/ped",
        "run": 4610,
        "key": "pedestals-4610",
    },
    workflows.WorkflowRerun: {"failed": True, "why": "the calibration was missing"},
}

REPLIES: dict[type, Any] = {
    workflow_views.Templates: {"templates": [_TEMPLATE], "next": None},
    workflow_views.Template: {
        **_TEMPLATE,
        "shown": 3,
        "spec": _SPEC,
        "source": "",
        "versions": [{"version": 3, "owner": "ana", "why": "merged in one file", "at": AT}],
    },
    workflow_views.TemplatePut: {"name": "pedestals", "version": 3, "changed": True},
    workflow_views.TemplateDeleted: {"name": "pedestals", "running": 1},
    workflows.StartReply: {"workflow": WORKFLOW, "state": "defined", "jobs": 3, "notes": []},
    workflow_views.Workflows: {"workflows": [_ROW], "next": None},
    workflow_views.Workflow: {
        **_ROW,
        "stream_version": None,
        "ending": "",
        "cancelled_by": "",
        "rerun_of": None,
        "rerun_as": None,
        "dataset": None,
        "directory": "/data/ped",
        "parameters": {},
        "keys": {},
        "inputs": ["/data/raw/run4610_1.root", "/data/raw/run4610_2.root"],
        "groups": [
            {"node": "ped", "states": {"finished": 1, "running": 1}},
            {"node": "merge", "states": {"waiting": 1}},
        ],
        "events": [],
    },
    workflow_views.Nodes: {"nodes": [_NODE], "next": None},
    workflows.WorkflowChange: {
        "workflow": WORKFLOW,
        "state": "running",
        "note": "its pilots are told to end what runs",
    },
}
