"""A database that an earlier state of the project made and filled is upgraded, backed up first, and nothing is lost."""

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p3s.domain.data.coverage import spoken
from p3s.server.archive.manifest import decoded

Server = Any
OLD = Path(__file__).parent / "old_databases"


def execute(server: Server, sql: str) -> None:
    """Right into its database, while it does not run."""
    if not server.database:
        with sqlite3.connect(server.directory / "p3s.sqlite3") as tables:
            tables.executescript(sql)
        return
    import psycopg

    with psycopg.connect(server.database) as tables:
        tables.execute(sql)


@pytest.fixture
def old(own_server: Callable[..., Server]) -> tuple[Server, dict[str, Any]]:
    """A server not yet started on a database of the first migrations, and what its own API said of it."""
    server = own_server(empty=True)
    name = "first.postgresql" if server.database else "first.sqlite"
    server.directory.mkdir()
    execute(server, (OLD / f"{name}.sql").read_text())
    return server, json.loads((OLD / f"{name}.json").read_text())


def backups(server: Server) -> list[Path]:
    return sorted((server.directory / "backups").glob("*"))


def test_no_job_is_lost_and_what_ran_goes_on(old: tuple[Server, dict[str, Any]]) -> None:
    server, before = old
    server.launch()
    server.wait_ready()
    assert len(before["jobs"]) > 8
    for what in ("jobs", "results", "datasets"):
        now = server.good("GET", f"/api/v1/{what}?limit=1000")[what]
        # What later versions say besides is theirs.
        same = [{name: new[name] for name in old} for new, old in zip(now, before[what], strict=True)]
        assert same == before[what]

    (trend,) = server.good("GET", "/api/v1/trends")["trends"]
    (point,) = trend["points"]
    (result,) = before["results"]
    assert (trend["category"], trend["name"], point["run"], point["value"]) == ("c", "n", 7, 0.1)
    assert (point["result"], point["at"]) == (result["id"], result["published_at"]), "what was there is trended too"

    report = {"job": before["running"], "attempt": 1, "state": "finished", "exit_code": 0}
    path = f"/api/v1/pilots/{before['pilot']}/exchange"
    answer = server.ask("POST", path, {"lane": "reports", "reports": [report]}, token=before["pilot_token"])
    assert answer.json()["verdicts"][0]["verdict"] == "applied", "the pilot is known, and so is what it runs"
    ordered = {order["job"]: order["attempt"] for order in server.pilot(slots=20).orders(5.0)}
    assert ordered == {job["uuid"]: 1 for job in before["jobs"] if job["state"] == "defined"}


def test_streams_and_their_files_are_what_they_were(old: tuple[Server, dict[str, Any]]) -> None:
    """They get the version that they have, files the arrival that they had, and runs a record."""
    server, before = old
    server.launch()
    server.wait_ready()
    (stream,) = server.good("GET", "/api/v1/streams")["streams"]
    (version,) = server.good("GET", f"/api/v1/streams/{stream['name']}/versions")["versions"]
    assert (version["version"], version["what"], stream["live"]) == (stream["version"], "declared", 0)
    rows = server.good("GET", "/api/v1/coverage")["coverage"]
    found = [(row["run"], row["files"], row["taken"], row["in_progress"]) for row in rows]
    assert found == [(7, 2, 2, 2)]
    (file, *_) = before["datasets"]
    again = server.good("POST", "/api/v1/datasets", {"url": file["url"], "stream": stream["name"]})
    assert (again["dataset"], again["new"], again["fate"], len(again["jobs"])) == (file["uuid"], False, "taken", 1)


EARLIER = """
import django; django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", "jobs", "0009", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("INSERT INTO data_stream (name, version, spec, owner, updated_at, paused_by, paused_why)"
                   " VALUES ('s', 1, '{}', 'ana', 1, '', '')")
    for uuid, purged in (("a", '{"finished": 2}'), ("b", '{"finished": 1, "failed": 1}'), ("c", "{}")):
        cursor.execute("INSERT INTO data_dataset (uuid, name, url, kind, run, adler32, keys, comment, metadata, state,"
                       " owner, registered_at, purged)"
                       " VALUES (%s, %s, %s, 'file', 5, '', '{}', '', '{}', 'available', 'ana', 1, %s)",
                       [uuid, uuid, uuid, purged])
call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("SELECT dataset_id, fate, purged FROM data_arrival ORDER BY dataset_id")
    print(cursor.fetchall())
"""


def in_an_older_database(directory: Path, script: str) -> str:
    """What the script said: it goes back to an earlier migration, fills the tables as they were, and comes back."""
    place = {"DJANGO_SETTINGS_MODULE": "p3s.server.project.settings", "P3S_SERVER_DIR": str(directory)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env={**os.environ, **place}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_files_whose_jobs_were_purged_belong_to_the_one_stream_there_is(tmp_path: Path) -> None:
    assert in_an_older_database(tmp_path, EARLIER) == str([("a", "taken", "6"), ("b", "taken", "1")])
    assert [spoken("6"), spoken("1")] == ["processed", "failed"]


BEFORE_STREAMS_WERE_NAMED = """
import django; django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
call_command("migrate", verbosity=0)
call_command("migrate", "workflows", "0002", verbosity=0)
loader = MigrationExecutor(connection).loader
of = loader.project_state(list(loader.applied_migrations)).apps.get_model
stream = of("data", "Stream").objects.create(name="s", version=3, spec={}, owner="ana", updated_at=1)
here = dict(state="available", owner="ana", registered_at=1)
file = of("data", "Dataset").objects.create(uuid="f", name="f", url="f", **here)
of("data", "Arrival").objects.create(stream=stream, dataset=file, fate="taken", stream_version=2, at=1)
template = of("workflows", "Template").objects.create(name="t", version=1, owner="ana", updated_at=1)
jobtype = of("jobs", "JobType").objects.create(name="x", created_at=1)
known = dict(template=template, version=1, state="finished", owner="ana", request={}, basis={}, directory="/d", nodes=1,
             created_at=1)
of("workflows", "Workflow").objects.create(uuid="by-stream", stream=stream, dataset=file, **known)
of("workflows", "Workflow").objects.create(uuid="by-hand", **known)
for number, workflow in enumerate(("by-stream", "by-hand", None), 1):
    of("jobs", "Job").objects.create(id=number, uuid=str(number), jobtype=jobtype, owner="ana", payload="true",
                                     state="finished", submitted_at=1, workflow=workflow)
call_command("migrate", verbosity=0)
from p3s.server.jobs.models import Job
from p3s.server.workflows.models import Workflow
print(list(Workflow.objects.order_by("uuid").values_list("uuid", "stream_version")),
      list(Job.objects.order_by("id").values_list("workflow", "stream_id", "stream_version")))
"""


def test_workflows_that_streams_had_started_and_their_jobs_name_the_rule(tmp_path: Path) -> None:
    workflows = [("by-hand", None), ("by-stream", 2)]
    jobs = [("by-stream", "s", 2), ("by-hand", None, None), (None, None, None)]
    assert in_an_older_database(tmp_path, BEFORE_STREAMS_WERE_NAMED) == f"{workflows} {jobs}"


def test_it_is_backed_up_first_and_the_backup_brings_back_what_was(
    old: tuple[Server, dict[str, Any]], own_server: Callable[..., Server]
) -> None:
    server, before = old
    server.launch()
    server.wait_ready()
    assert server.stop() == 0
    (kept,) = backups(server)
    assert f"this database is of an older p3s; it is backed up to {kept} first" in server.said()
    with zipfile.ZipFile(kept) as inside:
        said = decoded(inside.read("p3s.json"))
    assert [name for app, name in said.migrations if app == "jobs"] == ["0001_first"]
    again = own_server(empty=True)
    words = [sys.executable, "-m", "p3s.server.archive", "restore", str(kept), "--dir", str(again.directory)]
    environment = {**server.environment(), "P3S_DATABASE": again.database}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    again.launch()
    again.wait_ready()
    there = {job["uuid"] for job in again.good("GET", "/api/v1/jobs?limit=1000")["jobs"]}
    assert there == {job["uuid"] for job in before["jobs"]}
    assert len(backups(again)) == 1, "the restored one was of the old state, so it was upgraded too"


def test_a_database_that_is_up_to_date_is_not_backed_up(old: tuple[Server, dict[str, Any]]) -> None:
    server, _ = old
    for _ in range(2):
        server.launch()
        server.wait_ready()
        assert server.stop() == 0
    assert len(backups(server)) == 1


def test_a_new_server_has_nothing_to_back_up(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    assert backups(server) == []


def test_without_a_backup_there_is_no_upgrade_unless_a_person_says_so(old: tuple[Server, dict[str, Any]]) -> None:
    server, before = old
    (server.directory / "backups").write_text("in the way")
    server.launch()
    assert server.process.wait(60) == 1
    (line,) = [line for line in server.said().splitlines() if "cannot start" in line]
    assert "the backup before the upgrade failed" in line
    assert "--no-backup" in line
    server.launch("--no-backup")
    server.wait_ready()
    assert len(server.good("GET", "/api/v1/jobs?limit=1000")["jobs"]) == len(before["jobs"])


def test_an_older_program_refuses_a_newer_database_and_names_it(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    assert server.stop() == 0
    execute(
        server,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '0099_tomorrow', '2030-01-01 00:00:00');"
        "INSERT INTO journal_event (at, kind, object_id, what, who, why)"
        " VALUES (2e9, 'server', 'p3s', 'version', 'server', '7.8.9');",
    )
    server.launch()
    assert server.process.wait(60) == 1
    line = server.said().splitlines()[-1]
    assert "this database was last used by p3s 7.8.9, which is newer than this p3s " in line
    assert "jobs 0099_tomorrow" in line
    assert not (server.directory / "server.json").exists()
