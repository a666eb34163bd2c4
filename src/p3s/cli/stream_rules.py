"""`p3s stream set`, `revert`: a rule is changed live, with a reason, and made what it was."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from p3s.client.descriptions import resolved
from p3s.client.sdk import Client
from p3s.domain import changes as rules
from p3s.protocol.errors import BadInput
from p3s.protocol.mistakes import refuse, said
from p3s.protocol.streams import StreamChanged

from . import show
from .options import DryRun, Json, Stream

Reason = Annotated[str, typer.Option("--reason", "--why", help="For the record; required.")]

SET_HELP = """Change a stream's rule live, for files that come from now on.

A place of the rule is a dotted path: env.NAME, take.one_in, take.first_of_run, waiting.at_most, waiting.then,
jobs.TYPE.payload, jobs.TYPE.priority, jobs.TYPE.one_in, jobs.TYPE.env.NAME, jobs.TYPE.needs.memory, parameters.NAME
(of a workflow) and so on; p3s stream show has those that are set.

Examples:

  p3s stream set np04 env.DUNETPCVER=v07_14_00 --reason "reads the new headers"

  p3s stream set np04 take.one_in=20 jobs.evdisp.one_in=1 jobs.monitor.time_limit=3h --reason "beam is on" --dry-run

  p3s stream set np04 --unset waiting --reason "enough pilots"

PATH= takes out, too. Every change is a version: p3s stream versions, p3s stream revert.
"""


def set_stream(
    name: Stream,
    settings: Annotated[list[str] | None, typer.Argument(metavar="PATH=VALUE...", help="What is to be other.")] = None,
    unset: Annotated[list[str] | None, typer.Option(metavar="PATH", help="Take out: its default holds.")] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if not (settings or unset):
        raise BadInput("p3s stream set wants PATH=VALUE, like env.RELEASE=v2, or --unset PATH")
    _check_reason(reason)
    client = Client()
    rule = client.stream(name)["spec"]
    changes: dict[str, Any] = {}
    gone = list(unset or [])

    def take(text: str) -> None:
        path, equals, value = text.partition("=")
        if not equals:
            raise BadInput(f"{text!r} says no value; write {text}=VALUE, or --unset {text}")
        if value:
            changes[path] = rules.read(path, resolved(value, Path()) if _is_payload(path) else value, rule)
        else:
            gone.append(path)

    refuse(mistake for text in settings or [] for mistake in said(take, text))
    _tell(client.set_stream(name, changes, reason, gone, dry_run), "set", dry_run, json)


def _is_payload(path: str) -> bool:
    """Whether a place of a rule holds a command, whose ./x is seen from here as in a file from the file's directory."""
    return path.startswith(("jobs.", "gather.")) and path.endswith(".payload") and ".env." not in path


def revert(
    name: Stream,
    to: Annotated[int | None, typer.Option(help="The version; without it, what was declared last.")] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a stream what it was. Example: p3s stream revert np04 --to 3 --reason "the new release crashes" """
    _check_reason(reason)
    _tell(Client().revert_stream(name, reason, to, dry_run), "reverted", dry_run, json)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInput("--reason: say why, for the record and for those on shift after you")


def _tell(reply: StreamChanged, done: str, dry_run: bool, json: bool) -> None:
    if json:
        show.as_json(asdict(reply))
        return
    for one in reply.changes:
        print(show.plain(rules.said([one])))
    for note in reply.notes:
        print(show.plain(f"{reply.name}: {note}"))
    if reply.changes:
        print(show.plain(f"{reply.name}: would be {done}" if dry_run else f"{reply.name}: version {reply.version}"))
