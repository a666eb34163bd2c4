"""Data units known to the server, and the standing rules that turn them into jobs."""

from django.db import models


class Stream(models.Model):
    """A standing rule: data of this kind gives these jobs. Every change is a new version."""

    name = models.CharField(max_length=80, primary_key=True)
    version = models.IntegerField(default=1)
    #: The rule as its author wrote it: a JSON object, `protocol.messages.StreamSpec`.
    spec = models.JSONField()
    owner = models.CharField(max_length=150)
    updated_at = models.FloatField()


class Dataset(models.Model):
    """A unit of data, today a file. Registering the same URL again gives the same dataset."""

    uuid = models.CharField(max_length=36, primary_key=True)
    name = models.CharField(max_length=255)
    url = models.CharField(max_length=2000, unique=True)
    size = models.BigIntegerField(null=True)
    run = models.BigIntegerField(null=True)
    subrun = models.BigIntegerField(null=True)
    keys = models.JSONField(default=dict)
    state = models.CharField(max_length=16)
    owner = models.CharField(max_length=150)
    registered_at = models.FloatField()
    #: What became of its jobs that were purged since: how many by state.
    purged = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["registered_at"], name="dataset_latest"),
            models.Index(fields=["run", "subrun"], name="dataset_by_run"),
        ]
