"""Data units known to the server, and the standing rules that turn them into jobs."""

from django.db import models


class DataType(models.Model):
    """A kind of data: what its files' names end in."""

    name = models.CharField(max_length=40, primary_key=True)
    #: With its dot, or empty.
    ext = models.CharField(max_length=40, blank=True, default="")
    comment = models.TextField(blank=True, default="")
    owner = models.CharField(max_length=150)
    updated_at = models.FloatField()


class Run(models.Model):
    """The experiment's own numbering of data taking. Opened by its first file, or by a person."""

    number = models.BigIntegerField(primary_key=True)
    type = models.CharField(max_length=80, blank=True, default="")
    comment = models.TextField(blank=True, default="")
    started_at = models.FloatField()
    #: Null while it is open.
    ended_at = models.FloatField(null=True)
    owner = models.CharField(max_length=150)


class Stream(models.Model):
    """A standing rule: data of this kind gives these jobs. Every change is a new version."""

    name = models.CharField(max_length=80, primary_key=True)
    version = models.IntegerField(default=1)
    #: The rule as its author wrote it: a JSON object, `protocol.data.StreamSpec`.
    spec = models.JSONField()
    owner = models.CharField(max_length=150)
    updated_at = models.FloatField()
    #: The rule as it was declared last; where `spec` differs, people changed it live since.
    declared = models.JSONField(default=dict)
    #: While it is paused, what arrives is counted and left out: since when, by whom, why.
    paused_at = models.FloatField(null=True)
    paused_by = models.CharField(max_length=150, blank=True, default="")
    paused_why = models.TextField(blank=True, default="")


class StreamVersion(models.Model):
    """What a stream was: jobs name the version that made them."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="versions")
    version = models.IntegerField()
    spec = models.JSONField()
    #: `declared`, `set` or `reverted`.
    what = models.CharField(max_length=12)
    owner = models.CharField(max_length=150)
    why = models.TextField(blank=True, default="")
    at = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "version"], name="stream_version_once")]


class Dataset(models.Model):
    """A unit of data: a file, or a named set of files. Registering the same URL again gives the same dataset."""

    uuid = models.CharField(max_length=36, primary_key=True)
    name = models.CharField(max_length=255)
    #: Of a set `set:` and its name.
    url = models.CharField(max_length=2000, unique=True)
    #: Where it was registered, when it lies elsewhere now; else null.
    came_from = models.CharField(max_length=2000, null=True)
    #: `file` or `set`.
    kind = models.CharField(max_length=4, default="file")
    datatype = models.ForeignKey(DataType, null=True, on_delete=models.PROTECT)
    size = models.BigIntegerField(null=True)
    adler32 = models.CharField(max_length=8, blank=True, default="")
    #: Epoch seconds by the clock of where it lies.
    modified_at = models.FloatField(null=True)
    run = models.BigIntegerField(null=True)
    subrun = models.BigIntegerField(null=True)
    keys = models.JSONField(default=dict)
    comment = models.TextField(blank=True, default="")
    #: What its side-car file says beyond the columns.
    metadata = models.JSONField(default=dict)
    state = models.CharField(max_length=16)
    owner = models.CharField(max_length=150)
    registered_at = models.FloatField()
    #: What became of its jobs that were purged since: how many by state.
    purged = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["registered_at"], name="dataset_latest"),
            models.Index(fields=["run", "subrun"], name="dataset_by_run"),
            # Asked by name: is it known, was it taken?
            models.Index(fields=["name"], name="dataset_by_name"),
            # The same by the address at which it came: few have moved, unless all of a stream do.
            models.Index(fields=["came_from"], name="dataset_by_origin", condition=models.Q(came_from__isnull=False)),
        ]


class Member(models.Model):
    """A file of a named set."""

    set = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="members")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="sets")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["set", "dataset"], name="member_once")]


class Arrival(models.Model):
    """What a stream made of a file when it arrived: coverage. What became of its jobs since, their rows say."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, db_index=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE)
    run = models.BigIntegerField(null=True)
    #: `protocol.states.Fate`.
    fate = models.CharField(max_length=12)
    reason = models.CharField(max_length=200, blank=True, default="")
    #: A person had it processed, whatever the prescale.
    manual = models.BooleanField(default=False)
    #: 0: of before versions were kept.
    stream_version = models.IntegerField()
    at = models.FloatField()
    #: What became of it by what was purged and has no `Outcome`: a workflow, or jobs of long ago;
    #: `domain.data.coverage.ranked`.
    purged = models.CharField(max_length=220, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "dataset"], name="arrival_once")]
        indexes = [
            # Coverage, whether a file is among the first of its run, and its files of one fate, newest first.
            models.Index(fields=["stream", "run", "fate", "id"], name="arrival_by_run"),
            models.Index(fields=["run"], name="arrival_of_run"),
        ]


class Outcome(models.Model):
    """What became of a file by the last of those jobs of a type, made of it by its stream, whose records are gone."""

    arrival = models.ForeignKey(Arrival, on_delete=models.CASCADE, db_index=False)
    jobtype = models.CharField(max_length=80)
    #: Its number. Of jobs that are there, those before it do not count, and one after it counts instead.
    job = models.BigIntegerField()
    #: `domain.data.coverage.ranked`.
    word = models.CharField(max_length=220)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["arrival", "jobtype"], name="outcome_once")]


class Gathering(models.Model):
    """How far a stream's gathering has come for one value of what it gathers by."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=80)
    #: The value of `by`, as text.
    value = models.CharField(max_length=200)
    run = models.BigIntegerField(null=True)
    #: Ended jobs that no gathering has seen yet, and since when there are any.
    pending = models.IntegerField(default=0)
    since = models.FloatField(null=True)
    #: Those that were gathered.
    gathered = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "name", "value"], name="gathering_once")]
        indexes = [
            # What upkeep looks for: gatherings that have waited long enough.
            models.Index(fields=["since"], name="gathering_due", condition=models.Q(pending__gt=0)),
        ]
