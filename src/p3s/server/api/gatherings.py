"""Cold routes of gatherings, and of what jobs read: a payload asks them with its own token, a person with theirs."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import bounds, gathering_routes
from p3s.protocol.errors import NotKnown
from p3s.server.blobs import Blobs
from p3s.server.results import gatherings, inputs

from .doors import plain, reach
from .paging import Cursor, Limit, Name, Run, exact, number, page
from .places import BLOBS
from .sending import sent

router = Router()


@router.get("/gatherings", auth=reach("read"), summary=gathering_routes.GATHERINGS.summary, tags=["data"])
@exact
def list_gatherings(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    stream: Name = "",
    run: Run = None,
) -> dict[str, Any]:
    """How far each gathering of a stream has come; `next`, given as `cursor`, continues, null at the end."""
    bounds.check_name(stream, "stream")
    rows = gatherings.page(stream, run, limit + 1, number(cursor))
    return page("gatherings", [plain(row) for row in rows], limit, lambda row: str(row["id"]))


@router.get("/jobs/{job}/inputs", auth=reach("read"), summary=gathering_routes.INPUTS.summary, tags=["jobs"])
@exact
def list_inputs(
    request: HttpRequest,  # noqa: ARG001
    job: str,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """In the order in which they came; `next`, given as `cursor`, continues, null at the end. Of another job the
    results of the attempt that stands, without items that are holes."""
    bounds.check_uuids([job], "job")
    rows = inputs.of_job(job, limit + 1, number(cursor))
    if rows is None:
        raise NotKnown(f"there is no job {job[:60]!r}")
    found = page("inputs", [_input(row) for row in rows], limit, lambda row: str(row["id"]))
    for one in found["inputs"]:
        del one["id"], one["attempt"]
    return found


def _input(row: inputs.InputRow) -> dict[str, Any]:
    return {**plain(row), "files": [{**plain(file), "size": _size(row, file.path)} for file in row.files]}


def _size(row: inputs.InputRow, path: str) -> int | None:
    """Bytes; None for a file that is not there: the disk was full when it came, or it was removed since."""
    try:
        return Blobs(BLOBS).path(row.job or "", row.attempt, path).stat().st_size
    except OSError:
        return None


@router.get(
    "/jobs/{job}/inputs/{source}/files/{path:path}",
    auth=reach("read"),
    summary=gathering_routes.INPUT_FILE.summary,
    tags=["jobs"],
)
@exact
def show_input_file(request: HttpRequest, job: str, source: str, path: str) -> Any:  # noqa: ARG001
    """Of the attempt of the other job that stands."""
    bounds.check_uuids([job, source], "job")
    attempt = inputs.attempt_read(job, source)
    if attempt is None:
        raise NotKnown(
            f"job {job[:60]!r} does not read {source[:60]!r}; {gathering_routes.INPUTS.path} lists what it reads"
        )
    file = Blobs(BLOBS).path(source, attempt, path)
    if not file.is_file():
        raise NotKnown(f"job {source} has no file {path[:100]!r}")
    return sent(file)
