"""Results: what payloads publish for people (`protocol.results` has the rules)."""

from django.db import models


class Result(models.Model):
    """One result document of one attempt of a job."""

    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, db_index=False)
    attempt = models.IntegerField()
    #: Its place among the documents of that attempt.
    position = models.IntegerField()
    category = models.CharField(max_length=80)
    run = models.BigIntegerField(null=True)
    subrun = models.BigIntegerField(null=True)
    keys = models.JSONField(default=dict)
    status = models.CharField(max_length=8)
    incomplete = models.BooleanField(default=False)
    comment = models.TextField(blank=True, default="")
    #: That of the data, as the payload wrote it (RFC 3339), or empty.
    data_time = models.CharField(max_length=40, blank=True, default="")
    published_at = models.FloatField()

    class Meta:
        constraints = [
            # A publication that is sent twice is stored once.
            models.UniqueConstraint(fields=["job", "attempt", "position"], name="result_once"),
        ]
        indexes = [
            models.Index(fields=["run", "subrun"], name="result_by_run"),
            models.Index(fields=["published_at"], name="result_latest"),
        ]


class Item(models.Model):
    """One image group, number, ROOT file or check of a result."""

    result = models.ForeignKey(Result, on_delete=models.CASCADE)
    position = models.IntegerField()
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=200)
    by = models.JSONField(default=dict)
    status = models.CharField(max_length=8)
    comment = models.TextField(blank=True, default="")
    group = models.CharField(max_length=200, blank=True, default="")
    value = models.FloatField(null=True)
    error = models.FloatField(null=True)
    unit = models.CharField(max_length=40, blank=True, default="")
    #: The item in wire form, `protocol.results.to_wire`: files, limits, objects, drawing.
    detail = models.JSONField(default=dict)
    #: Why the item is a hole, or empty.
    problem = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["position"]
