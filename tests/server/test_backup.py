"""Backup while the server works, restore elsewhere: nothing that was acknowledged before is lost."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from p3s.server.archive.backup import files_below

Server = Any
Until = Callable[..., Any]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def archive(tmp_path: Path) -> Run:
    """archive(act, file, directory, database): the program to its end."""

    def run(act: str, file: Path, directory: Path, database: str = "") -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "DJANGO_"))}
        source = str(Path(__file__).parents[2] / "src")
        return subprocess.run(
            [sys.executable, "-m", "p3s.server.archive", act, str(file), "--dir", str(directory)],
            env={**kept, "P3S_DATABASE": database, "PYTHONPATH": source},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def good(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.strip().splitlines()
    return line


PACE_S = 0.02
"""However slow the machine, there are not more jobs than it can list."""


class Load:
    """Jobs are submitted and run all the time; what was answered is remembered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged: list[str] = []
        self.finished: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        pilot = self.server.pilot(slots=4)
        while not self.stop.wait(PACE_S):
            self.acknowledged += self.server.submit(JOB)
            for order in pilot.orders():
                pilot.report(order["job"], order["attempt"], "finished", exit_code=0, stdout="x" * 500)
                self.finished.append(order["job"])

    def close(self) -> None:
        self.stop.set()
        self.thread.join(30)


JOB = {"payload": "true", "env": {"A": 'ü\\\t"x\n'}}


@pytest.fixture
def working(own_server: Callable[..., Server]) -> Iterator[tuple[Server, Load]]:
    server = own_server().start()
    load = Load(server)
    yield server, load
    load.close()


def jobs(server: Server) -> dict[str, str]:
    """All of them with their states, but those of `start`."""
    found, query = {}, ""
    while True:
        page = server.good("GET", f"/api/v1/jobs?limit=1000{query}")
        found.update({job["uuid"]: job["state"] for job in page["jobs"] if job["name"] != "canary"})
        if page["next"] is None:
            return found
        query = f"&cursor={page['next']}"


def test_a_backup_under_load_restored_elsewhere_has_all_that_was_acknowledged(
    working: tuple[Server, Load],
    own_server: Callable[..., Server],
    archive: Run,
    tmp_path: Path,
    until: Until,
) -> None:
    server, load = working
    until("there are jobs", lambda: len(load.finished) > 20)
    file = tmp_path / "b.zip"
    acknowledged, finished = list(load.acknowledged), list(load.finished)
    good(archive("backup", file, server.directory, server.database))
    assert len(load.acknowledged) > len(acknowledged), "the server went on meanwhile"
    load.close()
    again = own_server(empty=True)
    good(archive("restore", file, again.directory, again.database))
    again.start()
    there = jobs(again)
    assert set(acknowledged) <= set(there)
    assert {there[job] for job in finished} == {"finished"}
    assert set(there) <= set(load.acknowledged)
    assert again.job(finished[0])["env"] == JOB["env"]
    pilot = again.pilot()
    (new,) = again.submit({"payload": "true", "priority": 9})
    order = pilot.take(new)
    assert pilot.report(new, order["attempt"], "finished", exit_code=0)["verdict"] == "applied"
    assert again.ask("GET", "/api/v1/jobs", token=server.token).status == 200, "tokens are there, hashed"


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50


@pytest.fixture
def filled(own_server: Callable[..., Server]) -> Server:
    """A stopped server with a result, a file of a data type that was moved, a stream, a job type and an alarm."""
    server = own_server().start()
    pilot = server.pilot()
    server.good("PUT", "/api/v1/jobtypes/t", {"name": "t", "cap": 3, "critical": True, "supersedes": ["run"]})
    server.good("PUT", "/api/v1/streams/s", {"name": "s", "jobs": {"t": {"payload": "true"}}})
    server.good("PUT", "/api/v1/datatypes/ROOT", {"name": "ROOT", "ext": ".root"})
    file = {"url": "/d/1.root", "stream": "s", "run": 7, "keys": {"apa": "é", "n": 1}, "datatype": "ROOT"}
    dataset = server.good("POST", "/api/v1/datasets", file)["dataset"]
    server.good("POST", f"/api/v1/datasets/{dataset}/adjust", {"url": "/used/1.root"})
    (job,) = server.submit()
    token = pilot.take(job)["token"]
    where = f"/api/v1/jobs/{job}/attempts/1"
    assert server.ask("PUT", f"{where}/files/a/b.png", PICTURE, token=token).status == 200
    document = {
        "p3s_result": 1,
        "category": "c",
        "items": [{"kind": "number", "name": "n", "value": 0.1}, {"kind": "images", "name": "i", "files": ["a/b.png"]}],
    }
    assert server.ask("POST", f"{where}/results", {"results": [document]}, token=token).status == 200
    pilot.report(job, 1, "finished", exit_code=0)
    server.ask("POST", "/api/v1/services/probe/reports", {"text": "fine", "value": 1e-300})
    assert server.stop() == 0
    return server


def content(file: Path) -> dict[str, Any]:
    """Digests of all tables, and all files."""
    with zipfile.ZipFile(file) as inside:
        said = json.loads(inside.read("p3s.json"))
        files = {name: inside.read(name) for name in inside.namelist() if name.startswith("blobs/")}
    return {"tables": said["tables"], "last": said["last"], "files": files}


def test_what_is_restored_is_what_was_backed_up(
    filled: Server, own_server: Callable[..., Server], archive: Run, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    good(archive("backup", first, filled.directory, filled.database))
    assert stat.S_IMODE(first.stat().st_mode) == 0o600, "it holds the secret"
    again = own_server(empty=True)
    said = good(archive("restore", first, again.directory, again.database))
    assert "p3s server start --dir" in said
    assert sorted(path.name for path in tmp_path.iterdir() if "restoring" in path.name or ".part" in path.name) == []
    good(archive("backup", second, again.directory, again.database))
    assert content(second) == content(first)
    assert list(content(first)["files"].values()) == [PICTURE]
    again.start()
    (result,) = again.good("GET", "/api/v1/results")["results"]
    assert again.ask("GET", f"/api/v1/results/{result['id']}/files/a/b.png").body == PICTURE
    assert again.good("GET", "/api/v1/services/probe")["value"] == 1e-300
    (moved,) = again.good("GET", "/api/v1/datasets?which=/d/1.root")["datasets"]
    assert moved["url"] == "/used/1.root", "it is found by where it came"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_server_moves_from_sqlite_to_postgresql_and_back(
    filled: Server, own_server: Callable[..., Server], archive: Run, tmp_path: Path, postgres: Any
) -> None:
    files = [tmp_path / f"{name}.zip" for name in ("sqlite", "postgresql", "again")]
    good(archive("backup", files[0], filled.directory))
    moved = own_server(database=postgres.database(empty=True))
    good(archive("restore", files[0], moved.directory, moved.database))
    good(archive("backup", files[1], moved.directory, moved.database))
    back = own_server(empty=True)
    good(archive("restore", files[1], back.directory))
    good(archive("backup", files[2], back.directory))
    rows = [{name: one["rows"] for name, one in content(file)["tables"].items()} for file in files]
    assert rows[0] == rows[1] == rows[2]
    for server in (moved, back):
        server.start()
        (job,) = (one for one in server.good("GET", "/api/v1/jobs")["jobs"] if one["state"] == "finished")
        pilot = server.pilot()
        (new,) = server.submit()
        order = pilot.take(new)
        assert pilot.report(new, order["attempt"], "finished", exit_code=0)["verdict"] == "applied"
        assert server.good("GET", "/api/v1/jobtypes")["jobtypes"][-1]["supersedes"] == ["run"]
        assert server.good("GET", "/api/v1/datasets")["datasets"][0]["keys"] == {"apa": "é", "n": 1}
        server.good("POST", "/api/v1/datasets", {"url": f"/d/{job['uuid']}", "stream": "s", "run": 8})


def test_nothing_is_overwritten(filled: Server, archive: Run, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    good(archive("backup", file, filled.directory, filled.database))
    before = file.read_bytes()
    assert "is there already" in refused(archive("backup", file, filled.directory, filled.database))
    assert file.read_bytes() == before
    assert "is not empty" in refused(archive("restore", file, filled.directory, filled.database))
    if filled.database:
        other = tmp_path / "other"
        assert "the database is not empty" in refused(archive("restore", file, other, filled.database))
        assert not other.exists()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_damaged_newer_or_no_backup_is_refused_and_leaves_nothing(
    filled: Server, archive: Run, tmp_path: Path
) -> None:
    file, target = tmp_path / "b.zip", tmp_path / "new"
    good(archive("backup", file, filled.directory))
    assert "is whole" in good(archive("check", file, filled.directory))
    for name, words in WRONG.items():
        wrong = tmp_path / f"{name}.zip"
        spoil(file, wrong, name)
        for act in ("check", "restore") if name == "a bit" else ("restore",):
            said = refused(archive(act, wrong, target))
            assert words in said, said
        assert not target.exists()
        assert [path for path in tmp_path.iterdir() if "restoring" in path.name] == []
    assert "nothing.zip: No such file" in refused(archive("check", tmp_path / "nothing.zip", target))
    assert "there is no database in" in refused(archive("backup", tmp_path / "c.zip", tmp_path / "empty"))
    assert not (tmp_path / "c.zip").exists()


WRONG = {
    "no zip": "damaged or no backup",
    "a bit": "damaged",
    "a row": "are not those that were written",
    "a file": "files should be there",
    "escape": "it was not made by p3s",
    "newer form": "it has form 99",
    "newer program": "which is newer",
    "unknown column": "the columns of jobs_job differ",
}


def spoil(file: Path, wrong: Path, how: str) -> None:
    if how == "no zip":
        wrong.write_bytes(b"hello")
        return
    if how == "a bit":
        data = bytearray(file.read_bytes())
        data[len(data) // 3] ^= 0x10
        wrong.write_bytes(data)
        return
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(wrong, "w") as target:
        for name in source.namelist():
            data, said = source.read(name), None
            if name == "p3s.json":
                said = json.loads(data)
            if how == "a row" and name == "tables/jobs_job.jsonl":
                data = data.replace(b"finished", b"fjnished")
            if how == "a file" and name.startswith("blobs/"):
                continue
            if how == "escape" and name.startswith("blobs/"):
                name = "blobs/../../evil"
            if said and how == "newer form":
                said["format"] = 99
            if said and how == "newer program":
                said["migrations"].append(["jobs", "0099_tomorrow"])
            if said and how == "unknown column":
                said["tables"]["jobs_job"]["columns"][-1] = "tomorrow"
            target.writestr(name, json.dumps(said) if said else data)


def test_the_service_backs_up_and_keeps_the_newest(
    own_server: Callable[..., Server], archive: Run, tmp_path: Path
) -> None:
    server = own_server().start("--backup-dir", str(tmp_path / "kept"), "--backup-keep", "2")
    for _ in range(3):
        found = server.ran("backup")
        assert found["error"] == ""
    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) <= 2
    assert "is whole" in good(archive("check", kept[-1], server.directory))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_of_the_backups_it_deletes_only_what_it_made_itself(own_server: Callable[..., Server], tmp_path: Path) -> None:
    place = tmp_path / "kept"
    place.mkdir()
    people_s = [
        place / f"p3s-{name}.zip" for name in ("0-before-the-run", "20180516", "before-upgrade", "zzz", "keep", "mine")
    ]
    for path in people_s:
        path.write_text("mine")
    server = own_server().start("--backup-dir", str(place), "--backup-keep", "2")
    made: list[str] = []
    for _ in range(3):
        server.ran("backup")
        made = sorted({*made, *(path.name for path in place.iterdir() if path not in people_s)})
    left = sorted(path.name for path in place.iterdir() if path not in people_s)
    assert len(made) == 3
    assert left == made[-2:], "the newest stay"
    assert all(path.read_text() == "mine" for path in people_s)


def test_directories_that_are_purged_while_it_looks_are_passed_over(tmp_path: Path) -> None:
    for name in ("a.png", "b/b.png", "c/d/e.png", "c/.part-1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = files_below(tmp_path)
    assert next(found) == tmp_path / "a.png"
    shutil.rmtree(tmp_path / "b")
    assert list(found) == [tmp_path / "c/d/e.png"]
