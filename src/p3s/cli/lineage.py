"""`p3s lineage`: what something was made of, and what was made of it."""

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from p3s.client.data import ALL
from p3s.client.files import by_its_name
from p3s.client.sdk import Client
from p3s.protocol.catalogue_views import Lineage, LineageNode, Way
from p3s.protocol.errors import BadInput

from . import complete, show
from .options import Json

if TYPE_CHECKING:
    from rich.tree import Tree

LINEAGE_HELP = """What a file, a job or a result was made of, and what was made of it.

Examples:

  p3s lineage result:17                     (p3s dataset show and p3s job show name results)

  p3s lineage result:17 --up --files        (every raw file that it is made of, one a line)

  p3s lineage run4610_1.root --down

Of many that are alike some are shown and all counted; --all shows all.
"""

SHOWN = 5


def lineage(
    of: Annotated[
        str, typer.Argument(metavar="FILE|JOB|result:N", help="Name, UUID or URL.", autocompletion=complete.datasets)
    ],
    up: Annotated[bool, typer.Option("--up", help="Only what it was made of.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what was made of it.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show all, however many.")] = False,
    files: Annotated[bool, typer.Option("--files", help="Only the files at the ends, one a line.")] = False,
    json: Json = False,
) -> None:
    way = "both" if up == down else "up" if up else "down"
    if files and way == "both":
        if up or down:
            raise BadInput("--files: say which way, --up or --down")
        way = "up"
    # For people each way is asked for by itself: of the thing itself the server says how many neighbours it did not
    # show, not on which way they lie.
    ways = ("up", "down") if way == "both" and not json else (way,)
    fan = ALL if every or files else SHOWN
    with Client() as client:
        found = [by_its_name(of, partial(client.lineage, way=one, fan=fan)) for one in ways]
    for one in found:
        if json:
            show.as_json(one)
        elif files:
            for url in ends(one, way):
                print(show.plain(url))
        else:
            _print(one)
        _say_where_it_broke_off(one)


def _say_where_it_broke_off(found: Lineage) -> None:
    for name in ("up", "down"):
        side: Way | None = found["up"] if name == "up" else found["down"]
        if side is not None and not side["whole"]:
            show.note(f"{name}: there is more; no further than {ALL} things are looked at")


def ends(found: Lineage, way: str) -> list[str]:
    """Addresses of files beyond which nothing is known."""
    beyond = {edge["target" if way == "up" else "source"] for edge in found["edges"]}
    kinds = ("file", "path")
    return [
        node["url"]
        for node in found["nodes"]
        if node["kind"] in kinds and node["id"] not in beyond and node["id"] != found["of"]
    ]


def _print(found: Lineage) -> None:
    from rich.tree import Tree

    nodes = {node["id"]: node for node in found["nodes"]}
    start = nodes.get(found["of"])
    if start is None:
        raise BadInput(f"{found['of']} was removed while it was looked at")
    for title, side, near, far in (
        ("made of", found["up"], "target", "source"),
        ("gave", found["down"], "source", "target"),
    ):
        if side is not None:
            beyond: dict[str, list[tuple[str, str]]] = defaultdict(list)
            for edge in found["edges"]:
                beyond[edge[near]].append((edge[far], edge["how"]))  # type: ignore[literal-required]
            tree = Tree(f"{_words(start)}  [bold]{title}[/] {_counted(side)}")
            _grow(tree, start, nodes, beyond)
            show.console().print(tree, soft_wrap=True)


def _grow(
    tree: "Tree", node: LineageNode, nodes: dict[str, LineageNode], beyond: dict[str, list[tuple[str, str]]]
) -> None:
    """Without recursion, for chains may be long; in the order in which people read it. What stands above in the tree is
    named, not shown again."""
    shown: set[str] = set()
    waiting: list[tuple[Tree, str, str]] = [(tree, node["id"], "")]
    while waiting:
        at, name, how = waiting.pop()
        if not name:
            at.add(how)
            continue
        again = " (see above)" if name in shown else ""
        branch = at.add(f"[dim]{how}[/] {_words(nodes[name])}{again}") if how else at
        if again:
            continue
        shown.add(name)
        if nodes[name]["left_out"]:
            waiting.append((branch, "", f"[dim]and {nodes[name]['left_out']} more (--all shows them)[/]"))
        waiting += [(branch, far, how) for far, how in reversed(beyond[name])]


def _words(node: LineageNode) -> str:
    run = f", run {node['run']}" if node["run"] is not None else ""
    said = {"purged": "its record was purged", "path": "not registered"}.get(node["kind"], node["state"])
    said = show.judged(said) if node["kind"] == "result" else said
    name = node["name"] if node["kind"] != "purged" else node["id"].partition(":")[2]
    kind = {"path": "file", "purged": "job"}.get(node["kind"], node["kind"])
    uuid = f" {node['id'].partition(':')[2]}" if node["kind"] == "job" else ""
    label = f"result:{node['id'].partition(':')[2]} {name}" if node["kind"] == "result" else f"{kind} {name}{uuid}"
    return show.unmarked(f"{label}" + (f" ({said}{run})" if said or run else ""))


def _counted(way: Way) -> str:
    names = {"path": "unregistered file", "purged": "purged job"}
    words = [show.count(count, names.get(kind, kind)) for kind, count in sorted(way["counts"].items())]
    return show.unmarked(", ".join(words) or "nothing that is known")
