"""`p3s job list`, `show`, `cancel`; the rest of `p3s job ...` stands beside it."""

from time import time
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client

from . import complete, show
from .logs import logs
from .options import Job, Jobs, JobType, Json, Limit, Why
from .submit import SUBMIT_HELP, submit

app = typer.Typer(no_args_is_help=True, help="Submit, list, look at and cancel jobs.")
app.command(help=SUBMIT_HELP)(submit)


@app.command("list")
def list_jobs(
    limit: Limit = 20,
    state: Annotated[
        str, typer.Option(help="Only these states, separated by commas.", autocompletion=complete.states)
    ] = "",
    jobtype: JobType = "",
    json: Json = False,
) -> None:
    """List the latest jobs. Example: p3s job list --state failed,lost"""
    found = Client().jobs(limit, state, jobtype)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (j["uuid"], j["jobtype"], j["state"], j["reason"], j["name"], show.age(j["submitted_at"], now), j["host"])
        for j in found
    )
    titles = ("job", "type", "state", "reason", "name", "age", "host")
    show.table(titles, rows, "no such jobs; submit one: p3s job submit -- /bin/echo hello")


@app.command("show")
def show_job(job: Job, json: Json = False) -> None:
    """All there is about a job. Example: p3s job show UUID"""
    found = Client().job(job)
    if json:
        show.as_json(found)
        return
    now = time()
    silent_s = found.pop("pilot_silent_s", None)
    if silent_s is not None:
        found["pilot"] += f", silent {show.length(silent_s)}"
    for name, value in found.items():
        said = "" if name in ("id", "events") else _said(name, value, now)
        if said:
            print(f"{name:14} {show.plain(said)}")
    for event in found["events"]:
        print(
            show.plain(
                f"event          {show.age(event['at'], now)} ago: {event['what']} by {event['who']}: {event['why']}"
            )
        )


def _said(name: str, value: Any, now: float) -> str:
    """A field for people; nothing for what is not known or does not apply."""
    if value in (None, "", {}, []) or (value == 0 and name in ("time_limit", "retried")):
        return ""
    if name.endswith("_at"):
        return f"{show.age(value, now)} ago" if value <= now else f"in {show.length(value - now)}"
    if name.endswith("_s") or name == "time_limit":
        return show.length(value)
    return f"{value / 1e6:.3g} MB" if name == "peak_memory" else str(value)


app.command()(logs)


@app.command()
def cancel(jobs: Jobs, why: Why = "", json: Json = False) -> None:
    """Cancel jobs, waiting or running. Example: p3s job cancel UUID --why "wrong release" """
    client = Client()
    replies = [client.cancel(job, why) for job in jobs]
    if json:
        show.as_json([vars(reply) for reply in replies])
        return
    for reply in replies:
        print(f"{reply.job} {reply.state}: {reply.note}")
