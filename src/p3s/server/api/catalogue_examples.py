"""Examples of the routes of datasets, data types, runs and lineage."""

from typing import Any

from p3s.protocol import catalogue, catalogue_views, replies

from .example_values import AT, DATASET, JOB
from .stream_examples import COVERED

_DATASET: dict[str, Any] = {
    "uuid": DATASET,
    "name": "run4610_1.root",
    "url": "/data/raw/run4610_1.root",
    "came_from": None,
    "kind": "file",
    "datatype": "ROOT",
    "size": 7516192768,
    "adler32": "0a1b2c3d",
    "modified_at": AT - 5.0,
    "run": 4610,
    "subrun": 1,
    "comment": "",
    "state": "available",
    "owner": "ana",
    "registered_at": AT,
    "members": None,
    "keys": {"logger": 3},
    "purged": {},
}

_RUN: dict[str, Any] = {
    "run": 4610,
    "type": "cosmic",
    "comment": "HV at 180 kV",
    "open": True,
    "started_at": AT - 60.0,
    "ended_at": None,
    "owner": "ana",
    "files": 12,
    "size": 90194313216,
    "coverage": [],
}

_DATATYPE: dict[str, Any] = {
    "name": "ROOT",
    "ext": ".root",
    "comment": "raw data",
    "owner": "ana",
    "updated_at": AT,
    "datasets": 1200,
}


def _node(id: str, kind: str, name: str, state: str, left_out: int) -> dict[str, Any]:
    return {"id": id, "kind": kind, "name": name, "state": state, "url": "", "run": 4610, "left_out": left_out}


REQUESTS: dict[type, Any] = {
    catalogue.DatasetChange: {"state": "dropped", "comment": "half a file", "keys": {"logger": 4}, "why": "disk full"},
    catalogue.SetRequest: {"comment": "for the calibration", "datatype": "ROOT", "add": ["run4610_1.root"]},
    catalogue.SetMembers: {"add": ["run4610_1.root"], "remove": [], "why": "checked by hand"},
    catalogue.DataTypeSpec: {"name": "ROOT", "ext": ".root", "comment": "raw data"},
    catalogue.RunStart: {"type": "cosmic", "comment": "HV at 180 kV", "end_others": True},
    catalogue.RunEnd: {"comment": "beam off at 02:14"},
    catalogue.RunChange: {"type": "calibration", "why": "it was one after all"},
}

REPLIES: dict[type, Any] = {
    catalogue.DatasetChanged: {"dataset": DATASET, "state": "dropped", "changed": ["comment", "keys", "state"]},
    replies.Datasets: {"datasets": [_DATASET], "next": None},
    catalogue_views.DatasetDetail: {
        **_DATASET,
        "metadata": {"detector": "NP04"},
        "taken": True,
        "says": "raw: taken; jobs: 1 finished",
        "processing": "processed",
        "job_states": {"finished": 1},
        "arrivals": [
            {"stream": "raw", "stream_version": 2, "fate": "taken", "reason": "", "manual": False, "at": AT},
        ],
        "sets": [{"uuid": "3c1f7b52-0b5e-4c8a-9d35-6a0f9be5a1d2", "name": "golden"}],
        "jobs": [],
        "made_by": [],
        "results": [],
        "events": [{"at": AT + 9.0, "what": "adjusted", "who": "ana", "why": "comment nothing -> half a file"}],
    },
    catalogue.SetChanged: {
        "dataset": "3c1f7b52-0b5e-4c8a-9d35-6a0f9be5a1d2",
        "name": "golden",
        "new": False,
        "added": 1,
        "removed": 0,
        "members": 12,
    },
    catalogue.Removed: {"name": "run4610_1.root", "note": "with 1 arrivals"},
    catalogue_views.DataTypes: {"datatypes": [_DATATYPE], "next": None},
    catalogue_views.DataType: _DATATYPE,
    catalogue.DataTypeChanged: {"name": "ROOT", "new": False, "changed": True},
    catalogue_views.Runs: {"runs": [_RUN], "next": None},
    catalogue_views.RunDetail: {
        **_RUN,
        "coverage": [COVERED],
        "file_states": {"available": 12},
        "job_states": {"finished": 11, "running": 1},
        "results": 11,
        "events": [{"at": AT - 60.0, "what": "started", "who": "ana", "why": "cosmic"}],
    },
    catalogue.RunChanged: {"run": 4610, "open": False, "changed": True, "note": "ended", "ended": [4610]},
    catalogue_views.Lineage: {
        "of": "result:17",
        "nodes": [
            _node("result:17", "result", "Hits", "good", 0),
            _node(f"job:{JOB}", "job", "merge", "finished", 11),
            _node(f"file:{DATASET}", "file", "run4610_1.root", "available", 0),
        ],
        "edges": [
            {"source": f"job:{JOB}", "target": "result:17", "how": "published"},
            {"source": f"file:{DATASET}", "target": f"job:{JOB}", "how": "read"},
        ],
        "up": {"counts": {"job": 1, "file": 12}, "ends": 12, "whole": True},
        "down": None,
    },
}
