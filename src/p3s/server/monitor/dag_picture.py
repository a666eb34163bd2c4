"""A workflow's template as a picture: its nodes in layers from left to right, each right of all that it waits for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MOST_NODES: Final = 60
"""A picture of more helps nobody; the table has them."""

MOST_EDGES: Final = 400

WIDTH: Final = 176
HEIGHT: Final = 50
_ACROSS: Final = 62
_DOWN: Final = 16
_THIN: Final = 10
"""The height of a place at which an edge passes a layer."""

_SWEEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its corner above on the left."""

    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """`paths`: of the edges, as SVG has them."""

    width: int
    height: int
    boxes: list[Box]
    paths: list[str]


Spot = tuple[str, str, int]
"""A node ("", its name, 0), or where an edge passes a layer (from, to, layer)."""


def picture(waits: Mapping[str, Sequence[str]]) -> Picture | None:
    """Of nodes, each with those that it waits for, which stand before it; None where there are too many."""
    edges = sum(len(before) for before in waits.values())
    if not waits or len(waits) > MOST_NODES or edges > MOST_EDGES:
        return None
    layers, links = _layered(waits)
    _uncross(layers, links)
    spots, height = _placed(layers)
    boxes = [Box(name, *spots["", name, 0]) for name in waits]
    paths = [_path([spots[spot] for spot in way], way) for way in _ways(waits, spots)]
    return Picture(len(layers) * (WIDTH + _ACROSS) - _ACROSS, height, boxes, paths)


def _layered(waits: Mapping[str, Sequence[str]]) -> tuple[list[list[Spot]], dict[Spot, list[Spot]]]:
    """The spots of each layer, and of each spot those of the layer before to which it is joined."""
    depth: dict[str, int] = {}
    for name, before in waits.items():
        depth[name] = max((depth[one] + 1 for one in before), default=0)
    layers: list[list[Spot]] = [[] for _ in range(max(depth.values()) + 1)]
    links: dict[Spot, list[Spot]] = {}
    for name, layer in depth.items():
        layers[layer].append(("", name, 0))
        links[("", name, 0)] = []
    for name, before in waits.items():
        for one in before:
            last: Spot = ("", one, 0)
            for layer in range(depth[one] + 1, depth[name]):
                spot = (one, name, layer)
                layers[layer].append(spot)
                links[spot] = [last]
                last = spot
            links[("", name, 0)].append(last)
    return layers, links


def _uncross(layers: list[list[Spot]], links: dict[Spot, list[Spot]]) -> None:
    """Sort each layer by where its neighbours stand, to and fro: few edges cross then."""
    back: dict[Spot, list[Spot]] = {spot: [] for spot in links}
    for spot, before in links.items():
        for one in before:
            back[one].append(spot)
    for sweep in range(_SWEEPS):
        ways, joined = (layers, links) if sweep % 2 == 0 else (layers[::-1], back)
        for near, layer in pairwise(ways):
            _sort(layer, near, joined)


def _sort(layer: list[Spot], near: list[Spot], joined: Mapping[Spot, Sequence[Spot]]) -> None:
    """By the middle of those in the layer `near` to which each is joined; who is joined to none stays about there."""
    places = {spot: place for place, spot in enumerate(near)}
    own = {spot: place for place, spot in enumerate(layer)}

    def middle(spot: Spot) -> float:
        found = [places[one] for one in joined[spot]]
        return sum(found) / len(found) if found else float(own[spot])

    layer.sort(key=middle)


def _placed(layers: list[list[Spot]]) -> tuple[dict[Spot, tuple[int, int]], int]:
    """The corner of each, layers centred; and how high it all is."""
    heights = [sum(_height(spot) + _DOWN for spot in layer) - _DOWN for layer in layers]
    spots: dict[Spot, tuple[int, int]] = {}
    for at, layer in enumerate(layers):
        y = (max(heights) - heights[at]) // 2
        for spot in layer:
            spots[spot] = (at * (WIDTH + _ACROSS), y)
            y += _height(spot) + _DOWN
    return spots, max(heights)


def _height(spot: Spot) -> int:
    return _THIN if spot[0] else HEIGHT


def _ways(waits: Mapping[str, Sequence[str]], spots: Mapping[Spot, tuple[int, int]]) -> list[list[Spot]]:
    """The spots of each edge, in order."""
    passed: dict[tuple[str, str], list[Spot]] = {}
    for spot in spots:
        if spot[0]:
            passed.setdefault(spot[:2], []).append(spot)
    return [
        [("", one, 0), *sorted(passed.get((one, name), []), key=lambda spot: spot[2]), ("", name, 0)]
        for name, before in waits.items()
        for one in before
    ]


def _path(corners: list[tuple[int, int]], way: list[Spot]) -> str:
    x, y = corners[0]
    x, y = x + WIDTH, y + HEIGHT // 2
    found = [f"M{x} {y}"]
    for (left, top), spot in zip(corners[1:], way[1:], strict=True):
        down = top + _height(spot) // 2
        half = (x + left) // 2
        found.append(f"C{half} {y} {half} {down} {left} {down}")
        x, y = left, down
        if spot[0]:  # straight on through a layer that it passes
            x += WIDTH
            found.append(f"H{x}")
    return " ".join(found)
