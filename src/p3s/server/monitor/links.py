"""URLs of what the API serves, built here only. Everything in them is quoted: file names are a payload's."""

from urllib.parse import quote

from p3s.protocol import result_routes, routes

LIVE = routes.LIVE.path


def result_file(result: int, path: str) -> str:
    """A file of a result. Directories keep their slash."""
    return result_routes.RESULT_FILE.path.format(result=result, path=quote(path))


def job_log(job: str, stream: str) -> str:
    """The whole `stdout` or `stderr` of a job."""
    return routes.LOG.url(job=job, stream=stream)
