"""Cold routes of results: files up, results up, files down."""

from collections.abc import Iterator
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, result_routes, routes
from p3s.protocol import results as rules
from p3s.protocol.errors import BadInput, Conflict, NotAllowed, NotKnown, TooLarge
from p3s.protocol.messages import PublishReply, PublishRequest
from p3s.protocol.result_sizes import within_sizes
from p3s.server.actions.publish import publish as publish_results
from p3s.server.blobs import Blobs
from p3s.server.broker import running
from p3s.server.jobs import reads as jobs
from p3s.server.results import reads
from p3s.server.upkeep.services import running as upkeep

from .doors import grant_of, plain, reach, read
from .paging import Cursor, Limit, Moment, Name, Run, exact, number, one_of, page
from .places import BLOBS
from .sending import sent

router = Router(tags=["results"])
CHUNK = 256 * 1024
MOST_PROBLEMS = 100
MOST_THINGS = 100_000
"""Items, files, cells and points of a page of results: some ten megabytes."""


def _own(request: HttpRequest, job: str, attempt: int) -> None:
    grant = grant_of(request)
    if (grant.job, grant.attempt) != (job, attempt):
        raise NotAllowed(f"this token does not speak for attempt {attempt} of job {job}; use the attempt's own")


@router.put("/jobs/{job}/attempts/{attempt}/files/{path:path}", auth=reach("job:"), summary=routes.UPLOAD.summary)
def upload(request: HttpRequest, job: str, attempt: int, path: str) -> dict[str, int]:
    """The body is the file, at most 20 MB. The same name again replaces it."""
    _own(request, job, attempt)
    if not (running().in_force(job, attempt) or jobs.may_be_amended(job, attempt)):
        raise Conflict(f"attempt {attempt} of job {job} is over; its files stay as they are")
    upkeep().guard.check_files()

    declared = request.headers.get("Content-Length", "")
    if not declared.isdigit():
        raise BadInput("say the file's size in Content-Length, so that one that breaks off is not taken for whole")
    if int(declared) > rules.MAX_FILE_BYTES:  # before it has come
        raise TooLarge(f"the file has {declared} bytes, at most {rules.MAX_FILE_BYTES} are taken; publish less of it")

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
    sizes = Blobs(BLOBS).sizes(job, attempt)
    try:
        checked = [within_sizes(rules.check(document, sizes.keys()), sizes) for document in body.results]
    except rules.ResultError as error:
        raise BadInput(str(error)) from None
    values = sum(result.values for result in checked)
    if values > rules.MAX_VALUES:
        raise BadInput(f"results: {values} numbers and table cells; at most {rules.MAX_VALUES} are taken from one job")
    count = running().ask(
        lambda work: publish_results(work, job=job, attempt=attempt, results=checked, problems=body.problems)
    )
    return PublishReply(count)


@router.get("/results", auth=reach("read"), summary=result_routes.RESULTS.summary)
@exact
def list_results(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    job: Annotated[str, Query(max_length=300, description="UUID of the job that published it")] = "",
    jobtype: Name = "",
    stream: Name = "",
    category: Name = "",
    status: Annotated[str, Query(max_length=20, description="good, warning, bad or none")] = "",
    run: Run = None,
    subrun: Run = None,
    since: Moment = None,
    until: Moment = None,
    items: Annotated[bool, Query(description="with the items of each")] = False,
    all: Annotated[bool, Query(description="older attempts too")] = False,
) -> dict[str, Any]:
    """Newest first, those of the newest attempt of each (job type, category, run, subrun, keys); of a `job` all.
    `next`, given as `cursor`, continues, null at the end. `since` and `until` count publications. With `items` a page
    ends earlier where they are very many."""
    for where, word in (("job", job), ("jobtype", jobtype), ("stream", stream), ("category", category)):
        bounds.check_name(word, where)
    one_of(status, rules.STATUSES, "status")
    choice = reads.Choice(job, jobtype, stream, category, status, run, subrun, since, until, all or bool(job))
    rows = [plain(row) for row in reads.page(choice, limit + 1, number(cursor))]
    if items:
        found = reads.items_within([row["id"] for row in rows[:limit]], MOST_THINGS)
        limit = len(found)
        rows = [{**row, "items": [plain(one) for one in found.get(row["id"], [])]} for row in rows]
    return page("results", rows, limit, lambda row: str(row["id"]))


@router.get("/results/{result}", auth=reach("read"), summary=result_routes.RESULT.summary)
@exact
def show_result(request: HttpRequest, result: int) -> dict[str, Any]:  # noqa: ARG001
    """One result with its items: their values, limits and the files that belong to them."""
    row = reads.find(result) if 0 <= result < 2**62 else None
    if row is None:
        raise NotKnown(f"there is no result {result}; p3s result list shows the latest")
    items = reads.items([result], rules.MAX_ITEMS).get(result, [])
    return {**plain(row), "items": [plain(one) for one in items]}


@router.get("/results/{result}/files/{path:path}", auth=reach("read"), summary=result_routes.RESULT_FILE.summary)
@exact
def show_file(request: HttpRequest, result: int, path: str) -> Any:  # noqa: ARG001
    """A file of a result."""
    place = reads.attempt_of(result)
    if place is None:
        raise NotKnown(f"there is no result {result}")
    file = Blobs(BLOBS).path(*place, path)
    if not file.is_file():
        raise NotKnown(f"result {result} has no file {path[:100]!r}")
    return sent(file)
