"""Black holes: a host that spoils jobs quickly gets no more of them until a probe passes.

A type that never succeeded may itself be at fault, so it alone is kept from the host, until another host's success
shows that it is the host, or the failures of others that it is the type.
"""

from p3s.domain.book import Book
from p3s.domain.effects import SYSTEM, Effect, HostDoubted, HostTrusted, Noted, TypeBlamed
from p3s.domain.hosts import ILL_IN_A_ROW, Doubt, Evidence, Host
from p3s.domain.needs import suits
from p3s.protocol.states import PilotState

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
BAD_ON = 3
"""A type that fails in a row on so many hosts, and succeeded on none, is itself at fault."""


def judge(book: Book, evidence: Evidence, now: float) -> list[Effect]:
    """What one attempt means for its host, after the book has learnt of it."""
    host = book.hosts.known.get(evidence.host)
    if host is None:
        return []
    return _acquit(book, host, evidence, now) if evidence.well else _accuse(book, host, evidence, now)


def _acquit(book: Book, host: Host, evidence: Evidence, now: float) -> list[Effect]:
    """A probe passed; or a type's success here shows that hosts where it fails are to blame."""
    effects: list[Effect] = []
    for doubt in list(host.doubts.values()):
        if doubt.probe == evidence.job:
            effects += trust(host, doubt, SYSTEM, f"its probe {evidence.job} ran", now)
    if evidence.jobtype in book.hosts.good:
        ill = [one for one in book.hosts.known.values() if one is not host and one.ill >= ILL_IN_A_ROW]
        for other in sorted(ill, key=_name):
            if evidence.jobtype in other.doubts:
                effects += _suspect(other, evidence.jobtype, now)
    return effects


def _accuse(book: Book, host: Host, evidence: Evidence, now: float) -> list[Effect]:
    jobtype = evidence.jobtype
    for doubt in host.doubts.values():
        if doubt.probe == evidence.job:
            return _again(host, doubt, evidence.job, now)
    elsewhere = book.hosts.succeeds_elsewhere(jobtype, host.name)
    if elsewhere and host.ill >= ILL_IN_A_ROW:
        return _suspect(host, jobtype, now)
    if host.ill_types.get(jobtype, 0) < ILL_IN_A_ROW or jobtype in host.doubts or jobtype in book.hosts.blamed:
        return []
    if not elsewhere and _type_at_fault(book, host, evidence):
        return _blame(book, jobtype, now)
    why = f"{ILL_IN_A_ROW} jobs of {jobtype} in a row could not run there"
    return _doubt(host, jobtype, why, now)


def _suspect(host: Host, jobtype: str, now: float) -> list[Effect]:
    if "" in host.doubts:
        return []
    return _doubt(
        host, "", f"{host.ill} jobs in a row could not run there, the last of {jobtype}, as others could", now
    )


def _doubt(host: Host, jobtype: str, why: str, now: float) -> list[Effect]:
    doubted = HostDoubted(host.name, jobtype, why, now, FIRST_PAUSE_S, now + FIRST_PAUSE_S)
    what = f"no more of {jobtype}" if jobtype else "suspect"
    return [doubted, Noted("host", host.name, what, SYSTEM, why, now)]


def _again(host: Host, doubt: Doubt, probe: str, now: float) -> list[Effect]:
    """A probe failed: the next one later."""
    pause_s = min(doubt.pause_s * 2, LONGEST_PAUSE_S)
    why = f"its probe {probe} could not run; the next in {pause_s:.0f} s"
    again = HostDoubted(host.name, doubt.jobtype, doubt.why, doubt.since, pause_s, now + pause_s)
    return [again, Noted("host", host.name, "probe failed", SYSTEM, why, now)]


def _type_at_fault(book: Book, host: Host, evidence: Evidence) -> bool:
    """Whether enough other hosts fail the type too, or none is left that could tell."""
    jobtype = evidence.jobtype
    if book.hosts.good.get(jobtype):
        return not _others(book, host, evidence)
    failing = sum(jobtype in other.doubts for other in book.hosts.known.values())
    return failing + 1 >= BAD_ON or not _others(book, host, evidence)


def _others(book: Book, host: Host, evidence: Evidence) -> bool:
    """Whether another host that is not doubted could run such a job."""
    return any(
        other is not host
        and not {"", evidence.jobtype} & other.doubts.keys()
        and any(
            entry.state is PilotState.ACTIVE and suits(evidence.needs, entry.offer) for entry in other.pilots.values()
        )
        for other in book.hosts.known.values()
    )


def _blame(book: Book, jobtype: str, now: float) -> list[Effect]:
    """It is the type: no host is doubted for it any longer."""
    why = f"jobs of {jobtype} could run nowhere: the type is at fault, not the hosts"
    effects: list[Effect] = [TypeBlamed(jobtype), Noted("jobtype", jobtype, "at fault", SYSTEM, why, now)]
    for host in sorted(book.hosts.known.values(), key=_name):
        if jobtype in host.doubts:
            effects += trust(host, host.doubts[jobtype], SYSTEM, why, now)
    return effects


def trust(host: Host, doubt: Doubt, who: str, why: str, now: float) -> list[Effect]:
    """A doubt is over: its probe passed, or a person says so."""
    what = f"jobs of {doubt.jobtype} again" if doubt.jobtype else "trusted"
    return [HostTrusted(host.name, doubt.jobtype), Noted("host", host.name, what, who, why, now)]


def probes_due(book: Book, now: float) -> list[tuple[Host, Doubt]]:
    """Doubts whose next probe may go."""
    due = [(host, doubt) for host, doubt in book.hosts.doubts() if not doubt.trial and doubt.probe_at <= now]
    return sorted(due, key=lambda one: (one[1].probe_at, one[0].name, one[1].jobtype))


def _name(host: Host) -> str:
    return host.name
