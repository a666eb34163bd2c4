"""What --json prints is what docs/cli.md says: programs rely on it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p3s.client.sdk import Client
from p3s.client.templates import read
from p3s.protocol.catalogue import DataTypeSpec
from p3s.protocol.data import DatasetRequest, DimensionSpec, LimitSpec, ReferenceSpec, StreamJob, StreamSpec, Take
from p3s.protocol.workflows import StartRequest

pytestmark = pytest.mark.system

Run = Callable[..., Any]

PAGE = Path(__file__).parents[2] / "docs/cli.md"
STREAMS = str(Path(__file__).parents[2] / "examples/streams.yaml")
EXAMPLE = str(PAGE.parents[1] / "examples/workflow.yaml")
ROW = re.compile(r"^\| `p3s ([^`]*?) ?--json` \| (\w+) \| (.*) \|$", re.MULTILINE)
DOCUMENTED = {words: (kind, re.findall(r"`(\w+)`", fields)) for words, kind, fields in ROW.findall(PAGE.read_text())}

#: What each command is given, beside --json. {job} is a job that has ended, {held} one that is held.
GIVEN = {
    "job submit": ["--", "/bin/true"],
    "job submit --dry-run": ["--", "/bin/true"],
    "job show": ["{job}"],
    "job explain": ["{held}"],
    "job inputs": ["{job}"],
    "job cancel": ["{job}"],
    "job hold": ["{held}"],
    "job release": ["{let_go}"],
    "job adjust": ["{held}", "--priority", "3"],
    "job rerun": ["{job}"],
    "job test": ["--", "/bin/true"],
    "job cancel --dry-run": ["--state", "all"],
    "jobtype set": ["plain", "--priority", "1"],
    "dataset register": ["/given/by/name", "--state", "available"],
    "dataset show": ["{dataset}"],
    "dataset taken": ["{dataset}"],
    "dataset adjust": ["{dataset}", "--comment", "seen"],
    "dataset delete": ["{dataset}", "--dry-run"],
    "dataset verify": ["{dataset}"],
    "dataset set create": ["a-set"],
    "dataset set add": ["golden", "{dataset}"],
    "dataset set remove": ["golden", "{dataset}"],
    "dataset set show": ["golden"],
    "datatype show": ["RAWJSON"],
    "datatype add": ["ROOT"],
    "datatype adjust": ["RAWJSON", "--comment", "raw"],
    "datatype delete": ["RAWJSON", "--dry-run"],
    "run show": ["7"],
    "run start": ["7"],
    "run end": ["8"],
    "run adjust": ["7", "--type", "cosmic"],
    "run delete": ["8", "--dry-run"],
    "lineage": ["{dataset}"],
    "workflow show": ["{workflow}"],
    "workflow start": ["{template}", "/data/lines.txt", "--hold"],
    "workflow rerun": ["{ended}"],
    "workflow release": ["{workflow}"],
    "workflow cancel": ["{workflow}"],
    "workflow template check": [EXAMPLE],
    "workflow template put": [EXAMPLE],
    "workflow template show": ["{template}"],
    "workflow template delete": ["{template}", "--dry-run"],
    "stream show": ["raw"],
    "stream set": ["raw", "take.one_in=7", "--reason", "a test"],
    "stream revert": ["raw", "--reason", "a test"],
    "stream versions": ["raw"],
    "stream pause": ["raw"],
    "stream resume": ["raw"],
    "stream delete": ["mistake", "--dry-run"],
    "stream process": ["raw", "--run", "1"],
    "watcher check": [STREAMS],
    "watcher explain": [str(Path(STREAMS).parent / "data/run7_1.txt"), "-c", STREAMS],
    "result show": ["{result}"],
    "result get": ["{result}", "--dry-run"],
    "result trend": ["TPC/n"],
    "result limits set": ["TPC/n", "--good", "0,2"],
    "result limits delete": ["TPC/none"],
    "pilot drain": ["--host", "no-such-host"],
    "pilot stop": ["--all", "--dry-run"],
    "pilot delete": ["--all", "--dry-run"],
    "resume": ["plain"],
    "purge": ["jobs", "--older", "7d"],
    "service run": ["database"],
    "token new": ["a test"],
    "token revoke": ["{token}"],
    "user set": ["ana", "--scope", "operate"],
}


EMPTY = ("alarm list", "gather list", "job inputs", "pilot drain")
"""Nothing that a healthy server would list; the pilot of these tests stays."""

_MADE: dict[str, str] = {}


@pytest.fixture
def jobs(run: Run, server: Any) -> dict[str, str]:
    """The jobs of `GIVEN`, made once."""
    if not _MADE:
        for name, words in (("job", ("--wait", "--jobtype", "plain")), ("held", ("--hold",)), ("let_go", ("--hold",))):
            done = run("job", "submit", *words, "--", "/bin/true", at=server.directory)
            assert done.returncode == 0, done.stderr
            _MADE[name] = done.stdout.strip()
        client = Client(server.url, server.token)
        _MADE["template"] = client.put_template(read(Path(EXAMPLE)))["name"]
        for name in ("workflow", "ended"):
            request = StartRequest(_MADE["template"], inputs=["/data/lines.txt"], hold=True)
            _MADE[name] = client.start_workflow(request).workflow
        client.cancel_workflow(_MADE["ended"])
        _MADE["token"] = client.make_token("to be revoked", ["read"]).id
        _MADE["kept"] = client.make_token("to be kept", ["read"]).id
        client.set_user("ana", "a pass phrase that nobody guesses")
        client.change_job_type("asleep", priority=1)
        client.pause("asleep", "so that something is paused")
        _MADE["dataset"] = client.register_dataset(DatasetRequest("/data/json.root")).dataset
        client.make_set("golden")
        client.set_data_type(DataTypeSpec("RAWJSON", ".raw"))
        for number in (7, 8):
            client.start_run(number)
        client.declare(StreamSpec("raw", {"plain": StreamJob("/bin/true")}, take=Take(1_000_000_000)))
        client.declare(StreamSpec("mistake", {"plain": StreamJob("/bin/true")}))
        client.register_datasets([DatasetRequest(f"/data/{place}", "raw", run=1) for place in range(2)])
        publish = "p3s-publish --category TPC --run 7 --number n=1 --file log=a.log"
        script = f'echo x > "$P3S_RESULT_DIR/a.log"; {publish}'
        done = run("job", "submit", "--wait", "--", "/bin/sh", "-c", script, at=server.directory)
        assert done.returncode == 0, done.stderr
        _MADE["result"] = str(client.results(1, category="TPC")[0]["id"])
        client.set_limit(LimitSpec("TPC", "n", good=(0, 1)))
        client.set_reference(ReferenceSpec(7))
        client.set_dimension(DimensionSpec("apa", ("3", "1")))
    return _MADE


#: What changes things, with what it is given beside --dry-run and --json.
WRITES = {
    "job submit": ["--", "/bin/true"],
    "job cancel": ["{held}"],
    "job hold": ["{held}"],
    "job release": ["{held}"],
    "job adjust": ["{held}", "--priority", "3"],
    "job rerun": ["--state", "finished", "--since", "1h"],
    "jobtype set": ["plain", "--priority", "2"],
    "dataset register": ["/new/one", "--state", "available"],
    "dataset adjust": ["{dataset}", "--comment", "other"],
    "dataset delete": ["{dataset}"],
    "dataset set create": ["new", "{dataset}"],
    "dataset set add": ["golden", "{dataset}"],
    "dataset set remove": ["golden", "{dataset}"],
    "datatype add": ["NEW"],
    "datatype adjust": ["RAWJSON", "--comment", "other"],
    "datatype delete": ["RAWJSON"],
    "run start": ["9", "--end-others"],
    "run end": ["7"],
    "run adjust": ["7", "--type", "beam"],
    "run delete": ["8"],
    "workflow start": ["{template}", "/data/lines.txt"],
    "workflow rerun": ["{ended}", "--failed"],
    "workflow release": ["{workflow}"],
    "workflow cancel": ["{workflow}"],
    "workflow template put": [EXAMPLE],
    "workflow template delete": ["{template}"],
    "stream set": ["raw", "take.one_in=9", "--reason", "a test"],
    "stream revert": ["raw", "--to", "1", "--reason", "a test"],
    "stream pause": ["raw"],
    "stream resume": ["raw"],
    "stream delete": ["mistake"],
    "stream process": ["raw", "--run", "1"],
    "result limits set": ["TPC/n", "--good", "0,9"],
    "result limits delete": ["TPC/n"],
    "result reference": ["8"],
    "result dimension": ["apa", "--delete"],
    "pilot drain": ["--all"],
    "pilot stop": ["--all"],
    "pilot delete": ["--all"],
    "pause": ["plain"],
    "resume": ["asleep"],
    "purge": ["jobs", "--older", "0s"],
    "service run": ["database"],
    "token new": ["one more"],
    "token revoke": ["{kept}"],
    "user set": ["ana", "--shut-out"],
}


def _set_by_people(client: Client) -> list[Any]:
    return [client.limits(), client.references(), client.dimensions()]


@pytest.mark.parametrize("words", WRITES)
def test_a_dry_run_is_json_too_and_changes_nothing(run: Run, server: Any, jobs: dict[str, str], words: str) -> None:
    client = Client(server.url, server.token)

    def state() -> list[Any]:
        kept = [[one["id"] for one in client.tokens()], client.users(), [one["jobtype"] for one in client.pauses()]]
        types = {one["name"]: one["priority"] for one in client.job_types()}
        kept += [client.datasets(), client.data_types(), client.runs()]
        kept += [types, client.templates(), client.workflows()]
        kept += [(one["name"], one["version"], one["paused_at"]) for one in client.streams()]
        return [
            *kept,
            client.summary()["pilots"],
            _set_by_people(client),
            client.job(jobs["held"])["state"],
            len(client.jobs(1000)),
        ]

    before = state()
    given = [word.format(**jobs) for word in WRITES[words]]
    done = run(*words.split(), "--dry-run", "--json", *given, at=server.directory)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) is not None
    assert state() == before


@pytest.mark.parametrize("words", DOCUMENTED)
def test_the_fields_are_those_of_the_page(run: Run, server: Any, jobs: dict[str, str], words: str) -> None:
    kind, fields = DOCUMENTED[words]
    given = [word.format(**jobs) for word in GIVEN.get(words, [])]
    done = run(*words.split(), "--json", *given, at=server.directory)
    assert done.returncode in (0, 1), done.stderr  # doctor finds a full disk
    found = json.loads(done.stdout)
    assert isinstance(found, {"list": list, "object": dict}[kind])
    entries = found if kind == "list" else [found]
    assert entries or words in EMPTY, "nothing to look at"
    if words in ("job show", "dataset show", "workflow show", "workflow template show"):
        fields = [*DOCUMENTED[words.replace("show", "list")][1], *fields]
    for entry in entries:
        assert set(fields) - set(entry) == set(), "the page names fields that are not there"
