# ruff: noqa: E402 - Django is set up before its models can be imported
"""Run by test_queries.py in a process of its own for each database: what came of what, over real tables.

Prints a JSON object: the name of each story, and nothing or the traceback it ended in.
"""

import itertools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from p3s.domain.data.lineage import Key, Walk, shown, walk
from p3s.server.actions.traces import leave
from p3s.server.data.models import Dataset, Member
from p3s.server.jobs.models import Job, JobType, Use
from p3s.server.results import lineage
from p3s.server.results.models import Result

NOW = 1_700_000_000.0
NUMBERS = itertools.count(1)


def file(name: str = "", kind: str = "file") -> Dataset:
    number = next(NUMBERS)
    fixed = {"state": "available", "owner": "ana", "registered_at": NOW, "run": 7, "kind": kind}
    return Dataset.objects.create(uuid=uuid_of(number), name=name or f"f{number}", url=f"/data/{number}", **fixed)


def uuid_of(number: int) -> str:
    return f"{number:08d}-0000-7000-8000-000000000000"


def new_job(number: int, dataset: str | None = None, **columns: str) -> Job:
    fixed = {"jobtype_id": "t", "owner": "ana", "payload": "true", "state": "finished", "submitted_at": NOW}
    return Job(id=number, uuid=uuid_of(number), dataset_id=dataset, **fixed, **columns)


def job(dataset: Dataset | None = None, **columns: str) -> Job:
    made = new_job(next(NUMBERS), None if dataset is None else dataset.uuid, **columns)
    made.save(force_insert=True)
    return made


def result(of: Job) -> Result:
    fixed = {"attempt": 1, "position": 0, "subject": of.id, "category": "c", "status": "good", "published_at": NOW}
    return Result.objects.create(job=of, **fixed)


def reads(reader: Job, *, dataset: Dataset | None = None, source: Job | None = None) -> None:
    Use.objects.create(job=reader, dataset=dataset, source=source, role="input")


def writes(writer: Job, dataset: Dataset) -> None:
    Use.objects.create(job=writer, dataset=dataset, role="output")


def up(key: Key) -> Walk:
    return walk(key, lineage.up, 100_000)


def down(key: Key) -> Walk:
    return walk(key, lineage.down, 100_000)


def purge(*jobs: Job) -> None:
    """As `actions.purge` does it in one transaction."""
    ids = [one.id for one in jobs]
    leave({one.id: one.uuid for one in jobs}, {one.id: str(one.dataset_id) for one in jobs if one.dataset_id})
    Result.objects.filter(job__in=ids).delete()
    Job.objects.filter(id__in=ids).delete()


@contextmanager
def at_most(queries: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as asked:
        yield
    assert len(asked) <= queries, [one["sql"][:150] for one in asked.captured_queries]


def merged(files: int) -> tuple[Result, list[Dataset], list[Job]]:
    """A merge over so many jobs, each made of one file."""
    first = next(NUMBERS)
    numbers = [first + one for one in range(2 * files + 1)]
    for _ in numbers[1:]:
        next(NUMBERS)
    fixed = {"state": "available", "owner": "ana", "registered_at": NOW, "run": 7}
    raw = Dataset.objects.bulk_create(
        [Dataset(uuid=uuid_of(one), name=f"raw{one}", url=f"/raw/{one}", **fixed) for one in numbers[:files]],
        batch_size=500,
    )
    pairs = zip(numbers[files:-1], raw, strict=True)
    jobs = Job.objects.bulk_create([new_job(number, one.uuid) for number, one in pairs], batch_size=200)
    merge = new_job(numbers[-1])
    merge.save(force_insert=True)
    Use.objects.bulk_create(
        [Use(job=merge, source=one, dataset=dataset, role="input") for one, dataset in zip(jobs, raw, strict=True)],
        batch_size=200,
    )
    return result(merge), raw, jobs


# ---- stories


def a_merged_result_leads_back_to_every_raw_file() -> None:
    """Over more files than one question names, in few questions."""
    published, raw, jobs = merged(2_500)
    with at_most(24):
        found = up(("result", published.id))
    assert found.counts() == {"job": 2_501, "dataset": 2_500}
    assert set(found.ends()) == {("dataset", one.uuid) for one in raw}
    things = lineage.describe([*shown(found, 3).left_out])
    assert [one.kind for one in things.values()] == ["result", "job", *["job"] * 3, *["file"] * 3]
    forth = down(("dataset", raw[7].uuid))
    assert ("result", published.id) in forth.beyond
    assert forth.counts() == {"job": 2, "result": 1}
    assert forth.beyond["job", jobs[7].id] == {("job", published.job_id): "gathered"}


def files_of_workflows_are_on_the_way() -> None:
    """raw -> decode -> file -> purity -> file -> sum -> result."""
    raw = file()
    decode, purity, total = job(raw), job(), job()
    decoded, life = file(), file()
    writes(decode, decoded)
    reads(purity, dataset=decoded)
    writes(purity, life)
    reads(total, dataset=life)
    published = result(total)
    way = ["result", "job", "dataset", "job", "dataset", "job", "dataset"]
    found = up(("result", published.id))
    assert [kind for kind, _ in found.beyond] == way
    assert found.ends() == [("dataset", raw.uuid)]
    assert [kind for kind, _ in down(("dataset", raw.uuid)).beyond] == way[::-1]


def sets_stand_for_their_files() -> None:
    golden, one, other = file("golden", "set"), file(), file()
    Member.objects.bulk_create([Member(set=golden, dataset=one), Member(set=golden, dataset=other)])
    made = job(golden)
    found = up(("job", made.id))
    assert set(found.ends()) == {("dataset", one.uuid), ("dataset", other.uuid)}
    assert down(("dataset", one.uuid)).ends() == [("job", made.id)]


def what_was_given_by_address_is_named() -> None:
    known = file()
    by_name, foreign = job(input=known.url), job(input="/nobody/registered.root")
    assert up(("job", by_name.id)).ends() == [("dataset", known.uuid)]
    assert up(("job", foreign.id)).ends() == [("path", "/nobody/registered.root")]


def a_job_that_was_run_again_is_followed() -> None:
    raw = file()
    old = job(raw)
    new = job(raw, rerun_of=old.uuid)
    assert up(("job", new.id)).beyond["job", new.id] == {("dataset", raw.uuid): "read", ("job", old.id): "run again"}
    assert down(("job", old.id)).ends() == [("job", new.id)]


def purged_sources_do_not_break_the_way() -> None:
    published, raw, jobs = merged(5)
    purge(*jobs[:3])
    found = up(("result", published.id))
    assert set(found.ends()) == {("dataset", one.uuid) for one in raw}
    assert found.counts() == {"job": 3, "purged": 3, "dataset": 5}
    assert ("result", published.id) in down(("dataset", raw[0].uuid)).beyond
    assert lineage.job_key(jobs[0].uuid) == ("purged", jobs[0].uuid)
    assert ("dataset", raw[0].uuid) in up(("purged", jobs[0].uuid)).beyond


def purged_writers_do_not_break_the_way() -> None:
    raw, decoded = file(), file()
    decode = job(raw)
    writes(decode, decoded)
    reader = job()
    reads(reader, dataset=decoded)
    purge(decode)
    assert up(("job", reader.id)).ends() == [("dataset", raw.uuid)]
    assert ("job", reader.id) in down(("dataset", raw.uuid)).beyond


def chains_of_purged_jobs_are_whole_in_any_order() -> None:
    """raw -> a -> b -> c (gathered each), of which a and b are purged: together, or one before the other."""
    for order in ((0, 1), (1, 0), None):
        raw = file()
        first, second, last = job(raw), job(), job()
        reads(second, source=first, dataset=raw)
        reads(last, source=second)
        for group in [(first, second)] if order is None else [((first, second)[one],) for one in order]:
            purge(*group)
        assert up(("job", last.id)).ends() == [("dataset", raw.uuid)], order
        assert down(("dataset", raw.uuid)).ends() == [("job", last.id)], order


def of_what_nothing_came_nothing_stays() -> None:
    Use.objects.all().delete()
    published, _, jobs = merged(4)
    lonely = job(file())
    reads(lonely, dataset=file())
    purge(lonely)
    assert not Use.objects.filter(was_job=lonely.uuid).exists()
    purge(*jobs)
    assert Use.objects.filter(was_job__isnull=False).count() == 4
    purge(Job.objects.get(id=published.job_id))
    assert not Use.objects.exists(), "with the merge its sources' traces go"


def ten_thousand_files_take_about_a_second() -> None:
    """Generous: what it takes is told in docs/data.md."""
    published, _, _ = merged(10_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as a database does by itself some time after
    began = time.perf_counter()
    found = up(("result", published.id))
    lineage.describe(list(found.beyond))
    took_s = time.perf_counter() - began
    print(f"{connection.vendor}: {len(found.beyond)} things in {took_s:.2f} s", file=sys.stderr)  # for docs/data.md
    assert len(found.beyond) == 20_002
    assert took_s < 30


STORIES: list[Callable[[], None]] = [
    a_merged_result_leads_back_to_every_raw_file,
    files_of_workflows_are_on_the_way,
    sets_stand_for_their_files,
    what_was_given_by_address_is_named,
    a_job_that_was_run_again_is_followed,
    purged_sources_do_not_break_the_way,
    purged_writers_do_not_break_the_way,
    chains_of_purged_jobs_are_whole_in_any_order,
    of_what_nothing_came_nothing_stays,
]

LONG = [ten_thousand_files_take_about_a_second]


def main() -> None:
    call_command("migrate", verbosity=0)
    JobType.objects.get_or_create(name="t", defaults={"created_at": NOW})
    outcome = {}
    for story in LONG if "long" in sys.argv else STORIES:
        try:
            with transaction.atomic():
                story()
                transaction.set_rollback(True)
            outcome[story.__name__] = ""
        except Exception:  # noqa: BLE001 - the parent process tells it
            outcome[story.__name__] = traceback.format_exc()
    print(json.dumps(outcome))


main()
