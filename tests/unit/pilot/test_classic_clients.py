"""The clients of 2018 that payloads call, run as payloads run them: what they bring into the result directory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from p3s.pilot.agent import CLASSIC_CLIENTS, unpack_tools
from p3s.pilot.collect import Collected, collect

Call = Callable[..., "subprocess.CompletedProcess[str]"]


class Node:
    """A job's surroundings; `here` is where its wrapper has gone."""

    def __init__(self, top: Path) -> None:
        self.tools = unpack_tools(top)
        self.results, self.here = top / "results", top / "elsewhere"
        self.results.mkdir()
        self.here.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "P3S_RESULT_DIR": str(self.results),
            "P3S_JOB_UUID": "job-1",
            "P3S_PYTHON": sys.executable,
        }

    def call(self, name: str, *words: str, code: int = 0, **more: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [str(self.tools / "clients" / name), *words],
            env=self.environment | more,
            cwd=self.here,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, done.stderr
        return done

    def pair(
        self, stem: str = "run003907_0001_dl01_monitor", dead: str = "4,0", picture: bytes = b"\x89PNG"
    ) -> list[str]:
        """A pair in the directory of the wrapper; the options that name it."""
        entry = {"run": "run003907_0001_dl01", "Type": "monitor", "APA": "1, 2", "NDead  Channels": dead}
        (self.here / f"{stem}_summary.json").write_text(json.dumps([entry]))
        listed = [{"Category": "TPC monitor", "Files": {"Hits": "hits_U1.png,hits_V1.png"}}]
        (self.here / f"{stem}_FileList.json").write_text(json.dumps(listed))
        for name in ("hits_U1.png", "hits_V1.png"):
            (self.here / name).write_bytes(picture)
        return ["-s", f"{stem}_summary.json", "-d", f"{stem}_FileList.json", "-j", "monitor"]

    def collected(self) -> Collected:
        found = collect(self.results, self.here)
        assert found.problems == []
        return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def shown(found: Collected) -> list[tuple[Any, ...]]:
    return [(one["category"], one.get("run"), one.get("subrun"), len(one["items"])) for one in found.results]


def holes(found: Collected) -> list[str]:
    return [item["problem"] for one in found.results for item in one["items"] if "problem" in item]


BOTH = [("monitor", 3907, 1, 1), ("TPC monitor", 3907, 1, 1)]


def test_monrun_brings_what_lies_elsewhere(node: Node) -> None:
    node.call("monrun.py", *node.pair())
    found = collect(node.results)
    assert (shown(found), holes(found)) == (BOTH, [])
    assert found.files == {name: node.results / name for name in ("hits_U1.png", "hits_V1.png")}


def test_file_lists_may_be_named_as_in_other_months(node: Node) -> None:
    node.call("monrun.py", *("-D" if word == "-d" else word for word in node.pair()))
    assert shown(collect(node.results)) == BOTH


def test_what_is_published_from_the_working_directory_is_shown_once(node: Node) -> None:
    node.call("monrun.py", *node.pair())
    found = node.collected()
    assert (shown(found), holes(found)) == (BOTH, [])


def test_the_same_again_changes_nothing(node: Node) -> None:
    words = node.pair()
    node.call("monrun.py", *words)
    node.call("monrun.py", *words)
    found = collect(node.results)
    assert (shown(found), holes(found)) == (BOTH, [])


def test_two_directories_with_files_of_one_name_keep_their_own_pictures(node: Node) -> None:
    node.call("monrun.py", *node.pair())
    node.here = node.here / "second"
    node.here.mkdir()
    words = node.pair(dead="7,7", picture=b"\x89PNG other")
    node.call("monrun.py", *words, "-r", "3908::2")
    found = collect(node.results)
    assert sorted(shown(found)) == sorted([*BOTH, ("monitor", 3908, 2, 1), ("TPC monitor", 3908, 2, 1)])
    assert holes(found) == []
    assert {path.read_bytes() for path in found.files.values()} == {b"\x89PNG", b"\x89PNG other"}


def test_monrun_finds_the_files_by_itself_and_takes_another_time(node: Node) -> None:
    node.pair()
    said = node.call("monrun.py", "-a", "-T", "2018-05-16 08:00:00+00:00", "-v", "1").stdout
    assert "run003907_0001_dl01_monitor_summary.json" in said
    assert [one["time"] for one in collect(node.results).results] == ["2018-05-16T08:00:00Z"] * 2


def test_within_the_result_directory_there_is_nothing_to_bring(node: Node) -> None:
    node.here = node.results
    node.call("monrun.py", *node.pair(), "-r", "5")
    found = collect(node.results)
    assert sorted(shown(found), key=str) == sorted([("monitor", 5, None, 1), ("TPC monitor", 5, None, 1)], key=str)


def test_move_takes_the_files_away_afterwards(node: Node) -> None:
    node.call("monrun.py", *node.pair(), "-m", "done")
    assert sorted(path.name for path in node.here.iterdir()) == ["done"]
    assert len(list((node.here / "done").iterdir())) == 4
    assert shown(collect(node.results)) == BOTH


def test_a_picture_that_is_not_there_is_noted_and_shown_missing(node: Node) -> None:
    words = node.pair()
    (node.here / "hits_V1.png").unlink()
    assert "note: 1 of 2 files are not here: hits_V1.png" in node.call("monrun.py", *words).stderr
    found = collect(node.results)
    assert found.results[1]["items"][0]["expect"] == 2
    assert list(found.files) == ["hits_U1.png"]


def test_no_file_is_copied_out_of_the_result_directory(node: Node, tmp_path: Path) -> None:
    (node.here / "x_FileList.json").write_text(
        json.dumps([{"Category": "C", "Files": {"g": "../p.png,/etc/hostname"}}])
    )
    (tmp_path / "p.png").write_bytes(b"x")
    before = sorted(tmp_path.iterdir())
    node.call("evdisp.py", "-d", "x_FileList.json")
    assert sorted(tmp_path.iterdir()) == before
    assert [path.name for path in node.results.iterdir()] == ["x_FileList.json"]


def test_evdisp_makes_a_list_of_the_pictures_of_the_directory(node: Node) -> None:
    for name in ("adcraw_run005863_evt1.png", "adcprep_run005863_evt1.png"):
        (node.here / name).write_bytes(b"\x89PNG")
    node.call("evdisp.py", "-a")
    found = collect(node.results)
    assert shown(found) == [("Event display", 5863, None, 2)]
    assert [item["name"] for item in found.results[0]["items"]] == ["prep", "raw"]


def test_purity_reads_its_table(node: Node) -> None:
    (node.here / "purity.csv").write_text(
        "run, tpc, lifetime, error, count\n77, 1, 2.99, 0.33, 12\n77, 2, nan, 0.1, 9\n"
    )
    node.call("purity.py", "-f", "purity.csv")
    [result] = collect(node.results).results
    assert (result["category"], result["run"]) == ("Purity", 77)
    assert [(item["name"], item["by"], item["value"]) for item in result["items"]] == [
        ("lifetime", {"tpc": 1}, 2.99),
        ("count", {"tpc": 1}, 12),
        ("lifetime", {"tpc": 2}, None),
        ("count", {"tpc": 2}, 9),
    ]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["monrun.py"], 2, "name a summary (-s) or file lists (-d), or -a"),
        (["monrun.py", "-s", "gone.json"], 1, "gone.json"),
        (["monrun.py", "-D", "-r", "77::1"], 2, "nothing to delete"),
        (["monrun.py", "-d", "-r", "77"], 2, "nothing to delete"),
        (["monrun.py", "-s", "short.csv", "-r", "x"], 2, "-r x: write RUN or RUN::SUBRUN"),
        (["purity.py", "-f", "short.csv"], 1, "short.csv line 2: write run, tpc, lifetime, error, count"),
        (["purity.py", "-f", "words.csv"], 1, "could not convert"),
        (["monrun.py", "-s", "short.csv"], 1, "short.csv is not JSON"),
        (["service.py", "-n", "x"], 2, "service.py -n NAME -m TEXT"),
        (["service.py", "-n", "x", "-m", "y"], 1, "P3S_SERVER is not set"),
        (["service.py", "-d", "-i", "3"], 2, "nothing to delete"),
        (["service.py", "-S", "127.0.0.1:1", "-n", "x", "-m", "y"], 1, "127.0.0.1:1 does not answer"),
        (["summary.py", "-P"], 1, "P3S_SERVER is not set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(node: Node, words: list[str], code: int, says: str) -> None:
    (node.here / "short.csv").write_text("header\n1 2\n")
    (node.here / "words.csv").write_text("header\n1, 2, three, four\n")
    done = node.call(*words, code=code)
    assert done.stderr.startswith(f"{words[0]}: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(node.results.iterdir()) == []


def test_outside_a_job_they_say_what_to_do(node: Node) -> None:
    words = node.pair()
    assert "p3s job test" in node.call("monrun.py", *words, code=1, P3S_RESULT_DIR="").stderr


@pytest.mark.parametrize("name", CLASSIC_CLIENTS)
def test_the_payloads_loader_and_python_settings_do_not_reach_them(node: Node, name: str) -> None:
    trap = node.here / "trap"
    trap.mkdir()
    (trap / "json.py").write_text("raise SystemExit('the trap')")
    (node.here / "json.py").write_text("raise SystemExit('the trap')")
    settings = {"PYTHONPATH": str(trap), "PYTHONHOME": str(trap), "LD_LIBRARY_PATH": str(trap)}
    assert "usage" in node.call(name, "-U", **settings).stdout


def test_they_may_be_named_to_python_too(node: Node) -> None:
    done = subprocess.run(
        [sys.executable, str(node.tools / "clients" / "monrun.py"), *node.pair()],
        env=node.environment,
        cwd=node.here,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert shown(collect(node.results)) == BOTH


# ---- with a server


class Answers(BaseHTTPRequestHandler):
    """Notes what it is asked, and answers as the server does."""

    asked: list[tuple[str, str, dict[str, Any]]] = []

    def do_GET(self) -> None:
        pilots = {"pilots": [{"out": 1, "silent_s": None}, {"out": 0, "silent_s": 40.0}]}
        counts = {"jobs": {"finished": 3}, "workflows": {"running": 1, "failed": 2}, "datasets": 7}
        self._answer(200, counts if self.path.endswith("summary") else pilots)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers.get("Authorization", ""), body))
        if "refuse" in self.path:
            self._answer(403, {"detail": "not allowed here"})
        else:
            self._answer(200, {})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(node: Node) -> Any:
    Answers.asked = []
    serving = HTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    node.environment |= {"P3S_SERVER": f"127.0.0.1:{serving.server_port}", "P3S_TOKEN": "job-token"}
    yield serving
    serving.shutdown()
    serving.server_close()
    thread.join(10)


@pytest.mark.usefixtures("server")
def test_a_service_message_goes_with_the_jobs_token(node: Node) -> None:
    node.call("service.py", "-n", "monitor/1", "-m", "processing x", http_proxy="http://127.0.0.1:1")
    assert Answers.asked == [("/api/v1/services/monitor%2F1/reports", "Bearer job-token", {"text": "processing x"})]


@pytest.mark.usefixtures("server")
def test_what_the_server_refuses_is_said(node: Node) -> None:
    assert "refused it: not allowed here" in node.call("service.py", "-n", "refuse", "-m", "x", code=1).stderr


@pytest.mark.usefixtures("server")
def test_summary_counts(node: Node) -> None:
    assert node.call("summary.py", "-P").stdout.splitlines() == [
        "Pilots: total 2, idle 1, running 1, silent 1",
        "Jobs: finished 3",
        "Workflows: failed 2, running 1",
        "Datasets: 7",
    ]
    assert node.call("summary.py", "-p").stdout == "2\n"
