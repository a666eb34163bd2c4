"""What the commands say when all is well: help with an example, JSON for programs, and what to do next."""

import html
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from p3s.cli.main import app
from p3s.cli.words import flowed

pytestmark = pytest.mark.system

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def all_commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that help shows, with its words."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        if not hasattr(command, "commands"):
            yield words, command
            continue
        waiting += [((*words, name), below) for name, below in command.commands.items() if not below.hidden]


COMMANDS = dict(sorted(all_commands()))
READERS = ("list", "show", "explain", "hosts", "summary", "doctor")
"""Last words of commands that tell things: a program must be able to read them."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"], prog_name="p3s", env={"COLUMNS": "80"})
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert re.search(r"Examples?:", text)
    assert f"p3s {' '.join(words)}" in text.split("Example", 1)[1]


def test_lines_of_help_are_as_long_as_the_terminal_makes_them() -> None:
    assert flowed("Do it,\nnow.\n\n  a:\n    b\n\nWhen\ndone.") == "Do it, now.\n\n  a:\n    b\n\nWhen done."
    paragraphs = [one for command in COMMANDS.values() for one in command.help.split("\n\n")]
    assert [one for one in paragraphs if "\n" in one and "\n " not in one] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_word_of_a_command_is_explained(words: tuple[str, ...]) -> None:
    assert [one.name for one in COMMANDS[words].params if not one.help] == []


OTHERS = {
    ("demo",),
    ("top",),
    ("audit",),
    ("backup",),
    ("restore",),
    ("job", "logs"),
    ("job", "test"),
    ("job", "repro"),
    ("payload", "new"),
    ("payload", "tools"),
    ("classic", "install"),
    ("server", "start"),
    ("pilot", "start"),
    ("pilot", "build"),
    ("watcher", "check"),
    ("watcher", "explain"),
    ("service", "crontab"),
    ("schema",),
    ("lineage",),
    ("dataset", "lineage"),
    ("dataset", "taken"),
    ("dataset", "verify"),
    ("job", "inputs"),
    ("result", "trend"),
    ("stream", "coverage"),
    ("stream", "versions"),
    ("workflow", "template", "check"),
    ("workflow", "template", "export"),
    ("workflow", "template", "new"),
}
"""Commands that neither tell what READERS tell nor change what a server has."""


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[-1] not in READERS and w not in OTHERS], ids=" ".join)
def test_what_changes_things_has_dry_run(words: tuple[str, ...]) -> None:
    assert "--dry-run" in options(words)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[-1] in READERS], ids=" ".join)
def test_what_tells_things_has_json(words: tuple[str, ...]) -> None:
    assert "--json" in options(words)


def test_every_command_with_json_says_what_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs/cli.md").read_text()
    for words in COMMANDS:
        if "--json" in options(words) and words != ("demo",):
            assert f"| `p3s {' '.join(words)} --json` |" in page


def options(words: tuple[str, ...]) -> set[str]:
    return {name for parameter in COMMANDS[words].params for name in parameter.opts}


def test_version_names_the_program(run: Run) -> None:
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"p3s \d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    "words", [["summary"], ["doctor"], ["job", "list"], ["pilot", "list"], ["pilot", "list", "--ended"]], ids=" ".join
)
def test_json_is_one_document_on_stdout_and_nothing_else(run: Run, server: Any, words: list[str]) -> None:
    done = run(*words, "--json", at=server.directory)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) is not None
    assert done.stderr == ""


def test_a_jobs_life_by_commands_that_a_program_can_read(run: Run, server: Any) -> None:
    done = run("job", "submit", "--json", "--wait", "--name", "first", "--", "/bin/echo", "hi", at=server.directory)
    assert done.returncode == 0, done.stderr
    [job] = json.loads(done.stdout)["jobs"]
    shown = json.loads(run("job", "show", job, "--json", at=server.directory).stdout)
    assert (shown["uuid"], shown["name"], shown["state"]) == (job, "first", "finished")
    found = json.loads(run("job", "list", "--state", "finished", "--json", at=server.directory).stdout)
    assert job in [one["uuid"] for one in found]
    assert run("job", "logs", job, at=server.directory).stdout == "hi\n"
    [cancelled] = json.loads(run("job", "cancel", job, "--json", at=server.directory).stdout)
    assert cancelled["state"] == "finished"


def test_replicas_are_jobs_alike(run: Run, server: Any) -> None:
    done = run("job", "submit", "-N", "3", "--", "/bin/true", at=server.directory)
    assert len(set(done.stdout.split())) == 3
    done = run("job", "submit", "-N", "0", "--", "/bin/true", at=server.directory)
    assert (done.returncode, "replicas: must be from 1 to 10000" in done.stderr) == (2, True)


def test_the_same_key_again_adds_nothing(run: Run, server: Any) -> None:
    first, again = (
        run("job", "submit", "--key", "once", "--", "/bin/true", at=server.directory).stdout for _ in range(2)
    )
    assert first.strip()
    assert first == again


def test_a_list_in_a_pipe_has_whole_identities_names_and_reasons(run: Run, server: Any) -> None:
    """Eighty columns are a terminal's trouble, not a program's."""
    name = "a name for people that is rather long"
    done = run("job", "submit", "--wait", "--name", name, "--", "/bin/false", at=server.directory)
    job = done.stdout.strip()
    [line] = [line for line in run("job", "list", at=server.directory).stdout.splitlines() if job in line]
    assert name in line
    assert "exit code" in line
    pilots = json.loads(run("pilot", "list", "--json", at=server.directory).stdout)
    assert pilots[0]["uuid"] in run("pilot", "list", at=server.directory).stdout


def test_hostile_text_reaches_a_terminal_without_control_characters(run: Run, server: Any) -> None:
    done = run("job", "submit", "--name", "[red]x[/]", "--wait", "--", "/bin/false", at=server.directory)
    assert done.returncode == 1
    found = run("job", "list", "--limit", "1", at=server.directory, COLUMNS="250")
    assert found.returncode == 0, found.stderr
    assert "[red]x[/]" in found.stdout


# ---- empty states


def test_an_empty_server_says_what_to_do_next(run: Run, empty_server: Any) -> None:
    jobs = run("job", "list", at=empty_server.directory)
    assert "p3s job submit -- " in jobs.stdout
    pilots = run("pilot", "list", at=empty_server.directory)
    assert "p3s pilot start" in pilots.stdout
    summary = run("summary", at=empty_server.directory)
    assert summary.stdout == "pilots    none; 0 of 0 slots in use\njobs      none\ndatasets  0\nresults   0\n"


def test_the_commands_that_empty_pages_name_exist(empty_server: Any) -> None:
    named = set()
    for path in ("/", "/jobs", "/data", "/pilots", "/runs/1", "/jobs/none"):
        request = urllib.request.Request(empty_server.url + path)
        try:
            page = urllib.request.urlopen(request, timeout=30).read().decode()
        except urllib.error.HTTPError as error:
            page = error.read().decode()
        named |= {html.unescape(text) for text in re.findall(r"<code>(p3s [^<]*)</code>", page)}
    assert named, "empty pages name no command"
    for command in sorted(named):
        words = [word for word in command.split()[1:] if re.fullmatch(r"[a-z]+", word)]
        assert tuple(words) in COMMANDS, f"a page says {command!r}, which is no command"


# ---- doctor


def checks(done: "subprocess.CompletedProcess[str]") -> dict[str, tuple[bool, str]]:
    return {one["check"]: (one["good"], one["says"]) for one in json.loads(done.stdout)}


def test_doctor_finds_all_well(run: Run, server: Any) -> None:
    done = run("doctor", "--json", at=server.directory)
    if not checks(done)["disk"][0]:
        pytest.skip("this machine's disk is nearly full")
    assert done.returncode == 0
    found = checks(done)
    assert list(found) == ["client", "server", "token", "clock", "disk", "services"]
    assert all(good for good, _ in found.values())
    assert server.url in found["server"][1]
    for_people = run("doctor", at=server.directory)
    assert for_people.stdout.count("ok  ") == 6


def test_doctor_names_each_thing_that_is_wrong(run: Run, server: Any, free_port: int) -> None:
    none = run("doctor", "--json")
    assert none.returncode == 1
    found = checks(none)
    assert found["client"][0]
    assert not found["server"][0]
    assert "p3s server start" in found["server"][1]
    assert run("doctor").stdout.count("p3s server start") == 1, "for people what is said of the server is said once"
    away = run("doctor", "--json", P3S_SERVER=f"127.0.0.1:{free_port}")
    assert away.returncode == 1
    assert f"127.0.0.1:{free_port}" in checks(away)["server"][1]
    mistyped = run("doctor", "--json", P3S_SERVER=server.url, P3S_TOKEN="wrong")
    assert mistyped.returncode == 1
    assert "not valid" in checks(mistyped)["token"][1]
    assert "Traceback" not in none.stderr + away.stderr + mistyped.stderr


def test_module_and_command_are_the_same() -> None:
    by_module = subprocess.run(
        [sys.executable, "-m", "p3s", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert by_module.returncode == 0
    assert by_module.stdout.startswith("p3s ")
    assert shutil.which(str(Path(sys.executable).with_name("p3s")))
