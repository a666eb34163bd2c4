"""The pilot: an agent on a worker node. All moments are seconds since the epoch, UTC, by the server's clock."""

from django.db import models


class Pilot(models.Model):
    """One life of one agent, from its registration. A pilot that comes back registers anew."""

    uuid = models.CharField(max_length=36, primary_key=True)
    host = models.CharField(max_length=255)
    site = models.CharField(max_length=80)
    slots = models.IntegerField()
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
