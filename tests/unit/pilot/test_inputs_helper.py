"""What brings a job's inputs, against a server that is not always well, by every Python a payload may have."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from p3s.pilot.agent import unpack_tools

VERSIONS = ("3.6", "3.9", "3.13", "here")
JOB, FIRST, SECOND = "job-0", "job-1", "job-2"


def source(job: str, *files: tuple[str, str, int | None]) -> dict[str, Any]:
    about = {"jobtype": "monitor", "dataset": "d", "run": 7, "subrun": None, "keys": {}, "variable": ""}
    told = [{"path": path, "category": name, "size": size, "item": "i", "kind": "root"} for path, name, size in files]
    return {**about, "job": job, "name": f"{job}.root", "url": f"file:///data/{job}.root", "files": told}


class Site:
    """Files by (job, path), and what goes wrong: `ills` are taken one a request."""

    def __init__(self) -> None:
        self.files = {
            (FIRST, "hist.root"): b"a" * 300_000,
            (FIRST, "a b/plot.png"): b"png",
            (SECOND, "hist.root"): b"b",
        }
        self.entries = [
            source(FIRST, ("hist.root", "TPC", 300_000), ("a b/plot.png", "TPC", 3)),
            source(SECOND, ("hist.root", "CRT", 1), ("gone.root", "CRT", None)),
        ]
        self.ills: list[str] = []
        self.asked: list[str] = []
        self.page = 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(self.path)
        ill = site.ills.pop(0) if site.ills else ""
        if ill == "drop":
            self.close_connection = True
            return
        if ill == "busy":
            self.answer(503, b"{}")
        elif self.headers["Authorization"] != "Bearer secret":
            self.answer(403, json.dumps({"detail": "this token is not valid"}).encode())
        elif self.path.startswith(f"/deep/api/v1/jobs/{JOB}/inputs?"):
            at = int(self.path.partition("cursor=")[2] or 0)
            end = at + site.page
            body = {"inputs": site.entries[at:end], "next": str(end) if end < len(site.entries) else None}
            self.answer(200, json.dumps(body).encode(), ill)
        else:
            job, _, path = self.path.partition(f"/{JOB}/inputs/")[2].partition("/files/")
            data = site.files.get((job, path.replace("%20", " ")))
            self.answer(200 if data else 404, data or json.dumps({"detail": "no such file"}).encode(), ill)

    def answer(self, status: int, body: bytes, ill: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if ill == "break" else body)
        self.close_connection = ill == "break"


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": found}))
    found.url = f"http://127.0.0.1:{server.server_port}/deep"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_tools(tmp_path_factory.mktemp("pilot"))


def environment(site: Any, directory: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "PYTHON"))}
    said = {"P3S_SERVER": site.url, "P3S_TOKEN": "secret", "P3S_JOB_UUID": JOB, "P3S_JOB_DIR": str(directory)}
    return {**kept, **said, "P3S_PYTHON": sys.executable, **more}


def bring(
    tools: Path, site: Site, directory: Path, *words: str, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    command = [str(tools / "p3s-inputs"), *words]
    env = environment(site, directory, **more)
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_files_that_match_are_brought_into_directories_of_their_own(tools: Path, site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = bring(tools, site, tmp_path, "*.root", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    places = [tmp_path / "p3s-inputs" / job / "hist.root" for job in (FIRST, SECOND)]
    assert done.stdout.splitlines() == [str(path) for path in places]
    assert [path.read_bytes() for path in places] == [b"a" * 300_000, b"b"]
    assert done.stderr == "p3s-inputs: gone.root of job job-2 is left out: the server has it no more\n"
    assert list(elsewhere.iterdir()) == []
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_there_already_is_not_fetched_again(tools: Path, site: Site, tmp_path: Path) -> None:
    first = bring(tools, site, tmp_path)
    (tmp_path / "p3s-inputs" / SECOND / "hist.root").write_bytes(b"half of it")
    site.asked.clear()
    assert bring(tools, site, tmp_path).stdout == first.stdout
    asked = [path for path in site.asked if "/files/" in path]
    assert asked == [f"/deep/api/v1/jobs/{JOB}/inputs/{SECOND}/files/hist.root"]


def test_it_chooses_by_category_path_and_name(tools: Path, site: Site, tmp_path: Path) -> None:
    def names(*words: str) -> list[str]:
        told = bring(tools, site, tmp_path, *words).stdout.splitlines()
        return [str(Path(line).relative_to(tmp_path / "p3s-inputs")) for line in told]

    assert names("--category", "CRT") == [f"{SECOND}/hist.root"]
    assert names("a*/plot.*") == names("plot.png") == [f"{FIRST}/a b/plot.png"]
    assert names("*.png", "hist*", "--category", "TPC") == [f"{FIRST}/hist.root", f"{FIRST}/a b/plot.png"]


def test_a_server_that_is_away_or_breaks_off_is_asked_again(tools: Path, site: Site, tmp_path: Path) -> None:
    site.ills = ["drop", "busy", "", "break", "", "break", "drop", "busy"]
    done = bring(tools, site, tmp_path, "hist.root")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr
    assert (tmp_path / "p3s-inputs" / FIRST / "hist.root").stat().st_size == 300_000


def test_nothing_is_fetched_to_tell_what_there_is(tools: Path, site: Site, tmp_path: Path) -> None:
    lines = bring(tools, site, tmp_path, "--list", "*.root").stdout.splitlines()
    assert [line.split() for line in lines] == [
        [FIRST, "300000", "job-1.root", "hist.root", "(TPC)"],
        [SECOND, "1", "job-2.root", "hist.root", "(CRT)"],
    ]
    told = json.loads(bring(tools, site, tmp_path, "--json", "--category", "TPC").stdout)
    assert [(entry["job"], len(entry["files"])) for entry in told] == [(FIRST, 2), (SECOND, 0)]
    assert bring(tools, site, tmp_path, "--raw").stdout.splitlines() == ["/data/job-1.root", "/data/job-2.root"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "more", "says"),
    [
        (["*.txt"], {}, "none of 4 files matches '*.txt'; p3s-inputs --list shows them"),
        ([], {"P3S_TOKEN": "wrong"}, "this token is not valid"),
        ([], {"P3S_TOKEN": ""}, "P3S_TOKEN is not set; p3s sets it for every payload, by hand set it yourself"),
        ([], {"P3S_SERVER": "ftp://x"}, "P3S_SERVER is 'ftp://x'; write http://HOST:PORT"),
        (["hist.root"], {"P3S_JOB_DIR": "/proc"}, "cannot write /proc/p3s-inputs/job-1/hist.root: No such file"),
    ],
)
def test_what_cannot_be_is_one_line_and_1(
    tools: Path, site: Site, tmp_path: Path, words: list[str], more: dict[str, str], says: str
) -> None:
    done = bring(tools, site, tmp_path, *words, **more)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(f"p3s-inputs: {says}")


def test_a_name_that_leads_elsewhere_is_refused(tools: Path, site: Site, tmp_path: Path) -> None:
    site.entries = [source("..", ("x.root", "TPC", 1)), source(FIRST, ("../../x.root", "TPC", 1))]
    while site.entries:
        done = bring(tools, site, tmp_path)
        assert (done.returncode, "is no path of a result" in done.stderr) == (1, True)
        site.entries.pop(0)
    assert not (tmp_path / "x.root").exists()


def test_a_server_that_stays_away_is_given_up(
    tools: Path, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tools))
    for name, value in environment(site, tmp_path).items():
        monkeypatch.setenv(name, value)
    import p3s_inputs

    monkeypatch.setattr(p3s_inputs, "PATIENCE_S", 0.5)
    site.ills = ["busy"] * 50
    with pytest.raises(p3s_inputs.InputsError, match=r"no answer from http.*: it answers 503"):
        p3s_inputs.inputs()


@pytest.mark.parametrize("version", VERSIONS)
def test_any_python_imports_it(tools: Path, site: Site, tmp_path: Path, version: str) -> None:
    python: str | None = sys.executable
    if version != "here":
        found = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
        python = str(found[-1]) if found else shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"no Python {version} here")
    script = "from p3s_result import inputs\nprint(len(inputs(['*.root', '*.png'])))"
    env = environment(site, tmp_path, PYTHONPATH=str(tools))
    done = subprocess.run([python, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "3"), done.stderr
