"""The command `p3s`. Errors are lines on stderr, one for each mistake; what a command ends with is `EXIT_CODES`."""

import io
import sys
from typing import Annotated

import typer

from p3s.protocol.errors import P3sError, Refused

from . import show, wrong

EXIT_CODES = {
    0: "done",
    1: "the answer is no: a job failed, a check is bad, a part could not start",
    2: "a wrong command line or description",
    3: "no p3s server answers",
    4: "there is no such job, pilot or other object",
    5: "the token does not allow it",
    6: "refused for another reason; the message says which",
    130: "interrupted",
}

app = typer.Typer(
    cls=wrong.Root,
    epilog="Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="The prompt processing system: data in, plots out, within minutes. Try it: p3s demo",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"p3s {version('p3s')}")
        raise typer.Exit


@app.callback()
def p3s(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """The prompt processing system."""


def main() -> None:
    """Run, and turn what goes wrong into lines and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # of a terminal that is not in UTF-8, of names that are not
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except typer.TyperException as error:
        wrong.tell(error)
        sys.exit(2)
    except P3sError as error:
        show.refusal(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except OSError as error:  # of a disk that is full, a name that is too long, a directory that is closed
        said = error.strerror or str(error)
        show.note(f"p3s: {error.filename}: {said}" if error.filename else f"p3s: {said}")
        sys.exit(Refused.exit_code)
