"""The service that purges: old records of what ended, jobs first, then pilots that no job names any more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import time

from p3s.protocol.many import PurgeRequest
from p3s.protocol.units import counted
from p3s.server.actions.many import Ask
from p3s.server.actions.purge import purge
from p3s.server.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Purge:
    """Of jobs and workflows without published results that ended `after_s` seconds ago, of those with results
    `results_after_s` ago, and of pilots that no job names; 0 is never. `ask` has the writer tell a story."""

    ask: Ask
    blobs: Blobs
    after_s: float
    results_after_s: float
    clock: Callable[[], float] = time

    def run(self) -> str:
        """Until nothing is left that is old enough; says how much went."""
        if not (self.after_s or self.results_after_s):
            return "nothing: p3s server start --purge-after 90d says how old records may become"
        workflows, jobs = self._both(self.after_s, False) if self.after_s else (0, 0)
        if self.results_after_s:
            more = self._both(self.results_after_s, True)
            workflows, jobs = workflows + more[0], jobs + more[1]
        pilots = self._all(PurgeRequest("pilots", older_than=self.after_s or self.results_after_s))
        with_theirs = f"{counted(workflows, 'workflow')} with theirs"
        return f"{counted(jobs, 'job')}, {with_theirs} and {counted(pilots, 'pilot')} removed"

    def _both(self, older_than: float, results: bool) -> tuple[int, int]:
        """How many workflows and how many jobs of none went."""
        workflows = self._all(PurgeRequest("workflows", older_than=older_than, results=results))
        return workflows, self._all(PurgeRequest("jobs", older_than=older_than, results=results))

    def _all(self, request: PurgeRequest) -> int:
        removed, now = 0, self.clock()
        while True:
            reply = purge(self.ask, request=request, who="p3s", now=now, blobs=self.blobs)
            removed += reply.removed
            if reply.next is None:
                return removed
            request = replace(request, after=reply.next)
