"""A wrong command line is answered with the right one, and ends with 2."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import typer

from p3s.cli.main import app
from p3s.cli.wrong import MEANT, MEANT_OPTIONS, guesses, option_guesses

Run = Callable[..., Any]

PATHS = [
    ("summary",),
    ("job", "list"),
    ("job", "logs"),
    ("job", "cancel"),
    ("pilot", "list"),
    ("pilot", "stop"),
    ("jobtype", "list"),
]


@pytest.mark.parametrize(
    ("group", "word", "expected"),
    [
        ((), "jobs", ["job list"]),
        ((), "pilots", ["pilot list"]),
        (("job",), "lst", ["job list"]),
        (("job",), "ls", ["job list"]),
        (("job",), "kill", ["job cancel"]),
        (("job",), "stop", ["job cancel"]),
        (("pilot",), "kill", ["pilot stop"]),
        ((), "stop", ["pilot stop"]),
        ((), "logs", ["job logs"]),
        ((), "sumary", ["summary"]),
        ((), "status", ["summary"]),
        ((), "list", ["job list", "pilot list", "jobtype list"]),
        (("job",), "xyzzy", []),
    ],
)
def test_what_was_meant(group: tuple[str, ...], word: str, expected: list[str]) -> None:
    assert guesses(group, word, PATHS) == expected


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--stat", ["--state"]),
        ("--sate", ["--state"]),
        ("--type", ["--jobtype"]),
        ("--jo", ["--jobtype"]),
        ("-x", []),
        ("--xyzzy", []),
    ],
)
def test_which_option_was_meant(option: str, expected: list[str]) -> None:
    assert option_guesses(option, ["--state", "--jobtype", "--limit", "-n"]) == expected


def test_what_the_tables_name_exists() -> None:
    command: Any = typer.main.get_command(app)
    words = set(command.commands)
    options: set[str] = set()

    def gather(one: Any) -> None:
        for name, below in getattr(one, "commands", {}).items():
            words.add(name)
            gather(below)
        options.update(name for parameter in one.params for name in parameter.opts)

    gather(command)
    assert {word for meant in MEANT.values() for one in meant for word in one.split()} - words == set()
    assert set(MEANT_OPTIONS.values()) - options == set()


@pytest.mark.system
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("jobs", "there is no command p3s jobs; did you mean p3s job list?"),
        ("job lst", "there is no command p3s job lst; did you mean p3s job list?"),
        ("jbo list", "there is no command p3s jbo; did you mean p3s job list?"),
        ("jbo", "there is no command p3s jbo; did you mean p3s job --help?"),
        ("job help", "did you mean p3s job --help?"),
        ("xyzzy", "there is no command p3s xyzzy; p3s --help lists those there are"),
        ("job list --stat failed", "p3s job list has no option --stat; did you mean --state?"),
        ("job list --xyzzy", "p3s job list has no option --xyzzy"),
        (
            "job submit ./x.sh --fast",
            "what belongs to the payload goes after --, as in p3s job submit -- x.sh --fast",
        ),
        ("job show", "p3s job show wants the UUID of a JOB; p3s job list shows them"),
        ("jobtype set", "p3s jobtype set wants NAME"),
        ("purge --older 7d", "p3s purge wants jobs|pilots"),
        ("job submit --priority high -- x", "--priority: must be a whole number"),
        ("job list -n 0", "--limit: must be at least 1"),
        ("server start --port 99999", "--port: must be at most 65535"),
        ("service report a b --value x", "--value: must be a number"),
        ("job submit", "p3s job submit wants FILE | -- COMMAND..."),
    ],
)
def test_the_answer_is_one_line_and_then_the_usage(run: Run, words: str, says: str) -> None:
    done = run(*words.split(), COLUMNS="80")
    assert (done.returncode, done.stdout) == (2, "")
    first, *rest = done.stderr.splitlines()
    assert first.startswith("p3s: ")
    assert says in first
    assert rest[0].startswith("Usage: p3s")
    assert rest[-1].endswith("--help says more.")


@pytest.mark.system
def test_a_group_alone_shows_its_help(run: Run) -> None:
    done = run("job")
    assert done.returncode == 2
    assert "Usage: p3s job" in done.stdout
    assert done.stderr == ""


@pytest.mark.system
def test_what_was_mistyped_cannot_harm_the_terminal(run: Run) -> None:
    done = run("job", "\x1b[31mlist")
    assert "\x1b" not in done.stderr


@pytest.mark.system
def test_the_help_has_the_exit_codes(run: Run) -> None:
    text = " ".join(run("--help").stdout.split())
    assert re.findall(r"(\d+) [a-z]", text.split("Exit codes:")[1]) == ["0", "1", "2", "3", "4", "5", "6", "130"]
