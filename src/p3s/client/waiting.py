"""Waiting for jobs: the server says when something changed, so nobody asks again and again."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from p3s.protocol.errors import NotKnown
from p3s.protocol.states import FINAL_JOB_STATES
from p3s.protocol.views import Item, Job, Result

from .lists import Lists
from .live import Live
from .results import Results

LOOK_S = 10.0
"""Looked at so often whatever the server says."""

BACK_OFF_S = 1.0
"""The same where the server's stream cannot be read."""


@dataclass(frozen=True)
class Outcome:
    """What came of a job: its record, and the results that its last attempt published."""

    job: Job
    results: list[Result]

    @property
    def values(self) -> dict[str, float]:
        """Numbers by the name of their item, with its coordinates (`dead tpc=1`), of all results together."""
        items = [item for result in self.results for item in result["items"]]
        return {_called(item): item["value"] for item in items if item["value"] is not None}


def _called(item: Item) -> str:
    return " ".join([item["name"], *(f"{name}={value}" for name, value in item["by"].items())])


class Waiting(Lists, Results):
    """`wait`, `gather`, `follow`."""

    def wait(
        self, jobs: Iterable[str], progress: Callable[[dict[str, Job]], None] = lambda _: None, timeout_s: float = 0
    ) -> dict[str, Job]:
        """The jobs once all have ended, by UUID. `progress` is told what has ended so far. Raises TimeoutError, or
        NotKnown for a job that is none (or was purged meanwhile)."""
        ended: dict[str, Job] = {}
        for job in self.as_they_end(jobs, timeout_s, lambda: progress(ended)):
            ended[job["uuid"]] = job
        progress(ended)
        return ended

    def as_they_end(
        self, jobs: Iterable[str], timeout_s: float = 0, looked: Callable[[], None] = lambda: None
    ) -> Iterator[Job]:
        """Each job when it has ended, the first first. Raises as `wait`; `looked` is called after each look."""
        left = list(dict.fromkeys(jobs))
        until = time.monotonic() + (timeout_s or float("inf"))
        live = Live(self.server, self._token) if left else None
        try:
            while left:
                states = self._states(left)
                missing = next((job for job in left if job not in states), None)
                if missing is not None:
                    raise NotKnown(f"there is no job {missing}; it was purged, or never submitted to {self.server}")
                over = [job for job in left if states[job] in FINAL_JOB_STATES]
                left = [job for job in left if states[job] not in FINAL_JOB_STATES]
                for job in over:
                    yield self.job(job)
                looked()
                if left and time.monotonic() >= until:
                    raise TimeoutError(f"{len(left)} jobs have not ended after {timeout_s:g} s")
                if left and live is not None and not over:
                    rest(live, until)
        finally:
            if live is not None:
                live.close()

    def gather(self, jobs: Iterable[str], timeout_s: float = 0) -> dict[str, Outcome]:
        """The jobs once all have ended, with what they published, by UUID. Raises as `wait`."""
        return {uuid: Outcome(job, self._published(job)) for uuid, job in self.wait(jobs, timeout_s=timeout_s).items()}

    def follow(self, job: str, stream: str = "stdout") -> Iterator[str]:
        """stdout or stderr of a job as it grows, until the job has ended. What came too fast for the server to keep is
        left out."""
        live, said = Live(self.server, self._token), ""
        try:
            while True:
                over = self.job(job)["state"] in FINAL_JOB_STATES
                text = self.log(job, stream)
                new = _new(said, text)
                if new:
                    yield new
                if over:
                    return
                said = text or said
                rest(live, float("inf"))
        finally:
            live.close()

    def _published(self, job: Job) -> list[Result]:
        found = self.results(None, job=job["uuid"])
        return sorted((one for one in found if one["attempt"] == job["attempt"]), key=lambda one: one["id"])


def rest(live: Live, until: float, topic: str = "jobs") -> None:
    """Until something of a topic may have changed."""
    end = min(until, time.monotonic() + (LOOK_S if live.open else BACK_OFF_S))
    while (left_s := end - time.monotonic()) > 0:
        if not live.open:
            time.sleep(min(left_s, BACK_OFF_S))
            return
        if topic in live.wait(left_s):
            return


def _new(before: str, now: str) -> str:
    """What a text has at its end beyond one that was seen; a text that begins anew is all new."""
    if now.startswith(before):
        return now[len(before) :]
    for length in range(min(len(before), len(now)), 0, -1):
        if before.endswith(now[:length]):
            return now[length:]
    return now
