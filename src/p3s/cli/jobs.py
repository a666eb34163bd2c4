"""`p3s job list`, `show`; the rest of `p3s job ...` stands beside it."""

from time import time
from typing import Annotated, Any

import typer

from p3s.client.lists import JobChoice
from p3s.client.sdk import Client

from . import changes, gather, moments, repro, rerun, show, trial
from .logs import last_words, logs
from .options import Host, Job, JobType, Json, Limit, Name, Run, Since, Site, State, User
from .submit import SUBMIT_HELP, submit

app = typer.Typer(no_args_is_help=True, help="Submit, list, look at, change and cancel jobs.")
app.command(help=SUBMIT_HELP)(submit)


@app.command("list")
def list_jobs(
    limit: Limit = 20,
    state: State = "",
    jobtype: JobType = "",
    user: User = "",
    site: Site = "",
    host: Host = "",
    pilot: Annotated[str, typer.Option(help="Only of this pilot.")] = "",
    stream: Annotated[str, typer.Option(help="Only of this stream.")] = "",
    workflow: Annotated[str, typer.Option(help="Only of this workflow.")] = "",
    name: Name = "",
    run: Run = None,
    since: Since = "",
    json: Json = False,
) -> None:
    """List the latest jobs. Examples: p3s job list --state failed,lost | p3s job list --user ana --since 6h"""
    choice: JobChoice = {"owner": user, "site": site, "host": host, "pilot": pilot, "stream": stream, "name": name}
    choice |= {"workflow": workflow, "run": run, "since": moments.since(since)}
    found = Client().jobs(limit, state, jobtype, **choice)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (j["uuid"], j["jobtype"], j["state"], j["reason"], j["name"], show.age(j["submitted_at"], now), j["host"])
        for j in found
    )
    titles = ("job", "type", "state", "reason", "name", "age", "host")
    chosen = state or jobtype or any(value not in ("", None) for value in choice.values())
    empty = "no such jobs" if chosen else "no jobs yet; submit one: p3s job submit -- /bin/echo hello"
    show.table(titles, rows, empty, ("host", "reason", "name"))


@app.command("show")
def show_job(job: Job, json: Json = False) -> None:
    """All there is about a job. Example: p3s job show UUID"""
    client = Client()
    found: dict[str, Any] = {**client.job(job)}
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
        why = f": {event['why']}" if event["why"] else ""
        print(show.plain(f"event          {show.age(event['at'], now)} ago: {event['what']} by {event['who']}{why}"))
    if found["state"] == "failed" and (last := last_words(client, found["uuid"])):
        print(show.plain(f"last on stderr {last}"))


def _said(name: str, value: Any, now: float) -> str:
    """A field for people; nothing for what is not known or does not apply."""
    if value in (None, "", {}, []) or (value == 0 and name in ("time_limit", "retried")):
        return ""
    if name.endswith("_at"):
        return f"{show.age(value, now)} ago" if value <= now else f"in {show.length(value - now)}"
    if name.endswith("_s") or name == "time_limit":
        return show.length(value)
    if isinstance(value, dict):
        return "  ".join(f"{key}={one}" for key, one in value.items())
    return show.size(value) if name == "peak_memory" else str(value)


app.command()(logs)
app.command(help=changes.CANCEL_HELP)(changes.cancel)
app.command(help=changes.HOLD_HELP)(changes.hold)
app.command(help=changes.RELEASE_HELP)(changes.release)
app.command(help=changes.ADJUST_HELP)(changes.adjust)
app.command(help=rerun.RERUN_HELP)(rerun.rerun)
app.command("test", help=trial.TEST_HELP)(trial.try_out)
app.command("repro")(repro.repro)
app.command("inputs", help=gather.INPUTS_HELP)(gather.list_inputs)
app.command()(rerun.explain)
