"""Routes of gatherings and of what jobs read."""

from . import gatherings
from .route import API, Route

GATHERINGS = Route("GET", f"{API}/gatherings", "read", "List gatherings, the latest first", None, gatherings.Gatherings)
INPUTS = Route(
    "GET",
    f"{API}/jobs/{{job}}/inputs",
    "read",
    "List what a job reads: files, and the results of other jobs",
    None,
    gatherings.Inputs,
)
INPUT_FILE = Route(
    "GET", f"{API}/jobs/{{job}}/inputs/{{source}}/files/{{path}}", "read", "A file of a job whose results a job reads"
)
