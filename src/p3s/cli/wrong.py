"""A wrong command line is answered with the right one."""

import re
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

from . import show
from .words import Commands

#: What people type who know other systems, and what it is called here: the first of these that the group has.
MEANT: dict[str, tuple[str, ...]] = {
    "ls": ("list",),
    "ps": ("job list",),
    "queue": ("job list",),
    "sub": ("job submit",),
    "run": ("job submit",),
    "exec": ("job submit",),
    "rm": ("cancel", "revoke", "delete", "forget", "purge"),
    "del": ("cancel", "revoke", "delete", "forget", "purge"),
    "kill": ("cancel", "stop"),
    "abort": ("cancel", "stop"),
    "stop": ("cancel",),
    "delete": ("revoke", "forget", "purge", "cancel"),
    "remove": ("cancel", "revoke", "delete", "forget", "purge"),
    "add": ("new", "set", "submit"),
    "create": ("new", "set", "submit"),
    "find": ("list",),
    "search": ("list",),
    "cat": ("logs",),
    "tail": ("logs",),
    "output": ("logs",),
    "retry": ("rerun",),
    "resubmit": ("rerun",),
    "why": ("explain",),
    "try": ("job test",),
    "test": ("job test",),
    "new": ("payload new",),
    "info": ("show",),
    "describe": ("show",),
    "get": ("show",),
    "fetch": ("get",),
    "download": ("get",),
    "trends": ("result trend",),
    "plot": ("result trend",),
    "stat": ("summary",),
    "stats": ("summary",),
    "status": ("summary",),
    "monitor": ("top",),
    "dashboard": ("top",),
    "serve": ("server start",),
    "up": ("server start",),
    "restart": ("server start",),
    "types": ("jobtype list",),
    "limits": ("jobtype list",),
    "warnings": ("alarm list",),
    "unpause": ("resume",),
    "continue": ("resume",),
    "freeze": ("pause",),
    "clean": ("purge",),
    "prune": ("purge",),
    "undo": ("revert",),
    "rollback": ("revert",),
    "reprocess": ("process",),
    "diff": ("versions",),
    "log": ("logs", "versions"),
    "whoami": ("doctor",),
    "history": ("audit",),
    "login": ("token new",),
}

#: The same of options.
MEANT_OPTIONS = {
    "--type": "--jobtype",
    "--job-type": "--jobtype",
    "--status": "--state",
    "--prio": "--priority",
    "--nice": "--priority",
    "--timeout": "--time-limit",
    "--timelimit": "--time-limit",
    "--count": "--replicas",
    "--input": "-f",
    "--file": "-f",
    "--setenv": "-e",
    "--max": "--limit",
    "--number": "--limit",
    "--err": "--stderr",
    "--watch": "--wait",
    "--simulate": "--dry-run",
    "--noop": "--dry-run",
}

MOST = 4


def guesses(group: Sequence[str], word: str, paths: Sequence[Sequence[str]]) -> list[str]:
    """The commands that were meant by `word` in a group, as `job list`; the best first, perhaps none.

    `paths` are all commands, each with its group: ("job", "list").
    """
    commands = [" ".join(path) for path in paths]
    here = " ".join(group)
    siblings = {path[len(group)] for path in paths if tuple(path[: len(group)]) == tuple(group)}
    meant = MEANT.get(word, (word,))
    for name in (*(f"{here} {one}".strip() for one in meant), *meant):
        if name in commands:
            return [name]
    if f"{word.rstrip('s')} list" in commands and not group:
        return [f"{word.rstrip('s')} list"]
    for one in () if group else (word, *meant):
        elsewhere = [name for name in commands if one in name.split()]
        if elsewhere:
            return elsewhere[:MOST]
    close = get_close_matches(word, siblings, MOST, 0.6)
    if close:
        return [f"{here} {name}".strip() for name in close]
    last = {name.split()[-1]: name for name in reversed(commands)}
    return [last[name] for name in get_close_matches(word, last, MOST, 0.75)]


def option_guesses(option: str, known: Sequence[str]) -> list[str]:
    """The options of a command that were meant by one it does not have."""
    meant = MEANT_OPTIONS.get(option)
    if meant in known:
        return [str(meant)]
    begun = [name for name in known if name.startswith(option)] if len(option) > 2 else []
    return begun[:MOST] or get_close_matches(option, known, MOST, 0.7)


class Root(TyperGroup):
    """All commands. What is none of them is refused with what was meant."""

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self.commands: Any = Commands()

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, once it is sure that the words lead to a command."""
        if not ctx.resilient_parsing:
            self._look(ctx, args)
        return super().resolve_command(ctx, args)

    def _look(self, ctx: Any, args: list[str]) -> None:
        group: Any = self
        for place, word in enumerate(args):
            if not hasattr(group, "commands") or word.startswith("-"):
                return
            if word not in group.commands:
                ctx.fail(self._answer(args[:place], word, args[place + 1 :]))
            group = group.commands[word]

    def _answer(self, before: list[str], word: str, after: list[str]) -> str:
        paths = list(_paths(self))
        found = guesses(before, word, paths)
        groups = {path[0] for path in paths if len(path) > 1}
        if found and found[0] in groups:  # the group was mistyped, perhaps not the command
            whole = [f"{group} {after[0]}" for group in found if after and (group, after[0]) in paths]
            found = whole or [f"{name} --help" for name in found]
        if word == "help":
            found = [" ".join([*before, *after, "--help"])]
        typed = show.plain(" ".join(["p3s", *before, word]))
        if not found:
            return f"there is no command {typed}; {' '.join(['p3s', *before])} --help lists those there are"
        return f"there is no command {typed}; did you mean {' or '.join(f'p3s {name}' for name in found)}?"


def _paths(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _paths(command, (*before, name))
        else:
            yield (*before, name)


def tell(error: typer.TyperException) -> None:
    """What is wrong with a command line, what was meant, and the usage, on stderr."""
    ctx: Any = getattr(error, "ctx", None)
    if ctx is None:
        print(f"p3s: {error.format_message()}", file=sys.stderr)
        return
    if not error.format_message():  # a group without a command: its help was shown
        return
    print(f"p3s: {_sentence(error, ctx)}", file=sys.stderr)
    print(ctx.get_usage(), file=sys.stderr)
    print(f"{ctx.command_path} --help says more.", file=sys.stderr)


_ARTICLES = {"JOB": "the UUID of a JOB; p3s job list shows them", "JOBS": "UUIDs of JOBS; p3s job list shows them"}


_MUST = (
    (r"be a valid integer.*", "be a whole number"),
    (r"be a valid number.*", "be a number"),
    (r"be greater than or equal to (\S+)", r"be at least \1"),
    (r"be less than or equal to (\S+)", r"be at most \1"),
)
"""What a value should be, as the framework says it, and in plain words."""


def _bounded(said: str) -> str:
    """`Invalid value for '--limit' / '-n': Input should be a valid integer...` as `--limit: must be a whole number`."""
    found = re.fullmatch(r"Invalid value for '([^']+)'[^:]*: Input should (.*)", said, re.DOTALL)
    for pattern, plain in _MUST if found else ():
        if found and (must := re.fullmatch(pattern, found[2], re.DOTALL)):
            return f"{found[1]}: must {must.expand(plain)}"
    return said


def _sentence(error: typer.TyperException, ctx: Any) -> str:
    parameter = getattr(error, "param", None)
    if parameter is not None and not error.message:
        name = (
            parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar or parameter.name.upper()
        )
        return f"{ctx.command_path} wants {_ARTICLES.get(name, name)}"
    option = getattr(error, "option_name", "")
    if not option or "No such option" not in error.message:
        return show.plain(_bounded(error.format_message()))
    known = [name for parameter in ctx.command.params for name in parameter.opts]
    found = option_guesses(option, known)
    said = f"{ctx.command_path} has no option {show.plain(option)}"
    if found:
        said += f"; did you mean {' or '.join(found)}?"
    if ctx.command_path.endswith(" submit"):
        example = f"{ctx.command_path} -- x.sh {option}"
        said += f"{'' if found else ';'} what belongs to the payload goes after --, as in {example}"
    return said
