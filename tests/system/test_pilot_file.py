"""The pilot as one file, under the Pythons of worker nodes, with nothing but their standard library."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Place = Any

BARE = ("-I", "-S")


def works(python: str, version: str) -> bool:
    """Whether it is that version: a stub of a version manager may stand in its place."""
    done = subprocess.run([python, "-V"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.startswith(f"Python {version}.")


def interpreter(version: str) -> str:
    """A Python of that version, or a skip."""
    found = [sys.executable] if sys.version.startswith(f"{version}.") else []
    found += [str(path) for path in sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))]
    on_path = shutil.which(f"python{version}")
    found += [on_path] if on_path else []
    for one in found:
        if works(one, version):
            return one
    pytest.skip(f"there is no Python {version} on this machine")


@pytest.fixture(scope="module", params=["3.9", "3.11", "3.13"])
def python(request: pytest.FixtureRequest) -> str:
    return interpreter(request.param)


@pytest.fixture(scope="module")
def oldest() -> str:
    return interpreter("3.9")


@pytest.fixture(scope="module")
def pilot_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("built") / "below" / "p3s-pilot.pyz"
    done = subprocess.run(
        [str(Path(sys.executable).with_name("p3s")), "pilot", "build", str(target)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{target}\n"
    return target


@pytest.fixture
def server_place(place: Place) -> Iterator[Place]:
    place.start_server()
    return place


def run(python: str, file: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    plain = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.run(
        [python, *BARE, str(file), *words], env=plain, capture_output=True, text=True, timeout=60, check=False
    )


def start(place: Place, python: str, file: Path, *words: str, **env: str) -> "subprocess.Popen[bytes]":
    started: subprocess.Popen[bytes] = place.spawn("pilot", python, *BARE, str(file), *words, **env)
    return started


def test_it_holds_nothing_but_the_protocol_the_pipe_and_the_pilot(pilot_file: Path) -> None:
    names = zipfile.ZipFile(pilot_file).namelist()
    parts = {name.split("/")[1] for name in names if name.startswith("p3s/") and name.count("/") > 1}
    assert parts == {"protocol", "transport", "pilot"}
    assert not [name for name in names if name.endswith(".pyc")]
    assert pilot_file.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    assert os.access(pilot_file, os.X_OK)


def test_it_says_its_version_and_how_to_use_it(python: str, pilot_file: Path) -> None:
    version = run(python, pilot_file, "--version")
    assert version.returncode == 0
    assert version.stdout.startswith("p3s-pilot 0.")
    assert "protocol 1" in version.stdout
    usage = run(python, pilot_file, "--help")
    assert usage.returncode == 0
    for word in ("--server", "--slots", "--token-file", "examples:"):
        assert word in usage.stdout


def test_it_runs_jobs_and_delivers_logs_and_results(python: str, pilot_file: Path, server_place: Place) -> None:
    place = server_place
    payload = place.script(
        "payload.sh",
        "#!/bin/sh\nseq 1 20000\np3s-publish --category 'One file' --run 7 --number hits=12 --comment '<b>bold</b>'\n",
    )
    pilot = start(place, python, pilot_file, "--slots", "2", P3S_SERVER=place.url, P3S_TOKEN=place.token)
    jobs = place.client.submit([payload, "/bin/false", "/no/such/program"])
    good, bad, absent = [place.ended(job) for job in jobs]
    assert (good["state"], good["exit_code"]) == ("finished", 0), place.client.log(jobs[0], "stderr")
    assert (bad["state"], bad["reason"], bad["exit_code"]) == ("failed", "exit code", 1)
    assert (absent["state"], absent["reason"]) == ("failed", "nonstarter")
    assert place.client.log(jobs[0]).splitlines()[:20000] == [str(number) for number in range(1, 20001)]
    [result] = place.client.results()
    assert (result["job"], result["category"], result["run"]) == (jobs[0], "One file", 7)
    assert good["cpu_s"] >= 0
    assert good["peak_memory"] > 0
    [shown] = place.client.pilots()
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert shown["python"] == version
    pilot.terminate()
    assert pilot.wait(40) == 0
    assert list(place.temporary.iterdir()) == []


def test_its_guardian_works_from_the_one_file_too(oldest: str, pilot_file: Path, server_place: Place) -> None:
    place = server_place
    pilot = start(place, oldest, pilot_file, "--slots", "1", P3S_SERVER=place.url, P3S_TOKEN=place.token)
    [job] = place.client.submit(["/bin/sleep 300"])
    place.job_is(job, "running")
    os.kill(pilot.pid, signal.SIGKILL)
    pilot.wait()
    lost = place.job_is(job, "lost")
    assert "guardian" in lost["reason"] + str(lost["events"])
    place.until("only the server is left", lambda: len(place.processes()) == 1, 20)


def test_without_a_server_it_says_what_to_set(python: str, pilot_file: Path) -> None:
    done = run(python, pilot_file)
    assert done.returncode == 2
    assert done.stderr == "p3s pilot: no server: set P3S_SERVER=http://HOST:PORT, or say --server\n"


def test_a_server_that_is_nonsense_is_quoted(pilot_file: Path) -> None:
    done = run(sys.executable, pilot_file, "--server", "nonsense://x")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "nonsense://x" in line


def test_it_waits_for_a_server_that_is_not_there_and_says_so_once(oldest: str, pilot_file: Path, place: Place) -> None:
    place.start_server()
    token = place.token
    [(_, server)] = place.parts
    server.terminate()
    assert server.wait(30) == 0
    start(place, oldest, pilot_file, "--slots", "1", "--server", f"127.0.0.1:{place.port}", P3S_TOKEN=token)
    place.until("it says that it waits", lambda: "Waiting for it." in place.log("pilot"))
    place.start_server()
    [job] = place.client.submit(["/bin/true"])
    assert place.ended(job)["state"] == "finished"
    assert place.log("pilot").count("Waiting for it.") == 1


def test_told_to_end_while_it_waits_for_a_server_it_ends(pilot_file: Path, place: Place) -> None:
    pilot = start(place, sys.executable, pilot_file, "--server", place.url, P3S_TOKEN="none yet")
    place.until("it says that it waits", lambda: "Waiting for it." in place.log("pilot"))
    pilot.terminate()
    assert pilot.wait(20) == 0
    place.until_nothing_runs(20)
    assert list(place.temporary.iterdir()) == []
    assert "Traceback" not in place.log("pilot")


@pytest.mark.parametrize("token", ["wrong", "", "tok\u20acn", "to\nken"])
def test_a_wrong_token_gives_one_line_and_exit_code_1(pilot_file: Path, server_place: Place, token: str) -> None:
    done = run(sys.executable, pilot_file, "--server", server_place.url, P3S_TOKEN=token)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "p3s pilot: " in line
    assert "token" in line


@pytest.mark.parametrize("flag", ["--token-file", "--dir"])
def test_a_path_that_is_not_there_gives_one_line(pilot_file: Path, flag: str) -> None:
    done = run(sys.executable, pilot_file, "--server", "127.0.0.1:9", flag, "/no/such/place")
    assert done.returncode in (1, 2)
    [line] = done.stderr.splitlines()
    assert "/no/such/place" in line
