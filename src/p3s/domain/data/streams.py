"""A file arrived: whether a stream takes it, and which jobs it makes of it.

The same is asked by the server when a file comes, and by commands that say beforehand what would become of one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from p3s.protocol.data import LEFT_OUT_OVERFLOW, LEFT_OUT_PAUSED, StreamSpec
from p3s.protocol.messages import JobSpec
from p3s.protocol.states import Fate


class Named(Protocol):
    """A file as it arrives, or as it is stored."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Taking:
    """What a stream makes of a file: its fate, why, and the job types of which it gets a job."""

    fate: Fate
    reason: str = ""
    jobtypes: tuple[str, ...] = ()


def in_sample(name: str, one_in: int) -> bool:
    """Whether a file of this name is among one in `one_in`: its BLAKE2b hash of 8 bytes, read as a number with the
    first byte the highest, is a multiple of `one_in`. The same wherever and whenever it is asked; what one in 20 takes,
    one in 10 takes too."""
    return one_in <= 1 or int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % one_in == 0


def taking(stream: StreamSpec, name: str, *, ignored: str = "", paused: bool = False, before: int = 0) -> Taking:
    """What becomes of a file of this name. `ignored`: why who found it leaves it out; `before`: how many files of its
    run the stream has taken or sampled out already, as far as `first_of_run` counts."""
    if ignored or paused:
        return Taking(Fate.IGNORED, ignored or LEFT_OUT_PAUSED)
    first = before < stream.take.first_of_run
    if stream.workflow:
        taken = first or in_sample(name, stream.take.one_in)
        return Taking(Fate.TAKEN if taken else Fate.SAMPLED_OUT)
    jobtypes = tuple(
        jobtype
        for jobtype, job in stream.jobs.items()
        if first or in_sample(name, stream.take.one_in if job.one_in is None else job.one_in)
    )
    return Taking(Fate.TAKEN if jobtypes else Fate.SAMPLED_OUT, jobtypes=jobtypes)


def without(taken: Taking, refused: Iterable[str]) -> Taking:
    """The same without the job types of which too many jobs wait already; with none left, the file is left out."""
    full = set(refused)
    left = tuple(jobtype for jobtype in taken.jobtypes if jobtype not in full)
    if not full:
        return taken
    if not left:
        return Taking(Fate.IGNORED, LEFT_OUT_OVERFLOW)
    return Taking(taken.fate, f"{LEFT_OUT_OVERFLOW}: {', '.join(sorted(full))}"[:200], left)


def jobs_of(stream: StreamSpec, dataset: Named, jobtypes: Iterable[str] | None = None) -> list[JobSpec]:
    """A job of each of these job types of the stream (None: all), with the dataset as its input."""
    return [
        JobSpec(
            payload=job.payload,
            name=f"{stream.name} {dataset.name}"[:200],
            jobtype=jobtype,
            input=dataset.url,
            env={**stream.env, **job.env},
            priority=job.priority,
            time_limit=job.time_limit,
            needs=job.needs,
        )
        for jobtype in (stream.jobs if jobtypes is None else jobtypes)
        for job in [stream.jobs[jobtype]]
    ]


def gathered(stream: StreamSpec) -> frozenset[str]:
    """Job types whose ends something waits for, because their results are gathered."""
    return frozenset(gather.of for gather in stream.gather.values())


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
