"""`p3s top` in a real terminal: it shows what happens, survives the server, and leaves the terminal as it was."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Run = Callable[..., Any]
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""What switches a terminal to its second screen and back."""


class Terminal:
    """A pseudo-terminal of 80 columns with `p3s top` in it."""

    def __init__(self, p3s: str, env: dict[str, str]) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.said = ""
        self.process = subprocess.Popen(
            [p3s, "top"],
            env={**env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
        )

    def read(self) -> str:
        """All that came so far."""
        while select.select([self.ours], [], [], 0)[0]:
            self.said += os.read(self.ours, 65536).decode()
        return self.said

    def says(self, text: str) -> bool:
        """Whether it says it, since `forget`."""
        return text in self.read()

    def forget(self) -> None:
        self.read()
        self.said = ""

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def ended(self) -> bool:
        self.read()
        return self.process.poll() is not None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def terminal(p3s_command: str, own_environment: Callable[..., dict[str, str]]) -> Iterator[Callable[[Path], Terminal]]:
    opened = []

    def open_it(directory: Path) -> Terminal:
        opened.append(Terminal(p3s_command, own_environment(directory)))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


@pytest.mark.parametrize("end", ["q", "\x03", "SIGTERM", "SIGHUP"])
def test_it_leaves_the_terminal_as_it_was(server: Any, terminal: Any, until: Any, end: str) -> None:
    top = terminal(server.directory)
    until("it shows the pilots", lambda: top.says("1 active"))
    assert top.says(ENTER)
    if end.startswith("SIG"):
        top.process.send_signal(getattr(signal, end))
    else:
        top.type(end)
    until("it has ended", top.ended)
    assert top.process.returncode == (0 if end == "q" else 130)
    assert top.said.rindex(LEAVE) > top.said.rindex(ENTER)
    assert "Traceback" not in top.said
    assert termios.tcgetattr(top.theirs) == top.before


def test_other_keys_and_a_smaller_terminal_do_no_harm(server: Any, terminal: Any, until: Any) -> None:
    top = terminal(server.directory)
    until("it shows the pilots", lambda: top.says("1 active"))
    top.type("x\x1b[A\x1a")  # a letter, an arrow, Ctrl-Z
    fcntl.ioctl(top.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 20, 0, 0))
    top.forget()
    until("it draws again", lambda: top.says("pilots"))
    top.type("q")
    until("it has ended", top.ended)
    assert "Traceback" not in top.said


def test_a_job_appears_by_itself(run: Run, server: Any, terminal: Any, until: Any) -> None:
    top = terminal(server.directory)
    until("it shows the pilots", lambda: top.says("1 active"))
    job = run("job", "submit", "--jobtype", "seen", "--", "/bin/true", at=server.directory).stdout.strip()
    until("the job is shown", lambda: top.says(job))
    until("and its end", lambda: top.says("finished"))


def test_it_says_that_the_server_is_gone_and_goes_on_when_it_is_back(
    restartable: Any, terminal: Any, until: Any
) -> None:
    restartable.start()
    top = terminal(restartable.directory)
    until("it shows that there is nothing", lambda: top.says("no jobs yet"))
    restartable.stop()
    until("it says so", lambda: top.says("NO ANSWER for"))
    assert top.process.poll() is None
    restartable.start()
    top.forget()
    until("it is back", lambda: top.says("q leaves"), within_s=30)
    top.type("q")
    until("it has ended", top.ended)
    assert top.process.returncode == 0


def test_without_a_server_it_ends_at_once(run: Run) -> None:
    done = run("top")
    assert done.returncode == 3
    assert ENTER not in done.stdout


def test_once_and_in_a_pipe_it_is_one_picture(run: Run, server: Any) -> None:
    for words in (["top", "--once"], ["top"]):
        done = run(*words, at=server.directory)
        assert done.returncode == 0
        assert "pilots   1 active" in done.stdout
        assert "\x1b" not in done.stdout
    found = json.loads(run("top", "--json", at=server.directory).stdout)
    assert found["summary"]["slots"] == 2
