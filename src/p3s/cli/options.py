"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from . import complete

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many, newest first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")]
Why = Annotated[str, typer.Option(help="For the record.")]
Job = Annotated[str, typer.Argument(help="Its UUID.", autocompletion=complete.jobs)]
JobType = Annotated[str, typer.Option(help="Only this job type.", autocompletion=complete.job_types)]
Jobs = Annotated[list[str], typer.Argument(help="Their UUIDs.", autocompletion=complete.jobs)]
