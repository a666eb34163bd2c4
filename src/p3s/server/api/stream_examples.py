"""Examples of the routes of streams."""

from typing import Any

from p3s.protocol import streams

from .example_values import AT, DATASET, JOB

RULE: dict[str, Any] = {
    "name": "raw",
    "files": "/data/raw/run{run:d}_{subrun:d}.root",
    "env": {"RELEASE": "v07_13_01"},
    "take": {"one_in": 10, "first_of_run": 1},
    "waiting": {"at_most": 20, "then": "drop_oldest"},
    "jobs": {"purity": {"payload": "/p3s/purity.sh", "priority": 3}, "evdisp": {"payload": "evd.sh", "one_in": 1}},
    "gather": {"summary": {"payload": "/p3s/merge.sh", "of": "purity", "every": 20, "at_run_end": True}},
}
_CHANGE = {"path": "env.RELEASE", "before": "v07_13_01", "after": "v07_14_00"}
_STREAM = {
    "name": "raw",
    "version": 3,
    "files": "/data/raw/run{run:d}_{subrun:d}.root",
    "jobtypes": ["purity", "evdisp"],
    "workflow": "",
    "owner": "ana",
    "updated_at": AT,
    "paused_at": None,
    "paused_by": "",
    "paused_why": "",
    "live": 1,
    "waiting": {"purity": 4},
}
_VERSION = {
    "version": 3,
    "what": "set",
    "owner": "ana",
    "why": "the new release reads the new headers",
    "at": AT,
    "spec": RULE,
    "changes": [_CHANGE],
}
_TAKEN = {
    "dataset": DATASET,
    "name": "run4610_1.root",
    "was": "dropped: stale",
    "jobtypes": ["purity"],
    "jobs": [JOB],
}
COVERED = {
    "stream": "raw",
    "run": 4610,
    "files": 100,
    "taken": 12,
    "sampled_out": 85,
    "ignored": {"below 7 GB": 3},
    "processed": 9,
    "in_progress": 1,
    "failed": 0,
    "lost": 0,
    "dropped": {"overflow": 2},
    "cancelled": 0,
    "skipped": 0,
    "unknown": 0,
    "manual": 1,
    "last_at": AT,
}

REQUESTS: dict[type, Any] = {
    streams.SetStreamRequest: {
        "changes": {"env.RELEASE": "v07_14_00", "take.one_in": 20},
        "why": "the new release reads the new headers",
    },
    streams.RevertStreamRequest: {"why": "the new release crashes"},
    streams.ProcessRequest: {"run": 4610, "files": "run4610_*", "limit": 5, "why": "the shifter wants to see them"},
}

REPLIES: dict[type, Any] = {
    streams.StreamChanged: {"name": "raw", "version": 3, "changes": [_CHANGE], "notes": []},
    streams.StreamPaused: {"name": "raw", "paused": True, "changed": True},
    streams.ProcessReply: {
        "taken": [_TAKEN],
        "left": [{"dataset": DATASET, "name": "run4610_2.root", "why": "processed"}],
        "next": None,
    },
    streams.Streams: {"streams": [_STREAM], "next": None},
    streams.StreamDetail: {**_STREAM, "spec": RULE, "changes": [_CHANGE]},
    streams.StreamVersions: {"versions": [_VERSION], "next": None},
    streams.Coverage: {"coverage": [COVERED], "next": None},
}
