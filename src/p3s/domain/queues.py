"""The heads of all classes, in the order of choice. What no pilot in service could ever run stands aside."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

from p3s.domain.choice import Block, Level, Rank
from p3s.domain.effects import ClassKey, Queued
from p3s.domain.needs import Offer, Offers, kind_of
from p3s.domain.queue import Head, Place

MOST_EMPTY = 64
"""Beyond so many classes, and beyond twice as many as had jobs when last looked, those without jobs are forgotten."""

MOST_IN_MEMORY = 50_000
"""Windows are smaller when there are so many classes that they would hold more jobs than about this."""

LEAST_WINDOW = 20

_LOWEST = -(1 << 62)


class Queues:
    """`pick_of` gives a type's pick. Only the book changes this, by effects and by what is read from the database."""

    def __init__(self, window: int, offers: Offers, pick_of: Callable[[str], str]) -> None:
        self.window = window
        self.offers = offers
        self.pick_of = pick_of
        self.heads: dict[ClassKey, Head] = {}
        self.levels: dict[int, Level] = {}
        #: The levels, the highest first.
        self.order: list[Level] = []
        #: When each type was served last, in dispatches; 0: never. Memory only: turns begin anew with the server.
        self.served: Counter[str] = Counter()
        #: No queued job becomes stale before this moment.
        self.stale_from = float("-inf")
        self._turns = count(1)
        self._most = MOST_EMPTY
        self._numbers = count()
        #: Pilots in service by number of their offer.
        self._in_service: Counter[int] = Counter()
        #: Grows when an offer is no longer made: a head that stands in the order may then belong aside.
        self._withdrawn = 0
        #: Heads by their number: what no pilot could ever run, what is used up, what must be looked at anew.
        self._aside: dict[int, Head] = {}
        self._hungry: dict[int, Head] = {}
        self._changed: dict[int, Head] = {}
        self._emptied = 0

    # ---- jobs

    def head(self, key: ClassKey) -> Head:
        """The head of a class, made when the class is new."""
        head = self.heads.get(key)
        if head is None:
            if len(self.heads) >= self._most:
                self.heads = {k: one for k, one in self.heads.items() if one.waiting > 0 or one.hungry}
                self._most = max(MOST_EMPTY, 2 * len(self.heads))
            room = max(MOST_IN_MEMORY // (len(self.heads) + 1), LEAST_WINDOW)
            pick, number = self.pick_of(key[0]), next(self._numbers)
            head = self.heads[key] = Head(key, pick, min(self.window, room), number, kind_of(key[2]))
        return head

    def heads_of(self, jobtype: str) -> Iterator[Head]:
        """Heads of a type's classes."""
        return (head for key, head in self.heads.items() if key[0] == jobtype)

    def add(self, job: Queued) -> None:
        """A job is queued; beyond the window only the database remembers it."""
        head = self.head(job.key)
        head.add(job)
        self._changed[head.number] = head
        stale_at = job.spec.stale_at
        if stale_at is not None and stale_at < self.stale_from:
            self.stale_from = stale_at

    def remove(self, key: ClassKey, job: str) -> None:
        """A job of a class is queued no longer."""
        head = self.heads.get(key)
        if head is not None:
            head.remove(job)
            self._changed[head.number] = head

    def find(self, key: ClassKey, job: str) -> Queued | None:
        """A queued job of a class; None when it stands beyond the window."""
        head = self.heads.get(key)
        return None if head is None else head.jobs.get(job)

    def restore(self, key: ClassKey, jobs: list[Queued], waiting: int) -> None:
        """A class's first jobs in the order of its pick, and how many it has in all, as the database has it."""
        head = self.head(key)
        head.refill(jobs, waiting > len(jobs))
        head.waiting = waiting
        self._changed[head.number] = head

    def refill(self, key: ClassKey, jobs: list[Queued], more: bool) -> None:
        """Replace a used-up head by what the database holds, in the order of its pick."""
        head = self.head(key)
        head.refill(jobs, more)
        head.waiting = max(head.waiting, len(jobs) + 1) if more else len(jobs)
        self._changed[head.number] = head

    def sort_by(self, jobtype: str, pick: str) -> None:
        """A type has another pick."""
        for head in self.heads_of(jobtype):
            head.sort_by(pick)
            self._changed[head.number] = head

    def waiting_above(self, priority: int) -> int:
        """How many jobs of higher priority are queued."""
        return sum(head.waiting for key, head in self.heads.items() if key[1] > priority)

    def hungry(self) -> list[ClassKey]:
        """Classes whose head is used up while the database holds more of them."""
        self._settle()
        return [head.key for head in self._hungry.values()]

    # ---- the order of choice

    def from_the_top(self, may_go: Callable[[str], bool]) -> list[Level]:
        """Levels, the highest first, down to the first of which a head of a type that may go is used up: what the
        database holds of it comes before anything lower. Not to be kept."""
        self._settle()
        if not self._hungry:
            return self.order
        end = max((head.key[1] for head in self._hungry.values() if may_go(head.key[0])), default=_LOWEST)
        return [level for level in self.order if level.priority > end]

    def serve(self, jobtype: str) -> None:
        """A job of the type was handed out: others of its priority come first."""
        before, after = self.served[jobtype], next(self._turns)
        self.served[jobtype] = after
        for level in self.order:
            if jobtype in level.ranks:
                level.turn(jobtype, before, after)

    def came(self, offer: Offer) -> None:
        """A pilot with this offer is in service."""
        number = self.offers.number(offer)
        self._in_service[number] += 1
        if self._in_service[number] == 1:
            found = {n: head for n, head in self._aside.items() if self.offers.suits(head.key[2], number)}
            self._changed |= found

    def left(self, offer: Offer) -> None:
        """One pilot fewer has this offer."""
        number = self.offers.number(offer)
        self._in_service[number] -= 1
        if not self._in_service[number]:
            del self._in_service[number]
            self._withdrawn += 1

    def in_vain(self, rank: Rank, block: Block) -> None:
        """A block was looked through and nothing of it fits: next time it may be skipped."""
        block.tighten()
        rank.tighten()
        for _, _, head in block.stands:
            if head.vetted != self._withdrawn:
                self._changed[head.number] = head

    def _settle(self) -> None:
        """Every head whose first job changed takes its place."""
        if self._changed:
            changed, self._changed = self._changed, {}
            for number, head in changed.items():
                first = head.first()
                place = None if first is None else head.place()
                if place is None and head.hungry:
                    self._hungry[number] = head
                elif number in self._hungry:
                    del self._hungry[number]
                if place is not None and (head.vetted != self._withdrawn or number in self._aside):
                    place = self._vetted(head, place)
                if place != head.stands:
                    self._place(head, place)

    def _vetted(self, head: Head, place: Place) -> Place | None:
        """Its place, or none when no pilot in service could ever run its jobs."""
        head.vetted = self._withdrawn
        if any(self.offers.suits(head.key[2], number) for number in self._in_service):
            self._aside.pop(head.number, None)
            return place
        self._aside[head.number] = head
        return None

    def _place(self, head: Head, place: Place | None) -> None:
        jobtype, priority, _, _ = head.key
        level = self.levels.get(priority)
        if level is None:
            level = self.levels[priority] = Level(priority)
            insort(self.order, level, key=lambda one: -one.priority)
        rank = level.rank(jobtype, self.served[jobtype])
        before, head.stands = head.stands, place
        if before is not None and place is not None:
            rank.move((before, head.number, head), (place, head.number, head))
        elif place is not None:
            rank.add((place, head.number, head))
        elif before is not None:
            rank.drop((before, head.number, head))
            if rank.empty:
                self._emptied += 1
                if self._emptied > max(MOST_EMPTY, len(self.heads) // MOST_EMPTY):
                    self._sweep()

    def _sweep(self) -> None:
        """Forget levels and ranks where nothing stands."""
        self._emptied = 0
        for level in self.order:
            level.sweep()
        self.levels = {priority: level for priority, level in self.levels.items() if level.ranks}
        self.order = [level for level in self.order if level.ranks]
