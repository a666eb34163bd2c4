"""Cold route of lineage: what came of what."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.domain.data.lineage import Key, Walk, shown, walk
from p3s.protocol import catalogue_bounds, catalogue_routes
from p3s.protocol.errors import Conflict, NotKnown
from p3s.server.data import reads as data
from p3s.server.results import lineage

from .doors import reach
from .paging import exact, one_of

router = Router(tags=["data"])

MOST = 100_000
"""Things that are looked at for one answer, each way."""

WAYS = ("up", "down", "both")


@router.get("/lineage", auth=reach("read"), summary=catalogue_routes.LINEAGE.summary)
@exact
def show_lineage(
    request: HttpRequest,  # noqa: ARG001
    of: Annotated[str, Query(max_length=2_000, description="a file's UUID, name or URL, a job's UUID, or result:ID")],
    way: Annotated[str, Query(max_length=10, description="up: made of what; down: what was made of it; both")] = "both",
    fan: Annotated[int, Query(ge=1, le=MOST, description="neighbours of a thing that are shown, at most")] = 10,
) -> dict[str, Any]:
    """What something was made of (up) and what was made of it (down), to the ends. All things are counted; shown are
    of each thing the first `fan` that follow, so that a sample goes all the way."""
    catalogue_bounds.check_which(of, "of")
    one_of(way, WAYS, "way")
    start = _key(of)
    ways = {"up": lineage.up, "down": lineage.down}
    found = {name: walk(start, step, MOST) for name, step in ways.items() if way in (name, "both")}
    shows = {name: shown(one, fan) for name, one in found.items()}
    things = lineage.describe(list(dict.fromkeys(key for one in shows.values() for key in one.left_out)))
    left_out: dict[Key, int] = {}
    edges: dict[tuple[str, str], str] = {}
    for name, one in shows.items():
        for key, count in one.left_out.items():
            left_out[key] = left_out.get(key, 0) + count
        for near, far, how in one.links:
            source, target = (far, near) if name == "up" else (near, far)
            if source in things and target in things:
                edges[things[source].id, things[target].id] = how
    return {
        "of": things[start].id if start in things else of,
        "nodes": [_node(thing, left_out[key]) for key, thing in things.items()],
        "edges": [{"source": source, "target": target, "how": how} for (source, target), how in edges.items()],
        **{name: _way(found[name], name) if name in found else None for name in ways},
    }


def _node(thing: lineage.Thing, left_out: int) -> dict[str, Any]:
    named = {"id": thing.id, "kind": thing.kind, "name": thing.name}
    return {**named, "state": thing.state, "url": thing.url, "run": thing.run, "left_out": left_out}


def _way(found: Walk, way: str) -> dict[str, Any]:
    """Sets are told from files by what they hold."""
    counts = found.counts()
    holding = [(near, far) for near, further in found.beyond.items() for far, how in further.items() if how == "holds"]
    sets = {near if way == "up" else far for near, far in holding} - {found.start}
    files = counts.pop("dataset", 0) - len(sets)
    counts |= {kind: count for kind, count in (("file", files), ("set", len(sets))) if count}
    return {"counts": counts, "ends": len(found.ends()), "whole": found.whole}


def _key(of: str) -> Key:
    """What is asked for. Raises NotKnown, or Conflict for a name that several files have."""
    kind, _, name = of.partition(":")
    if kind == "result":
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else -1
        key = lineage.result_key(number) if number >= 0 else None
    elif kind in ("job", "purged"):
        key = lineage.job_key(name)
    else:
        key = _file_key(name if kind == "file" and name else of) or lineage.job_key(of)
    if key is None:
        raise NotKnown(f"there is no file, job or result {of[:200]}; write a file's name, UUID or URL, or result:17")
    return key


def _file_key(which: str) -> Key | None:
    rows = data.matching(which, 4)
    if len(rows) > 1:
        named = ", ".join(f"{row.uuid} ({row.url})" for row in rows[:3])
        raise Conflict(f"{which[:200]} is the name of several datasets; name one by UUID or URL: {named}")
    return ("dataset", rows[0].uuid) if rows else None
