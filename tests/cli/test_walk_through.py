"""docs/walk-through.md, run as it stands by a real shell against a server and a pilot of its own."""

import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

PAGE = Path(__file__).parents[2] / "docs/walk-through.md"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\b\d[\d.]* (?:ms|s|min|h)\b")
END = "--- the end of a command ---"


@dataclass(frozen=True)
class Step:
    """A command, and what the page says that it says."""

    command: str
    expected: list[str]


def steps() -> list[Step]:
    found: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            elif line.startswith("> "):
                found[-1] = Step(f"{found[-1].command}\n{line[2:]}", [])
            else:
                found[-1].expected.append(line)
    return found


class Shell:
    """A bash that goes on from command to command."""

    def __init__(self, env: dict[str, str], cwd: Path) -> None:
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> list[str]:
        """Its lines of output. The exit code stays in `$?`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f'{command}\ncode=$?; echo; echo "{END}"; (exit $code)\n')
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == END:
                break
            lines.append(line.rstrip("\n"))
        assert lines, "the shell ended"
        assert lines.pop() == "", "the output ends with a whole line"
        return lines


@pytest.fixture
def shell(
    restartable: Any, p3s_command: str, own_environment: Any, tmp_path: Path, until: Any
) -> Iterator[Callable[[str], list[str]]]:
    restartable.start()
    env = own_environment(restartable.directory)
    env["PATH"] = f"{Path(p3s_command).parent}:{env['PATH']}"
    home = tmp_path / "home"
    home.mkdir()
    pilot = subprocess.Popen([p3s_command, "pilot", "start", "--slots", "2"], env=env, stderr=subprocess.DEVNULL)
    opened = Shell(env, home)
    until("the pilot is there", lambda: "1 active" in "".join(opened.run("p3s summary")))

    def run(command: str) -> list[str]:
        known = [(str(home), "/home/ana"), (f"http://127.0.0.1:{restartable.port}", "http://127.0.0.1:8373")]
        lines = opened.run(command)
        for real, shown in known:
            lines = [line.replace(real, shown) for line in lines]
        host = re.compile(rf"(?<![\w-]){re.escape(socket.gethostname())}(?![\w-])")
        return [host.sub("wn7", line) for line in lines]

    yield run
    opened.process.kill()
    opened.process.wait()
    pilot.send_signal(signal.SIGTERM)
    pilot.wait(30)


def alike(line: str) -> str:
    """A line without what differs from run to run."""
    return TIME.sub("TIME", " ".join(UUID.sub("UUID", line).split()))


def matches(expected: list[str], found: list[str]) -> bool:
    """Line by line; `...` stands for any lines."""
    if not expected:
        return not found
    if expected[0] == "...":
        return any(matches(expected[1:], found[place:]) for place in range(len(found) + 1))
    return bool(found) and alike(expected[0]) == alike(found[0]) and matches(expected[1:], found[1:])


def test_the_walk_through_is_what_happens(shell: Callable[[str], list[str]]) -> None:
    real: dict[str, str] = {}
    assert len(steps()) > 15
    for step in steps():
        command = UUID.sub(lambda match: real[match.group()], step.command)
        found = shell(command)
        assert matches(step.expected, found), f"$ {step.command}\n" + "\n".join(found)
        shown = UUID.findall("\n".join(step.expected))
        new = UUID.findall("\n".join(found))
        if len(shown) == len(new):
            for ours, theirs in zip(shown, new, strict=True):
                assert real.setdefault(ours, theirs) == theirs, f"{ours} means two jobs in $ {step.command}"


def test_what_does_not_match_is_seen() -> None:
    assert matches(["a", "...", "c 3 s"], ["a", "b", "b", "c  4.5 min"])
    assert not matches(["a", "...", "c"], ["a", "b"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["1 failed"], ["2 failed"])
