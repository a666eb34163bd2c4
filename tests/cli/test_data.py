"""Datasets, sets, data types, runs and lineage from the command line, and what is said of mistakes."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetRequest, StreamJob, StreamSpec
from p3s.protocol.messages import JobSpec

pytestmark = pytest.mark.system

Run = Callable[..., Any]
Refused = Callable[..., str]


@pytest.fixture
def name() -> str:
    """Of a thing of the test's own: the server is shared."""
    return f"n{uuid4().hex[:12]}"


@pytest.fixture
def file(tmp_path: Path, name: str) -> Path:
    """A file with a name of its own."""
    path = tmp_path / f"{name}.root"
    path.write_bytes(b"raw data")
    return path


@pytest.fixture
def say(run: Run, server: Any) -> Callable[..., str]:
    """say(word, ...): what a command that does well prints."""

    def said(*words: str) -> str:
        done = run(*words, at=server.directory)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return said


Say = Callable[..., str]


def test_a_file_is_registered_with_all_that_is_known_of_it(say: Say, file: Path) -> None:
    words = ["--run", "7", "--subrun", "2", "-k", "dl=5", "-k", "site=np04", "--datatype", "RAW", "--checksum"]
    assert say("dataset", "register", str(file), *words).split()[1:] == [f"{file.name}:", "registered"]
    found = json.loads(say("dataset", "show", file.name, "--json"))
    assert (found["url"], found["size"], found["datatype"]) == (str(file), 8, "RAW")
    assert (found["run"], found["subrun"], found["keys"]) == (7, 2, {"dl": 5, "site": "np04"})
    assert found["adler32"] == f"{zlib.adler32(b'raw data'):08x}"
    assert "known already" in say("dataset", "register", str(file))
    (file.parent / "link").symlink_to(file.parent)
    assert "known already" in say("dataset", "register", str(file.parent / "link" / file.name))
    assert found == json.loads(say("dataset", "show", str(file.parent / "link" / file.name), "--json"))
    file.write_bytes(b"written anew")
    assert "other than said now, as it was: size" in say("dataset", "register", str(file), "--run", "7")
    assert say("dataset", "register", str(file), "--quiet") == ""
    assert file.name in say("dataset", "list", "--run", "7", "--datatype", "RAW")


def test_what_2018_described_is_registered(say: Say, server: Any, refused: Refused, tmp_path: Path, name: str) -> None:
    kind, described = tmp_path / "type.json", tmp_path / "file.json"
    kind.write_text(json.dumps({"name": name, "ext": ".txt", "comment": "testing text files"}))
    entry = {"name": f"{name}.txt", "state": "defined", "comment": "a test", "datatype": name, "dirpath": "/tmp"}
    described.write_text(json.dumps(entry))
    assert f"{name}.txt: registered" in say("dataset", "register", str(described))
    assert "filled in" in say("datatype", "add", str(kind)), "its first file had made it"
    assert "there already" in say("datatype", "add", str(kind))
    found = json.loads(say("dataset", "show", f"/tmp/{name}.txt", "--json"))
    assert (found["state"], found["datatype"], found["comment"]) == ("registered", name, "a test")
    described.write_text(json.dumps([entry, {**entry, "colour": "red"}]))
    assert f"{described}: [1]: 'colour' is not known" in refused(
        2, "dataset", "register", str(described), at=server.directory
    )
    assert f"data type {name} is that of" in refused(6, "datatype", "delete", name, at=server.directory)
    assert "there is a data type" in refused(6, "datatype", "add", name, "--ext", ".dat", at=server.directory)


def test_whether_a_file_was_taken_is_an_exit_code(
    say: Say, run: Run, server: Any, refused: Refused, file: Path, name: str
) -> None:
    say("dataset", "register", str(file))
    done = run("dataset", "taken", file.name, at=server.directory)
    assert (done.returncode, done.stdout) == (1, "not taken: no stream was told of it\n")
    assert "there is no dataset" in refused(4, "dataset", "taken", f"{name}.none", at=server.directory)
    with Client(server.url, server.token) as client:
        client.submit([JobSpec("/bin/true", name=name, input=str(file), hold=True)])
    assert say("dataset", "taken", file.name) == "taken: jobs: 1 held\n"


def test_a_name_that_several_have_is_no_name(
    say: Say, server: Any, refused: Refused, tmp_path: Path, name: str
) -> None:
    for directory in ("a", "b"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / name).write_text(directory)
        say("dataset", "register", str(tmp_path / directory / name))
    line = refused(6, "dataset", "show", name, at=server.directory)
    assert f"several datasets are called {name}; name one by its UUID or URL" in line
    assert str(tmp_path / "a" / name) in line
    assert say("dataset", "show", str(tmp_path / "b" / name))
    assert say("dataset", "show", f"b/{name}", "--json") == say("dataset", "show", f"./b/{name}", "--json")
    assert say("dataset", "show", f"./b/../a/{name}").split()[1] != say("dataset", "show", f"./b/{name}").split()[1]
    assert "there is no dataset" in refused(4, "dataset", "show", "", at=server.directory)


def test_a_file_that_has_changed_is_found(say: Say, run: Run, server: Any, file: Path) -> None:
    say("dataset", "register", str(file))
    done = run("dataset", "verify", file.name, at=server.directory)
    assert (done.returncode, "nothing to compare" in done.stdout) == (1, True)
    assert "recorded: 8 bytes" in say("dataset", "verify", file.name, "--record")
    assert "as registered: 8 bytes" in say("dataset", "verify", file.name)
    for content, word in ((b"RAW data", "its adler32 is"), (b"raw", "it has 3 bytes, 8 were registered")):
        file.write_bytes(content)
        done = run("dataset", "verify", file.name, at=server.directory)
        assert (done.returncode, word in done.stdout) == (1, True), done.stdout
    file.unlink()
    done = run("dataset", "verify", file.name, at=server.directory)
    assert (done.returncode, "cannot read" in done.stdout) == (1, True)


def test_what_is_known_of_a_file_is_changed_and_forgotten(say: Say, server: Any, refused: Refused, file: Path) -> None:
    say("dataset", "register", str(file))
    words = ["--comment", "half a file", "--run", "31", "-k", "dl=2"]
    assert "would change run, keys, comment" in say("dataset", "adjust", file.name, *words, "--dry-run")
    assert "changed" in say("dataset", "adjust", file.name, *words)
    assert "it is so already" in say("dataset", "adjust", file.name, *words)
    say("dataset", "adjust", file.name, "--state", "missing", "--clear", "run")
    line = refused(6, "dataset", "adjust", file.name, "--state", "registered", at=server.directory)
    assert "is missing and may become available or dropped" in line
    assert "would be forgotten" in say("dataset", "delete", file.name, "--dry-run")
    assert "forgotten" in say("dataset", "delete", file.name, "--why", "a test")
    assert "there is no dataset" in refused(4, "dataset", "show", file.name, at=server.directory)


def test_files_are_put_into_sets(say: Say, server: Any, refused: Refused, tmp_path: Path, name: str) -> None:
    paths = [tmp_path / f"{name}_{number}" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * number)
    say("dataset", "register", *map(str, paths), "--run", "77")
    assert f"{name}: made, 1 added; it has 1 file" in say("dataset", "set", "create", name, paths[0].name)
    assert "2 added; it has 3 files" in say("dataset", "set", "add", name, "--name", f"{name}_")
    assert "1 removed; it has 2 files" in say("dataset", "set", "remove", name, paths[0].name)
    found = json.loads(say("dataset", "set", "show", name, "--json"))
    assert (sorted(one["name"] for one in found["files"]), found["size"]) == ([one.name for one in paths[1:]], 3)
    assert "there is no set" in refused(4, "dataset", "set", "add", f"{name}x", paths[0].name, at=server.directory)
    assert "name the files" in refused(2, "dataset", "set", "add", name, at=server.directory)
    assert "'a/b' is not a name" in refused(2, "dataset", "set", "create", "a/b", at=server.directory)
    assert f"there is no set {name}x; p3s" in refused(4, "dataset", "set", "show", f"{name}x", at=server.directory)


def test_a_run_says_what_became_of_its_files(say: Say, server: Any, until: Any) -> None:
    number = str(uuid4().int % 10**9)
    say("run", "start", number, "--type", number)
    client = Client(server.url, server.token)
    client.declare(StreamSpec(f"s{number}", {f"s{number}": StreamJob("/bin/true")}))
    files = [DatasetRequest(f"/d/{number}/f{why}", f"s{number}", run=int(number), ignored=why) for why in ("", "small")]
    client.register_datasets(files)
    until("its file is processed", lambda: "1 of 1" in say("run", "list", "--type", number))
    shown = say("run", "show", number)
    assert f"coverage       s{number}: 2 files, 1 ignored (small), 1 taken: 1 processed\n" in shown


def test_runs_are_started_and_ended(say: Say, server: Any, refused: Refused) -> None:
    number = str(uuid4().int % 10**9)
    words = ["run", "start", number, "--type", "cosmic", "--comment", "HV on"]
    assert say(*words, "--dry-run") == f"run {number}: would be started\n"
    assert say(*words) == f"run {number}: started\n"
    assert say("run", "start", number) == f"run {number}: it is open already\n"
    assert number in say("run", "list", "--open", "--type", "cosmic")
    assert say("run", "end", number) == f"run {number}: ended\n"
    assert say("run", "end", number) == f"run {number}: it had ended already\n"
    assert "--reopen takes its end back" in refused(6, "run", "start", number, at=server.directory)
    assert "type cosmic -> laser" in say("run", "adjust", number, "--type", "laser")
    assert "laser" in say("run", "show", number)
    assert "there is no run 4611686018427387000" in refused(4, "run", "end", "4611686018427387000", at=server.directory)
    assert "say what is to be other" in refused(2, "run", "adjust", number, at=server.directory)
    assert say("run", "delete", number, "--dry-run") == f"run {number}: would be forgotten\n"
    assert say("run", "delete", number, "--why", "a slip") == f"run {number}: forgotten\n"
    assert f"there is no run {number}" in refused(4, "run", "show", number, at=server.directory)


def test_a_result_leads_back_to_its_files(say: Say, server: Any, refused: Refused, file: Path) -> None:
    say("dataset", "register", str(file), "--run", "78")
    publish = "p3s-publish --category Hits --number n=$P3S_RUN"
    job = say("job", "submit", "--wait", "-f", str(file), "--", "/bin/sh", "-c", publish).split()[0]
    found = json.loads(say("dataset", "show", file.name, "--json"))
    assert (found["taken"], [one["uuid"] for one in found["jobs"]]) == (True, [job])
    (result,) = found["results"]
    assert result["run"] == 78, "a job of a known file finds its run"
    name = f"result:{result['id']}"
    tree = say("lineage", name, "--up")
    assert [word in tree for word in ("made of 1 file, 1 job", f"read file {file.name}", job)] == [True] * 3
    assert say("lineage", name, "--up", "--files") == f"{file}\n"
    assert f"published {name} Hits (not judged, run 78)" in say("lineage", file.name, "--down")
    for number in range(5):
        say("dataset", "set", "create", f"{file.stem}-{number}", file.name)
    up, down = say("lineage", file.name).split(" gave ")
    assert ("more" in up, "and 1 more (--all shows them)" in down) == (False, True), "what is not shown is told once"
    assert "there is no file, job or result" in refused(4, "lineage", "result:999999999", at=server.directory)


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (4, "dataset register nothing.root", "--state registered names one to come"),
        (2, "dataset register root://h//x --checksum", "cannot be read from here"),
        (2, "dataset register root://h//x -k dl", "write NAME=VALUE"),
        (2, "dataset register root://h//x -k d-l=3", "is not a key's name"),
        (2, "dataset register root://h//x --state gone", "available or registered"),
        (2, "dataset adjust x", "say what is to be other"),
        (2, "dataset adjust x --adler32 xyz", "eight hex digits"),
        (2, "dataset adjust x --size big", "write 500MB"),
        (2, "dataset adjust x --clear name", "cannot be emptied"),
        (2, "datatype add TXT --ext txt", "with its dot"),
        (2, "datatype add nothing.json", "there is no such file"),
        (2, "datatype adjust TXT", "say what is to be other"),
        (2, "lineage result:1 --up --down --files", "say which way"),
        (3, "run list", "no server"),
        (3, "dataset taken x", "no server"),
    ],
)
def test_mistakes_are_told_before_a_server_is_asked(refused: Refused, code: int, words: str, says: str) -> None:
    assert says in refused(code, *words.split())
