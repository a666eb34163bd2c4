"""The command `p3s`. Errors are one line on stderr; exit codes: 0 done, 1 refused or failed, 2 wrong command line,
3 no server answers."""

import sys
from typing import Annotated

import typer

from p3s.protocol.errors import P3sError, TryLater

from . import alarms, changes, classic, doctor, jobtypes, parts, payload, repro, trial
from .demo import demo

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="The prompt processing system: data in, plots out, within minutes. Try it: p3s demo",
)
app.command()(demo)
app.add_typer(changes.app, name="job")
changes.app.command("test", help=trial.TEST_HELP)(trial.try_out)
changes.app.command("repro")(repro.repro)
app.add_typer(jobtypes.app, name="jobtype")
app.add_typer(parts.server, name="server")
app.add_typer(parts.pilot, name="pilot")
app.add_typer(parts.watcher, name="watcher")
app.add_typer(alarms.app, name="alarm")
app.add_typer(payload.app, name="payload")
app.add_typer(classic.app, name="classic")
app.command()(doctor.summary)
app.command()(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"p3s {version('p3s')}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """The prompt processing system."""


def main() -> None:
    """Run, and turn our errors into one line."""
    try:
        app()
    except TryLater as error:
        _end(error, 3)
    except P3sError as error:
        _end(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


def _end(error: P3sError, code: int) -> None:
    print(f"p3s: {error}", file=sys.stderr)
    sys.exit(code)
