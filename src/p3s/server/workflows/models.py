"""Templates and workflows. All moments are seconds since the epoch, UTC, by the server's clock."""

from django.db import models


class Template(models.Model):
    """An abstract workflow. Every change is a new version; workflows keep the one that they were made from."""

    name = models.CharField(max_length=80, primary_key=True)
    #: That in force; the numbers go on when a deleted name is taken again.
    version = models.IntegerField()
    owner = models.CharField(max_length=150)
    updated_at = models.FloatField()
    #: Null while workflows may be started of it.
    deleted_at = models.FloatField(null=True)


class TemplateVersion(models.Model):
    """What a template was."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions")
    version = models.IntegerField()
    #: A JSON object, `protocol.workflows.TemplateSpec`, without its source.
    spec = models.JSONField()
    #: The text that it was read from, as its author wrote it.
    source = models.TextField(blank=True, default="")
    owner = models.CharField(max_length=150)
    why = models.TextField(blank=True, default="")
    at = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "version"], name="template_version_once")]


class Workflow(models.Model):
    """A template with a person's choices: nodes that are jobs, joined by files."""

    uuid = models.CharField(max_length=36, primary_key=True)
    name = models.CharField(max_length=200, blank=True, default="")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, db_index=False)
    version = models.IntegerField()
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=400, blank=True, default="")
    #: `domain.workflows.flows.STOP` or CANCEL while it is brought to an end before its nodes are, and after.
    ending = models.CharField(max_length=6, blank=True, default="")
    owner = models.CharField(max_length=150)
    cancelled_by = models.CharField(max_length=150, blank=True, default="")
    comment = models.TextField(blank=True, default="")
    #: A JSON object, `protocol.workflows.StartRequest`.
    request = models.JSONField()
    #: What the plan was made of besides: the input files, the extensions of data types, and the UUID that names files.
    basis = models.JSONField()
    directory = models.CharField(max_length=2000)
    run = models.BigIntegerField(null=True)
    subrun = models.BigIntegerField(null=True)
    keys = models.JSONField(default=dict)
    #: The stream that started it, the version of its rule, and the file for which.
    stream = models.ForeignKey("data.Stream", null=True, on_delete=models.PROTECT, db_index=False)
    stream_version = models.IntegerField(null=True)
    dataset = models.ForeignKey("data.Dataset", null=True, on_delete=models.PROTECT, db_index=False)
    #: The workflow whose work this one does again.
    rerun_of = models.CharField(max_length=36, null=True)
    #: The owner and the idempotency key of the call that made it, and what was asked.
    key = models.CharField(max_length=400, null=True, unique=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    #: How many nodes it has, and of those that have ended, how many by state.
    nodes = models.IntegerField()
    counts = models.JSONField(default=dict)
    #: Seconds after its end when the next of its files is due to be deleted; null: none is to be, or none any more.
    keep = models.FloatField(null=True)
    created_at = models.FloatField()
    started_at = models.FloatField(null=True)
    ended_at = models.FloatField(null=True)

    class Meta:
        constraints = [
            # A stream starts one for each file, whatever is repeated; others do its work again.
            models.UniqueConstraint(
                fields=["dataset", "stream"],
                name="workflow_once_per_dataset",
                condition=models.Q(dataset__isnull=False, stream__isnull=False, rerun_of__isnull=True),
            ),
        ]
        indexes = [
            # Listings, newest first; by state too.
            models.Index(fields=["created_at", "uuid"], name="workflow_latest"),
            models.Index(fields=["state", "created_at"], name="workflow_by_state"),
            models.Index(fields=["template", "created_at"], name="workflow_by_template"),
            # What a stream made of a file.
            models.Index(fields=["dataset"], name="workflow_of_dataset", condition=models.Q(dataset__isnull=False)),
            # keeping.due: those whose files are to be deleted one day.
            models.Index(fields=["ended_at", "uuid"], name="workflow_keeps", condition=models.Q(keep__isnull=False)),
            # Those of a run.
            models.Index(fields=["run", "created_at"], name="workflow_of_run", condition=models.Q(run__isnull=False)),
            # Who took over whose work.
            models.Index(fields=["rerun_of"], name="workflow_rerun", condition=models.Q(rerun_of__isnull=False)),
        ]


class Node(models.Model):
    """A node of a workflow: a job, or nothing to run. Its job's row has its state."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="steps", db_index=False)
    #: From 0; each stands after those that it waits for.
    place = models.IntegerField()
    #: That of the template, and the number within its fan-out.
    name = models.CharField(max_length=80)
    nth = models.IntegerField(null=True)
    #: No constraint of the database: without an index, which each node would pay for, it would look through all nodes
    #: for each job that is purged. `actions.purge` removes jobs of workflows with these.
    job = models.ForeignKey("jobs.Job", null=True, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    #: Of a node without a job, or whose work an earlier workflow did.
    state = models.CharField(max_length=12, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    on_failure = models.CharField(max_length=8)
    #: Files that it reads: lists of [variable, path, place of the node that writes it or null].
    inputs = models.JSONField(default=list)
    #: Files that it writes: lists of [variable, path, data type, seconds it is kept or null].
    outputs = models.JSONField(default=list)
    #: Places of nodes that it waits for and reads nothing of.
    after = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "place"], name="node_once")]
