"""Jobs and job types. All moments are seconds since the epoch, UTC, by the server's clock."""

from typing import Any

from django.db import models


class JobType(models.Model):
    """What jobs share. An unknown type is created with these defaults when a job names it."""

    name = models.CharField(max_length=80, primary_key=True)
    #: Most jobs of the type dispatched or running at once; null: no limit; 0: a brake.
    cap = models.IntegerField(null=True)
    #: What its jobs have that do not say otherwise; durations in seconds, 0: none.
    priority = models.IntegerField(default=0)
    eta = models.FloatField(default=0)
    stale_after = models.FloatField(default=0)
    time_limit = models.FloatField(default=0)
    pick = models.CharField(max_length=12, default="fifo")
    retries = models.IntegerField(default=0)
    critical = models.BooleanField(default=False)
    #: Names of keys: a list of texts.
    supersedes = models.JSONField(default=list)
    input_as = models.CharField(max_length=4, default="path")
    #: Results that each of its jobs publishes: `category` or `category/item`.
    expects = models.JSONField(default=list)
    created_at = models.FloatField()


class Declaration(models.Model):
    """What a file said last of a job type, a dimension or limits. Where these are otherwise, people changed them."""

    kind = models.CharField(max_length=12)
    name = models.TextField()
    said = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="declaration_once")]


class Pause(models.Model):
    """A job type (`all`: every one) of which nothing is handed out until somebody resumes it."""

    jobtype = models.CharField(max_length=80, primary_key=True)
    why = models.TextField(blank=True, default="")
    who = models.CharField(max_length=150)
    since = models.FloatField()


class Submission(models.Model):
    """One answered submit call: its idempotency key, and the jobs it made (their ids are consecutive)."""

    key = models.CharField(max_length=300, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    first_id = models.BigIntegerField()
    count = models.IntegerField()
    created_at = models.FloatField()


class RowNumber(models.BigIntegerField):  # type: ignore[type-arg] # Django knows no type arguments when it runs
    """A number that SQLite takes for the row's own place in the table, so that it needs no index to find it."""

    def db_type(self, connection: Any) -> str | None:
        """Only the very word `integer` has that meaning there."""
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class Job(models.Model):
    """Record of one process to run."""

    #: Given by the one writer, growing; the order of submission.
    id = RowNumber(primary_key=True)
    uuid = models.CharField(max_length=36, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    jobtype = models.ForeignKey(JobType, on_delete=models.PROTECT, db_column="jobtype", db_index=False)
    owner = models.CharField(max_length=150)
    payload = models.TextField()
    input = models.CharField(max_length=2000, blank=True, default="")
    env = models.JSONField(default=dict)
    priority = models.IntegerField(default=0)
    time_limit = models.FloatField(default=0)
    #: `jobs.classes.written`; empty: one core of any pilot.
    needs = models.TextField(blank=True, default="")
    eta_at = models.FloatField(null=True)
    stale_at = models.FloatField(null=True)
    #: Equal for jobs of which a newer one supersedes those that wait; empty: it supersedes none.
    same = models.CharField(max_length=32, blank=True, default="")
    #: The job whose work this one does again.
    rerun_of = models.CharField(max_length=36, null=True)

    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=200, blank=True, default="")
    attempt = models.IntegerField(default=0)
    #: Attempts that their nodes spoiled.
    retried = models.IntegerField(default=0)
    #: No constraint of the database: without an index, which each job would pay for, it would look through all jobs
    #: for each pilot that is purged. `actions.purge` keeps pilots that jobs name.
    pilot = models.ForeignKey(
        "pilots.Pilot", null=True, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False
    )
    #: Number of the order that carried the current attempt, and of the instruction to kill it.
    order_number = models.BigIntegerField(null=True)
    kill_number = models.BigIntegerField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True, default="")

    submitted_at = models.FloatField()
    dispatched_at = models.FloatField(null=True)
    started_at = models.FloatField(null=True)
    ended_at = models.FloatField(null=True)
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    #: Measured on the node: seconds from start to end, CPU seconds, bytes.
    wall_s = models.FloatField(null=True)
    cpu_s = models.FloatField(null=True)
    peak_memory = models.BigIntegerField(null=True)

    dataset = models.ForeignKey("data.Dataset", null=True, on_delete=models.PROTECT, db_index=False)
    #: That made it; or, with a `workflow`, that started this.
    stream = models.ForeignKey("data.Stream", null=True, on_delete=models.PROTECT, db_index=False)
    run = models.BigIntegerField(null=True)
    subrun = models.BigIntegerField(null=True)
    keys = models.JSONField(default=dict)
    #: Of the stream, when it made the job or started the workflow.
    stream_version = models.IntegerField(null=True)
    #: The workflow of which it is a node, or ALONE; no relation, because workflows know jobs.
    workflow = models.CharField(max_length=36, null=True)
    #: Something waits for its end: a workflow, a gathering.
    followed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # Job creation by streams is exactly once, whatever is repeated. Of a stream that starts workflows, their
            # creation is (`workflow_once_per_dataset`): nodes of one may be several jobs of one type.
            models.UniqueConstraint(
                fields=["dataset", "stream", "jobtype"],
                name="job_once_per_dataset",
                condition=models.Q(dataset__isnull=False, rerun_of__isnull=True, workflow__isnull=True),
            ),
        ]
        indexes = [
            # waiting.queued: the heads of the queues, by class, oldest or newest first.
            models.Index(
                fields=["jobtype", "priority", "needs", "time_limit", "id"],
                name="job_queue",
                condition=models.Q(state="defined"),
            ),
            # waiting.queued: the same, earliest ETA first.
            models.Index(
                fields=["jobtype", "priority", "needs", "time_limit", "eta_at", "id"],
                name="job_deadline",
                condition=models.Q(state="defined", eta_at__isnull=False),
            ),
            # waiting.stale: what upkeep drops.
            models.Index(
                fields=["stale_at", "id"],
                name="job_stale",
                condition=models.Q(state="defined", stale_at__isnull=False),
            ),
            # waiting.older: what a new job supersedes.
            models.Index(
                fields=["same", "id"],
                name="job_same",
                condition=models.Q(state="defined", same__gt=""),
            ),
            # waiting.newer: whether a job that is queued again was superseded meanwhile.
            models.Index(fields=["same", "id"], name="job_newest", condition=models.Q(same__gt="")),
            # waiting.past: whether a job was run again.
            models.Index(fields=["rerun_of"], name="job_rerun", condition=models.Q(rerun_of__isnull=False)),
            # queries.out: what pilots hold, read when the book is rebuilt.
            models.Index(
                fields=["pilot"],
                name="job_out",
                condition=models.Q(state__in=["dispatched", "running"]),
            ),
            # Listings by state, newest first, and the counts of the summary.
            models.Index(fields=["state", "id"], name="job_by_state"),
            # Lineage and coverage: what was made of a dataset.
            models.Index(fields=["dataset"], name="job_of_dataset", condition=models.Q(dataset__isnull=False)),
            # backlog: what waits of a stream's job type.
            models.Index(
                fields=["stream", "jobtype", "id"],
                name="job_of_stream",
                condition=models.Q(state="defined", stream__isnull=False),
            ),
            # A workflow's jobs.
            models.Index(fields=["workflow"], name="job_of_workflow", condition=models.Q(workflow__isnull=False)),
        ]


ALONE = ""
"""The `workflow` of a node's job that was run again by itself: no workflow waits for it, and it is no job that the
stream made of the file, but it remembers by which rule it ran."""


class Use(models.Model):
    """What a job reads or writes beyond the one dataset that it is made of: lineage, both ways."""

    #: None when its record was purged; then `was_job` has its UUID. The same of a source.
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="uses")
    was_job = models.CharField(max_length=36, null=True)
    #: A file; or `source`, a job whose results are read.
    dataset = models.ForeignKey("data.Dataset", null=True, on_delete=models.PROTECT, db_index=False)
    source = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="used_by")
    was_source = models.CharField(max_length=36, null=True)
    #: `input` or `output`.
    role = models.CharField(max_length=6)
    #: The environment variable that holds its path, if one does.
    variable = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        indexes = [
            # Lineage: who wrote a file is one row, who reads it may be very many.
            models.Index(fields=["dataset", "role"], name="use_of_dataset"),
            models.Index(fields=["was_job"], name="use_was_job", condition=models.Q(was_job__isnull=False)),
            models.Index(fields=["was_source"], name="use_was_source", condition=models.Q(was_source__isnull=False)),
        ]


class Gathered(models.Model):
    """A finished job whose results a gathering takes: of each file the latest."""

    gathering = models.ForeignKey("data.Gathering", on_delete=models.CASCADE, related_name="members", db_index=False)
    dataset = models.ForeignKey("data.Dataset", on_delete=models.CASCADE, db_index=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="gathered")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gathering", "dataset"], name="gathered_once")]


class JobLog(models.Model):
    """The end of what an attempt wrote; the whole, when longer, lies in the blob store."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, db_index=False)
    attempt = models.IntegerField()
    stdout = models.TextField(blank=True, default="")
    stderr = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "attempt"], name="joblog_once")]
