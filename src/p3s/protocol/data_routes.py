"""Routes of streams, datasets, data types and runs."""

from . import data, replies
from .route import API, Route

STREAM = Route("PUT", f"{API}/streams/{{name}}", "operate", "Declare a stream", data.StreamSpec, replies.StreamVersion)
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
