"""Routes of results, of trends, and of what results are judged by."""

from . import data, replies, result_views, views
from .route import API, Route

RESULTS = Route("GET", f"{API}/results", "read", "List results, newest first", None, replies.Results)
RESULT = Route("GET", f"{API}/results/{{result}}", "read", "One result with its items", None, views.Result)
RESULT_FILE = Route("GET", f"{API}/results/{{result}}/files/{{path}}", "read", "A file of a result")

TRENDS = Route("GET", f"{API}/trends", "read", "Numbers and table cells over runs", None, result_views.Trends)
TREND_NAMES = Route("GET", f"{API}/trends/names", "read", "List what is trended", None, result_views.TrendNames)

LIMITS = Route("GET", f"{API}/limits", "read", "List limits set on the server", None, result_views.Limits)
SET_LIMIT = Route(
    "PUT", f"{API}/limits", "operate", "Set limits of a number or column", data.LimitSpec, result_views.StandardChanged
)
DROP_LIMIT = Route(
    "DELETE", f"{API}/limits", "operate", "Delete limits set on the server", None, result_views.StandardChanged
)
REFERENCES = Route("GET", f"{API}/references", "read", "List reference runs", None, result_views.References)
SET_REFERENCE = Route(
    "PUT", f"{API}/references", "operate", "Make a run the reference", data.ReferenceSpec, result_views.StandardChanged
)
DROP_REFERENCE = Route(
    "DELETE", f"{API}/references", "operate", "Have no reference run", None, result_views.StandardChanged
)
DIMENSIONS = Route("GET", f"{API}/dimensions", "read", "List dimensions", None, result_views.Dimensions)
SET_DIMENSION = Route(
    "PUT",
    f"{API}/dimensions",
    "operate",
    "Set how a coordinate is shown",
    data.DimensionSpec,
    result_views.StandardChanged,
)
DROP_DIMENSION = Route(
    "DELETE", f"{API}/dimensions", "operate", "Show a coordinate as it is", None, result_views.StandardChanged
)
