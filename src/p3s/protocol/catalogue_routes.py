"""Routes of what the server knows of data: datasets, data types, runs, and what came of what."""

from . import catalogue
from . import catalogue_views as views
from .route import API, Route

DATASET = Route("GET", f"{API}/datasets/{{dataset}}", "read", "One dataset", None, views.DatasetDetail)
ADJUST_DATASET = Route(
    "POST",
    f"{API}/datasets/{{dataset}}/adjust",
    "submit",
    "Change what is known of a dataset",
    catalogue.DatasetChange,
    catalogue.DatasetChanged,
)
DELETE_DATASET = Route("DELETE", f"{API}/datasets/{{dataset}}", "submit", "Forget a dataset", None, catalogue.Removed)
SET = Route("PUT", f"{API}/sets/{{set}}", "submit", "Make a set of files", catalogue.SetRequest, catalogue.SetChanged)
SET_MEMBERS = Route(
    "POST",
    f"{API}/sets/{{set}}/members",
    "submit",
    "Put files into a set, or take them out",
    catalogue.SetMembers,
    catalogue.SetChanged,
)
DATATYPES = Route("GET", f"{API}/datatypes", "read", "List data types, by name", None, views.DataTypes)
DATATYPE = Route("GET", f"{API}/datatypes/{{name}}", "read", "One data type", None, views.DataType)
SET_DATATYPE = Route(
    "PUT",
    f"{API}/datatypes/{{name}}",
    "operate",
    "Set a data type",
    catalogue.DataTypeSpec,
    catalogue.DataTypeChanged,
)
DELETE_DATATYPE = Route("DELETE", f"{API}/datatypes/{{name}}", "operate", "Remove a data type", None, catalogue.Removed)
RUNS = Route("GET", f"{API}/runs", "read", "List runs, open ones first", None, views.Runs)
RUN = Route("GET", f"{API}/runs/{{run}}", "read", "One run", None, views.RunDetail)
START_RUN = Route(
    "POST", f"{API}/runs/{{run}}/start", "operate", "Start a run", catalogue.RunStart, catalogue.RunChanged
)
END_RUN = Route("POST", f"{API}/runs/{{run}}/end", "operate", "End a run", catalogue.RunEnd, catalogue.RunChanged)
ADJUST_RUN = Route(
    "POST",
    f"{API}/runs/{{run}}/adjust",
    "operate",
    "Change what is known of a run",
    catalogue.RunChange,
    catalogue.RunChanged,
)
DELETE_RUN = Route("DELETE", f"{API}/runs/{{run}}", "operate", "Forget a run", None, catalogue.Removed)
LINEAGE = Route("GET", f"{API}/lineage", "read", "What came of what", None, views.Lineage)
