"""Examples of the routes of gatherings."""

from typing import Any

from p3s.protocol import gatherings

from .example_values import AT, DATASET, JOB

REPLIES: dict[type, Any] = {
    gatherings.Gatherings: {
        "gatherings": [
            {
                "id": 12,
                "stream": "np04",
                "name": "summary",
                "of": "monitor",
                "by": "run",
                "value": "4610",
                "run": 4610,
                "pending": 3,
                "since": AT,
                "due_at": AT + 300.0,
                "gathered": 40,
                "job": JOB,
                "job_state": "finished",
            }
        ],
        "next": None,
    },
    gatherings.Inputs: {
        "inputs": [
            {
                "job": JOB,
                "jobtype": "monitor",
                "dataset": DATASET,
                "name": "run4610_1.root",
                "url": "/data/raw/run4610_1.root",
                "run": 4610,
                "subrun": 1,
                "keys": {"dl": 5},
                "variable": "",
                "files": [
                    {"path": "hist.root", "size": 183204, "category": "TPC monitor", "item": "ADC", "kind": "root"}
                ],
            }
        ],
        "next": None,
    },
}
