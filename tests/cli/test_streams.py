"""p3s stream: rules changed live with a reason, files processed by hand, and coverage, as people type it."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetRequest, StreamJob, StreamSpec, Take

pytestmark = pytest.mark.system

Run = Callable[..., Any]


@pytest.fixture
def stream(server: Any) -> str:
    """Of a job type by its name, which takes the first file of a run; two files of run 7 came."""
    name = f"s{uuid.uuid4().hex[:8]}"
    client = Client(server.url, server.token)
    client.declare(StreamSpec(name, {name: StreamJob("/bin/true")}, take=Take(1_000_000_000), env={"RELEASE": "v1"}))
    client.register_datasets([DatasetRequest(f"/data/{name}/f{place}", name, run=7) for place in range(2)])
    return name


@pytest.fixture
def p3s(run: Run, server: Any) -> Callable[..., str]:
    """p3s(word, ...): what a command that goes well prints."""

    def ran(*words: str) -> str:
        done = run("stream", *words, at=server.directory)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return ran


def test_a_rule_is_changed_looked_at_and_made_what_it_was(p3s: Callable[..., str], stream: str) -> None:
    change = ("set", stream, "env.RELEASE=v2", f"jobs.{stream}.time_limit=20m", "--unset", "take", "--reason", "new")
    said = f"env.RELEASE v1 -> v2\njobs.{stream}.time_limit (not set) -> 20m\ntake.one_in 1000000000 -> (not set)\n"
    assert p3s(*change, "--dry-run") == f"{said}{stream}: would be set\n"
    assert p3s(*change) == f"{said}{stream}: version 2\n"
    assert "env.RELEASE = v2" in p3s("show", stream)
    assert "3 live changes" in p3s("list")
    assert "new" in p3s("versions", stream)
    assert p3s("revert", stream, "--reason", "crashes").endswith(f"{stream}: version 3\n")
    assert p3s("revert", stream, "--reason", "crashes") == f"{stream}: it is so already\n"


def test_all_that_cannot_be_changed_so_is_told_at_once(run: Run, server: Any, stream: str) -> None:
    words = ("env.RELEASE=v2", "tke.one_in=3", "take.one_in=many", "waiting")
    done = run("stream", "set", stream, *words, "--reason", "new", at=server.directory)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[1].split()[0].strip("'") for line in done.stderr.splitlines()] == [
        "tke.one_in",
        "take.one_in",
        "waiting",
    ]


def test_a_payload_beside_the_command_line_is_found_wherever_its_jobs_run(
    p3s: Callable[..., str], stream: str, tmp_path: Path
) -> None:
    words = (f"jobs.{stream}.payload=./monitor.sh --fast", "env.payload=./as-it-is", "--reason", "new")
    said = p3s("set", stream, *words, "--dry-run")
    assert f"jobs.{stream}.payload /bin/true -> {tmp_path}/monitor.sh --fast\n" in said
    assert "env.payload (not set) -> ./as-it-is\n" in said


def test_a_stream_is_paused_and_resumed(p3s: Callable[..., str], stream: str) -> None:
    assert p3s("pause", stream, "--reason", "beam off", "--dry-run") == f"{stream}: would be paused\n"
    assert p3s("pause", stream, "--reason", "beam off") == f"{stream}: paused\n"
    assert p3s("pause", stream, "--reason", "beam off") == f"{stream}: it was paused already\n"
    assert "beam off" in p3s("list")
    assert p3s("pause", stream, "--dry-run") == f"{stream}: it was paused already\n"
    assert p3s("pause", stream, "--reason", "access", "--dry-run") == f"{stream}: would be paused\n"
    assert p3s("resume", stream) == f"{stream}: resumed\n"
    assert p3s("resume", stream) == f"{stream}: it was not paused\n"


def test_a_stream_declared_by_mistake_is_forgotten(p3s: Callable[..., str], run: Run, server: Any, stream: str) -> None:
    name = f"typo{uuid.uuid4().hex[:8]}"
    Client(server.url, server.token).declare(StreamSpec(name, {name: StreamJob("true")}))
    assert p3s("delete", name, "--dry-run") == f"stream {name}: would be forgotten\n"
    assert name in p3s("list")
    assert p3s("delete", name) == f"stream {name}: forgotten\n"
    assert name not in p3s("list")
    refused = run("stream", "delete", stream, at=server.directory)
    assert refused.returncode == 6
    assert f"stays with them; p3s stream pause {stream} stops it" in refused.stderr.replace("\n", " ")


def test_files_are_processed_by_hand_and_counted(
    p3s: Callable[..., str], run: Run, server: Any, stream: str, until: Any
) -> None:
    until("the first of the run is processed", lambda: " processed" in p3s("coverage", stream, "--run", "7"))
    left = run("stream", "process", stream, "--run", "7", "--dry-run", at=server.directory)
    assert left.stderr == "--again has those processed too that are processed already\n"
    looked = p3s("process", stream, "--run", "7", "--dry-run")
    assert looked.endswith("would be processed: 1 file, 1 job; left: 1 (processed 1)\n")
    assert "was sampled out" in looked
    done = p3s("process", stream, "--run", "7", "--file", "f?", "--reason", "to see")
    assert done.endswith("processed now: 1 file, 1 job; left: 1 (processed 1)\n")
    assert p3s("process", stream, "--run", "7", "--file", "g*") == "processed now: 0 files, 0 jobs; left: 0\n"
    assert p3s("coverage", stream, "--run", "8") == f"stream {stream} has seen no file of run 8\n"
    (row,) = json.loads(p3s("coverage", stream, "--run", "7", "--json"))
    assert (row["files"], row["taken"], row["manual"]) == (2, 2, 1)


def test_a_watcher_that_starts_again_undoes_no_live_change(
    p3s: Callable[..., str], run: Run, server: Any, tmp_path: Path
) -> None:
    name = f"s{uuid.uuid4().hex[:8]}"
    rule = {"files": str(tmp_path / "data" / "run{run:d}.root"), "payload": "/bin/true", "env": {"RELEASE": "v1"}}
    (tmp_path / "data").mkdir()
    file = tmp_path / "streams.yaml"
    file.write_text(json.dumps({"streams": {name: rule}, "jobtypes": {name: {"cap": 4}}}))

    def watch(*more: str) -> str:
        done = run("watcher", "start", str(file), "--once", *more, at=server.directory, timeout=60)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    first = watch()
    assert f"stream {name} version 1" in first
    assert f"job type {name} set as {file} says" in first
    assert run("jobtype", "set", name, "--cap", "0", at=server.directory).returncode == 0
    p3s("set", name, "env.RELEASE=v2", "--reason", "new headers")
    again = watch()
    assert "live changes of version 2 are kept: env.RELEASE" in again
    assert f"job type {name}: cap stays 0, which was set live; {file} says otherwise (--force takes" in again
    assert "env.RELEASE = v2" in p3s("show", name)
    forced = watch("--force")
    assert "are kept" not in forced
    assert f"job type {name} set as {file} says" in forced
    assert "env.RELEASE = v1" in p3s("show", name)


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (2, ["set", "{stream}", "take.one_in=3"], "--reason: say why"),
        (2, ["set", "{stream}"], "wants PATH=VALUE"),
        (2, ["set", "{stream}", "env.RELEASE", "--reason", "x"], "env.RELEASE=VALUE, or --unset env.RELEASE"),
        (2, ["set", "{stream}", "env.RELAESE=", "--reason", "x"], "is not set; did you mean RELEASE?"),
        (2, ["set", "{stream}", "take.one_in=lots", "--reason", "x"], "'lots' is not a whole number"),
        (4, ["set", "nobody", "take.one_in=3", "--reason", "x"], "there is no stream nobody"),
        (4, ["revert", "{stream}", "--to", "9", "--reason", "x"], "has no version 9"),
        (2, ["process", "{stream}", "--file", "f*"], "--run N"),
        (4, ["process", "{stream}", "--run", "8"], "has seen no file of run 8"),
        (4, ["coverage", "nobody"], "there is no stream nobody"),
    ],
)
def test_mistakes_are_told_with_what_is_right(
    refused: Callable[..., str], server: Any, stream: str, code: int, words: list[str], says: str
) -> None:
    given = [word.format(stream=stream) for word in words]
    assert says in refused(code, "stream", *given, at=server.directory)
