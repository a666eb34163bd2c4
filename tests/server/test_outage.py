"""PostgreSQL is away for a while: programs and people are told so, and the log has a line, not tracebacks."""

from collections.abc import Callable
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

ONE_JOB = {"jobs": [{"payload": "true"}], "key": "one"}


def reaper(server: Server) -> dict[str, Any]:
    """Of the services, which are in memory."""
    found: dict[str, Any] = server.good("GET", "/api/v1/services/reaper")
    return found


def test_an_outage_of_the_database_is_said_and_is_no_defect(
    own_server: Callable[..., Server], own_postgres: Any, until: Until
) -> None:
    server = own_server(database=own_postgres.database()).start()
    assert server.ask("GET", "/jobs").status == 200
    own_postgres.kill()
    for page in ("/", "/jobs", "/workflows", "/runs/7"):
        told = server.ask("GET", page)
        assert (told.status, b"The database does not answer" in told.body) == (503, True), told.body[:500]
    listed, submitted = server.ask("GET", "/api/v1/jobs"), server.ask("POST", "/api/v1/jobs", ONE_JOB)
    assert (listed.status, submitted.status) == (503, 503)
    assert listed.json()["detail"] == "the database does not answer; ask again"
    assert submitted.json()["detail"] == listed.json()["detail"]
    until("rounds of upkeep have met it", lambda: "database" in reaper(server)["error"])
    own_postgres.start()
    until("the server writes again", lambda: server.ask("POST", "/api/v1/jobs", ONE_JOB).status == 200)
    assert server.ask("GET", "/jobs").status == 200
    assert "Traceback" not in server.said(), server.said()[-5000:]
    assert server.said().count("p3s.broker: the database answers again, after ") == 1
    assert server.said().count("p3s.broker: the database does not answer: ") == 1
    assert "upkeep" not in server.said(), "rounds and services say it again every second"
