"""Events: everything about a job or pilot that is not its ordinary path; and alarms."""

from django.db import models


class Event(models.Model):
    """Who did or decided what, when and why."""

    at = models.FloatField()
    #: `job`, `pilot`, `dataset`, `stream`.
    kind = models.CharField(max_length=12)
    object_id = models.CharField(max_length=80)
    what = models.CharField(max_length=40)
    who = models.CharField(max_length=150)
    why = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["kind", "object_id"], name="event_of_object")]


class Alarm(models.Model):
    """Something a person should know, from when it was raised until what it was about is over."""

    #: Names what it is about; one open alarm a cause.
    cause = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    message = models.TextField()
    #: `warning` or `bad`.
    severity = models.CharField(max_length=12)
    raised_at = models.FloatField()
    #: When it was last seen to be so, at most some seconds old.
    last_at = models.FloatField()
    #: How often it said something new.
    count = models.IntegerField(default=1)
    cleared_at = models.FloatField(null=True)
    #: How it ended, in a few words.
    ending = models.CharField(max_length=200, blank=True, default="")
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cause"], name="alarm_open_once", condition=models.Q(cleared_at__isnull=True)
            ),
        ]
