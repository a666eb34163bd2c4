"""What is done every so often: leases past due, and when pilots were last heard."""

import asyncio
import logging

from p3s.server.actions.work import Work
from p3s.server.broker import Broker
from p3s.server.jobs import waiting
from p3s.server.pilots import queries as pilots

log = logging.getLogger("p3s.upkeep")

LEASES_EVERY_S = 1.0
SEEN_EVERY_S = 10.0
STALE_A_ROUND = 2_000
"""So many stale jobs are dropped at a time: the writer has other things to do."""


async def rounds(broker: Broker) -> None:
    """Run until cancelled. Each round is a story of the one writer."""
    flushed = 0.0
    while True:
        wait_s = min(LEASES_EVERY_S, broker.settings.lease_s / 5)
        await asyncio.sleep(wait_s)
        broker.post(lambda work: expire(work, broker), _report)
        broker.post(tend, _report)
        flushed += wait_s
        if flushed >= min(SEEN_EVERY_S, broker.settings.lease_s):
            flushed = 0.0
            broker.post(flush_seen, _report)


def expire(work: Work, broker: Broker) -> None:
    """Give up pilots that were not heard for their lease plus grace; first make sure that we still may."""
    broker.still_ours()
    work.desk.expire(broker.settings.grace_s)


def tend(work: Work) -> None:
    """Drop a portion of what is stale, shed what must give way, let probes go to doubted hosts."""
    work.flush()
    work.desk.tend(waiting.stale(work.now, STALE_A_ROUND))


def flush_seen(work: Work) -> None:
    """Write when pilots were last heard, in bulk; a restart counts from there or from its own start."""
    seen = {entry.pilot: entry.last_seen for entry in work.desk.book.pilots.values()}
    if seen:
        pilots.flush_seen(seen)
        work.topics.add("pilots")


def _report(value: object) -> None:
    if isinstance(value, Exception):
        log.warning("a round of upkeep was not done: %s", value)
