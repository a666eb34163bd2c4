"""What is done every so often: leases past due, what is stale, and when pilots were last heard."""

import asyncio
import logging
import time

from p3s.server.actions.alarms import watch_silence
from p3s.server.actions.work import Work
from p3s.server.broker import Broker, Story
from p3s.server.jobs import waiting
from p3s.server.pilots import queries as pilots

log = logging.getLogger("p3s.upkeep")

LEASES_EVERY_S = 1.0

STALE_PORTION = 50
"""So many stale jobs are dropped in one transaction: some milliseconds, for which others wait."""

REST = 5
"""While there are more, the writer is left to others for so many times as long as the last portion took."""

SEEN_PART = 10
"""When pilots were heard is written ten times within the time after which they are called silent: pages read it from
the tables, and a pilot whose wait has just ended would else pass for silent."""

TELL_EVERY_S = 10.0
"""Open pages are told so often that pilots were heard."""


async def rounds(broker: Broker) -> None:
    """Run until cancelled. Each round is a story of the one writer."""
    wait_s = min(LEASES_EVERY_S, broker.settings.lease_s / 5)
    await asyncio.gather(_regular(broker, wait_s), _staleness(broker, wait_s))


async def _regular(broker: Broker, wait_s: float) -> None:
    flushed = 0.0
    silence, seen = Silence(broker.settings.silent_s), Seen()
    while True:
        await asyncio.sleep(wait_s)
        broker.post(lambda work: expire(work, broker), _report)
        broker.post(tend, _report, quiet=True)
        broker.post(silence.watch, silence.watched)
        flushed += wait_s
        if flushed >= min(broker.settings.lease_s, broker.settings.silent_s / SEEN_PART):
            flushed = 0.0
            broker.post(seen.flush, _report)


def expire(work: Work, broker: Broker) -> None:
    """Give up pilots that were not heard for their lease plus grace; first make sure that we still may."""
    broker.still_ours()
    work.desk.expire(broker.settings.grace_s)


def tend(work: Work) -> None:
    """Shed what must give way, let probes go to doubted hosts."""
    work.desk.tend()


async def _staleness(broker: Broker, wait_s: float) -> None:
    """Drop what is stale, a portion at a time, so that ten or a million of them slow nobody down for long."""
    while True:
        began = time.monotonic()
        dropped = await _done(broker, drop_stale)
        full = dropped == STALE_PORTION
        await asyncio.sleep((time.monotonic() - began) * REST if full else wait_s)


def drop_stale(work: Work) -> int:
    """Drop a portion of what is stale; says how many."""
    work.flush()
    stale = waiting.stale(work.now, STALE_PORTION)
    work.desk.drop_stale(stale)
    return len(stale)


async def _done(broker: Broker, story: Story) -> object:
    """What a story of the writer came to, when it is committed."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def fulfil(value: object) -> None:
        if not future.done():
            future.set_result(value)

    def answer(value: object) -> None:
        loop.call_soon_threadsafe(fulfil, value)

    broker.post(story, answer)
    value = await future
    _report(value)
    return value


class Silence:
    """Remembers whether the alarm may be open, so that a quiet round asks the database nothing."""

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self.may_be_open = True

    def watch(self, work: Work) -> bool:
        return watch_silence(work, after_s=self.after_s, may_be_open=self.may_be_open)

    def watched(self, value: object) -> None:
        """After the commit; a round that failed is not sure."""
        self.may_be_open = value is not False
        _report(value)


class Seen:
    """Writes in bulk when pilots were last heard; a restart counts from there or from its own start."""

    def __init__(self) -> None:
        self.written: dict[str, float] = {}
        self.told_at = 0.0

    def flush(self, work: Work) -> None:
        seen = {entry.pilot: entry.last_seen for entry in work.desk.book.pilots.values()}
        fresh = {pilot: moment for pilot, moment in seen.items() if self.written.get(pilot) != moment}
        self.written = seen
        if fresh:
            pilots.flush_seen(fresh)
        if fresh and work.now - self.told_at >= TELL_EVERY_S:
            self.told_at = work.now
            work.topics.add("pilots")


def _report(value: object) -> None:
    if isinstance(value, Exception):
        log.warning("a round of upkeep was not done: %s", value)
