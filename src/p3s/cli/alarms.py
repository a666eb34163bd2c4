"""`p3s alarm ...`"""

from time import time
from typing import Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.views import Alarm

from . import show
from .options import Json, Limit

app = typer.Typer(no_args_is_help=True, help="What a person should know.")


@app.callback()
def alarm_group() -> None:
    """Alarms."""


@app.command("list")
def list_alarms(
    limit: Limit = 100,
    every: Annotated[bool, typer.Option("--all", help="Cleared ones too.")] = False,
    json: Json = False,
) -> None:
    """List open alarms, the latest first. Example: p3s alarm list --all"""
    found = Client().alarms(every, limit)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = ((one["severity"], one["message"], show.age(one["raised_at"], now), _ending(one, now)) for one in found)
    empty = "no alarm was ever raised" if every else "no alarm is open; p3s alarm list --all shows what was"
    show.table(("severity", "alarm", "raised", "cleared"), rows, empty)


def _ending(alarm: Alarm, now: float) -> str:
    cleared = alarm["cleared_at"]
    return f"{show.age(cleared, now)} ago: {alarm['ending']}" if isinstance(cleared, float) else ""
