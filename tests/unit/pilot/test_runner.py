"""Starting a payload, seeing it end, and leaving nothing behind. Real processes."""

import os
import select
import shlex
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.pilot.berth import Berth, Berths
from p3s.pilot.runner import NonStarter, Place, Running, _command
from p3s.protocol.messages import MAX_TAIL_BYTES, Order

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd of Linux")

Make = Callable[..., Running]
Until = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """make(payload, **env): an attempt in a new berth, not yet started; its processes end with the test."""
    made: list[Running] = []
    tools = tmp_path / "tools"
    tools.mkdir()

    def order(payload: str, berth: Berth | None = None, **env: str) -> Running:
        place = Place(tools, "http://server:1", "here", "pilot-1")
        order = Order(1, str(uuid.uuid4()), 1, payload, "job-token", env)
        made.append(Running(place, order, berth or Berth(tmp_path / f"berth{len(made)}")))
        return made[-1]

    yield order
    for running in made:
        running.signal(signal.SIGKILL)
        if running.pid and running.code is None:
            running.reap()
        running.berth.close(keep=True)


def finish(running: Running, within_s: float = 20.0) -> int:
    """Start it if need be, wait for its end, reap it; its exit code."""
    if not running.pid:
        running.start()
    ready, _, _ = select.select([running.pidfd], [], [], within_s)
    assert ready, f"{running.order.payload} did not end"
    return running.reap()[0]


def script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


# ---- nonstarters


def test_lists_become_files_in_the_working_directory(make: Make) -> None:
    running = make("cat $MANY $NONE; echo $ONE", P3S_EXECMODE="SHELL", P3S_LISTS="MANY ../x", MANY="/a b\n/c", ONE="x")
    assert finish(running) == 0
    assert running.tails()[0] == "/a b\n/c\nx\n"
    assert [file.name for file in running.berth.work.iterdir()] == ["MANY.list"]
    assert not running.berth.untouched(), "the next job finds no list of this one"


def test_a_payload_that_is_not_there_is_a_nonstarter(make: Make) -> None:
    with pytest.raises(NonStarter, match="/no/such/thing is not there on this node"):
        make("/no/such/thing --run 7").start()


def test_a_payload_that_is_not_executable_is_a_nonstarter(make: Make, tmp_path: Path) -> None:
    plain = script(tmp_path / "plain.sh", "#!/bin/sh\n", 0o644)
    with pytest.raises(NonStarter, match=r"plain\.sh is not executable on this node \(chmod \+x\?\)"):
        make(plain).start()


def test_a_script_without_its_first_line_is_a_nonstarter(make: Make, tmp_path: Path) -> None:
    with pytest.raises(NonStarter, match="a script needs a first line"):
        make(script(tmp_path / "bare.sh", "echo hello\n")).start()


def test_a_script_whose_interpreter_is_missing_is_a_nonstarter(make: Make, tmp_path: Path) -> None:
    with pytest.raises(NonStarter):
        make(script(tmp_path / "odd.sh", "#!/no/such/interpreter\n")).start()


def test_quotes_that_do_not_close_are_a_nonstarter(make: Make) -> None:
    with pytest.raises(NonStarter, match="cannot split the payload into words"):
        make("echo 'hello").start()


@pytest.mark.parametrize("payload", ["", "   ", "''"])
def test_an_empty_payload_is_a_nonstarter(make: Make, payload: str) -> None:
    with pytest.raises(NonStarter):
        make(payload).start()


def test_a_payload_with_a_nul_is_a_nonstarter(make: Make) -> None:
    """The server refuses it, but a pilot must survive whatever comes."""
    with pytest.raises(NonStarter):
        make("echo 'a\0b'").start()


def test_a_nonstarter_leaves_nothing_behind(make: Make) -> None:
    running = make("/no/such/thing")
    with pytest.raises(NonStarter):
        running.start()
    assert running.tails() == ("", "")
    assert running.berth.untouched()


# ---- how it is started


def test_words_are_split_by_shell_rules_and_no_shell_sees_them(make: Make) -> None:
    running = make("""printf '%s|' 'a b' "$HOME" *.txt ';' c\\ d""")
    assert finish(running) == 0
    assert running.tails()[0] == "a b|$HOME|*.txt|;|c d|"


def test_in_shell_mode_a_shell_runs_it(make: Make) -> None:
    running = make('for n in 1 2; do echo "$n $WORD"; done; exit 3', P3S_EXECMODE="SHELL", WORD="hello")
    assert finish(running) == 3
    assert running.tails()[0] == "1 hello\n2 hello\n"


def test_in_copy_mode_the_script_runs_from_its_own_directory(make: Make, tmp_path: Path) -> None:
    original = script(tmp_path / "where.sh", "#!/bin/sh\necho $0 $1\n")
    running = make(f"{original} word", P3S_MODE="COPY")
    assert finish(running) == 0
    assert running.tails()[0] == f"{running.berth.work}/where.sh word\n"


def test_a_script_that_cannot_be_copied_is_a_nonstarter(make: Make) -> None:
    with pytest.raises(NonStarter, match="is not there"):
        make("/no/such/thing", P3S_MODE="COPY").start()


def test_it_runs_in_an_empty_directory_of_its_own_without_input(make: Make) -> None:
    running = make("pwd; ls -A; cat", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    assert running.tails()[0] == f"{running.berth.work}\n"


def test_it_finds_what_p3s_says_in_its_environment(make: Make, tmp_path: Path) -> None:
    running = make("env", P3S_INPUT_PATH="/data/x.root", MY_OWN="1", P3S_TOKEN="forged", P3S_PILOT_UUID="forged")
    assert finish(running) == 0
    said = dict(line.partition("=")[::2] for line in running.tails()[0].splitlines())
    expected = {
        "P3S_INPUT_PATH": "/data/x.root",
        "MY_OWN": "1",
        "P3S_TOKEN": "job-token",
        "P3S_SERVER": "http://server:1",
        "P3S_SITE": "here",
        "P3S_PILOT_UUID": "pilot-1",
        "P3S_JOB_UUID": running.order.job,
        "P3S_RESULT_DIR": str(running.berth.results),
    }
    assert {name: said.get(name) for name in expected} == expected
    assert said["PATH"].split(":")[0] == str(tmp_path / "tools")
    assert said["PYTHONPATH"].split(":")[0] == str(tmp_path / "tools")


def test_a_path_of_its_own_keeps_the_tools_in_front(make: Make, tmp_path: Path) -> None:
    running = make("echo $PATH", P3S_EXECMODE="SHELL", PATH="/usr/bin:/bin")
    assert finish(running) == 0
    assert running.tails()[0] == f"{tmp_path / 'tools'}:/usr/bin:/bin:{tmp_path / 'tools/clients'}\n"


@pytest.mark.parametrize("own", [{}, {"P3S_HOME": "/opt/p3s"}], ids=["none", "the site's"])
def test_clients_of_2018_are_found_where_wrappers_look_unless_the_site_has_its_own(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, str]
) -> None:
    monkeypatch.delenv("P3S_HOME", raising=False)
    running = make("echo $P3S_HOME", P3S_EXECMODE="SHELL", **own)
    assert finish(running) == 0
    assert running.tails()[0].strip() == own.get("P3S_HOME", str(tmp_path / "tools"))


@pytest.mark.parametrize(("name", "found"), [("a_summary.json", True), ("a.json", False)])
def test_what_payloads_of_2018_leave_beside_the_job_is_seen(make: Make, name: str, found: bool) -> None:
    running = make(f"echo x > {name}", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    assert running.berth.has_results() is found


# ---- how it ends


@pytest.mark.parametrize(("text", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9), ("kill -15 $$", -15)])
def test_its_exit_code_or_signal_is_known(make: Make, text: str, code: int) -> None:
    assert finish(make(text, P3S_EXECMODE="SHELL")) == code


def test_what_it_used_is_measured(make: Make) -> None:
    running = make(f"{sys.executable} -c 'x = bytes(60_000_000); sum(range(2_000_000))'")
    running.start()
    ready, _, _ = select.select([running.pidfd], [], [], 60)
    assert ready
    code, cpu_s, peak = running.reap()
    assert (code, cpu_s > 0.01, peak > 60_000_000) == (0, True, True)


def test_signals_reach_everything_it_started(make: Make, until: Until) -> None:
    running = make("setsid sleep 60 & echo $!; sleep 60", P3S_EXECMODE="SHELL")
    running.start()
    child = int(until("the child has said its number", lambda: running.tails()[0].strip()))
    until("the child has left the session", lambda: os.getsid(child) == child)
    running.signal(signal.SIGTERM)
    assert finish(running) == -signal.SIGTERM
    until("the child has ended", lambda: not Path(f"/proc/{child}/cwd").exists())


def test_what_it_leaves_running_in_its_group_ends_with_it(make: Make, until: Until) -> None:
    running = make("sleep 60 & echo $!", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    child = int(running.tails()[0])
    until("the child has ended", lambda: not Path(f"/proc/{child}/cwd").exists())


def test_once_reaped_its_number_is_not_signalled(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be another's by then: results are delivered for minutes after the end."""
    running = make("true")
    assert finish(running) == 0
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: signalled.append(group))
    running.signal(signal.SIGKILL)
    assert signalled == []


# ---- what it leaves


def test_the_tails_are_the_ends_of_what_it_wrote(make: Make) -> None:
    running = make("seq 1 100000; echo oops >&2", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    out, err = running.tails()
    assert len(out.encode()) <= MAX_TAIL_BYTES
    assert out.endswith("\n99999\n100000\n")
    assert out.splitlines()[0].isdigit()
    assert int(out.splitlines()[1]) == int(out.splitlines()[0]) + 1
    assert err == "oops\n"
    assert [name for name, _ in running.long_logs()] == ["stdout"]


@pytest.mark.parametrize("size", [0, 1, MAX_TAIL_BYTES - 1, MAX_TAIL_BYTES])
def test_a_log_that_fits_is_whole(make: Make, size: int) -> None:
    running = make(f"head -c {size} /dev/zero | tr '\\0' x", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    assert running.tails()[0] == "x" * size
    assert running.long_logs() == []


def test_one_endless_line_still_has_an_end(make: Make) -> None:
    running = make("head -c 100000 /dev/zero | tr '\\0' x; echo", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    assert "x" in running.tails()[0]


def test_a_log_that_is_no_utf_8_is_shown_all_the_same(make: Make) -> None:
    running = make(r"printf 'caf\351\n'", P3S_EXECMODE="SHELL")
    assert finish(running) == 0
    assert running.tails()[0] == "caf\N{REPLACEMENT CHARACTER}\n"


def test_results_are_noticed(make: Make) -> None:
    running = make("true")
    running.start()
    assert not running.berth.has_results()
    (running.berth.results / "p3s-result.json").write_text("{}")
    assert running.berth.has_results()
    finish(running)


# ---- its berth, and the next one's


def test_a_berth_that_was_left_as_found_serves_again(make: Make, tmp_path: Path) -> None:
    berths = Berths(tmp_path, 1, keep=False)
    berth = berths.take()
    assert finish(make("true", berth)) == 0
    berths.give_back(berth)
    assert berths.take() is berth


@pytest.mark.parametrize(
    "text",
    [
        "touch file",
        "mkdir directory",
        "touch file; rm file",
        "chmod 700 .",
        "echo out",
        "echo err >&2",
        'touch "$P3S_RESULT_DIR/file"',
        'rmdir "$P3S_RESULT_DIR"',
        'rmdir "$PWD"',
        'echo x > "$P3S_RESULT_DIR/x"; rm "$P3S_RESULT_DIR/x"',
    ],
)
def test_a_berth_with_any_trace_is_removed_and_the_next_is_empty(make: Make, tmp_path: Path, text: str) -> None:
    berths = Berths(tmp_path, 1, keep=False)
    berth = berths.take()
    assert finish(make(text, berth, P3S_EXECMODE="SHELL")) == 0
    berths.give_back(berth)
    assert not berth.directory.exists()
    following = berths.take()
    assert finish(make('pwd; ls -A . "$P3S_RESULT_DIR"', following, P3S_EXECMODE="SHELL")) == 0
    listing = following.tail("stdout").splitlines()
    assert listing == [str(following.work), ".:", "", f"{following.results}:"]


def test_what_a_job_left_running_does_not_write_into_the_next_one_s_log(make: Make, tmp_path: Path) -> None:
    berths = Berths(tmp_path, 1, keep=False)
    berth = berths.take()
    there, go, done = (tmp_path / name for name in ("there", "go", "done"))
    wait = "until [ -e {} ]; do sleep 0.02; done"
    child = f"touch {there}; {wait.format(go)}; echo from the first; touch {done}"
    first = make(f'setsid sh -c "{child}" & {wait.format(there)}', berth, P3S_EXECMODE="SHELL")
    assert finish(first) == 0
    berths.give_back(berth)
    # What still runs may have ended with its job, so the second one waits for it a second at most.
    patience = f"touch {go}; for n in $(seq 50); do [ -e {done} ] || sleep 0.02; done"
    second = make(patience, berths.take(), P3S_EXECMODE="SHELL")
    assert finish(second) == 0
    assert second.tails()[0] == ""


def test_kept_for_a_look_what_a_job_left_is_not_removed(make: Make, tmp_path: Path) -> None:
    berths = Berths(tmp_path, 1, keep=True)
    berth = berths.take()
    assert finish(make("touch here", berth)) == 0
    berths.give_back(berth)
    assert (berth.work / "here").exists()
    assert berths.take() is not berth


@given(st.text(alphabet="ab \t\r\n\x0b\x0c\x1c#$;&|<>()~\u00a0é-=/'\"\\", max_size=12))
def test_words_are_those_of_the_shell_s_rules(payload: str) -> None:
    try:
        expected = shlex.split(payload)
    except ValueError:
        with pytest.raises(NonStarter):
            _command(payload, {}, Path())
        return
    if expected:
        assert _command(payload, {}, Path()) == expected


# ---- files that the job is to write


def test_directories_of_outputs_are_there_when_the_payload_starts(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "out.txt"
    env = {"P3S_OUTPUTS": "OUT FAR HERE", "OUT": str(path), "FAR": "root://far/away/x", "HERE": "beside/x"}
    running = make(f'echo done > "{path}"', P3S_EXECMODE="SHELL", **env)
    assert finish(running) == 0
    assert path.read_text() == "done\n"
    assert not (tmp_path / "beside").exists()
    assert list(running.berth.work.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_a_nonstarter_that_names_it(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NonStarter, match=r"cannot make the directory of OUT, .*/file/x/out\.txt: Not a directory"):
        make("true", P3S_OUTPUTS="OUT", OUT=f"{tmp_path}/file/x/out.txt").start()


@pytest.mark.parametrize("path", ["/\0x/y", "/" + "x" * 5_000 + "/y", ""])
def test_a_path_of_an_output_that_is_none_harms_nobody(make: Make, path: str) -> None:
    running = make("true", P3S_OUTPUTS="OUT NONE", OUT=path)
    if path:
        with pytest.raises(NonStarter):
            running.start()
    else:
        assert finish(running) == 0
