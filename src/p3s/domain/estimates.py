"""How long jobs of a type take, from those that finished lately; a server that starts reads it off the tables."""

from collections import deque
from dataclasses import dataclass, field

RECENT = 100
"""As many runs of a type are remembered."""

LEAST = 10
"""So many runs are needed before a type is called quick."""

QUICK_S = 0.01
"""A type is quick when nine of ten of its recent runs took no longer."""

_EVERY = 16


@dataclass(slots=True)
class Estimates:
    """Wall times in seconds, by job type. `quick` are the types whose runs last milliseconds."""

    quick: set[str] = field(default_factory=set)
    _runs: dict[str, deque[float]] = field(default_factory=dict)
    _sorted: dict[str, list[float]] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    def learn(self, jobtype: str, wall_s: float) -> None:
        """A job of the type finished after so long."""
        runs = self._runs.get(jobtype)
        if runs is None:
            runs = self._runs[jobtype] = deque(maxlen=RECENT)
        runs.append(wall_s)
        self._sorted.pop(jobtype, None)
        seen = self._seen[jobtype] = self._seen.get(jobtype, 0) + 1
        if wall_s > QUICK_S:
            if jobtype in self.quick or seen % _EVERY == 0:
                self._judge(jobtype)
        elif seen == LEAST or seen % _EVERY == 0:
            self._judge(jobtype)

    def quantile(self, jobtype: str, share: float) -> float | None:
        """Seconds within which `share` of the recent runs ended; None when there were none."""
        runs = self._sorted.get(jobtype)
        if runs is None:
            if jobtype not in self._runs:
                return None
            runs = self._sorted[jobtype] = sorted(self._runs[jobtype])
        return runs[min(len(runs) - 1, int(share * len(runs)))]

    def _judge(self, jobtype: str) -> None:
        usual = self.quantile(jobtype, 0.9)
        if usual is not None and len(self._runs[jobtype]) >= LEAST and usual <= QUICK_S:
            self.quick.add(jobtype)
        else:
            self.quick.discard(jobtype)
