"""What came of what, from jobs, the files that they read and wrote, the results that they published and gathered.

Set-based: a few questions for all things of a level, however many they are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from p3s.domain.data.lineage import Key, Link
from p3s.server.data import reads as data
from p3s.server.data.models import Dataset, Member
from p3s.server.jobs.models import Job, Use
from p3s.server.results.models import Result
from p3s.server.sql import among

PORTION = 10_000
"""Names in one question."""


def up(level: list[Key]) -> Iterator[Link]:
    """From things to what they were made of."""
    return _step(level, _UP)


def down(level: list[Key]) -> Iterator[Link]:
    """From things to what was made of them."""
    return _step(level, _DOWN)


Names = Sequence[Any]
Look = Callable[[Names], Iterable[Link]]


def _step(level: list[Key], looks: dict[str, Look]) -> Iterator[Link]:
    by_kind: dict[str, list[Any]] = defaultdict(list)
    for kind, name in level:
        by_kind[kind].append(name)
    for kind, names in by_kind.items():
        if kind in looks:
            for at in range(0, len(names), PORTION):
                yield from looks[kind](names[at : at + PORTION])


# ---- up


def _publisher(results: Names) -> Iterator[Link]:
    for result, job in Result.objects.filter(id__in=among(results)).values_list("id", "job_id"):
        yield ("result", result), ("job", job), "published"


def _of_job(jobs: Names) -> Iterator[Link]:
    """Its dataset, or the file that its description names; what it read and gathered; the job it was run again for."""
    named: dict[str, list[int]] = defaultdict(list)
    again: dict[str, list[int]] = defaultdict(list)
    for job, dataset, url, old in Job.objects.filter(id__in=among(jobs)).values_list(
        "id", "dataset_id", "input", "rerun_of"
    ):
        if dataset is not None:
            yield ("job", job), ("dataset", dataset), "read"
        elif url:
            named[url].append(job)
        if old is not None:
            again[old].append(job)
    yield from _named(named)
    yield from _uses(Use.objects.filter(job__in=among(jobs), role="input"), "job", "job_id")
    for number, uuid in Job.objects.filter(uuid__in=among(list(again))).values_list("id", "uuid"):
        for job in again[uuid]:
            yield ("job", job), ("job", number), "run again"


def _named(jobs: dict[str, list[int]]) -> Iterator[Link]:
    """Files that jobs were given by address: registered, or known by that alone."""
    known = data.known(jobs)
    for url, readers in jobs.items():
        file: Key = ("dataset", known[url]) if url in known else ("path", url)
        for job in readers:
            yield ("job", job), file, "read"


def _of_purged(uuids: Names) -> Iterator[Link]:
    return _uses(Use.objects.filter(was_job__in=among(uuids), role="input"), "purged", "was_job")


def _uses(uses: "QuerySet[Use]", kind: str, column: str) -> Iterator[Link]:
    """What was read: a file, or the results of a source. Of a source that was purged its file is known from here."""
    for name, dataset, source, gone in uses.order_by("id").values_list(column, "dataset_id", "source_id", "was_source"):
        near: Key = (kind, name)
        if source is not None:
            yield near, ("job", source), "gathered"
        elif gone is not None:
            yield near, ("purged", gone), "gathered"
        elif dataset is not None:
            yield near, ("dataset", dataset), "read"


def _writers(datasets: Names) -> Iterator[Link]:
    """Who wrote a file; of a set its files."""
    uses = Use.objects.filter(dataset__in=among(datasets), role="output").order_by("id")
    for dataset, job, gone in uses.values_list("dataset_id", "job_id", "was_job"):
        writer: Key = ("job", job) if job is not None else ("purged", gone)
        yield ("dataset", dataset), writer, "wrote"
    for held, file in Member.objects.filter(set__in=among(datasets)).order_by("id").values_list("set_id", "dataset_id"):
        yield ("dataset", held), ("dataset", file), "holds"


_UP: dict[str, Look] = {"result": _publisher, "job": _of_job, "purged": _of_purged, "dataset": _writers}


# ---- down


def _readers(datasets: Names) -> Iterator[Link]:
    """Jobs that were made of a file or read it, and sets that have it. Who gathered results does so from their job."""
    for job, dataset in Job.objects.filter(dataset__in=among(datasets)).order_by("id").values_list("id", "dataset_id"):
        yield ("dataset", dataset), ("job", job), "read"
    uses = Use.objects.filter(dataset__in=among(datasets), role="input", source=None, was_source=None).order_by("id")
    for dataset, job, gone in uses.values_list("dataset_id", "job_id", "was_job"):
        yield ("dataset", dataset), (("job", job) if job is not None else ("purged", gone)), "read"
    for held, file in (
        Member.objects.filter(dataset__in=among(datasets)).order_by("id").values_list("set_id", "dataset_id")
    ):
        yield ("dataset", file), ("dataset", held), "holds"


def _from_job(jobs: Names) -> Iterator[Link]:
    """What it published and wrote, who gathered it, and the job that did its work again."""
    for result, job in Result.objects.filter(job__in=among(jobs)).order_by("id").values_list("id", "job_id"):
        yield ("job", job), ("result", result), "published"
    for dataset, job in (
        Use.objects.filter(job__in=among(jobs), role="output").order_by("id").values_list("dataset", "job")
    ):
        yield ("job", job), ("dataset", dataset), "wrote"
    for source, job in (
        Use.objects.filter(source__in=among(jobs), job__isnull=False).order_by("id").values_list("source", "job")
    ):
        yield ("job", source), ("job", job), "gathered"
    numbers = {uuid: number for number, uuid in Job.objects.filter(id__in=among(jobs)).values_list("id", "uuid")}
    for job, old in Job.objects.filter(rerun_of__in=among(list(numbers))).order_by("id").values_list("id", "rerun_of"):
        yield ("job", numbers[str(old)]), ("job", job), "run again"


def _from_purged(uuids: Names) -> Iterator[Link]:
    for dataset, gone in Use.objects.filter(was_job__in=among(uuids), role="output").values_list(
        "dataset_id", "was_job"
    ):
        yield ("purged", gone), ("dataset", dataset), "wrote"
    uses = Use.objects.filter(was_source__in=among(uuids)).order_by("id")
    for source, job, gone in uses.values_list("was_source", "job_id", "was_job"):
        yield ("purged", source), (("job", job) if job is not None else ("purged", gone)), "gathered"


_DOWN: dict[str, Look] = {"dataset": _readers, "job": _from_job, "purged": _from_purged}


# ---- what they are


class Thing(NamedTuple):
    """A thing as it is shown. `id` begins with its kind; `name` is for people, `state` what its kind has."""

    id: str
    kind: str
    name: str
    state: str = ""
    run: int | None = None
    url: str = ""


def describe(keys: Sequence[Key]) -> dict[Key, Thing]:
    """All of them; what was removed while we looked is left out."""
    found: dict[Key, Thing] = {}
    for key, thing in _step_things(keys):
        found[key] = thing
    return {key: found[key] for key in keys if key in found}


def _step_things(keys: Sequence[Key]) -> Iterator[tuple[Key, Thing]]:
    by_kind: dict[str, list[Any]] = defaultdict(list)
    for kind, name in keys:
        by_kind[kind].append(name)
    for url in by_kind["path"]:
        yield ("path", url), Thing(f"path:{url}", "path", url, url=url)
    for uuid in by_kind["purged"]:
        yield ("purged", uuid), Thing(f"purged:{uuid}", "purged", uuid)
    for kind, look in (("dataset", _files), ("job", _jobs), ("result", _results)):
        for at in range(0, len(by_kind[kind]), PORTION):
            for name, thing in look(by_kind[kind][at : at + PORTION]):
                yield (kind, name), thing


def _files(uuids: Names) -> Iterator[tuple[str, Thing]]:
    columns = ("uuid", "kind", "name", "state", "run", "url")
    for uuid, kind, *rest in Dataset.objects.filter(uuid__in=among(uuids)).values_list(*columns):
        yield uuid, Thing(f"{kind}:{uuid}", kind, *rest)


def _jobs(numbers: Names) -> Iterator[tuple[int, Thing]]:
    columns = ("id", "uuid", "jobtype_id", "name", "state", "run")
    for number, uuid, jobtype, name, state, run in Job.objects.filter(id__in=among(numbers)).values_list(*columns):
        yield number, Thing(f"job:{uuid}", "job", f"{jobtype} {name}".strip(), state, run)


def _results(numbers: Names) -> Iterator[tuple[int, Thing]]:
    for number, name, status, run in Result.objects.filter(id__in=among(numbers)).values_list(
        "id", "category", "status", "run"
    ):
        yield number, Thing(f"result:{number}", "result", name, status, run)


# ---- by name


def job_key(uuid: str) -> Key | None:
    """A job that is there, or was purged and is known from what came of it."""
    number = Job.objects.filter(uuid=uuid).values_list("id", flat=True).first()
    if number is not None:
        return ("job", number)
    gone = Use.objects.filter(was_job=uuid).exists() or Use.objects.filter(was_source=uuid).exists()
    return ("purged", uuid) if gone else None


def result_key(number: int) -> Key | None:
    return ("result", number) if Result.objects.filter(id=number).exists() else None
