"""The order in which heads of queues are looked at, kept so that one decision skips most of very many classes.

Heads of one type and priority make a rank. They stand in blocks, by the place of their first job. Ranks and blocks know
the least that their heads need: when no room has that, none of these heads is looked at.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from p3s.domain.effects import ClassKey
from p3s.domain.needs import EVER, Room, outlives
from p3s.domain.queue import Head, Place
from p3s.protocol.messages import Needs

MOST_IN_BLOCK = 64

Stand = tuple[Place, int, Head]
"""Where a head stands; the number tells heads of equal place apart."""

Suits = Callable[[Needs, int], bool]
"""Whether an offer, by its number, could ever do."""


@dataclass(slots=True)
class Floor:
    """The least that some classes need: never above what one of them does. It may be below once classes have left.

    `shortest`: of their time limits; `endless`: some have none.
    """

    cores: float = EVER
    memory: float = EVER
    gpus: float = EVER
    shortest: float = EVER
    endless: bool = False

    def lower(self, key: ClassKey) -> None:
        """One more class."""
        _, _, needs, time_limit = key
        if needs.cores < self.cores:
            self.cores = needs.cores
        if needs.memory < self.memory:
            self.memory = needs.memory
        if needs.gpus < self.gpus:
            self.gpus = needs.gpus
        if not time_limit:
            self.endless = True
        elif time_limit < self.shortest:
            self.shortest = time_limit

    def may_fit(self, room: Room, usual_s: float, now: float) -> bool:
        """False when no class fits; `usual_s`: how long a job without a time limit is taken for."""
        if self.cores > room.cores or self.memory > room.memory or self.gpus > room.gpus:
            return False
        if room.until == EVER:
            return True
        return outlives(room, min(self.shortest, usual_s) if self.endless else self.shortest, now)


def lowest(floors: Iterable[Floor]) -> Floor:
    """The floor of all."""
    all_ = list(floors)
    return Floor(
        min(one.cores for one in all_),
        min(one.memory for one in all_),
        min(one.gpus for one in all_),
        min(one.shortest for one in all_),
        any(one.endless for one in all_),
    )


@dataclass(slots=True)
class Block:
    """Neighbours in a rank. `kinds`: of pilots that they ask for, each with how many do."""

    stands: list[Stand]
    kinds: dict[Needs, int] = field(default_factory=dict)
    floor: Floor = field(default_factory=Floor)

    def __post_init__(self) -> None:
        for _, _, head in self.stands:
            self.count(head)

    def count(self, head: Head) -> None:
        """Know of one more head."""
        self.kinds[head.kind] = self.kinds.get(head.kind, 0) + 1
        self.floor.lower(head.key)

    def drop(self, stand: Stand) -> None:
        """A head stands here no longer."""
        del self.stands[bisect_left(self.stands, stand)]
        kind = stand[2].kind
        self.kinds[kind] -= 1
        if not self.kinds[kind]:
            del self.kinds[kind]

    def shift(self, before: Stand, after: Stand) -> bool:
        """Move a head within its neighbours; False when it would overtake one."""
        place = bisect_left(self.stands, before)
        neighbours = [*self.stands[max(place - 1, 0) : place], after, *self.stands[place + 1 : place + 2]]
        if neighbours != sorted(neighbours):
            return False
        self.stands[place] = after
        return True

    def tighten(self) -> None:
        """Take the floor anew."""
        self.floor = Floor()
        for _, _, head in self.stands:
            self.floor.lower(head.key)

    def may_fit(self, room: Room, usual_s: float, now: float, suits: Suits) -> bool:
        """False when none of its heads fits."""
        return self.floor.may_fit(room, usual_s, now) and any(suits(kind, room.offer) for kind in self.kinds)


def _last(block: Block) -> Stand:
    return block.stands[-1]


@dataclass(slots=True)
class Rank:
    """Heads of one type at one priority, in blocks by place. One block stays when all heads have left."""

    jobtype: str
    blocks: list[Block] = field(default_factory=lambda: [Block([])])
    floor: Floor = field(default_factory=Floor)

    @property
    def empty(self) -> bool:
        """Whether nothing stands here."""
        return not self.blocks[0].stands

    @property
    def alone(self) -> bool:
        """Whether one head stands here."""
        return len(self.blocks) == 1 and len(self.blocks[0].stands) == 1

    def add(self, stand: Stand) -> None:
        """A head takes its place."""
        self.floor.lower(stand[2].key)
        place = self._find(stand)
        block = self.blocks[place]
        insort(block.stands, stand)
        block.count(stand[2])
        if len(block.stands) > MOST_IN_BLOCK:
            at_end = place + 1 == len(self.blocks) and block.stands[-1] is stand  # then blocks stay full
            cut = MOST_IN_BLOCK if at_end else MOST_IN_BLOCK // 2
            self.blocks[place : place + 1] = [Block(block.stands[:cut]), Block(block.stands[cut:])]

    def drop(self, stand: Stand) -> None:
        """A head leaves its place."""
        place = self._find(stand)
        block = self.blocks[place]
        block.drop(stand)
        if not block.stands and len(self.blocks) > 1:
            del self.blocks[place]

    def move(self, before: Stand, after: Stand) -> None:
        """A head takes another place."""
        if self.alone:
            self.blocks[0].stands[0] = after
            return
        place = self._find(before)
        if place == self._find(after) and self.blocks[place].shift(before, after):
            return
        self.drop(before)
        self.add(after)

    def tighten(self) -> None:
        """Take the floor anew from the blocks."""
        self.floor = lowest(block.floor for block in self.blocks)

    def _find(self, stand: Stand) -> int:
        """The place of the block where it stands, or should: the first that does not end before it, or the last."""
        if len(self.blocks) == 1:
            return 0
        return min(bisect_left(self.blocks, stand, key=_last), len(self.blocks) - 1)


@dataclass(slots=True)
class Level:
    """What waits at one priority. The type that was served longest ago is first in turn."""

    priority: int
    ranks: dict[str, Rank] = field(default_factory=dict)
    turns: list[tuple[int, str]] = field(default_factory=list)

    def rank(self, jobtype: str, served: int) -> Rank:
        """The rank of a type, made when it is new."""
        rank = self.ranks.get(jobtype)
        if rank is None:
            rank = self.ranks[jobtype] = Rank(jobtype)
            insort(self.turns, (served, jobtype))
        return rank

    def turn(self, jobtype: str, before: int, after: int) -> None:
        """The type has just had its turn."""
        if self.turns[-1][1] == jobtype:
            self.turns[-1] = (after, jobtype)
        else:
            del self.turns[bisect_left(self.turns, (before, jobtype))]
            self.turns.append((after, jobtype))

    def sweep(self) -> None:
        """Forget ranks where nothing stands."""
        self.ranks = {jobtype: rank for jobtype, rank in self.ranks.items() if not rank.empty}
        self.turns = [turn for turn in self.turns if turn[1] in self.ranks]
