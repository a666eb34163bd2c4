"""Routes of what the server knows of data: datasets, data types, runs."""

from . import catalogue
from .route import API, Route

ADJUST_DATASET = Route(
    "POST",
    f"{API}/datasets/{{dataset}}/adjust",
    "submit",
    "Change what is known of a dataset",
    catalogue.DatasetChange,
    catalogue.DatasetChanged,
)
