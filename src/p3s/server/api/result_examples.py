"""Examples of the routes of results."""

from typing import Any

from p3s.protocol import data, result_views

from .example_values import AT, JOB

_LIMIT: dict[str, Any] = {
    "category": "purity",
    "item": "electron lifetime",
    "good": [0.3, None],
    "warn": [0.1, None],
    "drift": None,
    "who": "ana",
    "at": AT,
    "why": "the pump is repaired",
}
_NAME: dict[str, Any] = {
    "category": "purity",
    "name": "electron lifetime",
    "item": "electron lifetime",
    "column": "",
    "by": {"tpc": 1},
    "unit": "ms",
}
_POINT: dict[str, Any] = {
    "run": 4610,
    "subrun": 1,
    "keys": {"logger": 3},
    "at": AT,
    "value": 5.6,
    "error": 0.2,
    "status": "good",
    "good": [0.3, None],
    "warn": [0.1, None],
    "deviation": 0.04,
    "reference": 4600,
    "result": 12,
    "job": JOB,
    "jobtype": "purity",
}

REQUESTS: dict[type, Any] = {
    data.LimitSpec: {
        "category": "purity",
        "item": "electron lifetime",
        "good": [0.3, None],
        "warn": [0.1, None],
        "why": "the pump is repaired",
    },
    data.ReferenceSpec: {"run": 4600, "category": "purity", "why": "first run after the refill"},
    data.DimensionSpec: {"name": "apa", "order": ["3", "2", "1"], "labels": {"3": "APA3 RaS-US"}},
}

REPLIES: dict[type, Any] = {
    result_views.Limits: {"limits": [_LIMIT], "next": None},
    result_views.References: {
        "references": [
            {"category": "purity", "run": 4600, "who": "ana", "at": AT, "why": "first run after the refill"},
        ]
    },
    result_views.Dimensions: {
        "dimensions": [
            {
                "name": "apa",
                "order": ["3", "2", "1"],
                "labels": {"3": "APA3 RaS-US"},
                "who": "ana",
                "at": AT,
                "why": "",
            }
        ]
    },
    result_views.StandardChanged: {"changed": True},
    result_views.TrendNames: {"names": [_NAME], "next": None},
    result_views.Trends: {"trends": [{**_NAME, "limits": _LIMIT, "points": [_POINT]}], "next": None},
}
