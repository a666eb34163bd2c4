"""What is remembered of hosts: who runs there, what went well and ill, and what they are doubted for. Memory only but
for the doubts."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from p3s.domain.pool import Out
from p3s.protocol.messages import Needs, Report
from p3s.protocol.states import JobState, Reason

ILL_IN_A_ROW = 3
"""So many quick failures of the node in a row make a host doubtful."""

QUICK_FAILURE_S = 30.0
"""A failure of the node within this is quick; a slower one eats no queue."""

HOST_AT_FAULT = frozenset({Reason.NONSTARTER, Reason.STAGE_IN})
"""Failures that a host is doubted for when they are quick."""

KNOWN_GOOD = 8
"""On as many hosts is remembered that a type succeeded."""


@dataclass(slots=True)
class Doubt:
    """Why a host gets no jobs of a type ("": of any). `trial`: one job may go there; `probe`: the one that did."""

    jobtype: str
    why: str
    since: float
    pause_s: float
    probe_at: float
    trial: bool = False
    probe: str = ""


@dataclass(slots=True)
class Host:
    """`pilots` are the entries of those in service. `ill` counts failures of the node since anything ran here,
    `ill_types` those in a row by type; `good` are types that finished here since they last failed through the node."""

    name: str
    pilots: dict[str, Any] = field(default_factory=dict)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    ill: int = 0
    ill_types: dict[str, int] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)

    @property
    def barred(self) -> frozenset[str]:
        """Types of which no job may go there now; with "" none at all."""
        if not self.doubts:
            return _NOTHING
        return frozenset(jobtype for jobtype, doubt in self.doubts.items() if not doubt.trial)

    def probed(self, job: str, jobtype: str, at: float) -> bool:
        """A job goes there: whether it is the one that may, for some doubt."""
        tried = [doubt for doubt in self.doubts.values() if doubt.trial and doubt.jobtype in ("", jobtype)]
        for doubt in tried:
            doubt.trial, doubt.probe, doubt.probe_at = False, job, at + doubt.pause_s
        return bool(tried)


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """An attempt that says something of its host: to be judged when the batch is settled."""

    host: str
    jobtype: str
    needs: Needs
    job: str
    well: bool


@dataclass(slots=True)
class Hosts:
    """All hosts that have pilots in service or are doubted."""

    known: dict[str, Host] = field(default_factory=dict)
    #: Those of them that are doubted for something.
    doubted: dict[str, Host] = field(default_factory=dict)
    #: Where each type succeeded, some of the hosts.
    good: dict[str, set[str]] = field(default_factory=dict)
    #: Types that fail on every host.
    blamed: set[str] = field(default_factory=set)
    evidence: deque[Evidence] = field(default_factory=deque)

    def host(self, name: str) -> Host:
        """The record of a host, made when it is new."""
        host = self.known.get(name)
        if host is None:
            host = self.known[name] = Host(name)
        return host

    def forget(self, name: str) -> None:
        """Drop the record of a host that has no pilot and is not doubted."""
        host = self.known[name]
        if not host.pilots and not host.doubts:
            del self.known[name]

    def doubt(self, name: str, doubt: Doubt) -> Host:
        """Something is held against a host; one doubt a type."""
        host = self.doubted[name] = self.host(name)
        host.doubts[doubt.jobtype] = doubt
        return host

    def trust(self, name: str, jobtype: str) -> Host:
        """A doubt is over, and what led to it forgotten."""
        host = self.host(name)
        host.doubts.pop(jobtype, None)
        if not host.doubts:
            self.doubted.pop(name, None)
        host.ill = 0
        host.ill_types.clear()
        return host

    def doubts(self) -> Iterator[tuple[Host, Doubt]]:
        """All there are."""
        for host in self.doubted.values():
            for doubt in host.doubts.values():
                yield host, doubt

    def succeeds_elsewhere(self, jobtype: str, host: str) -> bool:
        """Whether jobs of the type are known to succeed on another host."""
        there = self.good.get(jobtype, _NOTHING)
        return len(there) > 1 or (len(there) == 1 and host not in there)

    def succeeded(self, name: str, jobtype: str) -> bool:
        """A job of the type finished on a host; whether that is news of the type."""
        host = self.known.get(name)
        if host is not None:
            host.good.add(jobtype)
        there = self.good.setdefault(jobtype, set())
        if name in there or len(there) >= KNOWN_GOOD:
            return False
        there.add(name)
        return True

    def learn(self, name: str, out: Out, after: JobState, reason: str, report: Report | None) -> None:
        """What an attempt says of its host: `after` it is in this state (DEFINED: to be tried again), for this
        reason."""
        if reason in HOST_AT_FAULT:
            if report is None or (report.wall_s or 0.0) <= QUICK_FAILURE_S:
                self.went_ill(self.host(name), out.jobtype, out.spec.needs, out.job)
        elif after in (JobState.FINISHED, JobState.FAILED):
            finished = after is JobState.FINISHED
            self.went_well(self.host(name), out.jobtype, out.spec.needs, out.job, finished)

    def went_well(self, host: Host, jobtype: str, needs: Needs, job: str, finished: bool) -> None:
        """An attempt ran on the host: the node did its part, whatever the payload came to."""
        host.ill = 0
        if host.ill_types:
            host.ill_types.pop(jobtype, None)
        if finished:
            if self.succeeded(host.name, jobtype):
                self.evidence.append(Evidence(host.name, jobtype, needs, job, True))
            self.blamed.discard(jobtype)
        if host.doubts:
            self.evidence.append(Evidence(host.name, jobtype, needs, job, True))

    def went_ill(self, host: Host, jobtype: str, needs: Needs, job: str) -> None:
        """The node spoiled an attempt, quickly."""
        host.ill += 1
        host.ill_types[jobtype] = host.ill_types.get(jobtype, 0) + 1
        host.good.discard(jobtype)
        self.evidence.append(Evidence(host.name, jobtype, needs, job, False))
