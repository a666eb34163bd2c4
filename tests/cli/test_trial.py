"""`p3s job test` and `p3s payload`: a job tried here, without a server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.system

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Until = Callable[..., Any]


P3S = str(Path(sys.executable).with_name("p3s"))


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def tried(run: Run, *words: str, **more: Any) -> dict[str, Any]:
    done = run("job", "test", "--json", *words, **more)
    [trial] = json.loads(done.stdout)
    return dict(trial)


def test_a_job_is_run_as_a_pilot_would_and_all_of_it_is_shown(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "run7_1.txt"
    data.write_text("x\n" * 30)
    payload = script(
        tmp_path / "count.sh",
        """seq 30; echo "input $P3S_INPUT_PATH" >&2; pwd
        n=$(grep -c . "$P3S_INPUT_PATH")
        p3s-publish --category Counts --number "lines=$n" --good 40, --check "FEMBs=good" --images "Hits=hits*.png" """,
    )
    done = run("job", "test", "-f", str(data), "-e", "P3S_RUN=7", "--", payload)
    assert done.returncode == 0, done.stderr
    assert "count.sh: finished (" in done.stdout
    assert "stdout, the last 20 of 31 lines:" in done.stdout
    assert f"input {data}" in done.stdout
    assert "Counts, run 7: 2 items accepted, 1 refused" in done.stdout
    assert "number  lines = 30 [warning]" in done.stdout
    assert "images  Hits: refused: items[2].files: nothing fits" in done.stdout
    assert "\n  1\n" in run("job", "test", "--all", "-f", str(data), "--", payload).stdout


def test_the_exit_code_is_the_payloads(run: Run, tmp_path: Path) -> None:
    done = run("job", "test", "--", script(tmp_path / "seven.sh", "exit 7"))
    assert done.returncode == 7
    assert "seven.sh: failed: exit code 7 (" in done.stdout


def test_what_a_program_reads_has_times_logs_and_results(run: Run, tmp_path: Path) -> None:
    trial = tried(run, "--", script(tmp_path / "a.sh", "echo out; echo err >&2; p3s-publish --category C --number n=1"))
    assert (trial["state"], trial["reason"], trial["exit_code"], trial["signal"]) == ("finished", "", 0, None)
    assert (trial["stdout"], trial["stderr"], trial["problems"]) == ("out\n", "err\n", [])
    assert trial["results"] == [
        {"p3s_result": 1, "category": "C", "items": [{"kind": "number", "name": "n", "value": 1}]}
    ]
    assert trial["wall_s"] > 0


def test_no_server_and_no_token_reach_the_payload(run: Run, tmp_path: Path) -> None:
    payload = script(tmp_path / "a.sh", 'echo "[$P3S_SERVER$P3S_TOKEN]"')
    assert tried(run, "--", payload, P3S_SERVER="http://x:1", P3S_TOKEN="secret")["stdout"] == "[]\n"


def test_a_time_limit_ends_all_it_started(run: Run, tmp_path: Path) -> None:
    payload = script(tmp_path / "slow.sh", "sleep 997 & sleep 997")
    trial = tried(run, "--time-limit", "1s", "--", payload)
    assert (trial["state"], trial["reason"]) == ("failed", "timelimit")
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "997"]]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_it_started_ends_with_it(tmp_path: Path, until: Until, number: int, code: int) -> None:
    here = tmp_path / "tmp"
    here.mkdir()
    written = f"echo $$ > {tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid"
    payload = script(tmp_path / "slow.sh", f"{written}; sleep 600")
    trying = subprocess.Popen([P3S, "job", "test", "--", payload], env={**os.environ, "TMPDIR": str(here)})
    until("it runs", (tmp_path / "pid").exists)
    trying.send_signal(number)
    assert trying.wait(30) == code
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    assert list(here.iterdir()) == []


def test_a_payload_that_is_not_there_says_so(run: Run) -> None:
    done = run("job", "test", "--", "./nowhere.sh")
    assert done.returncode == 1
    assert "nowhere.sh is not there on this node" in done.stdout


def test_its_directory_can_be_kept(run: Run, tmp_path: Path) -> None:
    trial = tried(run, "--keep", "--", script(tmp_path / "a.sh", "echo x > left"))
    assert (Path(trial["directory"]) / "work/left").read_text() == "x\n"
    gone = tried(run, "--", script(tmp_path / "b.sh", "pwd"))["stdout"].strip()
    assert not Path(gone).exists()


def test_a_description_runs_all_its_jobs(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text("jobs: [{payload: /bin/true}, {payload: /bin/false, name: second}]\n")
    done = run("job", "test", str(file))
    assert done.returncode == 1
    assert "/bin/true: finished" in done.stdout
    assert "second: failed: exit code 1" in done.stdout


def test_another_payload_beside_the_command_line_is_tried_with_a_description(run: Run, tmp_path: Path) -> None:
    script(tmp_path / "other.sh", "echo other $1")
    (tmp_path / "jobs.yaml").write_text("jobs: [{payload: /bin/false}]\n")
    assert tried(run, "jobs.yaml", "--payload", "./other.sh 41")["stdout"] == "other 41\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.yaml"], "cannot read nowhere.yaml"),
        (["-e", "X", "--", "/bin/true"], "write NAME=VALUE"),
        (["-e", "1X=2", "--", "/bin/true"], "is not a variable name"),
        (["--time-limit", "soon", "--", "/bin/true"], "--time-limit"),
    ],
)
def test_wrong_words_are_one_line(run: Run, words: list[str], says: str) -> None:
    done = run("job", "test", *words)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_hostile_output_reaches_a_terminal_without_control_characters(run: Run, tmp_path: Path) -> None:
    payload = script(tmp_path / "a.sh", r"printf 'a\033[31mb\n'; p3s-publish --category 'x' --check 'y=bad'")
    assert "\x1b" not in run("job", "test", "--", payload).stdout


STREAMS = """streams:
  one: {files: "data/run{run:d}_{subrun:d}_dl{dl:d}.txt", payload: ./env.sh --fast, env: {N: 3}}
  other: {files: "data/run{run:d}_*", jobs: {a: {payload: /bin/true}, b: {payload: /bin/true}}}
  third: {files: "elsewhere/{x}", payload: /bin/true}
"""


def test_what_streams_make_of_a_file_is_tried_with_its_run_and_keys(run: Run, tmp_path: Path) -> None:
    (tmp_path / "streams.yaml").write_text(STREAMS)
    script(tmp_path / "env.sh", 'echo "$1 $N $P3S_RUN $P3S_SUBRUN $P3S_KEY_DL $P3S_INPUT_PATH"')
    data = tmp_path / "data/run7_1_dl5.txt"
    data.parent.mkdir()
    data.write_text("x")
    done = run("job", "test", "--json", "streams.yaml", "-f", "data/run7_1_dl5.txt")
    trials = json.loads(done.stdout)
    assert [trial["name"] for trial in trials] == ["one run7_1_dl5.txt", *["other run7_1_dl5.txt"] * 2]
    assert trials[0]["stdout"] == f"--fast 3 7 1 5 {data}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name a file that arrives, with -f"),
        (["-f", "gone.txt"], "there is no such file"),
        (["-f", "data/other.txt"], "no stream of streams.yaml takes it; a file must fit "),
    ],
)
def test_a_file_that_no_stream_takes_is_one_line(run: Run, tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "streams.yaml").write_text(STREAMS)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/other.txt").write_text("x")
    done = run("job", "test", "streams.yaml", *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr


# ---- payloads to begin with


def test_a_stream_that_starts_workflows_is_not_tried_but_says_what_would(run: Run, tmp_path: Path) -> None:
    (tmp_path / "streams.yaml").write_text('streams: {a: {files: "run{run:d}.txt", workflow: calib}}')
    (tmp_path / "run7.txt").write_text("1")
    done = run("job", "test", "streams.yaml", "-f", "run7.txt")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"starts a workflow of it, which needs a server: p3s workflow start calib {tmp_path}/run7.txt" in done.stderr


def test_a_new_payload_passes_its_test(run: Run, tmp_path: Path) -> None:
    done = run("payload", "new", "femb")
    assert done.returncode == 0, done.stderr
    assert os.access(tmp_path / "femb/femb.py", os.X_OK)
    [line] = [line.strip() for line in done.stdout.splitlines() if "p3s job test" in line]
    trial = tried(run, *line.split()[3:])
    assert (trial["state"], trial["problems"]) == ("finished", [])
    [result] = trial["results"]
    assert (result["category"], result["run"]) == ("femb", 1)
    assert [(item["kind"], "problem" in item) for item in result["items"]] == [
        ("images", False),
        ("number", False),
        ("number", False),
    ]


def test_its_stream_file_is_one_that_the_watcher_reads(run: Run, tmp_path: Path) -> None:
    from p3s.watcher.streams import read

    assert run("payload", "new", "femb").returncode == 0
    [stream] = read(tmp_path / "femb/streams.yaml").streams
    assert stream.spec.jobs["femb"].payload == str(tmp_path / "femb/femb.py")


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    assert run("payload", "new", "femb").returncode == 0
    (tmp_path / "femb/femb.py").write_text("mine")
    done = run("payload", "new", "femb")
    assert done.returncode in (1, 2)
    assert done.stderr == "p3s: femb/ is there already; name another, or remove it first\n"
    assert (tmp_path / "femb/femb.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "a b", "-x", "", "x" * 41, "é"])
def test_a_name_that_is_none_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    done = run("payload", "new", "--", name)
    assert done.returncode in (1, 2)
    assert "is not a name for a payload" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == []


def test_the_tools_of_payloads_can_be_had(run: Run, tmp_path: Path) -> None:
    assert run("payload", "tools").stdout.strip() == "tools"
    assert sorted(path.name for path in (tmp_path / "tools").iterdir()) == [
        "clients",
        "p3s-inputs",
        "p3s-publish",
        "p3s_inputs.py",
        "p3s_publish.py",
        "p3s_result.py",
    ]
    assert "is there already" in run("payload", "tools").stderr
    assert run("payload", "tools", "shared/p3s").stdout.strip() == "shared/p3s/tools"


def test_a_name_is_no_markup(run: Run, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text('jobs: [{payload: /bin/true, name: "a[/x]"}]')
    done = run("job", "test", "jobs.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("a[/x]: finished")


def test_a_text_that_looks_like_a_date_is_a_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text("jobs: [{payload: /bin/true, name: 2024-13-45}]")
    done = run("job", "test", "jobs.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2024-13-45: finished")
