"""Examples of what goes in and comes out, for the API document. A test holds that the server takes and says such."""

from typing import Any

from p3s.protocol import accounts, acts, declarations, many, messages, replies, routes, services, views
from p3s.protocol.route import Route

from . import catalogue_examples, data_examples, gathering_examples, result_examples, workflow_examples
from .example_values import AT, DATASET, JOB, PILOT, SECRET

_ROW: dict[str, Any] = {
    "id": 4711,
    "uuid": JOB,
    "name": "femb run 4610",
    "jobtype": "femb",
    "owner": "ana",
    "state": "running",
    "reason": "",
    "attempt": 1,
    "pilot": PILOT,
    "host": "node7",
    "dataset": DATASET,
    "dataset_name": "run4610_1.root",
    "input": "/data/raw/run4610_1.root",
    "run": 4610,
    "subrun": 1,
    "submitted_at": AT,
    "dispatched_at": AT + 0.003,
    "started_at": AT + 0.005,
    "ended_at": None,
    "exit_code": None,
    "signal": None,
    "wall_s": None,
    "stream": "raw",
    "workflow": None,
}
_EVENT = {"at": AT, "what": "adjusted", "who": "bo", "why": "priority 7, was 0: first data of the run"}
_PILOT_ROW: dict[str, Any] = {
    "uuid": PILOT,
    "host": "node7",
    "site": "lxbatch",
    "slots": 4,
    "state": "active",
    "reason": "",
    "version": "0.1.0",
    "python": "3.9.18",
    "process": 4242,
    "batch_id": "1234567.0",
    "owner": "ana",
    "lease_s": 300.0,
    "registered_at": AT,
    "last_seen_at": AT + 20.0,
    "ended_at": None,
    "silent_s": None,
    "out": 1,
}
_ITEM: dict[str, Any] = {
    "id": 99,
    "result": 12,
    "kind": "number",
    "name": "electron lifetime",
    "by": {"tpc": 1},
    "status": "good",
    "comment": "",
    "group": "",
    "value": 5.6,
    "error": 0.2,
    "unit": "ms",
    "problem": "",
    "detail": {"kind": "number", "name": "electron lifetime", "value": 5.6},
}
_RESULT: dict[str, Any] = {
    "id": 12,
    "category": "purity",
    "run": 4610,
    "subrun": 1,
    "keys": {"logger": 3},
    "status": "good",
    "incomplete": False,
    "comment": "",
    "data_time": "2026-11-23T09:00:00Z",
    "published_at": AT + 40.0,
    "attempt": 1,
    "job": JOB,
    "job_id": 4711,
    "jobtype": "purity",
    "pilot": PILOT,
    "host": "node7",
    "dataset": DATASET,
    "dataset_name": "run4610_1.root",
    "stream": "raw",
    "stream_version": 3,
}
_PAUSE = {
    "jobtype": "femb",
    "why": "noise",
    "who": "ana",
    "since": AT,
    "said": "femb is paused by ana, for 3 min: noise",
}
_SERVICE: dict[str, Any] = {
    "name": "eos-space",
    "own": False,
    "runs": "script",
    "what": "",
    "every_s": 1800.0,
    "last_at": AT,
    "took_s": None,
    "said": "3.2 TB free",
    "value": 3.2,
    "unit": "TB",
    "error": "",
    "last_error": "",
    "failed_at": None,
    "next_at": AT + 1800.0,
    "late": False,
    "running": False,
    "by": "ana",
}
_JOB_TYPE: dict[str, Any] = {
    "name": "femb",
    "priority": 5,
    "cap": 40,
    "pick": "freshest",
    "eta": 600.0,
    "stale_after": 1800.0,
    "time_limit": 10800.0,
    "retries": 1,
    "critical": False,
    "supersedes": ["run"],
    "input_as": "path",
    "expects": ["FEMB"],
}
_TOKEN: dict[str, Any] = {
    "id": "1f0c2ab93d7e",
    "name": "shift scripts",
    "owner": "ana",
    "scopes": ["submit", "read"],
    "created_at": AT,
    "expires_at": AT + 2592000.0,
    "revoked_at": None,
}

REQUESTS: dict[type, Any] = {
    messages.SubmitRequest: {
        "key": "femb-4610-1",
        "jobs": [
            {
                "payload": "/p3s/femb.sh --fast",
                "name": "femb run 4610",
                "jobtype": "femb",
                "input": "/data/raw/run4610_1.root",
                "env": {"DUNETPCVER": "v07_13_01"},
                "priority": 5,
                "needs": {"cores": 2, "memory": 4000000000, "tags": ["cvmfs"]},
                "eta": 600.0,
                "stale_after": 1800.0,
                "time_limit": 3600.0,
            }
        ],
    },
    messages.ExchangeRequest: {
        "lane": "orders",
        "seq": 7,
        "acked": 3,
        "wait_s": 25.0,
        "reports": [{"job": JOB, "attempt": 1, "state": "finished", "exit_code": 0, "wall_s": 12.5}],
    },
    messages.RegisterRequest: {
        "pilot": PILOT,
        "nonce": "9b1deb4d3b7d4bad",
        "protocol": messages.PROTOCOL_VERSION,
        "version": "0.1.0",
        "host": "node7",
        "slots": 4,
        "site": "lxbatch",
        "batch_id": "1234567.0",
        "tags": ["cvmfs"],
    },
    messages.DeathRequest: {"evidence": "the pipe to the pilot closed", "killed": 2},
    messages.CancelRequest: {"why": "wrong release"},
    acts.WhyRequest: {"why": "calibration"},
    acts.AdjustRequest: {"priority": 7, "why": "first data of the run"},
    acts.RerunRequest: {
        "states": ["failed", "lost"],
        "since": AT,
        "jobtype": "femb",
        "still_fresh": True,
        "dry_run": True,
    },
    many.ManyRequest: {"states": ["defined"], "jobtype": "femb", "owner": "ana", "dry_run": True},
    many.AdjustManyRequest: {"states": ["defined"], "run": 4610, "priority": 9, "why": "the shifter waits for it"},
    many.PilotOrderRequest: {"order": "drain", "site": "lxbatch", "why": "reboot at noon", "dry_run": True},
    many.PurgeRequest: {"what": "jobs", "older_than": 2592000.0, "states": ["dropped", "cancelled"], "dry_run": True},
    messages.JobTypeSpec: _JOB_TYPE,
    declarations.DeclareRequest: {
        "jobtypes": {"femb": {"priority": 5, "cap": 40}},
        "dimensions": [{"name": "apa", "order": ["3", "2", "1"]}],
        "limits": [{"category": "Purity", "item": "lifetime", "good": [0.3, None]}],
    },
    messages.PublishRequest: {
        "results": [
            {
                "p3s_result": 1,
                "category": "purity",
                "run": 4610,
                "items": [{"kind": "number", "name": "electron lifetime", "value": 5.6, "unit": "ms"}],
            }
        ]
    },
    accounts.TokenRequest: {
        "name": "shift scripts",
        "scopes": ["submit", "read"],
        "key": SECRET,
        "expires_in_s": 2592000.0,
    },
    accounts.UserRequest: {"scopes": ["operate"], "active": True},
    services.ServiceReport: {"text": "3.2 TB free", "value": 3.2, "unit": "TB", "every": 1800.0},
    **catalogue_examples.REQUESTS,
    **data_examples.REQUESTS,
    **result_examples.REQUESTS,
    **workflow_examples.REQUESTS,
}

RELEASES = {"states": ["held"], "jobtype": "femb", "why": "calibration is over"}


def request_of(route: Route) -> Any:
    """What goes into a route."""
    assert route.request is not None
    return RELEASES if route is routes.RELEASES else REQUESTS[route.request]


REPLIES: dict[type, Any] = {
    declarations.DeclareReply: {
        "changed": ["job type femb"],
        "kept": ["limits of Purity/lifetime: what was set live stays"],
    },
    messages.SubmitReply: {
        "jobs": [JOB],
        "pilots": 3,
        "notes": ["job type femb is new: created with defaults (no cap)"],
    },
    messages.ExchangeReply: {
        "orders": [
            {
                "number": 4,
                "job": JOB,
                "attempt": 1,
                "payload": "/p3s/femb.sh --fast",
                "token": f"p3sj.{JOB}.1.seal",
                "env": {"P3S_RUN": "4610"},
                "time_limit": 3600.0,
            }
        ],
        "instructions": [],
        "verdicts": [{"job": JOB, "attempt": 1, "verdict": "applied", "why": ""}],
        "lease_s": 300.0,
        "wait_s": 25.0,
        "come_back": False,
    },
    messages.RegisterReply: {
        "pilot": PILOT,
        "token": f"p3sp.{PILOT}.mark.seal",
        "lease_s": 300.0,
        "wait_s": 25.0,
        "protocol": messages.PROTOCOL_VERSION,
    },
    messages.CancelReply: {"job": JOB, "state": "cancelled", "note": "it will not run"},
    messages.PublishReply: {"results": 1},
    acts.ChangeReply: {"job": JOB, "state": "held", "note": "it will not run until it is released"},
    acts.RerunReply: {"old": [JOB], "new": []},
    acts.ExplainReply: {
        "job": JOB,
        "state": "defined",
        "reason": "",
        "pilots": 0,
        "lines": ["needs 1 GPU: 0 of 12 pilots have that", "2 jobs before it"],
    },
    many.ManyReply: {"jobs": [JOB], "running": 0, "passed": 0, "next": None},
    many.PilotOrderReply: {
        "pilots": [{"pilot": PILOT, "host": "node7", "out": 1, "note": "it ends when its 1 job has ended"}]
    },
    many.PurgeReply: {"removed": 4200, "kept": 17, "next": "5000"},
    accounts.TokenReply: {
        "id": "1f0c2ab93d7e",
        "token": "p3su.shown-this-once",
        "owner": "ana",
        "scopes": ["submit", "read"],
        "expires_at": AT + 2592000.0,
    },
    services.ServiceState: _SERVICE,
    replies.Services: {"services": [_SERVICE]},
    replies.ServiceForgotten: {"name": "eos-space"},
    replies.DeathHeard: {"new": True},
    replies.PilotRows: {"pilots": [_PILOT_ROW], "next": None},
    views.Pilot: {**_PILOT_ROW, "jobs": [_ROW], "events": []},
    replies.JobRows: {"jobs": [_ROW], "next": "4711"},
    views.Job: {
        **_ROW,
        "payload": "/p3s/femb.sh --fast",
        "env": {"DUNETPCVER": "v07_13_01"},
        "priority": 7,
        "time_limit": 3600.0,
        "needs": "",
        "eta_at": AT + 600.0,
        "stale_at": AT + 1800.0,
        "retried": 0,
        "rerun_of": None,
        "cancelled_by": "",
        "stream_version": 3,
        "cpu_s": None,
        "peak_memory": None,
        "keys": {"logger": 3},
        "pilot_silent_s": None,
        "events": [_EVENT],
    },
    replies.JobTypes: {"jobtypes": [{**_JOB_TYPE, "out": 12, "waiting": 3, "paused": ""}]},
    replies.Changed: {"name": "femb", "changed": True},
    replies.Pauses: {"pauses": [_PAUSE]},
    replies.PauseChanged: {"jobtype": "femb", "changed": True},
    replies.Hosts: {
        "hosts": [
            {
                "host": "node7",
                "pilots": 1,
                "slots": 4,
                "out": 0,
                "failures_in_a_row": 3,
                "doubts": [{"jobtype": "", "why": "3 nonstarters in a row", "since": AT, "probe_at": AT + 60.0}],
            }
        ]
    },
    replies.Trusted: {"host": "node7", "doubts": 1},
    replies.Uploaded: {"bytes": 20480},
    replies.Results: {"results": [_RESULT], "next": None},
    views.Result: {**_RESULT, "items": [_ITEM]},
    replies.Alarms: {
        "alarms": [
            {
                "id": 3,
                "cause": "silent pilots",
                "kind": "silent pilots",
                "message": "2 pilots at lxbatch are silent: node7, node8",
                "severity": "warning",
                "raised_at": AT,
                "last_at": AT + 30.0,
                "count": 1,
                "cleared_at": None,
                "ending": "",
                "detail": {"pilots": [PILOT]},
            }
        ],
        "next": None,
    },
    replies.Tokens: {"tokens": [_TOKEN]},
    views.Token: {**_TOKEN, "revoked_at": AT + 100.0},
    replies.Users: {"users": [{"name": "ana", "scopes": ["operate"], "active": True}]},
    views.User: {"name": "ana", "scopes": ["operate"], "active": True},
    replies.Record: {"events": [{"id": 8, "kind": "job", "object_id": JOB, **_EVENT}], "next": None},
    views.Summary: {
        "pilots": {"active": 3},
        "slots": 12,
        "slots_in_use": 1,
        "jobs": {"finished": 4710, "running": 1},
        "workflows": {"finished": 12, "running": 1},
        "datasets": 1200,
        "results": 4600,
        "newest_result_age_s": 12.5,
        "paused": [_PAUSE],
        "now": AT + 200.0,
    },
    views.WhoAmI: {"owner": "ana", "scopes": ["operate"], "protocol": 1, "now": AT, "lease_s": 300.0},
    replies.Health: {"ready": True},
    **catalogue_examples.REPLIES,
    **data_examples.REPLIES,
    **gathering_examples.REPLIES,
    **result_examples.REPLIES,
    **workflow_examples.REPLIES,
}
