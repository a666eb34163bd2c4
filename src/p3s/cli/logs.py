"""`p3s job logs`: what a job wrote, also while it is on its way."""

import sys
import time
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol.states import FINAL_JOB_STATES

from . import show
from .options import Job

OVERLAP = 200
"""So much of what was printed is looked for in what came, when only the end of a log is kept."""


def logs(
    job: Job,
    stderr: Annotated[bool, typer.Option("--stderr", help="stderr instead of stdout.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-F", help="Go on until the job has ended.")] = False,
) -> None:
    """What a job wrote. Examples: p3s job logs UUID --stderr | p3s job logs UUID --follow"""
    client, stream = Client(), "stderr" if stderr else "stdout"
    if follow:
        _follow(client, job, stream)
    else:
        _write(client.log(job, stream))


def _follow(client: Client, job: str, stream: str) -> None:
    """Print what comes. The state is read before the log: of a job that had ended, the log is whole."""
    printed, said, pause = "", "", 0.1
    while True:
        found = client.job(job)
        text = client.log(job, stream)
        if text != printed:
            _write(beyond(printed, text))
            printed = text
        if found["state"] in FINAL_JOB_STATES:
            if found["state"] != "finished":
                show.note(f"note: {job} {found['state']}: {found['reason']}")
            return
        if _where(found) != said:
            said = _where(found)
            show.note(f"note: {said}")
        time.sleep(pause)
        pause = min(1.0, pause * 1.5)


def _where(job: dict[str, Any]) -> str:
    if job["state"] == "running":
        return f"it runs on {job['host']}; what it wrote is here once the pilot has sent it, at the latest at its end"
    return f"it is {job['state']}; p3s job explain {job['uuid']} says why it does not run"


def beyond(before: str, text: str) -> str:
    """What `text` has more than `before`, when both may be only the ends of a log that grows."""
    if text.startswith(before):
        return text[len(before) :]
    place = text.find(before[-OVERLAP:])
    return text if place < 0 else text[place + len(before[-OVERLAP:]) :]


def _write(text: str) -> None:
    sys.stdout.write(show.plain(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
