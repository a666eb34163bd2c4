"""What the log has of an outage of the database, over time."""

import logging
import os
import tempfile

import django
import pytest
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p3s.server.project.settings")
    os.environ.setdefault("P3S_SERVER_DIR", tempfile.mkdtemp(prefix="p3s-outage-tests-"))
    django.setup()

from p3s.server.broker.outage import Outage


def test_an_outage_is_said_once_then_every_minute_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    outage = Outage(lambda: now)
    with caplog.at_level(logging.WARNING):
        outage.over()
        for second in range(150):
            now = 100.0 + second
            outage.failed("connection refused" if second else "terminated")
        outage.over()
        outage.over()
    assert [record.getMessage() for record in caplog.records] == [
        "the database does not answer: terminated; this server waits for it",
        "the database has not answered for 60 s: connection refused",
        "the database has not answered for 120 s: connection refused",
        "the database answers again, after 149.0 s; this server goes on",
    ]


def test_the_next_outage_is_counted_from_its_own_beginning(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    outage = Outage(lambda: now)
    outage.failed("a")
    outage.over()
    now = 1_000.0
    with caplog.at_level(logging.WARNING):
        caplog.clear()
        outage.failed("b")
    assert [record.getMessage() for record in caplog.records] == [
        "the database does not answer: b; this server waits for it"
    ]
