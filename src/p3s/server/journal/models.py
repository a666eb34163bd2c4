"""Events: everything about a job or pilot that is not its ordinary path."""

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
