"""`p3s jobtype ...`"""

from dataclasses import replace
from typing import Annotated, Any

import typer

from p3s.client.descriptions import duration
from p3s.client.sdk import Client
from p3s.domain.job_types import changed, word
from p3s.protocol import bounds, codec
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.views import JobType

from . import complete, show
from .options import DryRun, Json

app = typer.Typer(no_args_is_help=True, help="List and set job types: what their jobs share.")


@app.command("list")
def list_jobtypes(json: Json = False) -> None:
    """List job types. Example: p3s jobtype list"""
    found = Client().job_types()
    if json:
        show.as_json(found)
        return
    titles = ("job type", "priority", "cap", "pick", "eta", "stale after", "limit", "retries", "out", "waiting", "")
    rows = (
        (
            one["name"],
            one["priority"],
            "" if one["cap"] is None else one["cap"],
            one["pick"],
            *(show.length(one[name]) if one[name] else "" for name in ("eta", "stale_after", "time_limit")),
            one["retries"] or "",
            one["out"],
            one["waiting"],
            _words(one),
        )
        for one in found
    )
    empty = "no job types yet; a job that names one makes it"
    show.table(titles, rows, empty, ("retries", "limit", "stale after", "eta", "pick"))


def _words(one: JobType) -> str:
    words = [one["paused"]] if one["paused"] else []
    words += ["critical"] if one["critical"] else []
    words += [f"input as {one['input_as']}"] if one["input_as"] != "path" else []
    words += [f"supersedes by {', '.join(one['supersedes'])}"] if one["supersedes"] else []
    words += [f"expects {', '.join(one['expects'])}"] if one["expects"] else []
    return "; ".join(words)


SET_HELP = """Set what jobs of a type share; what is not named stays as it is. A new name makes a new type.

Examples:

  p3s jobtype set evdisp --cap 40 --pick freshest --stale-after 30m

  p3s jobtype set evdisp --cap 0        (a brake: nothing of it is handed out)

  p3s jobtype set evdisp --cap none

Cap, pick and retries count at once; the rest for jobs submitted from now on.
"""


@app.command("set", help=SET_HELP)
def set_jobtype(
    name: Annotated[str, typer.Argument(help="The job type.", autocompletion=complete.job_types)],
    priority: Annotated[int | None, typer.Option(help="A higher one goes first.")] = None,
    cap: Annotated[str, typer.Option(metavar="N|none", help="Most jobs out at once; 0 is a brake.")] = "",
    pick: Annotated[
        str, typer.Option(metavar="fifo|freshest|deadline", help="Which goes first.", autocompletion=complete.picks)
    ] = "",
    eta: Annotated[str, typer.Option(metavar="10m", help="Results are wanted after so long.")] = "",
    stale_after: Annotated[str, typer.Option(metavar="30m", help="Then they do not matter; 0s: never.")] = "",
    time_limit: Annotated[str, typer.Option(metavar="3h", help="End a job after so long; 0s: never.")] = "",
    retries: Annotated[int | None, typer.Option(help="Attempts more when the node failed.")] = None,
    critical: Annotated[bool | None, typer.Option(help="Shed other work for its ETA.")] = None,
    supersedes: Annotated[str, typer.Option(metavar="run,...|none", help="Newer of equal keys drop older.")] = "",
    input_as: Annotated[str, typer.Option(metavar="path|name|url", help="What P3S_INPUT_FILE holds.")] = "",
    expects: Annotated[str, typer.Option(metavar="CATEGORY[/ITEM],...|none", help="Results each job publishes.")] = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    changes: dict[str, Any] = {"priority": priority, "retries": retries, "critical": critical, "pick": pick or None}
    changes |= {"input_as": input_as or None}
    for field, text in (("eta", eta), ("stale_after", stale_after), ("time_limit", time_limit)):
        changes[field] = duration(text, f"--{field.replace('_', '-')}") if text else None
    changes = {field: value for field, value in changes.items() if value is not None}
    if cap:
        changes["cap"] = _cap(cap)
    for field, text in (("supersedes", supersedes), ("expects", expects)):
        if text:
            changes[field] = () if text == "none" else tuple(word.strip() for word in text.split(","))
    if dry_run:
        _tell_changes(name, changes, json)
        return
    changed = Client().change_job_type(name, **changes)
    if json:
        show.as_json({"name": name, "changed": changed})
        return
    print(f"{show.plain(name)}: {'set' if changed else 'it was so already'}")


def _tell_changes(name: str, changes: dict[str, Any], json: bool) -> None:
    """What would become of a type, by the server's own rules, which are here too. Raises BadInput."""
    known = next((one for one in Client().job_types() if one["name"] == name), None)
    before = JobTypeSpec(name) if known is None else codec.from_object(JobTypeSpec, known)
    after = replace(before, **changes)
    bounds.check_jobtype(after)
    said = changed(before, after)
    if json:
        show.as_json({"name": name, "changed": known is None or bool(said)})
        return
    if known is None:
        print(f"{show.plain(name)}: would be made")
    for field, value in said.items():
        was = word(field, getattr(before, field))
        print(show.plain(f"{name}: would set {field} {value}, was {was}"))
    if known is not None and not said:
        print(f"{show.plain(name)}: it is so already")


def _cap(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        raise BadInput(f"--cap: {text!r} is neither a number nor none")
    return int(text)
