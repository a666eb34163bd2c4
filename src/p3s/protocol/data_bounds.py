"""Bounds on what people and the watcher say of data, checked at the door. Raises BadInput as `bounds` does."""

from .bounds import _VARIABLE, BIG, _text, _whole, check_job
from .data import DatasetRequest, StreamSpec
from .errors import BadInput
from .messages import BOUNDS, JobSpec


def check_stream(spec: StreamSpec) -> None:
    """A rule: a name, and jobs within the bounds of jobs."""
    _text(spec.name, 80, "name")
    if not spec.jobs:
        raise BadInput("jobs: the stream makes none; name at least one job type")
    for jobtype, job in spec.jobs.items():
        described = JobSpec(job.payload, spec.name, jobtype, "", job.env, job.priority, job.time_limit)
        check_job(described, f"jobs.{jobtype}")


def check_dataset(request: DatasetRequest) -> None:
    """A file's own numbering and names."""
    if not request.url.strip():
        raise BadInput("url: is empty; give the file's path or URL")
    _text(request.url, BOUNDS["input"], "url")
    _text(request.name, 255, "name")
    _text(request.stream, 80, "stream")
    for name in ("size", "run", "subrun"):
        value = getattr(request, name)
        if value is not None and not 0 <= value < 2**62:
            raise BadInput(f"{name}: must be from 0 to 2^62, not {value}")
    for key, value in request.keys.items():
        if not _VARIABLE.match(key) or len(key) > 40:
            raise BadInput(f"keys: {key[:60]!r} is not a key's name; use letters, digits and _, at most 40")
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise BadInput(f"keys.{key}: must be an integer or a short text")
        if isinstance(value, int):
            _whole(value, -BIG, BIG, f"keys.{key}")
        else:
            _text(value, 200, f"keys.{key}")
