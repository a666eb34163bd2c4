"""Workflows by commands: started, waited for, shown, cancelled, run again, purged; and what mistakes are told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Run = Callable[..., Any]
EXAMPLE = Path(__file__).parents[2] / "examples" / "workflow.yaml"


@pytest.fixture
def p3s(run: Run, server: Any, tmp_path: Path) -> Run:
    """Commands where the shipped template is stored, in a directory with two files to count."""
    shutil.copy(EXAMPLE, tmp_path / "workflow.yaml")
    (tmp_path / "a.txt").write_text("1\n2\n11\n")
    (tmp_path / "b.txt").write_text("1\n")

    def ran(*words: str) -> Any:
        return run("workflow", *words, at=server.directory)

    done = ran("template", "put", "workflow.yaml")
    assert done.returncode == 0, done.stderr
    return ran


def test_a_workflow_runs_from_its_start_to_its_files(p3s: Run, run: Run, server: Any, tmp_path: Path) -> None:
    dry = p3s("start", "lines", "a.txt", "b.txt", "--dry-run")
    assert dry.stdout == "would start a workflow of 3 jobs\n"
    done = p3s("start", "lines", "-i", "*.txt", "--directory", "out", "--wait")
    assert done.returncode == 0, done.stderr
    workflow = done.stdout.strip()
    assert done.stderr.splitlines()[-1] == "finished: 3 finished"
    assert (tmp_path / "out" / "sum.txt").read_text() == "3\n"
    listed = p3s("list", "--template", "lines", "--json").stdout
    assert json.loads(listed)[0]["uuid"] == workflow
    shown = p3s("show", workflow, "--all", "--files").stdout
    assert "template       lines version" in shown
    assert f"sum            output SUM={tmp_path}/out/sum.txt" in shown
    told = json.loads(p3s("show", workflow, "--json").stdout)
    assert (told["state"], [one["name"] for one in told["steps"]]) == ("finished", ["count[0]", "count[1]", "sum"])
    assert len(json.loads(run("job", "list", "--workflow", workflow, "--json", at=server.directory).stdout)) == 3
    assert "finished" in run("summary", at=server.directory).stdout
    again = p3s("rerun", workflow, "--wait", "--json")
    assert (json.loads(again.stdout)["state"], again.returncode) == ("finished", 0)


def test_what_went_wrong_is_named_and_only_that_is_run_again(p3s: Run) -> None:
    done = p3s("start", "lines", "a.txt", "--directory", "bad", "--payload", "sum=ls /no/such", "--wait")
    assert done.returncode == 1
    workflow = done.stdout.strip()
    said = [line for line in done.stderr.splitlines() if not line.startswith("note: job type")]
    assert said[0].startswith("failed: sum failed; 1 failed")
    assert said[1].startswith("sum failed: exit code 2: ls: cannot access '/no/such'")
    assert said[2] == f"p3s workflow rerun {workflow} --failed runs again what did not end well"
    assert p3s("rerun", workflow, "--failed", "--dry-run").stdout == "would run again 1 job\n"
    again = p3s("rerun", workflow, "--failed", "--hold")
    assert again.returncode == 0, again.stderr
    other = again.stdout.strip()
    assert p3s("release", other, "--dry-run").stdout == f"{other} held: would be released\n"
    assert "would be cancelled" in p3s("cancel", other, "--dry-run").stdout
    assert p3s("cancel", other, "--why", "enough").stdout == f"{other} cancelled: it will not go on\n"
    assert "cancelled by" in p3s("show", other).stdout
    refused = p3s("release", other)
    assert refused.returncode != 0
    assert "only a held one is released" in refused.stderr


def test_a_payload_beside_the_command_line_is_found_where_its_job_runs(p3s: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.sh"
    other.write_text("#!/bin/sh\necho $1 > $SUM\n")
    other.chmod(0o755)
    done = p3s("start", "lines", "a.txt", "--directory", "other", "--payload", "sum=./other.sh 41", "--wait")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "other" / "sum.txt").read_text() == "41\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("start", "no-such"), 4, "there is no template 'no-such'; p3s workflow template list shows"),
        (("start", "lines.yaml"), 4, "p3s workflow template put lines.yaml stores that of the file"),
        (("start", "lines"), 2, "makes one job for each input, and none is given"),
        (("start", "lines", "-i", "*.nothing"), 2, "no file on this machine matches"),
        (("start", "lines", "a.txt", "-p", "wrod=x"), 2, "wrod"),
        (("start", "lines", "a.txt", "-p", "word"), 2, "write NAME=VALUE"),
        (("start", "lines", "a.txt", "--env", "X=1"), 2, "write NODE.NAME=VALUE"),
        (("start", "lines", "a.txt", "--wait", "--hold"), 2, "there is nothing to wait for"),
        (("show", "no-such"), 4, "there is no workflow no-such"),
        (("rerun", "no-such"), 4, "there is no workflow no-such"),
        (("list", "--state", "wrong"), 2, "state: 'wrong' is none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_with_what_to_write(p3s: Run, words: tuple[str, ...], code: int, said: str) -> None:
    done = p3s(*words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
