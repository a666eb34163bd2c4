"""The front page's block of services."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from p3s.protocol.services import ServiceState

PLAIN = ServiceState(
    name="storage",
    own=False,
    runs="script",
    what="",
    every_s=60.0,
    last_at=1_000.0,
    took_s=None,
    said="4 <b>up</b>",
    value=3.2,
    unit="TB",
    error="",
    last_error="",
    failed_at=None,
    next_at=1_060.0,
    late=False,
    running=False,
    by="ana",
)
OWN = replace(PLAIN, name="reaper", own=True, runs="server", said="fine", value=None, unit="")


@pytest.fixture
def told(pages: Any) -> Iterator[Any]:  # noqa: ARG001 - Django is set up by then
    """told(states): what the memory of services has."""
    from p3s.server.services import live

    yield lambda *states: live.use(lambda: states)
    live.use(live._nothing)


def test_without_services_there_is_no_block(pages: Any) -> None:
    assert 'id="services"' not in pages.get("/")


def test_what_is_wrong_and_what_reports_is_shown_and_the_rest_counted(pages: Any, told: Any) -> None:
    stopped = replace(OWN, name="purge", late=True)
    told(OWN, replace(OWN, name="expiry"), replace(OWN, name="disk", said="7 GB free"), stopped, PLAIN)
    page = pages.get("/")
    for words in ("7 GB free", "4 &lt;b&gt;up&lt;/b&gt; · 3.2 TB", "stopped", "2 of the server"):
        assert words in page
    assert "reaper" not in page
    assert page.index("purge") < page.index("7 GB free"), "what is wrong comes first"


def test_an_error_is_shown_as_it_was_said(pages: Any, told: Any) -> None:
    told(replace(OWN, name="backup", error="no <room>"), replace(PLAIN, late=True))
    page = pages.get("/")
    assert "no &lt;room&gt;" in page
    assert "silent" in page


def test_one_that_nobody_runs_is_left_out(pages: Any, told: Any) -> None:
    told(replace(OWN, name="backup", runs="never", last_at=None), OWN)
    assert "backup" not in pages.get("/")


def test_who_promises_no_next_report_is_not_said_to_be_well(pages: Any, told: Any) -> None:
    told(replace(PLAIN, name="watcher", every_s=0.0, next_at=None, said="stopped; inbox 0 files"))
    block = pages.get("/").split('id="services"')[1]
    assert "stopped; inbox 0 files" in block
    assert "well" not in block.split("</ul>")[0]
    assert "reported" in block
