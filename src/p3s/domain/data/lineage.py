"""What came of what, as a graph: walked one way from where somebody asks, and what of it is shown."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, Any]
"""(kind, name): a thing. Kinds: dataset, job, result, path, purged."""

Link = tuple[Key, Key, str]
"""(near, far, how): `far` is one step further from where the walk began."""


@dataclass(slots=True)
class Walk:
    """All that is reached from `start`; `beyond` each thing, in the order in which it was found. Not `whole`: it broke
    off, there is more."""

    start: Key
    beyond: dict[Key, dict[Key, str]] = field(default_factory=dict)
    whole: bool = True

    def counts(self) -> dict[str, int]:
        """How many things of each kind, without the start."""
        return dict(Counter(kind for kind, _ in self.beyond if (kind, _) != self.start))

    def ends(self) -> list[Key]:
        """Things beyond which nothing is known."""
        return [key for key, further in self.beyond.items() if not further and key != self.start]


def walk(start: Key, step: Callable[[list[Key]], Iterable[Link]], most: int) -> Walk:
    """Level by level: `step` gives the links from all things of a level. Each thing is stepped from once, so that a
    circle ends it; no further than `most` things."""
    found = Walk(start, {start: {}})
    level = [start]
    while level:
        following = []
        for near, far, how in step(level):
            found.beyond[near].setdefault(far, how)
            if far not in found.beyond:
                if len(found.beyond) >= most:
                    found.whole = False
                    del found.beyond[near][far]
                    continue
                found.beyond[far] = {}
                following.append(far)
        level = following
    return found


@dataclass(slots=True)
class Shown:
    """What of a walk is shown: things in the order of their distance, each with how many of its neighbours further on
    are not."""

    left_out: dict[Key, int]
    links: list[Link]


def shown(found: Walk, fan: int) -> Shown:
    """At each thing the first `fan` that follow: a sample of all depths, not the nearest only."""
    kept = {found.start: 0}
    level = [found.start]
    while level:
        following = []
        for near in level:
            room = fan
            for far in found.beyond[near]:
                if room and far not in kept:
                    kept[far] = 0
                    following.append(far)
                    room -= 1
        level = following
    for near in kept:
        kept[near] = sum(far not in kept for far in found.beyond[near])
    return Shown(kept, list(_links(found, kept)))


def _links(found: Walk, kept: dict[Key, int]) -> Iterator[Link]:
    for near in kept:
        for far, how in found.beyond[near].items():
            if far in kept:
                yield near, far, how
