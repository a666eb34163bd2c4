"""`p3s doctor` and `p3s summary`: is all well, and what is there."""

import platform
import shutil
from collections.abc import Callable
from importlib.metadata import version
from time import time

import typer

from p3s.client.place import find, server_dir
from p3s.client.sdk import Client
from p3s.protocol.errors import P3sError
from p3s.protocol.messages import PROTOCOL_VERSION
from p3s.protocol.units import of_bytes

from . import show
from .options import Json

FAR_OFF_S = 5.0
LITTLE = 0.1


def doctor(json: Json = False) -> None:
    """Check client, server, token, clock and disk. Exit code 1 when something is wrong. Example: p3s doctor"""
    checks = [_check(name, look) for name, look in _CHECKS.items()]
    if json:
        show.as_json([{"check": name, "good": good, "says": says} for name, good, says in checks])
    else:
        told = ""  # what is the matter with the server is said once
        for name, good, says in checks:
            mark = "[green]ok  [/]" if good else "[red]bad [/]"
            show.console().print(f"{mark}{name:10}", end="")
            show.console().print("likewise" if says == told else says, markup=False, highlight=False, soft_wrap=True)
            told = told if good else says
    if not all(good for _, good, _ in checks):
        raise typer.Exit(1)


def _check(name: str, look: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return name, True, look()
    except (P3sError, OSError) as error:
        return name, False, str(error)


def _client() -> str:
    return f"p3s {version('p3s')}, Python {platform.python_version()}, protocol {PROTOCOL_VERSION}"


def _server() -> str:
    client = Client(patience_s=0)
    began = time()
    protocol = client.whoami()["protocol"]
    if protocol != PROTOCOL_VERSION:
        older = "the server" if protocol < PROTOCOL_VERSION else "this client"
        raise P3sError(f"{client.server} speaks protocol {protocol}, this client {PROTOCOL_VERSION}: upgrade {older}")
    return f"{client.server} answers in {(time() - began) * 1000:.0f} ms (found by {client.found})"


def _token() -> str:
    if not find().token:
        raise P3sError("none: reading works, submitting does not; set P3S_TOKEN")
    who = Client(patience_s=0).whoami()
    return f"of {who['owner']}, may: {' '.join(who['scopes'])}"


def _clock() -> str:
    client = Client(patience_s=0)
    client.whoami()  # so that the connection is open when it counts
    began = time()
    server = client.whoami()["now"]
    off = server - (began + time()) / 2
    if abs(off) > FAR_OFF_S:
        raise P3sError(f"differs from the server's by {off:.0f} s; set it (ntp): ages shown here are wrong by as much")
    return f"within {abs(off):.3f} s of the server's"


def _disk() -> str:
    place = server_dir()
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    says = f"{of_bytes(usage.free)} free of {of_bytes(usage.total)} under {place}"
    if usage.free < LITTLE * usage.total:
        raise P3sError(f"{says}: less than {LITTLE:.0%}; make room before the server stops taking data")
    return says


def _services() -> str:
    found = Client(patience_s=0).services()
    ill = [f"{one['name']} {'failed' if one['error'] else 'is late'}" for one in found if one["error"] or one["late"]]
    if ill:
        raise P3sError(f"{', '.join(ill)}; p3s service list says why")
    return f"all {len(found)} are well"


_CHECKS = {
    "client": _client,
    "server": _server,
    "token": _token,
    "clock": _clock,
    "disk": _disk,
    "services": _services,
}


def summary(json: Json = False) -> None:
    """Pilots, jobs, data and results in five lines. Example: p3s summary --json"""
    found = Client().summary()
    if json:
        show.as_json(found)
        return
    print(f"pilots    {_counts(found['pilots'])}; {found['slots_in_use']} of {found['slots']} slots in use")
    print(f"jobs      {_counts(found['jobs'])}")
    for pause in found["paused"]:
        print(show.plain(f"paused    {pause['said']}"))
    if found["workflows"]:
        print(f"workflows {_counts(found['workflows'])}")
    print(f"datasets  {found['datasets']}")
    newest = found["newest_result_age_s"]
    print(f"results   {found['results']}" + ("" if newest is None else f", the newest {show.length(newest)} old"))


def _counts(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
