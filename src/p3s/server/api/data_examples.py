"""Examples of the routes of data."""

from typing import Any

from p3s.protocol import catalogue, data, replies

from .example_values import DATASET, JOB

_FILE = {
    "url": "/data/raw/run4610_1.root",
    "stream": "raw",
    "size": 7516192768,
    "run": 4610,
    "subrun": 1,
    "keys": {"logger": 3},
    "adler32": "1a2b3c4d",
}
_TAKEN = {"dataset": DATASET, "new": True, "jobs": [JOB], "fate": "taken", "reason": "", "problem": ""}

REQUESTS: dict[type, Any] = {
    data.StreamSpec: {
        "name": "raw",
        "files": "/data/raw/run{run:d}_{subrun:d}.root",
        "env": {"RELEASE": "v07_13_01"},
        "take": {"one_in": 10, "first_of_run": 1},
        "waiting": {"at_most": 20, "then": "drop_oldest"},
        "jobs": {"purity": {"payload": "/p3s/purity.sh", "priority": 3}, "evdisp": {"payload": "evd.sh", "one_in": 1}},
        "gather": {"summary": {"payload": "/p3s/merge.sh", "of": "purity", "every": 20, "at_run_end": True}},
    },
    data.DatasetRequest: _FILE,
    data.ArrivalsRequest: {"files": [_FILE]},
    catalogue.DatasetChange: {"state": "dropped", "comment": "half a file", "keys": {"logger": 4}, "why": "disk full"},
}

REPLIES: dict[type, Any] = {
    catalogue.DatasetChanged: {"dataset": DATASET, "state": "dropped", "changed": ["comment", "keys", "state"]},
    data.DatasetReply: _TAKEN,
    data.ArrivalsReply: {"files": [_TAKEN]},
    replies.StreamVersion: {"name": "raw", "version": 2},
}
