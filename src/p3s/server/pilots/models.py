"""The pilot: an agent on a worker node. All moments are seconds since the epoch, UTC, by the server's clock."""

from django.db import models


class Pilot(models.Model):
    """One life of one agent, from its registration. A pilot that comes back registers anew."""

    uuid = models.CharField(max_length=36, primary_key=True)
    host = models.CharField(max_length=255)
    site = models.CharField(max_length=80)
    slots = models.IntegerField()
    #: What it declared for all its jobs together; memory in bytes, tags and runtimes lists of texts.
    cores = models.IntegerField(default=0)
    memory = models.BigIntegerField(default=0)
    gpus = models.IntegerField(default=0)
    tags = models.JSONField(default=list)
    runtimes = models.JSONField(default=list)
    #: Seconds that it had to live when it registered; 0: no end.
    life_s = models.FloatField(default=0)
    state = models.CharField(max_length=16)
    reason = models.CharField(max_length=200, blank=True, default="")
    version = models.CharField(max_length=40)
    python = models.CharField(max_length=40, blank=True, default="")
    process = models.IntegerField(null=True)
    batch_id = models.CharField(max_length=120, blank=True, default="")
    owner = models.CharField(max_length=150)
    token_hash = models.CharField(max_length=64)
    lease_s = models.FloatField()
    #: Highest order-lane exchange that delivered anything; lower ones are refused.
    seq = models.BigIntegerField(default=0)
    #: Last number given to an order or instruction of this pilot.
    numbered = models.BigIntegerField(default=0)
    #: Last number the pilot has confirmed.
    acked = models.BigIntegerField(default=0)
    #: `drain` or `stop` with the number under which it was sent.
    instruction = models.CharField(max_length=16, blank=True, default="")
    instruction_number = models.BigIntegerField(null=True)
    instruction_why = models.CharField(max_length=200, blank=True, default="")
    registered_at = models.FloatField()
    last_seen_at = models.FloatField()
    ended_at = models.FloatField(null=True)

    class Meta:
        indexes = [
            # The book is rebuilt from these at every start.
            models.Index(
                fields=["state"],
                name="pilot_alive",
                condition=models.Q(state__in=["active", "draining"]),
            ),
            models.Index(fields=["registered_at"], name="pilot_listing"),
        ]


class HostDoubt(models.Model):
    """A host that gets no jobs of a type (empty: of any), until a probe passes or a person trusts it."""

    host = models.CharField(max_length=255)
    jobtype = models.CharField(max_length=80, blank=True, default="")
    why = models.CharField(max_length=500)
    since = models.FloatField()
    pause_s = models.FloatField()
    probe_at = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "jobtype"], name="hostdoubt_once")]
