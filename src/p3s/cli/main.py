"""The command `p3s`. Errors are one line on stderr; what a command ends with is `EXIT_CODES`."""

import sys
from typing import Annotated

import typer

from p3s.protocol.errors import P3sError

from . import (
    alarms,
    archive,
    classic,
    datasets,
    datatypes,
    doctor,
    gather,
    jobs,
    jobtypes,
    lineage,
    parts,
    pause,
    payload,
    repro,
    results,
    runs,
    schema,
    services,
    streams,
    tokens,
    trial,
    watcher,
    workflows,
    wrong,
)
from .demo import demo
from .top import top

EXIT_CODES = {
    0: "done",
    1: "the answer is no: a job failed, a check is bad, a part could not start",
    2: "a wrong command line or description",
    3: "no server answers",
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
WORK, WATCH, RUN, RULE = "Work", "What is going on", "Run the parts", "Operate"

app.add_typer(jobs.app, name="job", rich_help_panel=WORK)
jobs.app.command("test", help=trial.TEST_HELP)(trial.try_out)
jobs.app.command("repro")(repro.repro)
jobs.app.command("inputs", help=gather.INPUTS_HELP)(gather.list_inputs)
app.add_typer(jobtypes.app, name="jobtype", rich_help_panel=WORK)
app.add_typer(datasets.app, name="dataset", rich_help_panel=WORK)
app.add_typer(datatypes.app, name="datatype", rich_help_panel=WORK)
app.add_typer(runs.app, name="run", rich_help_panel=WORK)
app.add_typer(workflows.app, name="workflow", rich_help_panel=WORK)
app.add_typer(streams.app, name="stream", rich_help_panel=WORK)
app.add_typer(payload.app, name="payload", rich_help_panel=WORK)
app.add_typer(classic.app, name="classic", rich_help_panel=WORK)
app.command(help=schema.SCHEMA_HELP, rich_help_panel=WORK)(schema.schema)
app.command(rich_help_panel=WATCH)(doctor.summary)
app.command(rich_help_panel=WATCH)(top)
app.command(rich_help_panel=WATCH)(doctor.doctor)
app.command(help=lineage.LINEAGE_HELP, rich_help_panel=WATCH)(lineage.lineage)
app.add_typer(gather.app, name="gather", rich_help_panel=WATCH)
app.add_typer(results.app, name="result", rich_help_panel=WATCH)
app.add_typer(alarms.app, name="alarm", rich_help_panel=WATCH)
app.command(rich_help_panel=RUN)(demo)
app.add_typer(parts.server, name="server", rich_help_panel=RUN)
app.add_typer(parts.pilot, name="pilot", rich_help_panel=RUN)
app.add_typer(watcher.app, name="watcher", rich_help_panel=RUN)
app.command(help=pause.PAUSE_HELP, rich_help_panel=RULE)(pause.pause)
app.command(rich_help_panel=RULE)(pause.resume)
app.command(help=pause.PURGE_HELP, rich_help_panel=RULE)(pause.purge)
app.add_typer(services.app, name="service", rich_help_panel=RULE)
app.add_typer(tokens.tokens, name="token", rich_help_panel=RULE)
app.add_typer(tokens.users, name="user", rich_help_panel=RULE)
app.command(rich_help_panel=RULE)(tokens.audit)
app.command(help=archive.BACKUP_HELP, rich_help_panel=RULE)(archive.backup)
app.command(help=archive.RESTORE_HELP, rich_help_panel=RULE)(archive.restore)


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
    """Run, and turn what goes wrong into one line and an exit code."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except typer.TyperException as error:
        wrong.tell(error)
        sys.exit(2)
    except P3sError as error:
        print(f"p3s: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
