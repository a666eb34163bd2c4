"""The words after `p3s`, each with the module that holds it. A word is imported when it is asked for: a command line
pays for what it uses, not for all there is."""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Any, NamedTuple

import typer
from typer.main import get_group

WORK, WATCH, RUN, RULE = "Work", "What is going on", "Run the parts", "Operate"


class Word(NamedTuple):
    """A command, or a group of them: its panel in the help, and where it and its help are, by name."""

    panel: str
    module: str
    name: str = "app"
    help: str = ""


WORDS = {
    "job": Word(WORK, "jobs"),
    "jobtype": Word(WORK, "jobtypes"),
    "dataset": Word(WORK, "datasets"),
    "datatype": Word(WORK, "datatypes"),
    "run": Word(WORK, "runs"),
    "workflow": Word(WORK, "workflows"),
    "stream": Word(WORK, "streams"),
    "payload": Word(WORK, "payload"),
    "classic": Word(WORK, "classic"),
    "schema": Word(WORK, "schema", "schema", "SCHEMA_HELP"),
    "summary": Word(WATCH, "doctor", "summary"),
    "top": Word(WATCH, "top", "top"),
    "doctor": Word(WATCH, "doctor", "doctor"),
    "lineage": Word(WATCH, "lineage", "lineage", "LINEAGE_HELP"),
    "gather": Word(WATCH, "gather"),
    "result": Word(WATCH, "results"),
    "alarm": Word(WATCH, "alarms"),
    "demo": Word(RUN, "demo", "demo"),
    "server": Word(RUN, "parts", "server"),
    "pilot": Word(RUN, "parts", "pilot"),
    "watcher": Word(RUN, "watcher"),
    "pause": Word(RULE, "pause", "pause", "PAUSE_HELP"),
    "resume": Word(RULE, "pause", "resume"),
    "purge": Word(RULE, "pause", "purge", "PURGE_HELP"),
    "service": Word(RULE, "services"),
    "token": Word(RULE, "tokens", "tokens"),
    "user": Word(RULE, "tokens", "users"),
    "audit": Word(RULE, "tokens", "audit"),
    "backup": Word(RULE, "archive", "backup", "BACKUP_HELP"),
    "restore": Word(RULE, "archive", "restore", "RESTORE_HELP"),
}


class Commands(Mapping[str, Any]):
    """What typer makes of these words, by word."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, WORDS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(WORDS)

    def __len__(self) -> int:
        return len(WORDS)


def _command(name: str, word: Word) -> Any:
    module = import_module(f"{__package__}.{word.module}")
    found = getattr(module, word.name)
    holder = typer.Typer()
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, rich_help_panel=word.panel)
    else:
        told = getattr(module, word.help) if word.help else None
        holder.command(name, help=told, rich_help_panel=word.panel)(found)
    made = get_group(holder).commands[name]
    _flow(made)
    return made


def _flow(command: Any) -> None:
    """Lines of its help, and of those below it, are as long as the terminal makes them, not as the source has them."""
    command.help = flowed(command.help or "")
    for below in getattr(command, "commands", {}).values():
        _flow(below)


def flowed(text: str) -> str:
    """A help text with each paragraph in one line, but for those that have an indented line: they are drawn."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(one if re.search(r"^ ", one, re.MULTILINE) else one.replace("\n", " ") for one in paragraphs)
