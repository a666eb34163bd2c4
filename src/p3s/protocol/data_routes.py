"""Routes of streams, datasets, data types and runs."""

from . import catalogue, data, replies, streams
from .acts import WhyRequest
from .route import API, Route

STREAMS = Route("GET", f"{API}/streams", "read", "List streams", None, streams.Streams)
STREAM_SHOWN = Route("GET", f"{API}/streams/{{name}}", "read", "One stream", None, streams.StreamDetail)
STREAM = Route("PUT", f"{API}/streams/{{name}}", "operate", "Declare a stream", data.StreamSpec, replies.StreamVersion)
DELETE_STREAM = Route("DELETE", f"{API}/streams/{{name}}", "operate", "Forget a stream", None, catalogue.Removed)
STREAM_VERSIONS = Route(
    "GET", f"{API}/streams/{{name}}/versions", "read", "What a stream was, newest first", None, streams.StreamVersions
)
SET_STREAM = Route(
    "POST",
    f"{API}/streams/{{name}}/changes",
    "operate",
    "Change a stream live",
    streams.SetStreamRequest,
    streams.StreamChanged,
)
REVERT_STREAM = Route(
    "POST",
    f"{API}/streams/{{name}}/revert",
    "operate",
    "Make a stream what it was",
    streams.RevertStreamRequest,
    streams.StreamChanged,
)
PAUSE_STREAM = Route(
    "POST", f"{API}/streams/{{name}}/pause", "operate", "Pause a stream", WhyRequest, streams.StreamPaused
)
RESUME_STREAM = Route(
    "POST", f"{API}/streams/{{name}}/resume", "operate", "Resume a stream", WhyRequest, streams.StreamPaused
)
PROCESS = Route(
    "POST",
    f"{API}/streams/{{name}}/process",
    "operate",
    "Process files of a stream now",
    streams.ProcessRequest,
    streams.ProcessReply,
)
COVERAGE = Route("GET", f"{API}/coverage", "read", "What became of every file, by run", None, streams.Coverage)
ARRIVALS = Route(
    "POST", f"{API}/arrivals", "submit", "Register many datasets", data.ArrivalsRequest, data.ArrivalsReply
)
REGISTER_DATASET = Route(
    "POST",
    f"{API}/datasets",
    "submit",
    "Register a dataset",
    data.DatasetRequest,
    data.DatasetReply,
)
DATASETS = Route("GET", f"{API}/datasets", "read", "List datasets, newest first", None, replies.Datasets)
