"""The registry of periodic services: what is due is run, what was heard is remembered, what failed or fell silent is an
alarm.

Memory is newer than the table: services that run every second are written down every few minutes, and when one of them
begins or ceases to fail.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connections

from p3s.domain import services as rules
from p3s.domain.services import Standing
from p3s.domain.silence import Alarm
from p3s.protocol.errors import Conflict, NotKnown
from p3s.protocol.services import ServiceState
from p3s.server.actions import services as actions
from p3s.server.actions.alarms import KEEP_EVERY_S
from p3s.server.actions.services import Ran
from p3s.server.broker import Away, Broker
from p3s.server.services import reads
from p3s.server.services.reads import ServiceRow
from p3s.server.sql import outage

from .clock import Steps
from .disk import Guard

log = logging.getLogger("p3s.upkeep")

WRITTEN_EVERY_S = 300.0
"""A service that runs oftener is written down so often."""

WRITE_S = 10.0
"""Who waits for a run is answered when it is on the record, at most so much later."""

FIRST_AFTER_S = 60.0
"""What is long due when a server starts waits so long: others are starting too."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of the server's own. `run` works in a thread of its own and says what it did; without it, the rounds do the
    work and tell by `ran`. `cron`: it may be left to cron. `every_s` of 0: only when asked for. `preview` says what a
    run would do, by the records alone."""

    name: str
    what: str
    every_s: float
    run: Callable[[], str] | None = None
    cron: bool = False
    first_after_s: float = FIRST_AFTER_S
    preview: Callable[[], str] | None = None


@dataclass(slots=True)
class _Known:
    """What is remembered of a service; `own` is None for a script."""

    own: Service | None
    runs: str
    standing: Standing
    took_s: float | None = None
    value: float | None = None
    unit: str = ""
    last_error: str = ""
    failed_at: float | None = None
    by: str = ""
    written_at: float = 0.0
    ended: threading.Event | None = None


class Services:
    """Used from the event loop (`tick`), the writer's thread (`ran`), threads of runs and of the cold door."""

    def __init__(
        self,
        broker: Broker,
        guard: Guard,
        own: Sequence[Service],
        left_to_cron: Iterable[str] = (),
    ) -> None:
        self.broker = broker
        self.guard = guard
        self.started_at = broker.clock()
        self._steps = Steps(broker.clock)
        self._lock = threading.Lock()
        self._told: Mapping[str, Alarm] | None = None
        self._told_at = 0.0
        self._known: dict[str, _Known] = {}
        left = frozenset(left_to_cron)
        for service in own:
            runs = "cron" if service.name in left else "server" if service.every_s else "never"
            self._known[service.name] = _Known(service, runs, Standing(service.name, True, service.every_s))
        for row in reads.all_of():
            self._restore(row)

    def _restore(self, row: ServiceRow) -> None:
        known = self._known.get(row.name)
        if known is None or known.own is None:
            if not row.own:  # else one that this program has no more
                self.heard(row)
            return
        if not row.own:  # a script's, of before the server had one of this name: the next run takes the row over
            return
        error = _error(row)
        known.standing = replace(known.standing, last_at=row.last_at, said=row.said, error=error)
        known.took_s, known.last_error, known.failed_at = row.took_s, row.last_error, row.failed_at

    # ---- what came of it

    def check_script(self, name: str) -> None:
        """Raise Conflict for the name of one of the server's own, whether it ever ran or not."""
        if self._is_own(name):
            raise Conflict(
                f"{name} is a service of the server's own; scripts report, and are forgotten, by other names"
            )

    def heard(self, row: ServiceRow) -> None:
        """A script reported; from any thread, after the commit. Never touches one of the server's own."""
        standing = Standing(row.name, False, row.every_s, row.last_at, row.said, _error(row))
        with self._lock:
            if self._is_own(row.name):
                return
            known = self._known[row.name] = _Known(None, "script", standing, value=row.value, unit=row.unit, by=row.by)
            known.last_error, known.failed_at = row.last_error, row.failed_at

    def forgotten(self, name: str) -> None:
        """A script's service is no more. Never touches one of the server's own."""
        with self._lock:
            if not self._is_own(name):
                self._known.pop(name, None)

    def _is_own(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and known.own is not None

    def ran(self, ran: Ran) -> threading.Event:
        """One of the server's own came to an end, or failed. The event is set when what is to be written was."""
        written = threading.Event()
        with self._lock:
            known = self._known[ran.name]
            before, now = known.standing, self.broker.clock()
            known.standing = replace(before, last_at=ran.at, said=ran.said, error=ran.error, running_since=None)
            known.took_s = ran.took_s
            if ran.error:
                known.last_error, known.failed_at = ran.error, ran.at
            news = bool(before.error) != bool(ran.error) or now - known.written_at >= WRITTEN_EVERY_S
            if news:
                known.written_at = now
        if not (news or before.every_s >= WRITTEN_EVERY_S or not before.every_s):
            written.set()
            return written

        def noted(value: object) -> None:
            _report(value)
            written.set()

        self.broker.post(lambda work: actions.note(work, ran=ran, every_s=before.every_s), noted)
        return written

    # ---- the clock

    def tick(self) -> None:
        """Start what is due, see to the alarms. A look at memory when there is nothing to do."""
        by_s, now = self._steps.last(), self.broker.clock()
        with self._lock:
            if by_s:
                self._clock_was_set(by_s)
            due = [known for known in self._known.values() if self._is_due(known, now)]
        for known in due:
            self._start(known)
        self._watch(now)

    def _clock_was_set(self, by_s: float) -> None:
        """What was is as long ago as it was."""
        self.started_at += by_s
        self._told_at += by_s
        for known in self._known.values():
            last_at, running_since = known.standing.last_at, known.standing.running_since
            known.standing = replace(
                known.standing,
                last_at=None if last_at is None else last_at + by_s,
                running_since=None if running_since is None else running_since + by_s,
            )
            known.written_at += by_s

    def _is_due(self, known: _Known, now: float) -> bool:
        if known.own is None or known.own.run is None or known.runs != "server" or known.ended is not None:
            return False
        ahead = (known.standing.last_at or 0.0) > now  # as a clock had it that was set before this server started
        return ahead or now >= rules.due_at(known.standing, self.started_at + known.own.first_after_s)

    def _watch(self, now: float) -> None:
        with self._lock:
            standings = [known.standing for known in self._known.values()]
        found = {**rules.alarms(standings, self.started_at, now), **self.guard.alarms()}
        recent = 0.0 <= now - self._told_at < KEEP_EVERY_S
        if (found == self._told and (recent or not found)) or (self._told is None and recent):
            return
        self._told_at = now

        def told(value: object) -> None:
            self._told = None if isinstance(value, Exception) else found
            _report(value)

        self._told = found  # what is on its way is not told again
        self.broker.post(lambda work: actions.watch(work, found=found), told)

    # ---- running

    def run_now(self, name: str, who: str, wait_s: float) -> ServiceState:
        """Have one of the server's own run, or join the run that is under way; waits so long for its end at most.

        Raises NotKnown, or Conflict for one that has no run of its own.
        """
        known = self._runs(name)
        self.broker.ask(lambda work: actions.run_by(work, name=name, who=who))
        self._start(known).wait(wait_s)
        return self._state(known)

    def _runs(self, name: str) -> _Known:
        known = self._known.get(name)
        if known is None:
            raise NotKnown(f"there is no service {name}; p3s service list shows them")
        if known.own is None:
            raise Conflict(f"{name} is a script that reports; the server cannot run it")
        if known.own.run is None:
            raise Conflict(f"{name} runs every {known.own.every_s:g} s by itself; it cannot be run by hand")
        return known

    def would(self, name: str) -> ServiceState:
        """How it stands; `said` is what a run would do now, "" for one that cannot tell. Raises as `run_now`."""
        known = self._runs(name)
        assert known.own is not None
        return replace(self._state(known), said=known.own.preview() if known.own.preview else "")

    def _start(self, known: _Known) -> threading.Event:
        """The end of a new run, or of the one under way."""
        with self._lock:
            if known.ended is not None:
                return known.ended
            known.ended = ended = threading.Event()
            known.standing = replace(known.standing, running_since=self.broker.clock())
        threading.Thread(target=self._run, args=(known, ended), name=f"p3s-{known.standing.name}", daemon=True).start()
        return ended

    def _run(self, known: _Known, ended: threading.Event) -> None:
        assert known.own is not None
        assert known.own.run is not None
        at, began, said, error = self.broker.clock(), time.monotonic(), "", ""
        try:
            said = known.own.run()
        except Exception as failure:  # boundary: a service's failure is written down and told
            error = (str(failure).strip() or type(failure).__name__).splitlines()[0][:500]
            log.error("the service %s failed: %s", known.own.name, error, exc_info=None if outage(failure) else failure)
        finally:
            connections.close_all()
        self.ran(Ran(known.own.name, at, time.monotonic() - began, said, error)).wait(WRITE_S)
        with self._lock:
            known.ended = None
        ended.set()

    # ---- for people

    def states(self) -> list[ServiceState]:
        """All of them: the server's own in the order of the registry, then scripts by name."""
        known = list(self._known.values())
        scripts = sorted((one for one in known if one.own is None), key=lambda one: one.standing.name)
        return [self._state(one) for one in [*(one for one in known if one.own is not None), *scripts]]

    def state(self, name: str) -> ServiceState:
        """One of them; raises NotKnown."""
        known = self._known.get(name)
        if known is None:
            raise NotKnown(f"there is no service {name}; p3s service list shows them")
        return self._state(known)

    def _state(self, known: _Known) -> ServiceState:
        standing, now = known.standing, self.broker.clock()
        return ServiceState(
            name=standing.name,
            own=standing.own,
            runs=known.runs,
            what=known.own.what if known.own else "",
            every_s=standing.every_s,
            last_at=standing.last_at,
            took_s=known.took_s,
            said=standing.said,
            value=known.value,
            unit=known.unit,
            error=standing.error,
            last_error=known.last_error,
            failed_at=known.failed_at,
            next_at=self._next_at(known),
            late=rules.late(standing, self.started_at, now),
            running=known.ended is not None,
            by=known.by,
        )

    def _next_at(self, known: _Known) -> float | None:
        if not known.standing.every_s:
            return None
        first_s = known.own.first_after_s if known.own and known.runs == "server" else 0.0
        return rules.due_at(known.standing, self.started_at + first_s)


def _error(row: ServiceRow) -> str:
    """What the last run failed with, or what the last report said is wrong."""
    return row.last_error if row.failed_at == row.last_at else ""


def _report(value: object) -> None:
    if isinstance(value, Exception) and not isinstance(value, Away):
        log.warning("what services said was not written down: %s", value)


_running: Services | None = None


def use(services: Services) -> None:
    """Make these the services of this process; the entrances find them by `running`."""
    global _running
    _running = services


def running() -> Services:
    """The services of this process; raises RuntimeError before they were started."""
    if _running is None:
        raise RuntimeError("no upkeep runs in this process: start it by p3s server start")
    return _running
