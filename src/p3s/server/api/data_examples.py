"""Examples of the routes of data."""

from typing import Any

from p3s.protocol import catalogue, data, replies

from . import stream_examples
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
_TAKEN = {"dataset": DATASET, "new": True, "jobs": [JOB], "fate": "taken", "reason": "", "problem": "", "stays": []}

REQUESTS: dict[type, Any] = {
    **stream_examples.REQUESTS,
    data.StreamSpec: stream_examples.RULE,
    data.DatasetRequest: _FILE,
    data.ArrivalsRequest: {"files": [_FILE]},
    catalogue.DatasetChange: {"state": "dropped", "comment": "half a file", "keys": {"logger": 4}, "why": "disk full"},
}

REPLIES: dict[type, Any] = {
    **stream_examples.REPLIES,
    catalogue.DatasetChanged: {"dataset": DATASET, "state": "dropped", "changed": ["comment", "keys", "state"]},
    data.DatasetReply: _TAKEN,
    data.ArrivalsReply: {"files": [_TAKEN]},
    replies.StreamVersion: {"name": "raw", "version": 2, "changed": True, "notes": []},
}
