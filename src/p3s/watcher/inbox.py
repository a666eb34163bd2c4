"""The files of one storage that are there and not settled: which wait, which are ready to be told, which are done.

No I/O: it is told what was seen, and says what to look at and what to tell. Names are relative to the storage.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic, time
from typing import Any

from p3s.protocol.data import DatasetRequest

from .rules import Sight, Verdict, judge
from .streams import Watched, dataset_of


class Clock:
    """How old files are. The machine's clock may step: of the clock as it is, and as it would be had it not stepped
    since we began, the one that makes a file younger counts, so that no step makes a file too old."""

    def __init__(self, wall: Callable[[], float] = time, steady: Callable[[], float] = monotonic) -> None:
        self.wall, self.steady = wall, steady
        self.offset = wall() - steady()

    def age_s(self, modified_ns: int) -> float:
        now = min(self.wall(), self.steady() + self.offset)
        return max(0.0, now - modified_ns / 1e9)


@dataclass(slots=True)
class Held:
    """A file of a stream that is not settled. `since`: when it was first seen as it is (monotonic)."""

    size: int
    modified_ns: int
    since: float
    reason: str = ""
    again_at: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A file to be told, as taken or as left out for a `reason`. `at`: since when it could have been (monotonic).
    Light, because a million may wait."""

    lot: "Lot"
    name: str
    size: int
    modified_ns: int
    at: float
    reason: str = ""
    final: bool = True

    @property
    def url(self) -> str:
        return self.lot.stream.place.url(self.name)

    def request(self) -> DatasetRequest:
        """What the server is told."""
        request = dataset_of(self.lot.stream, self.name)
        assert request is not None
        modified_at = max(0.0, self.modified_ns / 1e9)
        return replace(request, size=self.size, modified_at=modified_at, ignored=self.reason[:200])


class Lot:
    """The files of one stream."""

    def __init__(self, stream: Watched) -> None:
        self.stream = stream
        self.waiting: dict[str, Held] = {}
        self.ready: dict[str, Ready] = {}
        self.telling: dict[str, Ready] = {}
        """Released, and not answered yet."""
        self.left_out: dict[str, tuple[int, int]] = {}
        """Told as left out; looked at again when their size or time is another."""
        self.done: set[str] = set()
        """Told, while other streams of the storage are not done with them."""
        self.released = 0
        self.stirred = False
        """Whether more may be released than when that was last done."""
        self.last, self.last_at = "", 0.0
        """The file that was taken last, and when (monotonic)."""

    def forget(self, name: str) -> bool:
        """The file is not there; whether it had been waited for."""
        self.left_out.pop(name, None)
        self.done.discard(name)
        return (self.waiting.pop(name, None) or self.ready.pop(name, None)) is not None

    def release(self, start: bool, back: bool) -> list[Ready]:
        """What is to be told now: at most so many of those that are taken in one scan, in the stream's order. After the
        `start` the newest are, unless the stream says otherwise; when a storage is `back`, in any case."""
        if not self.stirred:
            return []
        self.stirred, scan = False, self.stream.rules.scan
        newest = back or (start if scan.newest_first is None else scan.newest_first)
        waiting = sorted(self.ready.values(), key=lambda one: one.modified_ns, reverse=newest)
        room = len(waiting) if scan.at_most is None else max(0, scan.at_most - self.released)
        released = []
        for one in waiting:
            if not one.reason:
                if not room:
                    continue
                room -= 1
                self.released += 1
            released.append(one)
            self.telling[one.name] = self.ready.pop(one.name)
        return released

    @property
    def inbox(self) -> tuple[int, int]:
        """Files that are there and not told, and their bytes."""
        sizes = [held.size for held in self.waiting.values()]
        sizes += [one.size for one in (*self.ready.values(), *self.telling.values())]
        return len(sizes), sum(sizes)

    def lag_s(self, now: float) -> float:
        """For how long the file that could be told first has not been."""
        taken = (one.at for one in (*self.ready.values(), *self.telling.values()))
        return max(0.0, now - min(taken, default=now))


class Inbox:
    """Of one storage: all streams that watch it."""

    def __init__(self, streams: Sequence[Watched], clock: Clock, trust_ages: bool = False) -> None:
        self.lots = [Lot(stream) for stream in streams]
        self.clock = clock
        self.trust_ages = trust_ages
        """Take a file's age for how long it has rested, for a look at what would be."""
        self.unmatched = 0
        self.unmatched_like = ""
        self._beside: set[str] = set()
        self._wanted: dict[str, set[str]] = {}
        """Files that wait for a marker or side-car of this name."""
        self._again: list[tuple[float, list[str]]] = []
        """When to look again, and at what; a heap."""
        self._later: dict[float, list[str]] = {}
        self._companions = [beside for stream in streams for beside in stream.companions]

    # ---- what was seen

    def found(self, files: Iterable[Sequence[Any]], began: float, ended: float) -> list[str]:
        """Files were seen, all of them between two moments. Returns names that need not be told again."""
        files = list(files)
        companions = [entry[0] for entry in files if self._is_companion(entry[0])]
        self._beside.update(companions)
        settled = []
        for name, size, modified_ns, readable in files:
            sight = Sight(name, size, modified_ns, readable)
            if self._see(sight, began, ended):
                settled.append(name)
        for companion in companions:
            self._later.setdefault(0.0, []).extend(self._wanted.pop(companion, ()))
        for again in self._later.items():
            heapq.heappush(self._again, again)
        self._later = {}
        return settled

    def _see(self, sight: Sight, began: float, ended: float) -> bool:
        """Whether no stream waits for it."""
        open_, matched = False, False
        for lot in self.lots:
            if not lot.stream.takes(sight.name):
                continue
            matched = True
            open_ |= not self._seen_by(lot, sight, began, ended)
        if matched:
            return not open_
        if sight.name in self._beside:
            return False
        self.unmatched += 1
        self.unmatched_like = sight.name
        return True

    def _seen_by(self, lot: Lot, sight: Sight, began: float, ended: float) -> bool:
        """Whether the stream is done with the file."""
        name, mark = sight.name, (sight.size, sight.modified_ns)
        if name in lot.done:
            return True
        if name in lot.telling or lot.left_out.get(name) == mark:
            return False
        before = lot.ready.pop(name, None)
        held = lot.waiting.get(name)
        if held is None or (held.size, held.modified_ns) != mark:
            held = lot.waiting[name] = Held(sight.size, sight.modified_ns, ended)
        had_rested = before is not None and (before.size, before.modified_ns) == mark  # and waits for its turn
        unchanged_s = math.inf if had_rested else began - held.since
        verdict = judge(lot.stream.rules, self._sight(lot.stream, sight, unchanged_s))
        if verdict.kind == "wait":
            self._wait(lot, name, held, verdict, ended)
            return False
        del lot.waiting[name]
        at = before.at if before else ended
        lot.stirred = True
        lot.ready[name] = Ready(lot, name, sight.size, sight.modified_ns, at, verdict.reason, verdict.final)
        return False

    def _sight(self, stream: Watched, sight: Sight, unchanged_s: float) -> Sight:
        rules, age_s = stream.rules, self.clock.age_s(sight.modified_ns)
        marker, sidecar = rules.complete.marker, rules.sidecar
        return replace(
            sight,
            unchanged_s=age_s if self.trust_ages else max(0.0, unchanged_s),
            age_s=age_s,
            marker=marker is not None and marker.of(sight.name) in self._beside,
            sidecar=sidecar is not None and sidecar.beside.of(sight.name) in self._beside,
        )

    def _wait(self, lot: Lot, name: str, held: Held, verdict: Verdict, now: float) -> None:
        held.reason = verdict.reason
        held.again_at = None if verdict.again_s is None else now + verdict.again_s
        if held.again_at is not None:
            self._later.setdefault(held.again_at, []).append(name)
        for beside in companions(lot, name):
            self._wanted.setdefault(beside, set()).add(name)

    def gone(self, names: Iterable[str]) -> list[str]:
        """Names that are not there. Returns those that fit a stream and were not waited for: they had been told."""
        known = []
        for name in names:
            self._beside.discard(name)
            self._wanted.pop(name, None)
            for lot in self.lots:
                for beside in companions(lot, name) if name in lot.waiting else ():
                    self._wants_no_more(beside, name)
            waited = [lot.forget(name) for lot in self.lots]
            telling = any(name in lot.telling for lot in self.lots)
            if not any(waited) and not telling and self.fits(name):
                known.append(name)
        return known

    def fits(self, name: str) -> bool:
        """Whether some stream takes files of such a name."""
        return any(lot.stream.takes(name) for lot in self.lots)

    def forget_unmatched(self) -> None:
        """All names will be seen anew."""
        self.unmatched, self.unmatched_like = 0, ""

    def is_open(self, name: str) -> bool:
        """Whether some stream has not told the file yet."""
        return any(name in lot.waiting or name in lot.ready or name in lot.telling for lot in self.lots)

    # ---- what to do

    def due(self, now: float) -> list[str]:
        """Names to be looked at again."""
        names: list[str] = []
        while self._again and self._again[0][0] <= now:
            at, some = heapq.heappop(self._again)
            names += [name for name in some if not at or any(_due(lot.waiting.get(name), now) for lot in self.lots)]
        return list(dict.fromkeys(names))

    def next_at(self) -> float | None:
        """When there is something to be looked at again (monotonic)."""
        return self._again[0][0] if self._again else None

    def release(self, start: bool = False, back: bool = False) -> list[Ready]:
        """Files to be told now."""
        return [one for lot in self.lots for one in lot.release(start, back)]

    def scanned(self) -> None:
        """A scan ended: as many again may be taken."""
        for lot in self.lots:
            lot.released, lot.stirred = 0, True

    def told(self, ready: Ready) -> list[str]:
        """The server has it. Returns names that need not be told again."""
        lot, name = ready.lot, ready.name
        lot.telling.pop(name, None)
        if not ready.final:
            lot.left_out[name] = (ready.size, ready.modified_ns)
            return []
        if not ready.reason:
            lot.last, lot.last_at = name, self.clock.steady()
        lot.done.add(name)
        others = [other for other in self.lots if other is lot or other.stream.takes(name)]
        if not all(name in other.done for other in others):
            return []
        for other in others:
            other.done.discard(name)
        besides = {beside for other in others for beside in companions(other, name)}
        for beside in besides:
            self._wants_no_more(beside, name)
        besides &= self._beside
        self._beside -= besides
        return [name, *sorted(besides)]

    def _wants_no_more(self, beside: str, name: str) -> None:
        wanted = self._wanted.get(beside, set())
        wanted.discard(name)
        if not wanted:
            self._wanted.pop(beside, None)

    def untold(self, ready: Ready) -> None:
        """The server did not take it; when it is seen again it is judged anew."""
        ready.lot.telling.pop(ready.name, None)

    def waiting(self) -> Iterator[tuple[Lot, str, Held]]:
        """All that is not complete."""
        for lot in self.lots:
            for name, held in lot.waiting.items():
                yield lot, name, held

    # ---- markers and side-cars

    def is_there(self, companion: str) -> bool:
        """Whether a marker or side-car of this name was seen."""
        return companion in self._beside

    def _is_companion(self, name: str) -> bool:
        return any(beside.may_be(name) for beside in self._companions)


def companions(lot: Lot, name: str) -> list[str]:
    """The names of the marker and side-car of a file."""
    return [beside.of(name) for beside in lot.stream.companions]


def _due(held: Held | None, now: float) -> bool:
    return held is not None and held.again_at is not None and held.again_at <= now
