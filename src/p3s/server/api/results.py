"""Cold routes of results: files up, results up, files down."""

import mimetypes
from collections.abc import Iterator
from typing import Annotated, Any

from django.http import FileResponse, HttpRequest
from ninja import Query, Router

from p3s.protocol import results as rules
from p3s.protocol import routes
from p3s.protocol.errors import BadInput, NotAllowed, NotKnown
from p3s.protocol.messages import PublishReply, PublishRequest
from p3s.server.actions.publish import publish as publish_results
from p3s.server.blobs import Blobs
from p3s.server.broker import running
from p3s.server.results import reads
from p3s.server.upkeep.services import running as upkeep

from .doors import grant_of, plain, reach, read
from .places import BLOBS

router = Router(tags=["results"])
CHUNK = 256 * 1024
MOST_PROBLEMS = 100


def _own(request: HttpRequest, job: str, attempt: int) -> None:
    grant = grant_of(request)
    if (grant.job, grant.attempt) != (job, attempt):
        raise NotAllowed(f"this token does not speak for attempt {attempt} of job {job}; use the attempt's own")


@router.put("/jobs/{job}/attempts/{attempt}/files/{path:path}", auth=reach("job:"), summary=routes.UPLOAD.summary)
def upload(request: HttpRequest, job: str, attempt: int, path: str) -> dict[str, int]:
    """The body is the file, at most 20 MB. The same name again replaces it."""
    _own(request, job, attempt)
    upkeep().guard.check_files()

    declared = request.headers.get("Content-Length", "")
    if not declared.isdigit():
        raise BadInput("say the file's size in Content-Length, so that one that breaks off is not taken for whole")

    def chunks() -> Iterator[bytes]:
        missing = int(declared)
        while missing and (chunk := request.read(min(CHUNK, missing))):
            missing -= len(chunk)
            yield chunk
        if missing:
            raise BadInput(f"the file broke off {missing} bytes before its end; send it again")

    return {"bytes": Blobs(BLOBS).put(job, attempt, path, chunks(), rules.MAX_FILE_BYTES)}


@router.post("/jobs/{job}/attempts/{attempt}/results", auth=reach("job:"), summary=routes.PUBLISH.summary)
def publish(request: HttpRequest, job: str, attempt: int) -> PublishReply:
    """Results in wire form, their files uploaded before. Sent twice, they are stored once."""
    _own(request, job, attempt)
    body = read(request, PublishRequest)
    if len(body.results) > rules.MAX_RESULTS or len(body.problems) > MOST_PROBLEMS:
        raise BadInput(f"results: at most {rules.MAX_RESULTS} from one job, and {MOST_PROBLEMS} problems")
    names = set(Blobs(BLOBS).names(job, attempt))
    try:
        checked = [rules.check(document, names) for document in body.results]
    except rules.ResultError as error:
        raise BadInput(str(error)) from None
    count = running().ask(
        lambda work: publish_results(work, job=job, attempt=attempt, results=checked, problems=body.problems)
    )
    return PublishReply(count)


@router.get("/results", auth=reach("read"), summary=routes.RESULTS.summary)
def list_results(request: HttpRequest, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> dict[str, Any]:  # noqa: ARG001
    """Newest first, without their items."""
    return {"results": [plain(row) for row in reads.latest(limit)]}


@router.get("/results/{result}/files/{path:path}", auth=reach("read"), summary=routes.RESULT_FILE.summary)
def show_file(request: HttpRequest, result: int, path: str) -> Any:  # noqa: ARG001
    """A file of a result. Payloads are hostile: it is shown in a sandbox and never taken for a page of ours."""
    place = reads.attempt_of(result)
    if place is None:
        raise NotKnown(f"there is no result {result}")
    file = Blobs(BLOBS).path(*place, path)
    if not file.is_file():
        raise NotKnown(f"result {result} has no file {path[:100]!r}")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    response = FileResponse(file.open("rb"), content_type=kind)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600"
    return response
