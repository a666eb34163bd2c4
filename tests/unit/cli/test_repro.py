"""The script that runs a job by hand: what the job had, whatever stands in it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p3s.cli.repro import quoted, script

HOSTILE = ["it's", '"; rm -rf $HOME; "', "$(touch pwned)", "`touch pwned`", "a\nb", "\x1b[31m", "-rf", "", "é\\'\t"]


def job(**more: Any) -> dict[str, Any]:
    plain = {
        "uuid": "0190-7abc", "name": "n", "owner": "ann", "host": "wn7", "attempt": 1, "state": "failed",
        "reason": "exit code", "exit_code": 3, "pilot": "p-1", "payload": "/bin/true", "env": {}, "input": "",
        "run": None, "subrun": None, "keys": {},
    }  # fmt: skip
    return {**plain, **more}


def run(tmp_path: Path, text: str, **env: str) -> "subprocess.CompletedProcess[bytes]":
    """Run it where p3s is not on the path."""
    given = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), **env}
    return subprocess.run(["bash", "-c", text], env=given, cwd=tmp_path, capture_output=True, timeout=30, check=False)


def environment(tmp_path: Path, text: str, **env: str) -> dict[str, str]:
    done = run(tmp_path, text, **env)
    assert done.returncode == 0, done.stderr
    entries = [entry.partition(b"=") for entry in done.stdout.split(b"\0") if entry]
    return {name.decode(): value.decode() for name, _, value in entries}


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_values(tmp_path: Path, value: str) -> None:
    text = script(job(payload="env -0", env={"X": value}, name=value.replace("\n", " "), owner=value))
    assert environment(tmp_path, text)["X"] == value
    assert not list(tmp_path.rglob("pwned"))
    assert "\x1b" not in text


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_words_of_the_payload_are_words(tmp_path: Path, value: str) -> None:
    import shlex

    done = run(tmp_path, script(job(payload=shlex.join(["printf", "%s", value, "end"]))))
    assert done.stdout.decode() == f"{value}end"
    assert not list(tmp_path.rglob("pwned"))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=25, deadline=None)
def test_any_text_is_one_word(text: str) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {quoted(text)}"], capture_output=True, timeout=30, check=True)
    assert done.stdout.decode() == text


def test_it_ends_with_the_jobs_own_exit_code(tmp_path: Path) -> None:
    done = run(tmp_path, script(job(payload="sh -c 'exit 7'")))
    assert done.returncode == 7
    assert b"exit code 7; its files are in" in done.stderr


def test_the_payload_runs_by_the_shell_if_it_did(tmp_path: Path) -> None:
    text = script(job(payload="echo $X | tr a b; pwd", env={"X": "aa", "P3S_EXECMODE": "SHELL"}))
    first, where = run(tmp_path, text).stdout.decode().split()
    assert first == "bb"
    assert where.startswith(str(tmp_path))


def test_the_payload_runs_from_a_copy_if_it_did(tmp_path: Path) -> None:
    payload = tmp_path / "a b.sh"
    payload.write_text('#!/bin/sh\necho "$0"\n')
    payload.chmod(0o755)
    done = run(tmp_path, script(job(payload=f"'{payload}'", env={"P3S_MODE": "COPY"})))
    assert done.stdout == b"./a b.sh\n"


def test_secrets_are_asked_for(tmp_path: Path) -> None:
    text = script(job(payload="env -0", env={"DB_PASSWORD": "hunter2", "P3S_KEY_DL": "5"}))
    assert "hunter2" not in text
    done = run(tmp_path, text)
    assert done.returncode != 0
    assert b"DB_PASSWORD: is a secret that is not in this script" in done.stderr
    found = environment(tmp_path, text, DB_PASSWORD="mine")
    assert (found["DB_PASSWORD"], found["P3S_KEY_DL"]) == ("mine", "5")


def test_it_has_what_p3s_says_of_the_input(tmp_path: Path) -> None:
    data = tmp_path / "run7_1.root"
    data.write_text("x")
    more = {"input": str(data), "run": 7, "subrun": 1, "keys": {"dl": 5}}
    found = environment(tmp_path, script(job(payload="env -0", **more)), P3S_TOKEN="mine", P3S_SERVER="http://x")
    assert (found["P3S_INPUT_PATH"], found["P3S_RUN"], found["P3S_KEY_DL"]) == (str(data), "7", "5")
    assert Path(found["P3S_RESULT_DIR"]).is_dir()
    assert {"P3S_TOKEN", "P3S_SERVER"} & set(found) == set()


def test_an_input_that_is_not_here_ends_it_and_says_where_it_was(tmp_path: Path) -> None:
    done = run(tmp_path, script(job(input="/nowhere/run7_1.root")))
    assert done.returncode == 1
    assert b"/nowhere/run7_1.root is not on this machine; it was on wn7" in done.stderr


@pytest.mark.parametrize(
    ("url", "fetch"),
    [
        ("https://x.example/run7.root?a=1&b=2", 'curl --fail --location --output "$file" -- \'https://x.example/'),
        ("root://x.example//eos/run7.root", 'xrdcp --force root://x.example//eos/run7.root "$file"'),
        ("xroot://x.example//eos/run7.root", 'xrdcp --force root://x.example//eos/run7.root "$file"'),
    ],
)
def test_an_input_with_an_address_is_fetched(url: str, fetch: str) -> None:
    assert fetch in script(job(input=url))


def test_a_payload_that_no_shell_could_split_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, script(job(payload="echo 'open")))
    assert done.returncode == 1
    assert b"cannot be split into words" in done.stderr
