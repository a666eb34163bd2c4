"""Results: what payloads publish for people (`protocol.results` has the rules)."""

import json
from typing import Any

from django.db import models

from p3s.server.jobs.models import RowNumber

NO_NUMBER = -(2**63)
"""The run or subrun of a value that has none: a trend is ordered by both, and databases order NULL each its own way."""


class Numbers(json.JSONDecoder):
    """Numbers as they were written: PostgreSQL gives 1e308 back as an integer of 309 digits, which nothing writes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(parse_int=_number, **settings)


def _number(digits: str) -> int | float:
    number = int(digits)
    return number if abs(number) < 2**63 else float(number)


class Result(models.Model):
    """One result document of one attempt of a job."""

    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, db_index=False)
    attempt = models.IntegerField()
    #: Its place among the documents of that attempt.
    position = models.IntegerField()
    #: `results.identity.subject`: of one, the newest attempt's are shown.
    subject = models.BigIntegerField()
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
            # Whether there is a newer one.
            models.Index(fields=["subject", "job", "attempt"], name="result_newest"),
        ]


class Item(models.Model):
    """One image group, number, table, ROOT file, graph, check or file of a result."""

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
    #: The item as `actions.judge.stored` has it: files, limits in force, objects, drawing, rows and points.
    detail = models.JSONField(default=dict, decoder=Numbers)
    #: Why the item is a hole, or empty.
    problem = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["position"]


class Series(models.Model):
    """What is trended: a number of a category, or a cell of a table, with its coordinates."""

    #: `results.identity.series`.
    id = RowNumber(primary_key=True)
    category = models.CharField(max_length=80)
    #: How people name it: `item`, or `item/column`.
    name = models.CharField(max_length=401)
    item = models.CharField(max_length=200)
    #: Empty for a number.
    column = models.CharField(max_length=200, blank=True, default="")
    by = models.JSONField(default=dict)
    #: `results.identity.place`: series of one name in the order of their coordinates.
    place = models.CharField(max_length=400, blank=True, default="")
    #: As it was published last.
    unit = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["category", "name", "place"], name="series_by_name")]


class Value(models.Model):
    """One value of a series, with what it was measured against: status and limits as they were when it came."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, db_index=False)
    result = models.ForeignKey(Result, on_delete=models.CASCADE)
    #: NO_NUMBER where there is none.
    run = models.BigIntegerField()
    subrun = models.BigIntegerField()
    #: Of the data if the payload said it, else of the publication.
    at = models.FloatField()
    value = models.FloatField(null=True)
    error = models.FloatField(null=True)
    status = models.CharField(max_length=8)
    good_low = models.FloatField(null=True)
    good_high = models.FloatField(null=True)
    warn_low = models.FloatField(null=True)
    warn_high = models.FloatField(null=True)
    #: From the value of the reference run, as a fraction of it.
    deviation = models.FloatField(null=True)
    reference = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            # A trend, and the value of the reference run.
            models.Index(fields=["series", "run", "subrun", "id"], name="value_trend"),
        ]


class Limit(models.Model):
    """Limits that people set: they win over those of payloads. Null where they say nothing."""

    category = models.CharField(max_length=80)
    #: `Series.name`.
    item = models.CharField(max_length=401)
    #: [low or null, high or null]; drift: [warning, bad].
    good = models.JSONField(null=True)
    warn = models.JSONField(null=True)
    drift = models.JSONField(null=True)
    who = models.CharField(max_length=150)
    at = models.FloatField()
    why = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["category", "item"], name="limit_once")]


class Reference(models.Model):
    """The run against which drift is judged, of a category; of the empty one, for all that have none of their own."""

    category = models.CharField(max_length=80, primary_key=True)
    run = models.BigIntegerField()
    who = models.CharField(max_length=150)
    at = models.FloatField()
    why = models.TextField(blank=True, default="")


class Dimension(models.Model):
    """How people see a coordinate: its values in physical order, and the detector's names for them."""

    name = models.CharField(max_length=40, primary_key=True)
    #: A list of texts.
    order = models.JSONField(default=list)
    #: Texts by value.
    labels = models.JSONField(default=dict)
    who = models.CharField(max_length=150)
    at = models.FloatField()
    why = models.TextField(blank=True, default="")
