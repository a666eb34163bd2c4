"""`p3s pilot list`, `hosts`, `trust`, `drain`, `stop`, `delete`: what pilots there are, and what one does to them."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput
from p3s.protocol.many import PilotOrderRequest, PurgeRequest
from p3s.protocol.views import Doubt, PilotRow

from . import complete, show
from .options import DryRun, Json, Limit, Why, words

Pilots = Annotated[
    list[str] | None, typer.Argument(help="Their UUIDs; or choose by the options.", autocompletion=complete.pilots)
]
Site = Annotated[str, typer.Option(help="Only of this site.", autocompletion=complete.sites)]
Host = Annotated[str, typer.Option(help="Only on this host.", autocompletion=complete.hosts)]
Batch = Annotated[str, typer.Option(help="Only of this job of the batch system.")]
State = Annotated[str, typer.Option(metavar="STATE,...", help="active, draining, idle or silent; several by commas.")]
EndState = Annotated[str, typer.Option(metavar="STATE,...", help="stopped or lost; both by a comma.")]
All = Annotated[bool, typer.Option("--all", help="All there are.")]


def list_pilots(
    ended: Annotated[bool, typer.Option("--ended", help="Those no longer in service.")] = False,
    site: Site = "",
    host: Host = "",
    batch: Batch = "",
    limit: Limit = 1_000,
    json: Json = False,
) -> None:
    """List pilots, the latest registered first. Example: p3s pilot list --site lxbatch"""
    found = Client().pilots(ended, limit + 1, site=site, host=host, batch_id=batch)
    if len(found) > limit:
        show.note("note: only the latest are shown; -n shows more")
        found = found[:limit]
    if json:
        show.as_json(found)
        return
    now = time.time()
    rows = (
        (p["uuid"], p["host"], p["site"], _state(p), f"{p['out']}/{p['slots']}", show.age(p["last_seen_at"], now))
        for p in found
    )
    empty = "no such pilots" if site or host or batch else "no pilots; start one: p3s pilot start"
    show.table(("pilot", "host", "site", "state", "slots", "heard"), rows, empty, ("site", "heard"))


def _state(pilot: PilotRow) -> str:
    silent_s = pilot.get("silent_s")
    return str(pilot["state"]) if silent_s is None else f"silent {show.length(silent_s)}"


def list_hosts(json: Json = False) -> None:
    """List the hosts of pilots, and which are suspect and why. Example: p3s pilot hosts"""
    found = Client().hosts()
    if json:
        show.as_json(found)
        return
    now = time.time()
    rows = (
        (one["host"], one["pilots"], f"{one['out']}/{one['slots']}", "; ".join(_doubt(d, now) for d in one["doubts"]))
        for one in found
    )
    show.table(("host", "pilots", "slots", "suspect"), rows, "no pilots; start one: p3s pilot start")


def _doubt(doubt: Doubt, now: float) -> str:
    what = f"gets no {doubt['jobtype']}" if doubt["jobtype"] else "gets no jobs"
    return f"{what}: {doubt['why']}; tried again in {show.length(max(doubt['probe_at'] - now, 0.0))}"


def trust_host(
    host: Annotated[str, typer.Argument(help="As p3s pilot hosts names it.", autocompletion=complete.hosts)],
    why: Why = "",
    dry_run: DryRun = False,
) -> None:
    """Give the pilots of a suspect host jobs again. Example: p3s pilot trust wn7 --why "disk replaced" """
    client, host_said = Client(), show.plain(host)
    if dry_run:
        doubts = [_doubt(d, time.time()) for one in client.hosts() if one["host"] == host for d in one["doubts"]]
        print(f"{host_said}: would be trusted again ({'; '.join(doubts)})" if doubts else f"{host_said}: not suspect")
        return
    print(f"{host_said}: {'its pilots get jobs again' if client.trust(host, why) else 'it was not suspect'}")


DRAIN_HELP = """Let pilots take nothing new and end when their jobs have ended.

Examples:

  p3s pilot drain UUID

  p3s pilot drain --host wn7 --why "disk to be replaced" --dry-run
"""


def drain(
    pilots: Pilots = None,
    site: Site = "",
    host: Host = "",
    batch: Batch = "",
    state: State = "",
    every: All = False,
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    _tell(PilotOrderRequest("drain", pilots or [], site, host, batch, words(state), every, dry_run, why), json)


STOP_HELP = """End pilots now, with the jobs that they run: these are lost, or tried again where their type has retries.

Examples:

  p3s pilot stop UUID

  p3s pilot stop --site lxbatch --state idle

  p3s pilot stop --all --dry-run
"""


def stop(
    pilots: Pilots = None,
    site: Site = "",
    host: Host = "",
    batch: Batch = "",
    state: State = "",
    every: All = False,
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    _tell(PilotOrderRequest("stop", pilots or [], site, host, batch, words(state), every, dry_run, why), json)


def _tell(request: PilotOrderRequest, json: bool) -> None:
    chosen = request.uuids or request.site or request.host or request.batch_id or request.states or request.every
    if not chosen:
        raise BadInput(f"p3s pilot {request.order} wants UUIDs of pilots, or --host, --site, --batch, --state or --all")
    told = Client().order_pilots(request).pilots
    if json:
        show.as_json([vars(one) for one in told])
        return
    rows = ((one.pilot, one.host, one.out, one.note) for one in told)
    show.table(("pilot", "host", "jobs", ""), rows, "no such pilots in service")


DELETE_HELP = """Remove the records of pilots that have ended. Those that jobs name are kept.

Examples:

  p3s pilot delete UUID

  p3s pilot delete --host wn7 --dry-run

  p3s pilot delete --state lost
"""


def delete(
    pilots: Pilots = None,
    site: Site = "",
    host: Host = "",
    batch: Batch = "",
    state: EndState = "",
    every: All = False,
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    chosen, states, client = bool(site or host or batch), words(state), Client()
    if [bool(pilots), chosen or bool(state), every].count(True) != 1:
        raise BadInput(
            "p3s pilot delete wants UUIDs of ended pilots; or --host, --site, --batch, --state; or --all: one of these"
        )
    if chosen:
        found = client.pilots(True, None, site=site, host=host, batch_id=batch)
        pilots = [one["uuid"] for one in found if not states or one["state"] in states]
    requests = [PurgeRequest("pilots", portion, dry_run=dry_run, why=why) for portion in _portions(pilots or [])]
    if not (pilots or chosen):
        requests = [PurgeRequest("pilots", [], states, 0.0, dry_run=dry_run, why=why)]
    removed = kept = 0
    for request in requests:
        reply = client.purge(request)
        removed, kept = removed + reply.removed, kept + reply.kept
    if json:
        show.as_json({"removed": removed, "kept": kept})
        return
    print(f"{'would remove' if dry_run else 'removed'}: {show.count(removed, 'pilot')}; kept: {kept}, named by jobs")


def _portions(names: list[str]) -> Iterable[list[str]]:
    return (names[place : place + 1000] for place in range(0, len(names), 1000))
