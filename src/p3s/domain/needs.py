"""What jobs ask for and pilots have: the predicates by which brokerage matches, and explain says why it cannot."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from p3s.protocol.messages import ANYWHERE, Needs
from p3s.protocol.units import counted, of_bytes

MOST_MATCHES = 100_000
"""As many verdicts on (offer, needs) are remembered."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a pilot declared for all its jobs together. Pilots that declare the same are alike. `memory` in bytes."""

    site: str = ""
    cores: int = 1
    memory: int = 0
    gpus: int = 0
    tags: frozenset[str] = frozenset()
    runtimes: frozenset[str] = frozenset()


EVER = float("inf")
"""The end of a life that has none."""


class Room(NamedTuple):
    """What a pilot has now: its offer by number, what is free of it, the job types that its host is barred from.

    `until` is when its life ends (`EVER`: never), rounded down so that pilots started together are alike.
    """

    offer: int
    cores: int
    memory: int
    gpus: int
    until: float
    barred: frozenset[str]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a pilot has or lacks. `words` says what a job needs; "" when it does not ask."""

    met: Callable[[Needs, Offer], bool]
    words: Callable[[Needs], str]


def _tags(needs: Needs) -> str:
    return f"needs the tags {', '.join(needs.tags)}" if len(needs.tags) > 1 else f"needs the tag {needs.tags[0]}"


REQUIREMENTS = (
    Requirement(
        lambda needs, offer: not needs.site or needs.site == offer.site,
        lambda needs: f"needs the site {needs.site}" if needs.site else "",
    ),
    Requirement(
        lambda needs, offer: needs.cores <= offer.cores,
        lambda needs: f"needs {needs.cores} cores" if needs.cores > 1 else "",
    ),
    Requirement(
        lambda needs, offer: needs.memory <= offer.memory,
        lambda needs: f"needs {of_bytes(needs.memory)} of memory" if needs.memory else "",
    ),
    Requirement(
        lambda needs, offer: needs.gpus <= offer.gpus,
        lambda needs: f"needs {counted(needs.gpus, 'GPU')}" if needs.gpus else "",
    ),
    Requirement(
        lambda needs, offer: offer.tags.issuperset(needs.tags),
        lambda needs: _tags(needs) if needs.tags else "",
    ),
    Requirement(
        lambda needs, offer: not needs.runtime or needs.runtime in offer.runtimes,
        lambda needs: f"needs the runtime {needs.runtime}" if needs.runtime else "",
    ),
)


def suits(needs: Needs, offer: Offer) -> bool:
    """Whether an empty pilot of this offer could run the job."""
    return all(requirement.met(needs, offer) for requirement in REQUIREMENTS)


class Offers:
    """Different offers by number, and which needs they suit, remembered."""

    def __init__(self) -> None:
        self.known: list[Offer] = []
        self._numbers: dict[Offer, int] = {}
        self._matches: dict[tuple[int, Needs], bool] = {}

    def number(self, offer: Offer) -> int:
        """The number of an offer, given when it is new."""
        number = self._numbers.get(offer)
        if number is None:
            number = self._numbers[offer] = len(self.known)
            self.known.append(offer)
        return number

    def suits(self, needs: Needs, number: int) -> bool:
        """`suits` of the offer with this number."""
        if needs is ANYWHERE:
            return True
        asked = (number, needs)
        found = self._matches.get(asked)
        if found is None:
            if len(self._matches) >= MOST_MATCHES:
                self._matches.clear()
            found = self._matches[asked] = suits(needs, self.known[number])
        return found


def kind_of(needs: Needs) -> Needs:
    """Which kind of pilot is asked for, whatever its size: site, tags and runtime alone."""
    if needs is ANYWHERE or not (needs.site or needs.tags or needs.runtime):
        return ANYWHERE
    return Needs(site=needs.site, tags=needs.tags, runtime=needs.runtime)


def has_room(needs: Needs, room: Room) -> bool:
    """Whether what is free now is enough."""
    return needs.cores <= room.cores and needs.memory <= room.memory and needs.gpus <= room.gpus


def outlives(room: Room, length_s: float, now: float) -> bool:
    """Whether the pilot is there long enough for a job of this length (0: not known)."""
    return now + length_s < room.until


def last_moment(ends_at: float, life_s: float) -> float:
    """The end of a pilot's life rounded down, by at most a 64th of it: pilots started together then are alike."""
    step = 1.0
    while step * 128 <= life_s:
        step *= 2
    return ends_at // step * step
