"""List the hosts of pilots, with what they are doubted for; trust one again."""

from typing import Any

from .work import Work


def list_hosts(work: Work) -> list[dict[str, Any]]:
    """By name. `jobtype` of a doubt is empty for a host that gets no jobs at all; moments are epoch seconds."""
    return [
        {
            "host": host.name,
            "pilots": len(host.pilots),
            "slots": sum(entry.slots for entry in host.pilots.values()),
            "out": sum(len(entry.out) for entry in host.pilots.values()),
            "failures_in_a_row": host.ill,
            "doubts": [
                {"jobtype": one.jobtype, "why": one.why, "since": one.since, "probe_at": one.probe_at}
                for one in host.doubts.values()
            ],
        }
        for host in sorted(work.desk.book.hosts.known.values(), key=lambda one: one.name)
    ]


def trust(work: Work, *, host: str, who: str, why: str) -> int:
    """Of how many doubts the host is rid. Raises NotKnown."""
    return work.desk.trust(host, who, why)
