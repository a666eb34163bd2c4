"""Files go out. What payloads wrote is hostile: it is shown in a sandbox and never taken for a page of ours."""

import mimetypes
from pathlib import Path

from django.http import FileResponse


def sent(file: Path) -> FileResponse:
    """The file as the answer of a route; it is there."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    response = FileResponse(file.open("rb"), content_type=kind)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600"
    return response
