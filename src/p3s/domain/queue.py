"""The head of one class's queue: a window of the jobs that its pick takes first; the rest is in the database."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from p3s.domain.effects import ClassKey, Queued
from p3s.protocol.messages import ANYWHERE, Needs

WINDOW = 2_000
"""Most jobs of a class kept in memory (half as many again until it is cut)."""

Place = tuple[float, int]
"""Where a job stands: the lower goes first."""


def _oldest(job: Queued) -> Place:
    return (0.0, job.id)


def _newest(job: Queued) -> Place:
    return (0.0, -job.id)


def _earliest(job: Queued) -> Place:
    eta = job.spec.eta_at
    return (float("inf") if eta is None else eta, job.id)


PLACES: dict[str, Callable[[Queued], Place]] = {"fifo": _oldest, "freshest": _newest, "deadline": _earliest}
"""How each pick sorts."""


@dataclass(slots=True, eq=False)
class Head:
    """Holds every queued job of its class that stands before `bound`; None: all of them. `waiting` counts them all."""

    key: ClassKey
    pick: str
    limit: int
    #: Tells it from every other head.
    number: int = 0
    #: `needs.kind_of` its needs.
    kind: Needs = ANYWHERE
    bound: Place | None = None
    waiting: int = 0
    jobs: dict[str, Queued] = field(default_factory=dict)
    #: Where it stands among the heads of its type; None: nowhere.
    stands: Place | None = None
    #: The state of what pilots offer at which it was seen whether one of them could ever run it.
    vetted: int = -1
    _heap: list[tuple[Place, str]] = field(default_factory=list)

    @property
    def hungry(self) -> bool:
        """Used up while the database holds more."""
        return self.bound is not None and not self.jobs

    def add(self, job: Queued) -> None:
        """A job is queued: it enters the window if it stands before what only the database remembers."""
        self.waiting += 1
        place = PLACES[self.pick](job)
        if self.bound is None or place < self.bound:
            self.jobs[job.job] = job
            heappush(self._heap, (place, job.job))
            if len(self.jobs) > self.limit + self.limit // 2 or len(self._heap) > 4 * self.limit + 64:
                self._cut()

    def remove(self, job: str) -> None:
        """A job is no longer queued, in the window or beyond it."""
        self.waiting -= 1
        self.jobs.pop(job, None)

    def first(self) -> Queued | None:
        """The job whose turn it is."""
        heap, jobs = self._heap, self.jobs
        while heap:
            job = jobs.get(heap[0][1])
            if job is not None:
                return job
            heappop(heap)
        return None

    def place(self) -> Place:
        """Where the first job stands; call it after `first` found one."""
        return self._heap[0][0]

    def ordered(self) -> list[Queued]:
        """The window, first to last."""
        return sorted(self.jobs.values(), key=PLACES[self.pick])

    def refill(self, jobs: Iterable[Queued], more: bool) -> None:
        """Replace the window by what the database holds, in the order of the pick. `more`: it holds further ones."""
        self.jobs = {job.job: job for job in jobs}
        self._heap = [(PLACES[self.pick](job), job.job) for job in self.jobs.values()]
        self.bound = None
        if more:
            last = max(self._heap)[0]
            self.bound = (last[0], last[1] + 1)
        heapify(self._heap)

    def sort_by(self, pick: str) -> None:
        """Another pick: what goes first now is in the database."""
        if pick != self.pick:
            self.pick = pick
            self.jobs, self._heap = {}, []
            self.bound = (float("-inf"), 0)

    def _cut(self) -> None:
        """Leave what is beyond the limit to the database."""
        ordered = self.ordered()
        if len(ordered) > self.limit:
            self.bound = PLACES[self.pick](ordered[self.limit])
        kept = ordered[: self.limit]
        self.jobs = {job.job: job for job in kept}
        self._heap = [(PLACES[self.pick](job), job.job) for job in kept]
