"""What a pilot has to report and the server has not yet confirmed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Optional

from p3s.protocol.messages import Report, Verdict

from .actions import NEVER, Child, Ended, Said, dated

MOST_REPORTS = 1_000


@dataclass
class Load:
    """Reports under way together: in a call, or on the open order lane."""

    said: "dict[tuple[str, int], Said]" = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.said)

    def reports(self, now: float) -> "list[Report]":
        """With their moments counted back from this sending."""
        return [dated(said, now) for said in self.said.values()]


@dataclass
class Outbox:
    """By (job, attempt). What went with a load stays here until it is confirmed, and goes again if it was not."""

    said: "dict[tuple[str, int], Said]" = field(default_factory=dict)
    #: What has not gone with a load that is under way.
    waiting: "dict[tuple[str, int], Said]" = field(default_factory=dict)
    #: Most reports in one load; one at a time after a refusal, so that a single bad one cannot hold the rest.
    most: int = MOST_REPORTS

    def __bool__(self) -> bool:
        return bool(self.said)

    def __len__(self) -> int:
        return len(self.said)

    def say(
        self,
        child: Child,
        state: str,
        due: float,
        reason: str = "",
        detail: str = "",
        ended: "Optional[Ended]" = None,
    ) -> None:
        """Report an attempt from `due` on; the latest report of an attempt replaces the one before."""
        key = (child.order.job, child.order.attempt)
        self.said.pop(key, None)
        self.waiting.pop(key, None)
        self.said[key] = self.waiting[key] = Said(*key, state, due, reason, detail, child.started_at, ended)

    def due(self) -> float:
        """When the first report that waits is to go."""
        return min((said.due for said in self.waiting.values()), default=NEVER)

    def load(self, now: float) -> Load:
        """Take what is due, as many as may go together."""
        keys = [key for key, said in self.waiting.items() if said.due <= now][: self.most]
        return Load({key: self.waiting.pop(key) for key in keys})

    def confirm(self, load: Load, verdicts: "Iterable[Verdict]") -> None:
        """The server's word ends the duty for what was sent, not for what was said since. The rest waits again."""
        for verdict in verdicts:
            key = (verdict.job, verdict.attempt)
            said = load.said.pop(key, None)
            if said is not None and self.said.get(key) is said:
                del self.said[key]
                self.most = MOST_REPORTS
        self.take_back(load)

    def take_back(self, load: Load) -> None:
        """A load that was not answered waits again."""
        for key, said in load.said.items():
            if self.said.get(key) is said:
                self.waiting[key] = said
        load.said = {}

    def set_aside(self, load: Load) -> None:
        """A load was refused as such: ask one by one, and give up the one that is refused alone."""
        if len(load.said) == 1:
            self.said.pop(next(iter(load.said)), None)
        self.most = 1
        self.take_back(load)

    def clear(self) -> None:
        """Nobody is left to report to."""
        self.said.clear()
        self.waiting.clear()
