"""The writes of uses in set-based SQL, the same on SQLite and PostgreSQL: one statement for all a job reads, for a run
may have thousands of files."""

from collections.abc import Iterable, Sequence

from p3s.server.sql import Statement

MOST_SOURCES = 20_000
"""A job reads at most so many others, the latest of them."""

READ = Statement(
    """
INSERT INTO jobs_use (job_id, dataset_id, source_id, role, variable)
SELECT {job}, dataset_id, job_id, 'input', '' FROM (
  SELECT dataset_id, job_id FROM jobs_gathered WHERE gathering_id = {gathering} ORDER BY job_id DESC LIMIT {most}
) AS latest ORDER BY job_id
""",
    job="bigint",
    gathering="bigint",
    most="integer",
)


def read_gathered(job: int, gathering: int) -> None:
    """A job reads what a gathering has."""
    READ.run([(job, gathering, MOST_SOURCES)])


FORGET = Statement("DELETE FROM jobs_use WHERE job_id = {job}", job="bigint")


def forget(jobs: Iterable[int]) -> None:
    """Jobs that never ran have read nothing."""
    FORGET.run([(job,) for job in jobs])


AGAIN = Statement(
    """
INSERT INTO jobs_use (job_id, dataset_id, source_id, was_source, role, variable)
SELECT {after}, dataset_id, source_id, was_source, role, variable FROM jobs_use
WHERE job_id = {before} AND role = 'input' ORDER BY id
""",
    after="bigint",
    before="bigint",
)


def read_again(pairs: Iterable[tuple[int, int]]) -> None:
    """Jobs that do others' work again (before, after) read the same."""
    AGAIN.run([(after, before) for before, after in pairs])


EARLIER = Statement(
    """
INSERT INTO jobs_gathered (gathering_id, dataset_id, job_id)
SELECT {gathering}, job.dataset_id, MAX(job.id) FROM data_dataset dataset
JOIN jobs_job job ON job.dataset_id = dataset.uuid
WHERE dataset.run = {run} AND ({subrun} IS NULL OR dataset.subrun = {subrun}) AND job.stream_id = {stream}
  AND job.jobtype = {jobtype} AND job.state || '' = 'finished' AND job.workflow IS NULL
GROUP BY job.dataset_id
""",
    gathering="bigint",
    run="bigint",
    subrun="bigint",
    stream="text",
    jobtype="text",
)


def gather_earlier(gathering: int, run: int, subrun: int | None, stream: str, jobtype: str) -> None:
    """A gathering that is new begins with what finished before; of each file the latest job. It goes by the index of a
    run's files, however many jobs there are."""
    EARLIER.run([(gathering, run, subrun, stream, jobtype)])


BEGIN = Statement(
    """
INSERT INTO jobs_gathered (gathering_id, dataset_id, job_id) SELECT {gathering}, {dataset}, {job} {rows}
""",
    gathering="bigint",
    dataset="text",
    job="bigint",
)


def begin_with(members: Iterable[tuple[int, str, int]]) -> None:
    """Gatherings that are new begin with these: gathering, file, job."""
    BEGIN.run([*members])


DROP = Statement(
    """
DELETE FROM jobs_use WHERE job_id = {job}
  AND NOT EXISTS (SELECT 1 FROM jobs_use written WHERE written.job_id = {job} AND written.role = 'output')
  AND NOT EXISTS (SELECT 1 FROM jobs_use read WHERE read.source_id = {job})
""",
    job="bigint",
)
NAME_JOB = Statement(
    "UPDATE jobs_use SET was_job = {uuid}, job_id = NULL WHERE job_id = {job}", uuid="text", job="bigint"
)
NAME_SOURCE = Statement(
    "UPDATE jobs_use SET was_source = {uuid}, source_id = NULL WHERE source_id = {job}", uuid="text", job="bigint"
)


def keep_names(jobs: Sequence[tuple[int, str]]) -> None:
    """Before the records of jobs (number, UUID) go: what others read of them keeps their names. What they read
    themselves is kept for those of which something is left, a file or another job's input."""
    if jobs:
        DROP.run([(job,) for job, _ in jobs])
        NAME_JOB.run([(uuid, job) for job, uuid in jobs])
        NAME_SOURCE.run([(uuid, job) for job, uuid in jobs])
