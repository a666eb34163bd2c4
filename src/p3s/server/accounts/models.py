"""Tokens of people and programs, stored hashed, and the server's secret."""

from django.db import models


class Token(models.Model):
    """A token of a user. Tokens of pilots and of attempts are derived, not stored here."""

    hash = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=80)
    owner = models.CharField(max_length=150)
    #: Space-separated: read submit pilot operate admin.
    scopes = models.CharField(max_length=100)
    created_at = models.FloatField()
    expires_at = models.FloatField(null=True)
    revoked_at = models.FloatField(null=True)


class Secret(models.Model):
    """Keys made at the first start, shared by the active server and its stand-by."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.CharField(max_length=128)
