"""Examples of the routes of data."""

from typing import Any

from p3s.protocol import catalogue, data, replies

from .example_values import AT, DATASET, JOB

REQUESTS: dict[type, Any] = {
    data.StreamSpec: {"name": "raw", "jobs": {"purity": {"payload": "/p3s/purity.sh", "priority": 3}}},
    data.DatasetRequest: {
        "url": "/data/raw/run4610_1.root",
        "stream": "raw",
        "size": 7516192768,
        "run": 4610,
        "subrun": 1,
        "keys": {"logger": 3},
    },
    catalogue.DatasetChange: {"state": "dropped", "comment": "half a file", "keys": {"logger": 4}, "why": "disk full"},
}

REPLIES: dict[type, Any] = {
    catalogue.DatasetChanged: {"dataset": DATASET, "state": "dropped", "changed": ["comment", "keys", "state"]},
    data.DatasetReply: {"dataset": DATASET, "new": True, "jobs": [JOB]},
    replies.StreamVersion: {"name": "raw", "version": 2},
    replies.Datasets: {
        "datasets": [
            {
                "uuid": DATASET,
                "name": "run4610_1.root",
                "url": "/data/raw/run4610_1.root",
                "size": 7516192768,
                "run": 4610,
                "subrun": 1,
                "state": "available",
                "owner": "ana",
                "registered_at": AT,
                "keys": {"logger": 3},
                "purged": {},
            }
        ],
        "next": None,
    },
}
