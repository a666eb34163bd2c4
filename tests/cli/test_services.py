"""`p3s service ...`, `p3s backup` and `p3s restore`, as a person types them."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Run = Callable[..., Any]
Refused = Callable[..., str]
Until = Callable[..., Any]


def test_the_list_says_how_each_stands(run: Run, server: Any, until: Until) -> None:
    def lines() -> dict[str, str]:
        shown = run("service", "list", at=server.directory).stdout
        return {line.split()[0]: line for line in shown.splitlines()[1:]}

    assert list(lines())[:7] == ["reaper", "expiry", "disk", "purge", "tidy", "database", "backup"]
    until("the reaper has run", lambda: "pilots given up since the start" in lines()["reaper"])


def test_one_is_run_and_says_what_it_did(run: Run, server: Any) -> None:
    assert run("service", "run", "database", "--dry-run", at=server.directory).stdout.startswith("database: would be")
    done = run("service", "run", "database", at=server.directory)
    assert (done.returncode, done.stdout.startswith("database: optimized; ")) == (0, True), done.stderr


def test_a_script_reports_and_is_forgotten(run: Run, server: Any) -> None:
    words = ("storage", "4 servers up", "--value", "3.2", "--unit", "TB", "--every", "30m")
    assert run("service", "report", *words, "--dry-run", at=server.directory).stdout == "storage: would be noted\n"
    assert "storage" not in run("service", "list", at=server.directory).stdout
    said = run("service", "report", *words, at=server.directory)
    assert said.stdout == "storage: noted; the next word is due within 30 min\n", said.stderr
    (line,) = [one for one in run("service", "list", at=server.directory).stdout.splitlines() if "storage" in one]
    assert "4 servers up (3.2 TB)" in line
    assert "would be forgotten" in run("service", "forget", "storage", "--dry-run", at=server.directory).stdout
    assert run("service", "forget", "storage", at=server.directory).stdout == "storage: forgotten\n"
    assert "storage" not in run("service", "list", at=server.directory).stdout


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (2, ("report", "a b", "x"), "'a b' is not a name"),
        (2, ("report", "x", " "), "text: is empty"),
        (2, ("report", "x", "y", "--every", "3x"), "'3x' is not a duration"),
        (6, ("report", "disk", "x"), "disk is a service of the server's own"),
        (6, ("run", "reaper"), "it cannot be run by hand"),
        (4, ("run", "databas"), "there is no service databas"),
        (4, ("forget", "nobody"), "there is no service nobody"),
        (6, ("forget", "disk"), "of the server's own"),
    ],
)
def test_mistakes_are_one_line(refused: Refused, server: Any, code: int, words: tuple[str, ...], says: str) -> None:
    assert says in refused(code, "service", *words, at=server.directory)


def test_crontab_has_nothing_to_print_when_the_server_does_it_all(run: Run, server: Any) -> None:
    done = run("service", "crontab", at=server.directory)
    assert (done.stdout, "--no-service NAME" in done.stderr) == ("", True)


def test_crontab_entries_are_what_cron_takes(run: Run, started: Any, free_port: int, tmp_path: Path) -> None:
    started(
        "ready on", "server", "start", "--port", str(free_port), "--no-service", "database", "--no-service", "backup"
    )
    lines = run("service", "crontab").stdout.splitlines()
    assert lines[0] == f"P3S_SERVER_DIR={tmp_path / 'no-server'}"
    assert [line.split()[:5] for line in lines[1:]] == [["17", "*/6", "*", "*", "*"], ["17", "3", "*", "*", "*"]]
    words = lines[1].split()[5:]
    assert words[1:] == ["service", "run", "database", ">", "/dev/null"]
    assert Path(words[0]).is_absolute()


def test_backup_and_restore(run: Run, refused: Refused, server: Any, tmp_path: Path) -> None:
    run("job", "submit", "--wait", "--", "/bin/true", at=server.directory)
    file, new = str(tmp_path / "b.zip"), tmp_path / "new"
    done = run("backup", file, at=server.directory)
    assert (done.returncode, " jobs, " in done.stdout, done.stderr) == (0, True, "")
    assert zipfile.is_zipfile(file)
    assert "is there already" in refused(1, "backup", file, at=server.directory)
    assert "is whole" in run("backup", "--check", file).stdout
    assert "is whole" in run("restore", file, "--dir", str(new), "--dry-run").stdout
    assert not new.exists()
    said = run("restore", file, "--dir", str(new)).stdout
    assert said.rstrip().endswith(f"restored; start it: p3s server start --dir {new}")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (new, *new.iterdir())}
    whole = {"new": 0o700, "p3s.sqlite3": 0o600, "blobs": 0o700}
    assert {**whole, **modes} == whole, "it holds the secret"
    for act in ((), ("--dry-run",)):
        assert "is not empty" in refused(1, "restore", file, "--dir", str(new), *act)
    assert "nothing.zip: No such file" in refused(1, "restore", "nothing.zip", "--dir", str(tmp_path / "x"))
    assert "there is no directory" in refused(2, "backup", "/nowhere/b.zip", at=server.directory)
    assert "there is no database in" in refused(1, "backup", str(tmp_path / "c.zip"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "new"]
