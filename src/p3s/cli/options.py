"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from . import complete


def words(text: str) -> list[str]:
    """What commas separate."""
    return [word.strip() for word in text.split(",") if word.strip()]


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many, newest first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")]
Why = Annotated[str, typer.Option("--why", "--reason", help="For the record.")]
Job = Annotated[str, typer.Argument(help="Its UUID.", autocompletion=complete.jobs)]
JobType = Annotated[str, typer.Option(help="Only this job type.", autocompletion=complete.job_types)]
Jobs = Annotated[list[str], typer.Argument(help="Their UUIDs.", autocompletion=complete.jobs)]
SomeJobs = Annotated[
    list[str] | None, typer.Argument(help="Their UUIDs; or choose by the options.", autocompletion=complete.jobs)
]
State = Annotated[str, typer.Option(help="Only these states, separated by commas.", autocompletion=complete.states)]
FinalState = Annotated[
    str, typer.Option(help="All that ended so, separated by commas.", autocompletion=complete.final_states)
]
User = Annotated[str, typer.Option("--user", help="Only of this owner.")]
Site = Annotated[str, typer.Option(help="Only of pilots of this site.", autocompletion=complete.sites)]
Host = Annotated[str, typer.Option(help="Only of pilots on this host.", autocompletion=complete.hosts)]
Name = Annotated[str, typer.Option(help="Only of this name; * at its end is anything.")]
Stream = Annotated[str, typer.Argument(help="The stream.", autocompletion=complete.streams)]
Run = Annotated[int | None, typer.Option(help="Only of this run of the experiment.")]
Since = Annotated[str, typer.Option(metavar="6h", help="Only from then on: 02:00, 2026-05-04 18:30, or 6h ago.")]
