"""Services: the server's own, and scripts that report."""

from django.db import models


class Service(models.Model):
    """How a service stood when it was written down. One that runs every second is written every few minutes, and when
    something went wrong; `live` has it newer."""

    name = models.CharField(max_length=80, primary_key=True)
    #: The server's own, which no script may report for.
    own = models.BooleanField(default=False)
    #: Who may report besides operators; empty for the server's own.
    owner = models.CharField(max_length=150, blank=True, default="")
    #: Who reported or ran it last.
    by = models.CharField(max_length=150, blank=True, default="")
    #: Silence for longer is an alarm, seconds; 0 promises nothing.
    every_s = models.FloatField(default=0.0)
    last_at = models.FloatField(null=True)
    took_s = models.FloatField(null=True)
    said = models.TextField(blank=True, default="")
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=40, blank=True, default="")
    #: The last run that failed: what it said, and when.
    last_error = models.TextField(blank=True, default="")
    failed_at = models.FloatField(null=True)
