"""`p3s job logs`: what a job wrote, also while it is on its way."""

from typing import Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.states import FINAL_JOB_STATES
from p3s.protocol.views import Job as JobView

from . import show
from .options import Job


def logs(
    job: Job,
    stderr: Annotated[bool, typer.Option("--stderr", help="stderr instead of stdout.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-F", help="Go on until the job has ended.")] = False,
) -> None:
    """What a job wrote. Examples: p3s job logs UUID --stderr | p3s job logs UUID --follow"""
    client, stream = Client(), "stderr" if stderr else "stdout"
    if not follow:
        show.text(client.log(job, stream))
        return
    found = client.job(job)
    if found["state"] not in FINAL_JOB_STATES:
        show.note(f"note: {_where(found)}")
    for text in client.follow(job, stream):
        show.text(text)
    found = client.job(job)
    if found["state"] != "finished":
        show.note(f"note: {job} {found['state']}: {found['reason']}")


def _where(job: JobView) -> str:
    if job["state"] == "running":
        return f"it runs on {job['host']}; what it wrote is here once the pilot has sent it, at the latest at its end"
    return f"it is {job['state']}; p3s job explain {job['uuid']} says why it does not run"


def last_words(client: Client, job: str) -> str:
    """The last line that a job wrote to stderr: of one that failed it mostly says why."""
    return (client.log(job, "stderr").strip().splitlines() or [""])[-1]
