"""Django on a database of its own, and a maker of pilots, files, jobs and results. Needs nothing of other conftests."""

import itertools
import os
import tempfile
import types
import uuid
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.apps import apps

NOW = 1_790_000_000.0

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p3s.server.project.settings")
    os.environ.setdefault("P3S_SERVER_DIR", tempfile.mkdtemp(prefix="p3s-monitor-tests-"))
    django.setup()


def page_urls() -> types.ModuleType:
    from django.urls import include, path

    module = types.ModuleType("monitor_test_urls")
    vars(module)["urlpatterns"] = [path("", include("p3s.server.monitor.urls"))]
    return module


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A fresh SQLite file, whatever Django was set up with; the former one comes back afterwards."""
    from django.core.management import call_command
    from django.db import connection

    before = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        connection.close()
        connection.settings_dict["NAME"] = str(tmp_path_factory.mktemp("database") / "p3s.sqlite3")
    call_command("migrate", verbosity=0)
    yield
    connection.close()
    connection.settings_dict["NAME"] = before


def spec_of(template: str, decode: str, sum_up: str) -> dict[str, Any]:
    """A template of two nodes."""
    reads = {"RAW": [f"{decode}.RAW"]}
    return {
        "name": template,
        "nodes": {decode: {"payload": "true", "for_each": "inputs"}, sum_up: {"payload": "true", "inputs": reads}},
        "data": {f"{decode}.RAW": {"node": decode, "variable": "RAW"}},
    }


class Make:
    """Rows with sensible defaults. Moments are given as seconds before NOW."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        #: What a broker would know of its pilots.
        self.heard: dict[str, Any] = {}

    def pilot(self, host: str = "node-1", **fields: Any) -> Any:
        from p3s.server.pilots.hearing import Heard
        from p3s.server.pilots.models import Pilot

        silent_s = fields.pop("silent_s", None)
        seen = NOW - (silent_s or 1)
        defaults: dict[str, Any] = {"site": "local", "slots": 4, "state": "active", "version": "0.1", "owner": "ops"}
        fixed = {"token_hash": "x", "lease_s": 300, "registered_at": NOW - 1000, "last_seen_at": seen}
        made = Pilot.objects.create(uuid=str(uuid.uuid4()), host=host, **fixed, **{**defaults, **fields})
        self.heard[made.uuid] = Heard(seen, silent_s)
        return made

    def dataset(self, name: str = "", run: int | None = 7, ago: float = 60, **fields: Any) -> Any:
        from p3s.server.data.models import Dataset

        number = next(self.numbers)
        name = name or f"run{run}_{number}.root"
        defaults: dict[str, Any] = {"state": "available", "owner": "watcher", "size": 1000, "keys": {}}
        url = fields.pop("url", f"/data/{number}/{name}")
        fixed = {"uuid": str(uuid.uuid4()), "registered_at": NOW - ago, "url": url}
        return Dataset.objects.create(name=name, run=run, **fixed, **{**defaults, **fields})

    def job(self, state: str = "finished", jobtype: str = "monitor", dataset: Any = None, **fields: Any) -> Any:
        from p3s.server.jobs.models import Job, JobType

        kind, _ = JobType.objects.get_or_create(name=jobtype, defaults={"created_at": NOW})
        submitted = NOW - fields.pop("ago", 50)
        defaults: dict[str, Any] = {
            "uuid": str(uuid.uuid4()),
            "owner": "ops",
            "payload": "./payload.sh",
            "env": {},
            "submitted_at": submitted,
            "attempt": 1,
            "run": getattr(dataset, "run", None),
            "subrun": getattr(dataset, "subrun", None),
        }
        values = {**defaults, **fields}
        return Job.objects.create(id=next(self.numbers), jobtype=kind, state=state, dataset=dataset, **values)

    def workflow(self, state: str = "running", parts: int = 2, template: str = "calib", **fields: Any) -> Any:
        """`parts` jobs that decode, all but the first waiting, and one that sums up what they write."""
        from p3s.server.workflows.models import Node, Template, TemplateVersion, Workflow

        about = {"version": 1, "owner": "anna", "updated_at": NOW}
        of, _ = Template.objects.get_or_create(name=template, defaults=about)
        names = fields.pop("nodes", ("decode", "sum"))
        spec = {"spec": spec_of(template, *names), "owner": "anna", "at": NOW}
        TemplateVersion.objects.get_or_create(template=of, version=1, defaults=spec)
        defaults: dict[str, Any] = {
            "uuid": str(uuid.uuid4()),
            "name": "calib of run 7",
            "owner": "anna",
            "directory": "/data/w",
            "counts": {"finished": 1},
            "request": {},
            "basis": {"files": [{"url": "/data/in.root"}], "parameters": {"release": "v07"}},
            "created_at": NOW - fields.pop("ago", 100),
            "started_at": NOW - 90,
        }
        made = Workflow.objects.create(template=of, version=1, state=state, nodes=parts + 1, **{**defaults, **fields})
        jobs = [self.job(state="waiting" if place else "finished", workflow=made.uuid) for place in range(parts + 1)]
        fixed: dict[str, Any] = {"workflow": made, "on_failure": "stop"}
        reads = [["RAW", f"{made.directory}/{made.uuid}/raw-{place}.txt", place] for place in range(parts)]
        nodes = [
            Node(place=place, name=names[0], nth=place, job=jobs[place], outputs=[["RAW", path, "", None]], **fixed)
            for _, path, place in reads
        ]
        nodes.append(Node(place=parts, name=names[1], job=jobs[-1], inputs=reads, **fixed))
        Node.objects.bulk_create(nodes)
        return made

    def result(
        self, job: Any, *items: dict[str, Any], category: str = "TPC", status: str = "none", **fields: Any
    ) -> Any:
        from p3s.server.results.identity import subject
        from p3s.server.results.models import Item, Result

        defaults: dict[str, Any] = {
            "attempt": 1,
            "position": 0,
            "run": job.run,
            "subrun": job.subrun,
            "keys": {},
            "published_at": NOW - fields.pop("ago", 40),
        }
        values = {**defaults, **fields}
        about = (values["run"], job.dataset_id or job.uuid, values["subrun"], values["keys"])
        number = subject(job.jobtype_id, category, *about)
        made = Result.objects.create(job=job, category=category, status=status, subject=number, **values)
        columns = ("kind", "name", "by", "status", "comment", "group", "value", "error", "unit", "problem")
        for position, item in enumerate(items):
            own = {name: item[name] for name in columns if not isinstance(item.get(name, []), list)}
            Item.objects.create(result=made, position=position, detail=item, **{"status": "none", **own})
        return made


@pytest.fixture
def make(database: None) -> Iterator[Make]:  # noqa: ARG001 (it has to be there)
    """What a test makes is gone after it."""
    from django.db import transaction

    with transaction.atomic():
        yield Make()
        transaction.set_rollback(True)


class Pages:
    """Gets pages as a browser would, at the moment NOW."""

    def __init__(self) -> None:
        from django.test import Client

        self.client = Client()

    def get(self, address: str, status: int = 200) -> str:
        answer = self.client.get(address)
        assert answer.status_code == status, (address, answer.status_code)
        assert answer["Cache-Control"] == "no-store"
        return str(answer.content.decode())


@pytest.fixture
def pages(make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    from django.test import override_settings

    from p3s.server.monitor import views
    from p3s.server.pilots import hearing

    monkeypatch.setattr(views.time, "time", lambda: NOW)
    monkeypatch.setattr(hearing, "_hear", make.heard.get)
    with override_settings(ROOT_URLCONF=page_urls(), ALLOWED_HOSTS=["*"]):
        yield Pages()
