"""A dataset arrived: which jobs a stream makes of it."""

from p3s.protocol.data import DatasetRequest, StreamSpec
from p3s.protocol.messages import JobSpec


def jobs_of(stream: StreamSpec, dataset: DatasetRequest) -> list[JobSpec]:
    """One job per job type of the stream, with the dataset as its input."""
    return [
        JobSpec(
            payload=job.payload,
            name=f"{stream.name} {dataset.name}"[:200],
            jobtype=jobtype,
            input=dataset.url,
            env=dict(job.env),
            priority=job.priority,
            time_limit=job.time_limit,
        )
        for jobtype, job in stream.jobs.items()
    ]


def input_environment(
    url: str, run: int | None, subrun: int | None, keys: dict[str, object], how: str = "path"
) -> dict[str, str]:
    """What a payload finds in its environment of its input, under 2018's and the new names; `how` is of INPUT_AS."""
    env: dict[str, str] = {}
    if url:
        url = f"root://{url.removeprefix('xroot://')}" if url.startswith("xroot://") else url
        path = url.removeprefix("file://")
        env["P3S_INPUT_FILE"] = _shown_as(how, path)
        env["P3S_INPUT_URL"] = url
        if "://" not in path:
            env["P3S_INPUT_PATH"] = path
    if run is not None:
        env["P3S_RUN"] = str(run)
    if subrun is not None:
        env["P3S_SUBRUN"] = str(subrun)
    for key, value in keys.items():
        env[f"P3S_KEY_{key.upper()}"] = str(value)
    return env


def _shown_as(how: str, path: str) -> str:
    """2018's wrappers join a bare name to a directory of their own."""
    if how == "name":
        bare = path.partition("?")[0] if "://" in path else path
        return bare.rstrip("/").rpartition("/")[2]
    return f"file://{path}" if how == "url" and "://" not in path else path
