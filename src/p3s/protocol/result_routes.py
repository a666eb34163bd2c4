"""Routes of results."""

from . import replies, views
from .route import API, Route

RESULTS = Route("GET", f"{API}/results", "read", "List results, newest first", None, replies.Results)
RESULT = Route("GET", f"{API}/results/{{result}}", "read", "One result with its items", None, views.Result)
RESULT_FILE = Route("GET", f"{API}/results/{{result}}/files/{{path}}", "read", "A file of a result")
