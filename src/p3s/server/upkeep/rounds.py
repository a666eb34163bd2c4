"""What is done every so often: leases past due, stale jobs, silent pilots, and when pilots were last heard.

Each round looks at the broker's memory, at no more of it than may be due; a transaction is opened only for what is.
"""

import asyncio
import logging
import time

from p3s.domain import expiry, silence
from p3s.server.actions.alarms import watch_silence
from p3s.server.actions.gather import gather_by_clock
from p3s.server.actions.services import Ran
from p3s.server.actions.work import Work
from p3s.server.broker import Away, Broker, Story
from p3s.server.jobs import waiting
from p3s.server.pilots import queries as pilots

from .clock import Steps
from .services import Services

log = logging.getLogger("p3s.upkeep")

ROUND_S = 1.0

STALE_PORTION = 50
"""So many stale jobs are dropped in one transaction: some milliseconds, for which others wait."""

REST = 5
"""While there are more, the writer is left to others for so many times as long as the last portion took."""

SEEN_EVERY_S = 300.0
"""When pilots were heard is written so often at least, and at their end. Who reads it meanwhile asks the broker; a
server that starts counts silence from its own start."""

SEEN_A_ROUND = 500

TELL_EVERY_S = 10.0
"""Open pages are told so often that pilots were heard."""


REAPER = "reaper"
EXPIRY = "expiry"


async def rounds(broker: Broker, services: Services) -> None:
    """Run until cancelled; what the rounds do is told to the services by its name."""
    wait_s = min(ROUND_S, broker.settings.lease_s / 5)
    await asyncio.gather(_regular(broker, services, wait_s), _staleness(broker, services, wait_s))


async def _regular(broker: Broker, services: Services, wait_s: float) -> None:
    upkeep = Upkeep(broker, services)
    while True:
        await asyncio.sleep(wait_s)
        services.tick()
        broker.post(upkeep.look, upkeep.looked, quiet=True)


class Upkeep:
    """Lives in the writer's thread, as all stories do."""

    def __init__(self, broker: Broker, services: Services) -> None:
        self.broker = broker
        self.services = services
        self.began = time.monotonic()
        self.given_up = 0
        self.silence = Silence()
        self.seen = Seen(min(SEEN_EVERY_S, broker.settings.lease_s), broker.clock())
        self.told_at = broker.clock()
        self.steps = Steps(broker.clock)

    def look(self, work: Work) -> None:
        """A round."""
        self.began = time.monotonic()
        self._see_to_the_clock(work)
        pilots_before = len(work.desk.book.pilots)
        expire(work, self.broker)
        self.given_up += pilots_before - len(work.desk.book.pilots)
        tend(work)
        if self.silence.due(work):
            self.broker.post(self.silence.watch, self.silence.watched)
        if work.now >= work.desk.book.gather_from:
            self.broker.post(gather_by_clock, _report)
        if self.seen.due(work):
            self.seen.flush(work)
        self._tell(work)

    def looked(self, value: object) -> None:
        """After the commit, or with what the round failed with."""
        _report(value)
        said = f"{self.given_up} pilots given up since the start"
        self.services.ran(_round(REAPER, self.broker, self.began, said, value))

    def _see_to_the_clock(self, work: Work) -> None:
        """Before anybody is given up by it."""
        by_s = self.steps.last()
        if by_s:
            log.warning("this machine's clock was set by %+.1f s; pilots are no longer silent for that", by_s)
            expiry.clock_was_set(work.desk.book, by_s, self.broker.clock())
            self.broker.started_at += by_s
            self.seen.read_at += by_s
            self.told_at += by_s

    def _tell(self, work: Work) -> None:
        if work.now - self.told_at >= TELL_EVERY_S:
            if any(True for _ in work.desk.book.heard.since(self.told_at)):
                work.topics.add("pilots")
            self.told_at = work.now


def expire(work: Work, broker: Broker) -> None:
    """Give up pilots that were not heard for their lease plus grace; first make sure that we still may."""
    broker.hold.check()
    work.desk.expire(broker.settings.grace_s)


def tend(work: Work) -> None:
    """Shed what must give way, let probes go to doubted hosts."""
    work.desk.tend()


def _round(name: str, broker: Broker, began: float, said: str, value: object) -> Ran:
    took_s = time.monotonic() - began
    return Ran(name, broker.clock() - took_s, took_s, said, str(value) if isinstance(value, Exception) else "")


async def _staleness(broker: Broker, services: Services, wait_s: float) -> None:
    """Drop what is stale, a portion at a time, so that ten or a million of them slow nobody down for long."""
    total = 0
    while True:
        began = time.monotonic()
        dropped = await _done(broker, drop_stale) if broker.stale_due() else 0
        total += dropped if isinstance(dropped, int) else 0
        services.ran(_round(EXPIRY, broker, began, f"{total} stale jobs dropped since the start", dropped))
        full = dropped == STALE_PORTION
        await asyncio.sleep((time.monotonic() - began) * REST if full else wait_s)


def drop_stale(work: Work) -> int:
    """Drop a portion of what is stale; says how many."""
    if not work.desk.stale_due():
        return 0
    work.flush()
    stale, more_at = waiting.stale(work.now, STALE_PORTION)
    work.desk.drop_stale(stale, more_at)
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

    broker.post(story, answer, quiet=True)
    value = await future
    _report(value)
    return value


class Silence:
    """Remembers whether the alarm may be open, so that a quiet round asks the database nothing."""

    def __init__(self) -> None:
        self.may_be_open = True

    def due(self, work: Work) -> bool:
        """Whether there may be an alarm to raise, to keep up or to clear."""
        return self.may_be_open or bool(silence.silent(work.desk.book, work.now))

    def watch(self, work: Work) -> bool:
        return watch_silence(work, may_be_open=self.may_be_open)

    def watched(self, value: object) -> None:
        """After the commit; a round that failed is not sure."""
        self.may_be_open = value is not False
        _report(value)


class Seen:
    """Writes when pilots were last heard, every so often and a portion a round."""

    def __init__(self, every_s: float, now: float) -> None:
        self.every_s = every_s
        self.read_at = now
        self.unwritten: list[tuple[str, float]] = []

    def due(self, work: Work) -> bool:
        if not self.unwritten and work.now - self.read_at >= self.every_s:
            self.unwritten = [(one.pilot, one.last_seen) for one in work.desk.book.heard.since(self.read_at)]
            self.read_at = work.now
        return bool(self.unwritten)

    def flush(self, work: Work) -> None:
        """Only when it is due."""
        portion, self.unwritten = self.unwritten[:SEEN_A_ROUND], self.unwritten[SEEN_A_ROUND:]
        with work.transaction.write():
            pilots.flush_seen(portion)


def _report(value: object) -> None:
    if isinstance(value, Exception) and not isinstance(value, Away):
        log.warning("a round of upkeep was not done: %s", value)
